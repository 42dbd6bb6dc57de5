#include "hubbard/direct.hpp"

#include <algorithm>
#include <cmath>

#include "engine/threads.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"

namespace lindrift {

kernels::SelfEnergyKernel::~SelfEnergyKernel() = default;

namespace {

using Complex = std::complex<double>;

/// Blocks of rows, whose sums are added in order: the same for any number of processes.
constexpr std::size_t row_blocks = 16;
/// Results of all row blocks held at a time.
constexpr std::size_t max_partial_results = std::size_t{1} << 22;
/// Terms after which a sum can be stopped: a few seconds of a core. Fewer frequencies at a time than fill the vectors
/// and tiles of the kernels would cost more.
constexpr double max_terms_of_stage = 8e9;
constexpr std::size_t min_frequencies = 16;

bool symmetric(std::span<const double> frequency) {
  for (std::size_t i = 0; i < frequency.size(); ++i)
    if (frequency[i] != -frequency[frequency.size() - 1 - i]) return false;
  return true;
}

}  // namespace

DirectSelfEnergy::DirectSelfEnergy(const HubbardModes& modes, const Execution& execution,
                                   std::span<const std::size_t> slow)
    : modes_(modes), execution_(execution) {
  const std::size_t sites = modes_.sites;
  unit_ =
      std::exp2(-std::ceil(std::log2(modes_.kernel_bandwidth + modes_.fastest_rate + 0.5 * modes_.fastest_probe_loss)));
  auto& [energy, down_energy, half_rate, half_probe_loss, coupling, occupation, hole, columns] = arrays_;
  for (auto* array : {&energy, &down_energy, &half_rate, &half_probe_loss, &coupling}) array->resize(sites);
  occupation = modes_.occupation;
  hole = modes_.hole;
  columns.assign(slow.begin(), slow.end());
  const double over = 1.0 / static_cast<double>(sites);
  for (std::size_t m = 0; m < sites; ++m) {
    energy[m] = unit_ * modes_.energy[m];
    down_energy[m] = unit_ * modes_.down_energy[m];
    half_rate[m] = 0.5 * unit_ * modes_.rate[m];
    half_probe_loss[m] = 0.5 * unit_ * modes_.probe_loss[m];
    coupling[m] = unit_ * over * (over * modes_.coupling[m]);
  }
  std::vector<bool> row_counts(sites, slow.empty());
  if (!slow.empty()) {
    std::vector<double> some_holes(sites, 0.0);
    for (const std::size_t p : slow) some_holes[p] = hole[p];
    hole = std::move(some_holes);
    for (const std::size_t p : slow)
      for (const std::size_t other : slow) row_counts[modes_.order.difference(p, other)] = true;
  }
  const std::size_t block = (sites + row_blocks - 1) / row_blocks;
  for (std::size_t first = 0; first < sites; first += block) {
    std::size_t from = first, last = std::min(first + block, sites);
    while (from < last && !row_counts[from]) ++from;
    while (last > from && !row_counts[last - 1]) --last;
    if (from < last) blocks_.push_back({from, last});
  }
  columns_ = !slow.empty() ? slow.size() : (modes_.reflected ? sites / 2 + 1 : sites);
}

kernels::SelfEnergyTables DirectSelfEnergy::tables() const {
  const bool all = arrays_.columns.empty();
  kernels::SelfEnergyTables tables;
  tables.sites = static_cast<std::int64_t>(modes_.sites);
  for (int i = 0; i < modes_.lattice.dimensions(); ++i) tables.cells[i] = modes_.lattice.cells(i);
  tables.energy = arrays_.energy.data();
  tables.down_energy = arrays_.down_energy.data();
  tables.half_rate = arrays_.half_rate.data();
  tables.occupation = arrays_.occupation.data();
  tables.hole = arrays_.hole.data();
  tables.half_probe_loss = modes_.open_probe() ? arrays_.half_probe_loss.data() : nullptr;
  tables.coupling = arrays_.coupling.data();
  tables.reflected = all && modes_.reflected;
  tables.columns = all ? nullptr : arrays_.columns.data();
  tables.column_count = static_cast<std::int64_t>(arrays_.columns.size());
  return tables;
}

DeviceBatch DirectSelfEnergy::device_buffer(const Call& call) const {
  constexpr std::int64_t least = 1 << 10;
  kernels::SelfEnergyTables tables = this->tables();
  return largest_on_device(
      tables.device_buffer, least, execution_, [&](const kernels::DeviceKernels& kernels, std::int64_t size) {
        tables.device_buffer = size;
        const std::unique_ptr<kernels::SelfEnergyKernel> kernel(
            kernels.make_self_energy_kernel(tables, 0, execution_.device));
        const auto count = static_cast<std::int64_t>(call.count);
        for (const Rows& rows : blocks_) {
          const auto first = static_cast<std::int64_t>(rows.first), last = static_cast<std::int64_t>(rows.last);
          if (call.folded)
            kernel->grid(nullptr, count, 0.0, first, last, nullptr, nullptr);
          else
            kernel->points(nullptr, nullptr, count, 0.0, first, last, nullptr, nullptr);
        }
      });
}

double DirectSelfEnergy::device_bytes(std::size_t momenta, std::span<const double> frequency) const {
  return device_buffer(call_for(momenta, frequency)).bytes;
}

/// Created once the number of results per call is known, which determines how a device's memory is divided.
kernels::SelfEnergyKernel& DirectSelfEnergy::kernel(const Call& call) {
  if (kernel_) return *kernel_;
  kernels::SelfEnergyTables tables = this->tables();
  if (is_device(execution_.backend)) tables.device_buffer = device_buffer(call).size;
  kernel_.reset(kernels::kernels_for(execution_.backend)
                    .make_self_energy_kernel(tables, threads_of(execution_), execution_.device));
  return *kernel_;
}

DirectSelfEnergy::~DirectSelfEnergy() = default;

/// Sums over blocks of rows, shared between the ranks and added in the order of the blocks.
template <class Evaluate>
void DirectSelfEnergy::sum(std::size_t results, const Evaluate& evaluate, std::vector<double>& re,
                           std::vector<double>& im) {
  re.assign(results, 0.0);
  im.assign(results, 0.0);
  const auto add = [&](const double* block_re, const double* block_im) {
    for (std::size_t i = 0; i < results; ++i) {
      re[i] += block_re[i];
      im[i] += block_im[i];
    }
  };
  if (execution_.communicator == nullptr || execution_.communicator->size() == 1) {
    std::vector<double> block(2 * results);
    for (const Rows& rows : blocks_) {
      evaluate(rows, block.data(), block.data() + results);
      add(block.data(), block.data() + results);
    }
    return;
  }
  std::vector<double> all(2 * results * blocks_.size());
  const auto shares = share_bounds(*execution_.communicator, blocks_.size());
  const auto rank = static_cast<std::size_t>(execution_.communicator->rank());
  for (std::size_t b = shares[rank]; b < shares[rank + 1]; ++b) {
    double* block = all.data() + 2 * results * b;
    evaluate(blocks_[b], block, block + results);
  }
  execution_.communicator->all_gather(all, share_bounds(*execution_.communicator, blocks_.size(), 1, 2 * results));
  for (std::size_t b = 0; b < blocks_.size(); ++b)
    add(all.data() + 2 * results * b, all.data() + 2 * results * b + results);
}

std::vector<Complex> DirectSelfEnergy::points(std::span<const std::size_t> momentum, std::span<const double> frequency,
                                              double broadening) {
  std::vector<Complex> result;
  result.reserve(frequency.size());
  const std::size_t most = max_partial_results / row_blocks;
  kernels::SelfEnergyKernel& kernel = this->kernel({.folded = false, .count = std::min(most, frequency.size())});
  std::vector<std::int64_t> m;
  std::vector<double> w, re, im;
  for (std::size_t first = 0; first < frequency.size(); first += most) {
    const std::size_t count = std::min(most, frequency.size() - first);
    m.clear();
    w.clear();
    for (std::size_t i = first; i < first + count; ++i) {
      m.push_back(static_cast<std::int64_t>(momentum[i]));
      w.push_back(unit_ * frequency[i]);
    }
    sum(
        count,
        [&](const Rows& rows, double* block_re, double* block_im) {
          kernel.points(m.data(), w.data(), static_cast<std::int64_t>(count), unit_ * broadening,
                        static_cast<std::int64_t>(rows.first), static_cast<std::int64_t>(rows.last), block_re,
                        block_im);
        },
        re, im);
    for (std::size_t i = 0; i < count; ++i) result.emplace_back(re[i], im[i]);
  }
  return result;
}

double DirectSelfEnergy::rows() const {
  double rows = 0.0;
  for (const Rows& block : blocks_) rows += static_cast<double>(block.last - block.first);
  return rows;
}

DirectSelfEnergy::Portion DirectSelfEnergy::portion(std::size_t momenta, std::span<const double> frequency) const {
  const double pairs = rows() * static_cast<double>(columns_);
  const auto fitting = [&](std::size_t results_of_one, std::size_t least, std::size_t all) {
    const double most =
        std::min(static_cast<double>(max_partial_results / row_blocks), max_terms_of_stage / std::max(1.0, pairs)) /
        static_cast<double>(results_of_one);
    return Portion{std::clamp(static_cast<std::size_t>(most), least, std::max(least, all)), all};
  };
  if (!folds(momenta)) return fitting(frequency.size(), 1, momenta);
  // Sigma(pi-k,-w) = -conj Sigma(k,w): one sign of w is enough, including zero.
  const bool half = modes_.mirrored && symmetric(frequency);
  const std::size_t least =
      std::max<std::size_t>(1, std::min(min_frequencies, max_partial_results / row_blocks / modes_.sites));
  return fitting(modes_.sites, least, frequency.size() - (half ? frequency.size() / 2 : 0));
}

DirectSelfEnergy::Call DirectSelfEnergy::call_for(std::size_t momenta, std::span<const double> frequency) const {
  const Portion portion = this->portion(momenta, frequency);
  const std::size_t most = std::min(portion.each, portion.all);
  return folds(momenta) ? Call{true, most}
                        : Call{false, std::min(max_partial_results / row_blocks, most * frequency.size())};
}

std::size_t DirectSelfEnergy::stage_count(std::size_t momenta, std::span<const double> frequency) const {
  const Portion portion = this->portion(momenta, frequency);
  return (portion.all + portion.each - 1) / portion.each;
}

void DirectSelfEnergy::add_grid(std::span<Complex* const> rows, std::span<const double> frequency, double broadening,
                                StagedSum& stages) {
  std::vector<std::size_t> wanted;
  for (std::size_t m = 0; m < rows.size(); ++m)
    if (rows[m] != nullptr) wanted.push_back(m);
  const Portion portion = this->portion(wanted.size(), frequency);
  const std::size_t sites = modes_.sites, count = frequency.size();
  if (!folds(wanted.size())) {
    for (std::size_t first = 0; first < wanted.size(); first += portion.each) {
      if (stages.skips()) continue;
      std::vector<std::size_t> momentum;
      std::vector<double> argument;
      const std::size_t last = std::min(first + portion.each, wanted.size());
      for (std::size_t i = first; i < last; ++i) {
        momentum.insert(momentum.end(), count, wanted[i]);
        argument.insert(argument.end(), frequency.begin(), frequency.end());
      }
      const auto values = points(momentum, argument, broadening);
      for (std::size_t i = first; i < last; ++i)
        for (std::size_t w = 0; w < count; ++w) rows[wanted[i]][w] += values[(i - first) * count + w];
      stages.finished();
    }
    return;
  }
  kernels::SelfEnergyKernel& kernel = this->kernel(call_for(wanted.size(), frequency));
  const std::size_t begin = count - portion.all;  // skips the frequencies that mirror images give
  std::vector<double> w, re, im;
  for (std::size_t first = begin; first < count; first += portion.each) {
    if (stages.skips()) continue;
    const std::size_t some = std::min(portion.each, count - first);
    w.clear();
    for (std::size_t i = first; i < first + some; ++i) w.push_back(unit_ * frequency[i]);
    sum(
        sites * some,
        [&](const Rows& block, double* block_re, double* block_im) {
          kernel.grid(w.data(), static_cast<std::int64_t>(some), unit_ * broadening,
                      static_cast<std::int64_t>(block.first), static_cast<std::int64_t>(block.last), block_re,
                      block_im);
        },
        re, im);
    for (std::size_t m = 0; m < sites; ++m) {
      if (rows[m] != nullptr)
        for (std::size_t i = 0; i < some; ++i) rows[m][first + i] += Complex(re[m * some + i], im[m * some + i]);
      Complex* mirror = begin > 0 ? rows[(sites + sites / 2 - m) % sites] : nullptr;
      if (mirror != nullptr)
        for (std::size_t i = 0; i < some; ++i)
          if (const std::size_t to = count - 1 - (first + i); to < begin)
            mirror[to] += Complex(-re[m * some + i], im[m * some + i]);
    }
    stages.finished();
  }
}

double DirectSelfEnergy::terms(std::size_t momenta, std::span<const double> frequency) const {
  double arguments = static_cast<double>(momenta) * static_cast<double>(frequency.size());
  if (folds(momenta)) {
    arguments = static_cast<double>(modes_.sites / 2 + 1) * static_cast<double>(frequency.size());
    if (modes_.mirrored && symmetric(frequency)) arguments *= 0.5;
  }
  return rows() * static_cast<double>(columns_) * arguments;
}

}  // namespace lindrift
