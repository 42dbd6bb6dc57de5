#include "sweep/result_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lindrift/error.hpp"
#include "sweep/stored_points.hpp"

namespace lindrift::sweep {

namespace {

using io::Data;
using io::Field;

/// A swept list of sizes along several directions: the main coordinate is their product, the number of cells; the size
/// along each direction is a further coordinate.
void add_integer_lists(const config::Axis& axis, Field& product, std::vector<Field>& coordinates) {
  const std::size_t directions = std::get<std::vector<std::int64_t>>(axis.values.front()).size();
  std::vector<std::int64_t> products(axis.values.size(), 1);
  for (std::size_t i = 0; i < directions; ++i) {
    Field one = product;
    one.name += fmt::format("_{}", i + 1);
    one.long_name += fmt::format(", direction {}", i + 1);
    std::vector<std::int64_t> sizes;
    for (const config::Value& value : axis.values) {
      sizes.push_back(std::get<std::vector<std::int64_t>>(value)[i]);
      products[sizes.size() - 1] *= sizes.back();
    }
    one.data = std::move(sizes);
    if (directions > 1) coordinates.push_back(std::move(one));
  }
  if (directions > 1) product.long_name += ": their product";
  product.data = std::move(products);
}

/// Coordinates of the sweep: one per axis; under zip all of them on the dimension `point`.
std::vector<Field> sweep_coordinates(const config::Document& document) {
  std::vector<Field> coordinates;
  const config::Sweep& sweep = document.sweep;
  const bool zip = sweep.mode == config::SweepMode::zip;
  if (zip && !sweep.empty()) {
    std::vector<std::int64_t> numbers(sweep.points());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
    coordinates.push_back({"point", {"point"}, {numbers.size()}, std::move(numbers), "1", "point of the sweep"});
  }
  const auto copy = []<class Number>(const config::AxisValues& values, Number) {
    std::vector<Number> numbers;
    numbers.reserve(values.size());
    for (const config::Value& value : values) numbers.push_back(std::get<Number>(value));
    return numbers;
  };
  for (const config::Axis& axis : sweep.axes) {
    Field field{axis.path, {zip ? "point" : axis.path}, {axis.values.size()}, {}, "1", axis.path};
    for (const config::Key& key : document.schema.keys)
      if (key.path == axis.path) {
        if (!key.units.empty()) field.units = key.units;
        field.long_name = key.help;
      }
    if (std::holds_alternative<std::vector<std::int64_t>>(axis.values.front()))
      add_integer_lists(axis, field, coordinates);
    else if (std::holds_alternative<config::Complex>(axis.values.front()))
      field.data = copy(axis.values, config::Complex());
    else if (std::holds_alternative<std::int64_t>(axis.values.front()))
      field.data = copy(axis.values, std::int64_t{});
    else
      field.data = copy(axis.values, 0.0);
    coordinates.push_back(std::move(field));
  }
  return coordinates;
}

/// Whether the points of a sweep differ in size. Then the file has no coordinates over sites and momenta.
bool resizes(const config::Document& document) {
  const auto& axes = document.sweep.axes;
  return std::any_of(axes.begin(), axes.end(), [&](const config::Axis& axis) { return document.resizes(axis); });
}

/// @param empty_result  of a point
std::vector<Field> all_coordinates(const config::Document& document, const io::Result& empty_result) {
  const auto is_used = [&](const Field& coordinate) {
    return std::any_of(empty_result.fields.begin(), empty_result.fields.end(), [&](const Field& field) {
      return std::find(field.dimensions.begin(), field.dimensions.end(), coordinate.name) != field.dimensions.end();
    });
  };
  std::vector<Field> coordinates = sweep_coordinates(document);
  const bool drops_unused = resizes(document);
  for (const Field& coordinate : empty_result.coordinates)
    if (!drops_unused || is_used(coordinate)) coordinates.push_back(coordinate);
  return coordinates;
}

std::vector<std::string> sweep_dimensions(const config::Sweep& sweep) {
  std::vector<std::string> dimensions;
  if (sweep.empty()) return dimensions;
  if (sweep.mode == config::SweepMode::zip) return {"point"};
  for (const config::Axis& axis : sweep.axes) dimensions.push_back(axis.path);
  return dimensions;
}

}  // namespace

void Tally::count(Status status) {
  if (status == Status::done) ++done;
  if (status == Status::failed) ++failed;
  if (status == Status::not_converged) ++not_converged;
}

std::vector<std::size_t> shown_points(std::size_t points) {
  constexpr std::size_t most = 11;
  const std::size_t rows = std::min(points, most);
  std::vector<std::size_t> shown;
  for (std::size_t row = 0; row < rows; ++row) shown.push_back(rows > 1 ? row * (points - 1) / (rows - 1) : 0);
  return shown;
}

ResultBuilder::ResultBuilder(const config::Document& document, const TaskEntry& task)
    : swept_(!document.sweep.empty()), points_(document.sweep.points()) {
  const io::Result empty_result = kept_empty_result(task, document.point(0));
  const std::size_t points = points_;
  result_.coordinates = all_coordinates(document, empty_result);
  for (const std::size_t p : shown_points(points)) result_.shown[p].point = p;
  const auto dimensions = sweep_dimensions(document.sweep);
  const auto shape = document.sweep.shape();
  for (const Field& field : empty_result.fields) {
    Field whole = field;
    whole.dimensions.insert(whole.dimensions.begin(), dimensions.begin(), dimensions.end());
    whole.shape.insert(whole.shape.begin(), shape.begin(), shape.end());
    std::visit(
        [&](auto& values) {
          using Values = std::decay_t<decltype(values)>;
          const Values one = std::get<Values>(field.data);
          values = Values();
          values.reserve(one.size() * points);
          for (std::size_t p = 0; p < points; ++p) values.insert(values.end(), one.begin(), one.end());
        },
        whole.data);
    result_.fields.push_back(std::move(whole));
  }
  if (swept_) {
    result_.fields.push_back({"status", dimensions, shape, std::vector<std::uint8_t>(points, 0), "1",
                              "0 missing, 1 done, 2 failed, 3 not converged"});
    result_.fields.push_back(
        {"error", dimensions, shape, std::vector<std::string>(points), "1", "what went wrong, or a caution"});
  }
}

void ResultBuilder::add(Record record) {
  const auto p = static_cast<std::size_t>(record.point);
  if (p >= points_) throw Error("a record of a point that does not exist: " + std::to_string(record.point));
  const std::size_t kept = result_.fields.size() - (swept_ ? 2 : 0);
  if (!record.data.empty() && record.data.size() != kept)
    throw Error("a record of point " + std::to_string(p) + " with other fields than its task has");
  for (std::size_t f = 0; f < record.data.size(); ++f) {
    std::visit(
        [&](auto& whole) {
          const auto* part = std::get_if<std::decay_t<decltype(whole)>>(&record.data[f]);
          if (part == nullptr || part->size() * points_ != whole.size())
            throw Error("a record of point " + std::to_string(p) + " with another shape of " + result_.fields[f].name +
                        " than its task has");
          std::copy(part->begin(), part->end(), whole.begin() + static_cast<std::ptrdiff_t>(p * part->size()));
        },
        result_.fields[f].data);
  }
  if (swept_) {
    std::get<std::vector<std::uint8_t>>(result_.fields[kept].data)[p] = static_cast<std::uint8_t>(record.status);
    std::get<std::vector<std::string>>(result_.fields[kept + 1].data)[p] = record.message;
  }
  record.data = {};
  for (const auto& [name, value] : record.summary)
    if (name == "certificate" && !(value <= result_.worst_certificate)) result_.worst_certificate = value;
  const auto use = [](const Record& one) { return std::pair(!one.algorithm.empty(), !one.summary.empty()); };
  const Record& example = result_.example;
  const bool first = example.status == Status::missing || record.point <= example.point;
  if (use(record) > use(example) || (use(record) == use(example) && first)) result_.example = record;
  if (const auto shown = result_.shown.find(p); shown != result_.shown.end()) shown->second = std::move(record);
}

SweepResult ResultBuilder::finish() {
  result_.tally.total = points_;
  const auto look_at = [&](std::size_t p, Status status, const std::string& message) {
    result_.tally.count(status);
    if (!message.empty() && result_.messages.size() <= most_messages)
      result_.messages.push_back({.point = p, .status = status, .message = message});
  };
  if (swept_) {
    const auto& status = std::get<std::vector<std::uint8_t>>(result_.fields[result_.fields.size() - 2].data);
    const auto& error = std::get<std::vector<std::string>>(result_.fields.back().data);
    for (std::size_t p = 0; p < points_; ++p) look_at(p, static_cast<Status>(status[p]), error[p]);
  } else {
    look_at(0, result_.shown.at(0).status, result_.shown.at(0).message);
  }
  return std::move(result_);
}

std::vector<Field> coordinates_of(const config::Document& document, const TaskEntry& task) {
  return all_coordinates(document, kept_empty_result(task, document.point(0)));
}

namespace {

const Data& dataset_of(const io::StoredOutput& output, const std::string& name) {
  const auto found = output.datasets.find(name);
  if (found == output.datasets.end()) throw io::NotAResult(output.path + ": it has no dataset " + name);
  return found->second;
}

}  // namespace

void for_each_status(const io::StoredOutput& output, const config::Document& document,
                     const std::function<void(Record)>& take) {
  const std::size_t points = document.sweep.points();
  if (document.sweep.empty()) return take({.point = 0, .status = Status::done});
  const auto* status = std::get_if<std::vector<std::uint8_t>>(&dataset_of(output, "status"));
  const auto* error = std::get_if<std::vector<std::string>>(&dataset_of(output, "error"));
  if (status == nullptr || error == nullptr || status->size() != points || error->size() != points)
    throw io::NotAResult(output.path + ": its status and error do not fit its input");
  for (std::size_t p = 0; p < points; ++p) {
    if ((*status)[p] < 1 || (*status)[p] > 3) continue;
    Record record;
    record.point = p;
    record.status = static_cast<Status>((*status)[p]);
    record.message = (*error)[p];
    take(std::move(record));
  }
}

void for_each_record(const io::StoredOutput& output, const config::Document& document, const config::Document& checked,
                     const TaskEntry& task, const std::function<void(Record)>& take) {
  const std::size_t points = document.sweep.points();
  std::vector<std::string> names;
  for (const Field& field : kept_empty_result(task, checked.point(0)).fields) names.push_back(field.name);
  for_each_status(output, document, [&](Record record) {
    const auto p = static_cast<std::size_t>(record.point);
    for (const std::string& name : names) {
      if (record.status == Status::failed) break;
      std::visit(
          [&](const auto& values) {
            if (values.size() % points != 0)
              throw io::NotAResult(output.path + ": its dataset " + name + " does not fit its input");
            const std::size_t size = values.size() / points;
            const auto first = values.begin() + static_cast<std::ptrdiff_t>(p * size);
            std::decay_t<decltype(values)> own(first, first + static_cast<std::ptrdiff_t>(size));
            if constexpr (std::is_arithmetic_v<typename std::decay_t<decltype(values)>::value_type>)
              if (size == 1 && sizeof own[0] == sizeof(double))  // a scalar for the summary
                record.summary.emplace_back(name, static_cast<double>(own[0]));
            record.data.emplace_back(std::move(own));
          },
          dataset_of(output, name));
    }
    take(std::move(record));
  });
}

}  // namespace lindrift::sweep
