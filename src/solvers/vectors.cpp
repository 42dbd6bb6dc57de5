#include <cmath>

#include "engine/parallel.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

namespace {

// SUNDIALS' serial vector with threads in the operations that dominate. Its own OpenMP vector adds in an order that
// depends on the number of threads. C code calls these functions, so nothing may throw.
using Undisturbed = Calculation::Undisturbed;

double dot_product(N_Vector x, N_Vector y) {
  const Undisturbed undisturbed;
  const auto a = values(x), b = values(y);
  return parallel_sum(a.size(), [&](std::size_t i) { return a[i] * b[i]; });
}

double weighted_rms_norm(N_Vector x, N_Vector w) {
  const Undisturbed undisturbed;
  const auto a = values(x), b = values(w);
  const double sum = parallel_sum(a.size(), [&](std::size_t i) { return a[i] * b[i] * (a[i] * b[i]); });
  return std::sqrt(sum / static_cast<double>(a.size()));
}

void linear_sum(double a, N_Vector x, double b, N_Vector y, N_Vector z) {
  const Undisturbed undisturbed;
  const auto in = values(x), other = values(y), out = values(z);
  parallel_for(in.size(), [&](std::size_t i) { out[i] = a * in[i] + b * other[i]; });
}

void scale(double c, N_Vector x, N_Vector z) {
  const Undisturbed undisturbed;
  const auto in = values(x), out = values(z);
  parallel_for(in.size(), [&](std::size_t i) { out[i] = c * in[i]; });
}

void fill_with(double c, N_Vector z) {
  const Undisturbed undisturbed;
  const auto out = values(z);
  parallel_for(out.size(), [&](std::size_t i) { out[i] = c; });
}

constexpr int max_fused = 4;

/// Takes up to max_fused dot products in one pass over x.
int dot_products(int count, N_Vector x, N_Vector* y, double* products) {
  const Undisturbed undisturbed;
  const auto a = values(x);
  for (int first = 0; first < count; first += max_fused) {
    const double* others[max_fused];
    for (int k = 0; k < max_fused; ++k) others[k] = values(y[std::min(first + k, count - 1)]).data();
    const auto sums = parallel_sums<max_fused>(a.size(), [&](std::size_t i) {
      std::array<double, max_fused> result;
      for (std::size_t k = 0; k < max_fused; ++k) result[k] = a[i] * others[k][i];
      return result;
    });
    for (int k = 0; k < max_fused && first + k < count; ++k) products[first + k] = sums[static_cast<std::size_t>(k)];
  }
  return 0;
}

int linear_combination(int count, double* c, N_Vector* x, N_Vector z) {
  const Undisturbed undisturbed;
  std::vector<const double*> in;
  for (int k = 0; k < count; ++k) in.push_back(values(x[k]).data());
  const auto out = values(z);
  parallel_for(out.size(), [&](std::size_t i) {
    double sum = c[0] * in[0][i];
    for (std::size_t k = 1; k < in.size(); ++k) sum += c[k] * in[k][i];
    out[i] = sum;
  });
  return 0;
}

}  // namespace

Sundials<N_Vector> make_vector(std::size_t size, SUNContext context) {
  Sundials<N_Vector> vector(N_VNew_Serial(static_cast<sunindextype>(size), context));
  if (!vector) throw std::bad_alloc();
  // Clones inherit these.
  N_Vector_Ops operations = vector->ops;
  operations->nvdotprod = dot_product;
  operations->nvwrmsnorm = weighted_rms_norm;
  operations->nvlinearsum = linear_sum;
  operations->nvscale = scale;
  operations->nvconst = fill_with;
  operations->nvdotprodmulti = dot_products;
  operations->nvlinearcombination = linear_combination;
  return vector;
}

}  // namespace lindrift
