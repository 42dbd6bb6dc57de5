#pragma once

#include "kernels/functor.hpp"

namespace lindrift::testing {

/// The verbs of a thread block as plain loops on the host.
struct PlainLoops {
  template <class Functor>
  void map(kernels::Index size, const Functor& functor, kernels::Index /*work*/ = 1) {
    for (kernels::Index i = 0; i < size; ++i) functor(i);
  }
  template <class Term>
  typename Term::template Sum<double> reduce(kernels::Index size, const Term& term) {
    typename Term::template Sum<double> sum{};
    for (kernels::Index i = 0; i < size; ++i) term.template accumulate<double>(i, sum);
    return sum;
  }
};

}  // namespace lindrift::testing
