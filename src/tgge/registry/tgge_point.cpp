#include "tgge/registry/tgge_point.hpp"

#include <fmt/format.h>

#include "io/input.hpp"
#include "registry/read_once.hpp"
#include "tgge/tasks/steady_state_of.hpp"

namespace lindrift {

using config::Point;
using config::read;

namespace {

/// A table as read, with weights only if it is square. All points share it.
struct Table {
  std::size_t rows, columns;
  TableJump jump;
};

const Table& table_at(const std::string& key, const std::string& location) {
  return read_once<Table>(key, location, [](const std::string& place) {
    io::Matrix matrix = io::read_matrix(place);
    if (matrix.rows != matrix.columns) matrix.values.clear();
    return Table{matrix.rows, matrix.columns, TableJump(std::move(matrix.values))};
  });
}

}  // namespace

template <>
TableJump config::read_dataset(const std::string& key, const std::string& location) {
  return table_at(key, location).jump;
}

bool has_two_bands(const Point& point) { return point.text("model.kind") == "tgge_rashba"; }

bool is_lattice(const Point& point) { return point.text("model.kind") == "tgge_lattice"; }

std::size_t orbitals_of(const Point& point) {
  if (is_lattice(point)) return static_cast<std::size_t>(read<TggeLattice>(point).orbitals_in_cell());
  return has_two_bands(point) ? 2 : 1;
}

double cells_of(const Point& point) {
  if (!is_lattice(point)) return static_cast<double>(point.integer("model.sites"));
  double cells = 1.0;
  for (const std::int64_t along : point.integers("model.cells")) cells *= static_cast<double>(along);
  return cells;
}

std::size_t modes_of(const Point& point) { return static_cast<std::size_t>(cells_of(point)) * orbitals_of(point); }

RateEquation equation_of(const Point& point, const Execution& execution) {
  return with_model(point, [&](const auto& model) { return make_rate_equation(model, execution); });
}

Coordinates coordinates_of(const Point& point) {
  Coordinates all = with_model(point, [](const auto& model) { return coordinates(model); });
  // In a file every operator has its own dataset.
  std::erase_if(all, [](const Coordinate& one) { return one.name == "operator"; });
  if (point.has("task.times")) all.push_back(counted(point, "task.times", time_coordinate(point.reals("task.times"))));
  return all;
}

LatticeObservables lattice_observables(const Point& point, const RateEquation& equation,
                                       const std::vector<double>& lagrange_multiplier,
                                       const std::vector<double>& occupation,
                                       const std::vector<double>& block_multiplier) {
  LatticeObservables observables;
  LatticeObserver(read<TggeLattice>(point), equation)
      .add_rows(lagrange_multiplier, occupation, block_multiplier, observables);
  return observables;
}

io::Result operator_currents(const Point& point, std::vector<double> currents) {
  io::Result result;
  if (!point.has("output.operators")) return result;
  const NamedMatrices operators = read<TggeLattice>(point).operators;
  const Coordinates coordinates = coordinates_of(point);
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const Observable observable{.name = "current_" + operators[i].name,
                                .units = "energy",
                                .long_name = "current of the operator " + operators[i].name + " per cell",
                                .dimensions = {"time", "direction"}};
    const Extent extent = extent_of(observable, coordinates);
    std::vector<double> values = missing_values(0.0, extent.elements);
    const std::size_t directions = extent.shape.back(), rows = extent.elements / directions;
    for (std::size_t row = 0; row < rows && !currents.empty(); ++row)
      std::copy_n(currents.begin() + static_cast<std::ptrdiff_t>((row * operators.size() + i) * directions), directions,
                  values.begin() + static_cast<std::ptrdiff_t>(row * directions));
    io::Field field{observable.name,   extent.dimensions, extent.shape,
                    std::move(values), observable.units,  observable.long_name};
    if (!currents.empty()) summarise(result, observable, field, coordinates);
    if (is_wanted(point.texts("output.fields"), field.name)) result.fields.push_back(std::move(field));
  }
  return result;
}

void append(io::Result& result, io::Result more) {
  for (io::Field& field : more.fields) result.fields.push_back(std::move(field));
  for (auto& number : more.summary) result.summary.push_back(std::move(number));
}

namespace {

/// Calls `use` with the filling of a uniform initial state, or with its multipliers.
template <class Use>
auto with_initial_state(const Point& point, const RateEquation& equation, const Use& use) {
  const auto initial = read<InitialOccupation>(point);
  const bool uniform = read<InitialState>(point).kind == InitialKind::uniform;
  return initial.lagrange_multiplier || !uniform ? use(initial_multipliers(point, equation)) : use(initial.filling);
}

}  // namespace

SteadyState steady_state_of(const Point& point, const RateEquation& equation, std::vector<double> start,
                            const Monitor& monitor) {
  auto options = read<SteadyStateOptions>(point);
  options.monitor = monitor;
  options.start = std::move(start);
  return with_initial_state(point, equation,
                            [&](const auto& initial) { return steady_state(equation, initial, options); });
}

double conserved_number_of(const Point& point, const RateEquation& equation) {
  return with_initial_state(point, equation,
                            [&](const auto& initial) { return conserved_number(equation.modes(), initial); });
}

std::vector<double> initial_multipliers(const Point& point, const RateEquation& equation) {
  const auto initial = read<InitialOccupation>(point);
  return initial.lagrange_multiplier ? *initial.lagrange_multiplier
                                     : multipliers_of(read<InitialState>(point), equation.bands, initial.filling);
}

void check_shape(const Point& point) {
  const std::string& location = point.text("bath.table");
  const Table& table = table_at("bath.table", location);
  const std::size_t modes = modes_of(point);
  if (table.rows != modes || table.columns != modes)
    throw ParameterError("bath.table", fmt::format("{} has shape {} x {}; it must be modes x modes, {} x {}", location,
                                                   table.rows, table.columns, modes, modes));
}

}  // namespace lindrift
