#include "config/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/text.hpp"

namespace lindrift::config {

namespace {

/// (a (n - i) + b i) / n, rounded once: rounding errors of the products and the sum are computed exactly, and one
/// Newton step carries them through the division.
double between(double a, double b, double i, double n) {
  const double left = a * (n - i), right = b * i, sum = left + right;
  const double part = sum - left;
  const double sum_error = (left - (sum - part)) + (right - part);
  const double error = sum_error + (std::fma(a, n - i, -left) + std::fma(b, i, -right));
  const double quotient = sum / n;
  return quotient + (std::fma(-quotient, n, sum) + error) / n;
}

/// The same on a logarithmic scale, for a and b > 0, in extended precision if the machine has it.
double between_logarithms(double a, double b, double i, double n) {
  const long double low = std::log10(static_cast<long double>(a)), high = std::log10(static_cast<long double>(b));
  return static_cast<double>(std::pow(
      10.0L,
      (low * static_cast<long double>(n - i) + high * static_cast<long double>(i)) / static_cast<long double>(n)));
}

}  // namespace

double Grid::number(std::size_t i) const {
  if (i + 1 == size()) return stop;
  if (i == 0) return start;
  const auto step = static_cast<double>(i), steps = static_cast<double>(count - 1);
  const double sign = start < 0.0 ? -1.0 : 1.0;
  const double inside = logarithmic ? sign * between_logarithms(std::fabs(start), std::fabs(stop), step, steps)
                                    : between(start, stop, step, steps);
  return std::clamp(inside, std::min(start, stop), std::max(start, stop));
}

std::vector<double> Grid::numbers() const {
  std::vector<double> all(size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = number(i);
  return all;
}

Value Grid::value(std::size_t i) const {
  if (modulus) return std::polar(*modulus, number(i));
  if (integers) return static_cast<std::int64_t>(number(i));
  return number(i);
}

std::string Grid::text() const {
  const std::string line = fmt::format("{{ start = {}, stop = {}, count = {}{} }}", format_real(start),
                                       format_real(stop), count, logarithmic ? ", scale = \"log\"" : "");
  return modulus ? fmt::format("{{ modulus = {}, phase = {} }}", format_real(*modulus), line) : line;
}

}  // namespace lindrift::config
