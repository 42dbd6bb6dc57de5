#include "config/grid.hpp"

#include <fmt/format.h>

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

std::vector<double> Grid::values() const {
  std::vector<double> numbers(static_cast<std::size_t>(count));
  const auto steps = static_cast<double>(count - 1);
  const double sign = start < 0.0 ? -1.0 : 1.0;
  for (std::size_t i = 1; i + 1 < numbers.size(); ++i) {
    const auto step = static_cast<double>(i);
    numbers[i] = logarithmic ? sign * between_logarithms(std::fabs(start), std::fabs(stop), step, steps)
                             : between(start, stop, step, steps);
  }
  numbers.front() = start;
  numbers.back() = stop;
  return numbers;
}

std::vector<std::complex<double>> Grid::complex_values() const {
  std::vector<std::complex<double>> numbers;
  for (const double phase : values()) numbers.push_back(std::polar(*modulus, phase));
  return numbers;
}

std::string Grid::text() const {
  const std::string line = fmt::format("{{ start = {}, stop = {}, count = {}{} }}", format_real(start),
                                       format_real(stop), count, logarithmic ? ", scale = \"log\"" : "");
  return modulus ? fmt::format("{{ modulus = {}, phase = {} }}", format_real(*modulus), line) : line;
}

}  // namespace lindrift::config
