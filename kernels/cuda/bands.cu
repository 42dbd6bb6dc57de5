#include "kernels/cuda/engine.hpp"

#include <algorithm>
#include <optional>

#include "kernels/carver.hpp"
#include "kernels/cuda/eigensolver.hpp"
#include "kernels/lattice/bands.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

using namespace lattice;

/// Two launches and one copy for a batch of momenta with one orbital or two; with more, three launches, an eigensolve
/// and one copy.
template <class Device>
class BandDeviceOn final : public BandDevice {
 public:
  BandDeviceOn(const HoppingTables& tables, int device) : engine_(0, device, nullptr), hopping_(tables) {
    upload(tables);
    if (tables.orbitals <= closed_form_orbitals) return;
    LINDRIFT_CUDA_CHECK(cudaSetDevice(device));  // also where memory is counted, for the handle of cuSOLVER
    solver_.emplace(tables.orbitals);
  }

  const double* compute(Index first, Index count) override {
    engine_.use_device();
    const BandRows rows{hopping_.orbitals, hopping_.directions, count};
    double* const phases = phases_.resize(2 * count * hopping_.displacements);
    double* const results = results_.resize(rows.size());
    engine_.map(count * hopping_.displacements, BlochPhases{hopping_, first, phases});
    if (hopping_.orbitals == 1)
      engine_.map(count, FewOrbitals<1>{hopping_, phases, rows, results});
    else if (hopping_.orbitals == 2)
      engine_.map(count, FewOrbitals<2>{hopping_, phases, rows, results});
    else
      solve(phases, rows, results);
    double* const received = received_.resize(rows.size());
    engine_.copy_out(received, rows.size(), results_);
    return received;
  }

 private:
  /// Brings the arrays of the tables to the device in one piece.
  void upload(const HoppingTables& tables) {
    const Index terms = tables.terms(), phases = tables.phases != nullptr ? 2 * tables.period : 0;
    Carver layout;
    const auto piece = [&](Index doubles) {
      const Index at = layout.used;
      layout.take(doubles);
      return at;
    };
    const Index displacement = piece(3 * tables.displacements), first = piece(tables.elements() + 1),
                place = piece(terms), amplitude = piece(2 * terms), distance = piece(3 * terms), table = piece(phases);
    double* const staged = staged_.resize(layout.used);
    if constexpr (Device::computes) {
      const auto copy = [&](const auto* from, Index size, Index to) {
        std::memcpy(staged + to, from, static_cast<std::size_t>(size) * sizeof(double));
      };
      copy(tables.displacement, 3 * tables.displacements, displacement);
      copy(tables.first, tables.elements() + 1, first);
      copy(tables.place, terms, place);
      copy(tables.amplitude, 2 * terms, amplitude);
      copy(tables.distance, 3 * terms, distance);
      if (phases > 0) copy(tables.phases, phases, table);
    }
    engine_.copy_in(staged, layout.used, tables_);
    const double* const base = tables_.data();
    const auto integers = [&](Index at) { return reinterpret_cast<const Index*>(base + at); };
    hopping_.displacement = integers(displacement);
    hopping_.first = integers(first);
    hopping_.place = integers(place);
    hopping_.amplitude = base + amplitude;
    hopping_.distance = base + distance;
    if (phases > 0) hopping_.phases = base + table;
  }

  void solve(const double* phases, const BandRows& rows, double* results) {
    const Index n = rows.orbitals, elements = rows.count * n * n;
    double* const matrices = matrices_.resize(2 * elements);
    double* const derivatives = derivatives_.resize(2 * rows.directions * elements);
    double* const energies = energies_.resize(n * rows.count);
    int* const failed = reinterpret_cast<int*>(failed_.resize((rows.count + 1) / 2));
    engine_.map(elements, BlochMatrices{hopping_, phases, matrices, derivatives});
    solver_->solve(rows.count, matrices, energies, failed);
    engine_.map(n * rows.count, SolvedModes{n, matrices, derivatives, energies, failed, rows, results});
  }

  EngineOn<Device> engine_;
  HoppingTables hopping_;  ///< with its arrays on the device
  std::optional<HermitianEigenOn<Device>> solver_;
  PinnedOn<Device> staged_, received_;
  BufferOn<Device> tables_, phases_, matrices_, derivatives_, energies_, failed_, results_;
};

}  // namespace
}  // namespace cuda

namespace cuda_device {

BandDevice* make_band_device(const HoppingTables& tables, int device) {
  return new cuda::BandDeviceOn<cuda::PhysicalDevice>(tables, device);
}
BandDevice* count_band_device(const HoppingTables& tables, int device) {
  return new cuda::BandDeviceOn<cuda::MemoryCounter>(tables, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
