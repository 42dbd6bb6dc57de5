#include "sweep/assembly.hpp"

#include <algorithm>

#include "lindrift/error.hpp"

namespace lindrift::sweep {

namespace {

using io::Data;
using io::Field;

std::string units_of(const config::Document& document, const std::string& path) {
  for (const config::Key& key : document.schema.keys)
    if (key.path == path) return key.units.empty() ? "1" : key.units;
  return "1";
}
std::string help_of(const config::Document& document, const std::string& path) {
  for (const config::Key& key : document.schema.keys)
    if (key.path == path) return key.help;
  return path;
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
  for (const config::Axis& axis : sweep.axes) {
    Field field{axis.path, {zip ? "point" : axis.path},   {axis.values.size()},
                {},        units_of(document, axis.path), help_of(document, axis.path)};
    if (std::holds_alternative<config::Complex>(axis.values.front())) {
      std::vector<config::Complex> values;
      for (const config::Value& value : axis.values) values.push_back(std::get<config::Complex>(value));
      field.data = std::move(values);
    } else {
      std::vector<double> values;
      for (const config::Value& value : axis.values) values.push_back(std::get<double>(value));
      field.data = std::move(values);
    }
    coordinates.push_back(std::move(field));
  }
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

Assembly::Assembly(const config::Document& document, const TaskEntry& task) : swept_(!document.sweep.empty()) {
  const io::Result outline = kept_outline(task, document.point(0));
  const std::size_t points = document.sweep.points();
  outcome_.coordinates = sweep_coordinates(document);
  outcome_.coordinates.insert(outcome_.coordinates.end(), outline.coordinates.begin(), outline.coordinates.end());
  outcome_.points.resize(points);
  const auto dimensions = sweep_dimensions(document.sweep);
  const auto shape = document.sweep.shape();
  for (const Field& field : outline.fields) {
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
    outcome_.fields.push_back(std::move(whole));
  }
  if (swept_) {
    outcome_.fields.push_back({"status", dimensions, shape, std::vector<std::uint8_t>(points, 0), "1",
                               "0 missing, 1 done, 2 failed, 3 not converged"});
    outcome_.fields.push_back(
        {"error", dimensions, shape, std::vector<std::string>(points), "1", "what went wrong, or a caution"});
  }
}

void Assembly::place(Record record) {
  const auto p = static_cast<std::size_t>(record.point);
  if (p >= outcome_.points.size())
    throw Error("a record of a point that does not exist: " + std::to_string(record.point));
  place_data(p, record.data);
  if (swept_) {
    const std::size_t count = outcome_.fields.size();
    std::get<std::vector<std::uint8_t>>(outcome_.fields[count - 2].data)[p] = static_cast<std::uint8_t>(record.status);
    std::get<std::vector<std::string>>(outcome_.fields[count - 1].data)[p] = record.message;
  }
  record.data = {};
  outcome_.points[p] = std::move(record);
}

void Assembly::place_data(std::size_t point, const std::vector<Data>& data) {
  const std::size_t kept = outcome_.fields.size() - (swept_ ? 2 : 0);
  if (!data.empty() && data.size() != kept)
    throw Error("a record of point " + std::to_string(point) + " with other fields than its outline");
  for (std::size_t f = 0; f < data.size(); ++f) {
    std::visit(
        [&](auto& whole) {
          const auto* part = std::get_if<std::decay_t<decltype(whole)>>(&data[f]);
          if (part == nullptr || part->size() * outcome_.points.size() != whole.size())
            throw Error("a record of point " + std::to_string(point) + " with another shape of " +
                        outcome_.fields[f].name + " than its outline");
          std::copy(part->begin(), part->end(), whole.begin() + static_cast<std::ptrdiff_t>(point * part->size()));
        },
        outcome_.fields[f].data);
  }
}

void Assembly::place_unfinished(std::size_t point, std::vector<Data> data) { place_data(point, data); }

Outcome Assembly::finish() {
  outcome_.tally.total = outcome_.points.size();
  for (const Record& record : outcome_.points) outcome_.tally.count(record.status);
  return std::move(outcome_);
}

void for_each_record(const io::StoredOutput& output, const config::Document& document, const TaskEntry& task,
                     const std::function<void(Record)>& take) {
  const auto dataset = [&](const std::string& name) -> const Data& {
    const auto found = output.datasets.find(name);
    if (found == output.datasets.end()) throw Error("it has no dataset " + name);
    return found->second;
  };
  const std::size_t points = document.sweep.points();
  const auto* statuses = document.sweep.empty() ? nullptr : std::get_if<std::vector<std::uint8_t>>(&dataset("status"));
  const auto* messages = document.sweep.empty() ? nullptr : std::get_if<std::vector<std::string>>(&dataset("error"));
  if (!document.sweep.empty() &&
      (statuses == nullptr || messages == nullptr || statuses->size() != points || messages->size() != points))
    throw Error("its status and error do not fit its input");
  std::vector<std::string> names;
  for (const Field& field : kept_outline(task, document.point(0)).fields) names.push_back(field.name);
  for (std::size_t p = 0; p < points; ++p) {
    Record record;
    record.point = p;
    const std::uint8_t status = statuses != nullptr ? (*statuses)[p] : static_cast<std::uint8_t>(Status::done);
    if (status < 1 || status > 3) continue;
    record.status = static_cast<Status>(status);
    if (messages != nullptr) record.message = (*messages)[p];
    if (record.status != Status::failed)
      for (const std::string& name : names)
        std::visit(
            [&](const auto& values) {
              if (values.size() % points != 0) throw Error("its dataset " + name + " does not fit its input");
              const std::size_t size = values.size() / points;
              const auto first = values.begin() + static_cast<std::ptrdiff_t>(p * size);
              record.data.emplace_back(
                  std::decay_t<decltype(values)>(first, first + static_cast<std::ptrdiff_t>(size)));
            },
            dataset(name));
    // The scalars among them, for the summary.
    for (std::size_t f = 0; f < record.data.size(); ++f) {
      const auto* reals = std::get_if<std::vector<double>>(&record.data[f]);
      const auto* integers = std::get_if<std::vector<std::int64_t>>(&record.data[f]);
      if (reals != nullptr && reals->size() == 1) record.summary.emplace_back(names[f], reals->front());
      if (integers != nullptr && integers->size() == 1)
        record.summary.emplace_back(names[f], static_cast<double>(integers->front()));
    }
    take(std::move(record));
  }
}

}  // namespace lindrift::sweep
