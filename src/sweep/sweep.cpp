#include "sweep/sweep.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>

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

/// Holds the whole result on rank 0 and takes the points as they come.
class Assembly {
 public:
  explicit Assembly(const config::Document& document) : swept_(!document.sweep.empty()) {
    const TaskEntry& task = find_task(find_model(document.model), document.task);
    const io::Result outline = kept_outline(task, document.point(0));
    const std::size_t points = document.sweep.points();
    outcome_.coordinates = sweep_coordinates(document);
    outcome_.coordinates.insert(outcome_.coordinates.end(), outline.coordinates.begin(), outline.coordinates.end());
    outcome_.points.resize(points);
    outcome_.tally.total = points;
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
      outcome_.fields.push_back({"error", dimensions, shape, std::vector<std::string>(points), "1", "what went wrong"});
    }
  }

  void place(Record record) {
    const auto p = static_cast<std::size_t>(record.point);
    if (p >= outcome_.points.size())
      throw Error("a record of a point that does not exist: " + std::to_string(record.point));
    if (outcome_.points[p].status != Status::missing) throw Error("two records of point " + std::to_string(p));
    const std::size_t kept = outcome_.fields.size() - (swept_ ? 2 : 0);
    if (!record.data.empty() && record.data.size() != kept)
      throw Error("a record of point " + std::to_string(p) + " with other fields than its outline");
    for (std::size_t f = 0; f < record.data.size(); ++f) {
      std::visit(
          [&](auto& whole) {
            const auto* part = std::get_if<std::decay_t<decltype(whole)>>(&record.data[f]);
            if (part == nullptr || part->size() * outcome_.points.size() != whole.size())
              throw Error("a record of point " + std::to_string(p) + " with another shape of " +
                          outcome_.fields[f].name + " than its outline");
            std::copy(part->begin(), part->end(), whole.begin() + static_cast<std::ptrdiff_t>(p * part->size()));
          },
          outcome_.fields[f].data);
    }
    if (swept_) {
      const std::size_t count = outcome_.fields.size();
      std::get<std::vector<std::uint8_t>>(outcome_.fields[count - 2].data)[p] =
          static_cast<std::uint8_t>(record.status);
      std::get<std::vector<std::string>>(outcome_.fields[count - 1].data)[p] = record.message;
    }
    count_point(outcome_.tally, record.status);
    record.data.clear();
    outcome_.points[p] = std::move(record);
  }

  static void count_point(Tally& tally, Status status) {
    if (status == Status::done) ++tally.done;
    if (status == Status::failed) ++tally.failed;
    if (status == Status::not_converged) ++tally.not_converged;
  }

  Outcome& outcome() { return outcome_; }

 private:
  bool swept_;
  Outcome outcome_;
};

/// Runs one point; whatever it throws becomes its message.
Record compute(const config::Document& document, std::size_t index, const Execution& execution,
               const Monitor& monitor) {
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  const auto& wanted = document.base.texts("output.fields");
  Record record;
  record.point = index;
  const auto start = std::chrono::steady_clock::now();
  try {
    io::Result result = task.run(document.point(index), execution, monitor);
    record.status = result.converged ? Status::done : Status::not_converged;
    record.message = std::move(result.message);
    record.summary = std::move(result.summary);
    record.backend = std::move(result.backend);
    record.backend_reason = std::move(result.backend_reason);
    record.algorithm = std::move(result.algorithm);
    record.algorithm_reason = std::move(result.algorithm_reason);
    for (Field& field : result.fields)
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), field.name) != wanted.end())
        record.data.push_back(std::move(field.data));
  } catch (const std::bad_alloc&) {
    record.status = Status::failed;
    record.message = "out of memory";
  } catch (const std::exception& failure) {
    record.status = Status::failed;
    record.message = failure.what();
  }
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return record;
}

}  // namespace

std::vector<std::size_t> points_of(int rank, int size, std::size_t points) {
  std::vector<std::size_t> own;
  for (auto p = static_cast<std::size_t>(rank); p < points; p += static_cast<std::size_t>(size)) own.push_back(p);
  return own;
}

Outcome run(const config::Document& document, const Execution& execution, Communicator& communicator,
            const std::function<void(const Tally&)>& report) {
  const std::size_t points = document.sweep.points();
  const auto own = points_of(communicator.rank(), communicator.size(), points);
  if (communicator.rank() != 0) {
    Outcome outcome;
    outcome.tally.total = own.size();
    for (const std::size_t p : own) {
      const Record record = compute(document, p, execution, {});
      Assembly::count_point(outcome.tally, record.status);
      communicator.send_to_root(encode(record));
    }
    return outcome;
  }

  Assembly assembly(document);
  Tally& tally = assembly.outcome().tally;
  const auto update = [&] {
    if (report) report(tally);
  };
  const auto take_arrived = [&](bool wait) {
    while (tally.finished() < points) {
      auto bytes = communicator.receive_at_root(wait);
      if (!bytes) return;
      assembly.place(decode(*bytes));
      update();
    }
  };
  Monitor monitor;
  monitor.progress = [&](double fraction) {
    tally.fraction_of_current = fraction;
    update();
    return true;
  };
  update();
  for (const std::size_t p : own) {
    assembly.place(compute(document, p, execution, monitor));
    tally.fraction_of_current = 0.0;
    update();
    if (communicator.size() > 1) take_arrived(false);
  }
  if (communicator.size() > 1) take_arrived(true);
  return std::move(assembly.outcome());
}

}  // namespace lindrift::sweep
