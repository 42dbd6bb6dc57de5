#include "engine/validate.hpp"

#include <algorithm>
#include <numbers>
#include <numeric>

#include "engine/short_text.hpp"
#include "lindrift/arguments.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

void validate_down_occupation(std::span<const double> occupation, std::size_t sites) {
  if (occupation.size() != sites)
    throw ShapeError("initial.down_occupation: " + counted(occupation.size(), "entry was given", "entries were given") +
                     "; it must have one per momentum, " + std::to_string(sites));
  check_list("initial.down_occupation", down_occupation_parameter(), occupation);
}

std::vector<std::size_t> numbers_of(const std::vector<std::int64_t>& integers, const Lattice& lattice,
                                    const std::string& quantity, const std::string& what) {
  const auto directions = static_cast<std::size_t>(lattice.dimensions());
  if (integers.size() == 1 && integers.front() == 0) return {lattice.index_of({})};
  if (integers.size() % directions != 0)
    throw ParameterError(quantity, "needs " + std::to_string(directions) + " integers for each of them, as [[" +
                                       (directions == 2 ? "0, 0" : "0, 0, 0") + "], ...]");
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < integers.size(); i += directions) {
    LatticeVector vector{};
    for (std::size_t d = 0; d < directions; ++d) {
      const std::int64_t cells = lattice.cells(static_cast<int>(d)), first = first_momentum_index(cells);
      vector[d] = integers[i + d];
      if (vector[d] < first || vector[d] >= first + cells)
        throw ParameterError(quantity + "[" + std::to_string(i / directions) + "]" +
                                 (directions > 1 ? "[" + std::to_string(d) + "]" : ""),
                             std::to_string(vector[d]) + " is not allowed: " + what + " " + std::to_string(first) +
                                 " .. " + std::to_string(first + cells - 1));
    }
    numbers.push_back(lattice.index_of(vector));
  }
  return numbers;
}

std::vector<std::size_t> select_momenta(const std::vector<std::int64_t>& chosen, const OpenLattice& model) {
  const Lattice lattice = model.lattice();
  if (chosen.empty()) {
    std::vector<std::size_t> all(lattice.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }
  auto numbers = numbers_of(chosen, lattice, "task.momenta", "m must be in");
  if (!model.is_ring()) return numbers;
  std::sort(numbers.begin(), numbers.end());
  const auto twice = std::adjacent_find(numbers.begin(), numbers.end());
  if (twice != numbers.end())
    throw ParameterError("task.momenta", std::to_string(lattice.momentum(*twice)[0]) + " appears twice");
  return numbers;
}

std::vector<double> momenta_of(const std::vector<std::size_t>& numbers, const Lattice& lattice) {
  std::vector<double> values;
  values.reserve(numbers.size() * static_cast<std::size_t>(lattice.dimensions()));
  for (const std::size_t number : numbers)
    for (int i = 0; i < lattice.dimensions(); ++i)
      values.push_back(2.0 * std::numbers::pi *
                       (static_cast<double>(lattice.momentum(number)[static_cast<std::size_t>(i)]) /
                        static_cast<double>(lattice.cells(i))));
  return values;
}

}  // namespace lindrift
