#pragma once

#include "kernels/hubbard/time_kernel.hpp"
#include "kernels/hubbard/volterra.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

/// TimeDevice on an engine that has memory of its own.
/// @tparam Transform  forward(rows, count), backward(rows, count) on that memory: kernels/cuda/fourier.hpp
/// @tparam Product    transposed(left, stride, columns, right, width, depth, target): kernels/cuda/complex_product.hpp
/// @tparam Interface  TimeDevice, or one derived from it
template <class Engine, class Transform, class Product, class Interface = TimeDevice>
class TimeDeviceOf : public Interface {
 public:
  TimeDeviceOf(const TimeTables& tables, int device)
      : engine_(1, device, nullptr),
        tables_(tables),
        amplitudes_transform_(tables.cells, tables.directions),
        products_transform_(tables.cells, tables.directions) {
    const double** arrays[] = {&tables_.energy,        &tables_.hole_energy, &tables_.probe_energy,
                               &tables_.particle_rate, &tables_.particles,   &tables_.hole_rate,
                               &tables_.holes,         &tables_.probe_rate,  &tables_.slow_particles,
                               &tables_.slow_holes,    &tables_.coupling};
    for (int i = 0; i < array_count; ++i) {
      if (*arrays[i] == nullptr) continue;
      engine_.copy_in(*arrays[i], tables_.sites, arrays_[i]);
      *arrays[i] = arrays_[i].data();
    }
  }

  void evaluate(const double* times, Index count) override {
    set_times(times, count);
    evaluate_into(values_->resize(2 * count * tables_.sites));
  }

  void fetch(double* rows) override { engine_.copy_out(rows, 2 * count_ * tables_.sites, *values_); }

  void choose(Index first, Index stride, Index nodes, const double* weights, const double* frequency,
              Index frequencies) override {
    first_node_ = first;
    stride_ = stride;
    nodes_ = nodes;
    frequencies_ = frequencies;
    engine_.copy_in(weights, nodes, weights_);
    engine_.copy_in(frequency, frequencies, frequency_);
    double* waves = waves_.resize(2 * nodes * frequencies);
    engine_.map(nodes * frequencies,
                WaveRows{times_.data() + first, weights_.data(), frequency_.data(), waves, stride, frequencies});
  }

  void integrate(Index first, Index last, double* sums) override {
    engine_.use_device();
    double* target = sums_.resize(2 * (last - first) * frequencies_);
    product_.transposed(values_->data() + 2 * (first_node_ * tables_.sites + first), stride_ * tables_.sites,
                        last - first, waves_.data(), frequencies_, nodes_, target);
    engine_.copy_out(sums, 2 * (last - first) * frequencies_, sums_);
  }

  void propagate(const VolterraTables& tables, const VolterraTables& rough, const double* circle, Index first,
                 Index last, double* green, double* difference) override {
    VolterraMomenta fine{tables, {}, first, values_->data(), nullptr},
        coarse{rough, {}, first, rough_values_->data(), nullptr};
    const auto own = [&]<class T>(const T* VolterraTables::*array, Index size, auto& buffer) {
      engine_.copy_in(tables.*array, size, buffer);
      fine.tables.*array = coarse.tables.*array = buffer.data();
    };
    const Index sites = tables.sites, points = VolterraTables::circle_points, stencil = VolterraTables::stencil;
    own(&VolterraTables::energy, sites, volterra_[0]);
    own(&VolterraTables::level, sites, volterra_[1]);
    own(&VolterraTables::decay, sites, volterra_[2]);
    own(&VolterraTables::turns, 2 * points, volterra_[3]);
    own(&VolterraTables::at, tables.times, volterra_[4]);
    own(&VolterraTables::first, tables.times, volterra_first_);
    own(&VolterraTables::weights, tables.times * stencil, volterra_[5]);
    engine_.copy_in(circle, 4 * points * sites, circle_);
    fine.circle = circle_.data();
    coarse.circle = fine.circle + 2 * points * sites;
    // K with its margins at both ends, Q and g, for both runs.
    const auto doubles = [](const VolterraTables& run) { return 6 * run.count + 4 * VolterraTables::order; };
    const Index fitting = 8 * tables_.device_buffer / (doubles(tables) + doubles(rough));
    const Index batch = fitting < 1 ? 1 : fitting < last - first ? fitting : last - first;
    for (Index begin = first; begin < last; begin += batch) {
      const Index lanes = last - begin < batch ? last - begin : batch;
      double* next = working_.resize((doubles(tables) + doubles(rough)) * lanes);
      const auto arrays = [&](const VolterraTables& run) {
        VolterraArrays result{.lanes = lanes};
        const auto take = [&](double*& array, Index rows) {
          array = next;
          next += rows * lanes;
        };
        take(result.k_re, run.count + 2 * VolterraTables::order);
        take(result.k_im, run.count + 2 * VolterraTables::order);
        for (double** array : {&result.q_re, &result.q_im, &result.g_re, &result.g_im}) take(*array, run.count);
        return result;
      };
      double *const values = sums_.resize(2 * lanes * tables.times), *const differences = differences_.resize(lanes);
      for (VolterraMomenta* const run : {&fine, &coarse}) {
        run->arrays = arrays(run->tables);
        run->first = begin;
        engine_.map(lanes, PrepareVolterra{*run});
        engine_.map(lanes, BeginVolterra{*run});
        engine_.map(lanes, AdvanceVolterra{*run});
      }
      engine_.map(lanes, VolterraGreen{fine, coarse, values, differences});
      engine_.copy_out(green + 2 * (begin - first) * tables.times, 2 * lanes * tables.times, sums_);
      engine_.copy_out(difference + (begin - first), lanes, differences_);
    }
  }

 protected:
  using Buffer = typename Engine::Buffer;

  void set_times(const double* times, Index count) {
    engine_.copy_in(times, count, times_);
    count_ = count;
  }

  /// Calls work(first, count) for batches of times whose amplitudes fit into the buffer. They are equal, so that the
  /// transforms need a second plan only for the last one.
  template <class Work>
  void in_batches(const Work& work) {
    const Index most = tables_.device_buffer / (2 * tables_.factors * tables_.sites), batch = most < 1 ? 1 : most;
    for (Index first = 0; first < count_; first += batch) work(first, count_ - first < batch ? count_ - first : batch);
  }

  /// The transforms of the amplitudes at some of the times.
  double* lines(Index first, Index count) {
    const Index elements = count * tables_.sites;
    double* rows = rows_.resize(2 * tables_.factors * elements);
    engine_.map(elements, AmplitudeRows{tables_, times_.data() + first, rows});
    amplitudes_transform_.forward(rows, tables_.factors * count);
    return rows;
  }

  /// K(k,t) of second order at all times.
  void evaluate_into(double* values) {
    in_batches([&](Index first, Index count) { evaluate_some(first, count, values + 2 * first * tables_.sites); });
  }

  Engine engine_;
  TimeTables tables_;
  Transform amplitudes_transform_, products_transform_;  // their row counts differ: each keeps its own plan
  Index count_ = 0;
  Buffer value_buffer_, working_, circle_, differences_;
  Buffer *values_ = &value_buffer_, *rough_values_ = &value_buffer_;  ///< K, and that of the run with twice the step

 private:
  static constexpr int array_count = 11;

  void evaluate_some(Index first, Index count, double* products) {
    const Index elements = count * tables_.sites;
    const double* rows = lines(first, count);
    engine_.map(elements, ProductRows{tables_, rows, products});
    if (!tables_.on_site) {
      products_transform_.backward(products, count);
      engine_.map(elements, CoupleRows{tables_, products});
      products_transform_.forward(products, count);
      engine_.map(elements, PropagateRows{tables_, rows, products});
    }
    products_transform_.forward(products, count);
  }

  Product product_;
  Buffer arrays_[array_count], times_, rows_, weights_, frequency_, waves_, sums_, volterra_[6];
  typename Engine::IndexBuffer volterra_first_;
  Index first_node_ = 0, stride_ = 1, nodes_ = 0, frequencies_ = 0;
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
