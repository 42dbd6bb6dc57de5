#pragma once

#include "kernels/hubbard/ladder.hpp"
#include "kernels/hubbard/time_device_of.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

/// LadderDevice on an engine that has memory of its own.
template <class Engine, class Transform, class Product>
class LadderDeviceOf final : public TimeDeviceOf<Engine, Transform, Product, LadderDevice> {
  using Base = TimeDeviceOf<Engine, Transform, Product, LadderDevice>;
  using Base::engine_, Base::tables_, Base::count_, Base::products_transform_, Base::values_, Base::rough_values_;
  using Base::working_, Base::circle_, Base::differences_, Base::in_batches;
  using typename Base::Buffer;

 public:
  LadderDeviceOf(const TimeTables& tables, int device) : Base(tables, device) { rough_values_ = &spare_[0]; }

  void pair(const double* times, Index count, const LadderLines& lines) override {
    this->set_times(times, count);
    double* pairs = pairs_->resize(2 * count * tables_.sites);
    in_batches([&](Index first, Index some) {
      double* target = pairs + 2 * first * tables_.sites;
      engine_.map(some * tables_.sites,
                  FreePairs{tables_.sites, lines.partner, scale(), this->lines(first, some), target});
      products_transform_.forward(target, some);
    });
  }

  void collide(const LadderTables& tables, Index first, Index last, double* circle, double* tau) override {
    constexpr Index points = VolterraTables::circle_points;
    const Index momenta = last - first, count = tables.equation.count;
    if (momenta == 0) return;
    Collisions collisions{tables, {}, first, pairs_->data(), nullptr, momenta};
    engine_.copy_in(tables.equation.turns, 2 * points, turns_);
    collisions.tables.equation.turns = turns_.data();
    engine_.copy_in(circle, 2 * points * momenta, circle_);
    for_momenta(first, last, [&](Index begin, Index lanes) {
      double* next = working_.resize(doubles() * lanes);
      collisions.arrays.lanes = lanes;
      for (double** array : {&collisions.arrays.q_re, &collisions.arrays.q_im, &collisions.arrays.sum_re,
                             &collisions.arrays.sum_im, &collisions.arrays.g_re, &collisions.arrays.g_im}) {
        *array = next;
        next += count * lanes;
      }
      collisions.first = begin;
      collisions.circle = circle_.data() + 2 * (begin - first);
      engine_.map(lanes, collisions);
      if (tau == nullptr) return;
      engine_.map(count_ * lanes, PairColumns{tables_.sites, begin, lanes, pairs_->data(), working_.data(), false});
      engine_.copy_out(tau + 2 * count_ * (begin - first), 2 * count_ * lanes, working_);
    });
    engine_.copy_out(circle, 2 * points * momenta, circle_);
  }

  void place(Index first, Index last, const double* tau) override {
    for_momenta(first, last, [&](Index begin, Index lanes) {
      engine_.copy_in(tau + 2 * count_ * (begin - first), 2 * count_ * lanes, working_);
      engine_.map(count_ * lanes, PairColumns{tables_.sites, begin, lanes, pairs_->data(), working_.data(), true});
    });
  }

  void close(const LadderLines& lines) override {
    double* pairs = pairs_->data();
    in_batches([&](Index first, Index some) {
      double* target = pairs + 2 * first * tables_.sites;
      products_transform_.backward(target, some);
      engine_.map(some * tables_.sites,
                  ClosedPairs{tables_.sites, lines.closing, scale(), this->lines(first, some), target});
      products_transform_.forward(target, some);
    });
    if (begun_) return add(1.0);
    begun_ = true;
    swap(pairs_, values_);
  }

  void subtract_second_order() override {
    this->evaluate_into(pairs_->resize(2 * count_ * tables_.sites));
    add(-1.0);
  }

  void set_aside() override {
    swap(values_, rough_values_);
    begun_ = false;
  }

  void compare(Index count, double* largest) override {
    const Index start = 2 * VolterraTables::margin * tables_.sites;
    engine_.map(count, LargestDifference{tables_.sites, values_->data() + start, rough_values_->data() + start,
                                         differences_.resize(count)});
    engine_.copy_out(largest, count, differences_);
  }

 private:
  double scale() const {
    const double over = 1.0 / static_cast<double>(tables_.sites);
    return over * over;
  }
  void add(double factor) {
    engine_.map(2 * count_ * tables_.sites, AddValues{values_->data(), pairs_->data(), factor});
  }
  static void swap(Buffer*& one, Buffer*& other) {
    Buffer* const kept = one;
    one = other;
    other = kept;
  }

  /// Of a momentum: the kernel, sums and solution of its equation; or its tau, on its way between devices.
  Index doubles() const { return 6 * count_; }
  /// Calls work(first, lanes) for momenta side by side, with as many lanes as the buffer holds.
  template <class Work>
  void for_momenta(Index first, Index last, const Work& work) {
    const Index fitting = 8 * tables_.device_buffer / doubles(), lanes = fitting < 1 ? 1 : fitting;
    for (Index begin = first; begin < last; begin += lanes) work(begin, last - begin < lanes ? last - begin : lanes);
  }

  Buffer spare_[2], turns_;
  Buffer* pairs_ = &spare_[1];
  bool begun_ = false;  ///< whether values_ has the K of an earlier ladder
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
