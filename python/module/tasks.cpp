#include "tasks.hpp"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/short_text.hpp"

namespace lindrift::python {

namespace {

template <class Enum>
Enum enumerator(const std::string& given, const char* argument, std::initializer_list<Enum> all) {
  std::string known;
  for (const Enum one : all) {
    if (name(one) == given) return one;
    known += (known.empty() ? "\"" : ", \"") + std::string(name(one)) + "\"";
  }
  throw ParameterError(argument, "\"" + given + "\" is not allowed: must be one of " + known);
}

}  // namespace

Execution Run::execution() const {
  Execution execution;
  execution.algorithm = enumerator(algorithm, "algorithm",
                                   {Algorithm::automatic, Algorithm::direct, Algorithm::separable, Algorithm::fft});
  execution.backend = enumerator(backend, "backend", {Backend::automatic, Backend::cpu, Backend::cuda});
  if (threads < 0 || threads > 4096)
    throw ParameterError("threads", std::to_string(threads) + " is not allowed: must be >= 0 and <= 4096");
  execution.threads = threads;
  return execution;
}

Watch::Watch(nb::handle progress) {
  if (!progress.is_none()) report_ = nb::module_::import_("lindrift.arrays").attr("reporter")(progress);
}

bool Watch::go_on(double fraction) {
  if (raised_) return false;
  const bool finished = fraction >= 1.0 && fraction > fraction_;
  fraction_ = fraction;
  const Clock::time_point now = Clock::now();
  if (!finished && now - last_ < std::chrono::milliseconds(50)) return true;
  last_ = now;
  const nb::gil_scoped_acquire acquired;
  try {
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (report_.is_valid()) report_(fraction);
  } catch (...) {
    raised_ = std::current_exception();
    return false;
  }
  return true;
}

void Watch::rethrow() {
  if (raised_) std::rethrow_exception(std::exchange(raised_, nullptr));
}

Monitor Watch::monitor() {
  Monitor monitor;
  monitor.progress = [this](double fraction) { return go_on(fraction); };
  const auto add_stop = [this](auto& to) {
    if constexpr (requires { to.stop; }) to.stop = [this] { return stop(); };
  };
  add_stop(monitor);
  return monitor;
}

// --- sweeps ---

std::size_t Axes::points() const {
  if (zip) return axes.empty() ? 1 : axes.front().values.size();
  std::size_t product = 1;
  for (const SweptKey& one : axes) product *= one.values.size();
  return product;
}

std::vector<std::size_t> Axes::shape() const {
  if (zip) return {points()};
  std::vector<std::size_t> all;
  for (const SweptKey& one : axes) all.push_back(one.values.size());
  return all;
}

const Value& Axes::value(std::size_t axis, std::size_t point) const {
  if (zip) return axes[axis].values[point];
  for (std::size_t i = axes.size(); --i > axis;) point /= axes[i].values.size();
  return axes[axis].values[point % axes[axis].values.size()];
}

bool Axes::sizes_differ() const {
  return std::any_of(axes.begin(), axes.end(), [](const SweptKey& one) { return one.resizes; });
}

Axes read_axes(const nb::list& given, const std::vector<Parameter>& known, bool zip) {
  Axes all{zip, {}};
  for (const nb::handle pair : given) {
    if (!nb::isinstance<nb::str>(pair[0])) throw nb::type_error("keys that are swept must be words");
    const std::string key = text_of(pair[0]);
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Parameter& one) { return one.path == key && one.sweepable; });
    if (found == known.end()) {
      std::string names;
      for (const Parameter& one : known)
        if (one.sweepable) names += (names.empty() ? "" : ", ") + one.path;
      throw ParameterError(key, "cannot be swept; these can: " + names);
    }
    SweptKey axis{key, found->units, found->help, {}, found->resizes};
    Parameter number = *found;
    if (number.type == Type::real_list) number.type = Type::real;
    const nb::object values = nb::hasattr(pair[1], "tolist") ? pair[1].attr("tolist")() : nb::borrow(pair[1]);
    if (nb::isinstance<nb::str>(values) || PySequence_Check(values.ptr()) == 0)
      throw nb::type_error((key + " must be a list of values").c_str());
    for (const nb::handle value : nb::iter(values)) {
      const std::string place = key + "[" + std::to_string(axis.values.size()) + "]";
      axis.values.push_back(from_python(value, number, place));
      if (const auto* real = std::get_if<double>(&axis.values.back())) check_number(place, *found, *real);
      if (const auto* integer = std::get_if<std::int64_t>(&axis.values.back()))
        check_number(place, *found, static_cast<double>(*integer));
      if (const auto* complex = std::get_if<std::complex<double>>(&axis.values.back())) check_finite(place, *complex);
      if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&axis.values.back())) {
        for (const std::int64_t one : *integers) check_number(place, *found, static_cast<double>(one));
        if (integers->size() != std::get<std::vector<std::int64_t>>(axis.values.front()).size())
          throw ShapeError(key + ": every list must have as many numbers");
      }
    }
    if (axis.values.empty()) throw ShapeError(key + " must have at least one value");
    if (zip && axis.values.size() != (all.axes.empty() ? axis : all.axes.front()).values.size())
      throw ShapeError(key + " has " + counted(axis.values.size(), "value") + ", and " + all.axes.front().key +
                       " has " + std::to_string(all.axes.front().values.size()) + ": side by side, all have as many");
    all.axes.push_back(std::move(axis));
  }
  return all;
}

int points_at_once(int threads, std::size_t points) {
  return static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), std::max<std::size_t>(points, 1)));
}

int threads_of_each(int threads, int workers) { return std::max(1, threads / workers); }

void run_points(std::size_t points, int workers, const std::function<bool(double)>& go_on,
                const std::function<void(std::size_t, const Monitor&)>& solve,
                const std::function<void(std::size_t, const std::string&)>& fail) {
  std::atomic<std::size_t> next = 0, ended = 0;
  std::atomic<bool> stopped = false;
  std::mutex mutex;
  std::condition_variable all_ended;
  int running = workers;
  const auto work = [&] {
    Monitor monitor;
    monitor.stop = [&] { return stopped.load(); };
    monitor.progress = [&](double) { return !stopped; };
    for (std::size_t point = next++; point < points && !stopped; point = next++) {
      try {
        solve(point, monitor);
      } catch (const std::exception& error) {
        fail(point, error.what());
      }
      ++ended;
    }
    const std::lock_guard lock(mutex);
    if (--running == 0) all_ended.notify_all();
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < workers; ++i) threads.emplace_back(work);
  std::unique_lock lock(mutex);
  while (!all_ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return running == 0; })) {
    lock.unlock();
    if (!go_on(static_cast<double>(ended) / static_cast<double>(points))) stopped = true;
    lock.lock();
  }
  lock.unlock();
  if (!stopped) go_on(1.0);
}

void Table::reserve(std::vector<io::Field> of_a_point) {
  for (io::Field& field : of_a_point) {
    const auto repeat = [&](auto& values) {
      const auto once = values;
      values.reserve(once.size() * points_);
      for (std::size_t point = 1; point < points_; ++point) values.insert(values.end(), once.begin(), once.end());
    };
    std::visit(repeat, field.data);
    fields_.push_back(std::move(field));
  }
}

void Table::copy(const io::Field& from, io::Field& field, std::size_t point) {
  std::visit(
      [&](const auto& values) {
        auto& all = std::get<std::decay_t<decltype(values)>>(field.data);
        std::copy(values.begin(), values.end(), all.begin() + static_cast<std::ptrdiff_t>(point * values.size()));
      },
      from.data);
}

void Table::fail(std::size_t point, const std::string& message) {
  status_[point] = failed;
  messages_[point] = message;
}

nb::object Table::to_python(const Axes& axes) {
  const std::vector<std::size_t> sweep_shape = axes.shape();
  nb::list datasets, coordinates, keys;
  for (io::Field& field : fields_) {
    std::vector<std::size_t> shape = sweep_shape;
    shape.insert(shape.end(), field.shape.begin(), field.shape.end());
    nb::list dimensions;
    for (const std::string& one : field.dimensions) dimensions.append(nb::cast(one));
    const nb::object values = std::visit(
        [&](auto& held) -> nb::object {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::vector<std::string>>)
            return nb::none();
          else
            return owned(std::move(held), shape);
        },
        field.data);
    datasets.append(nb::make_tuple(field.name, nb::tuple(dimensions), values, field.units, field.long_name));
  }
  for (const Coordinate& one : coordinates_)
    coordinates.append(nb::make_tuple(one.name, coordinate_to_python(one), one.units, one.long_name));
  for (const SweptKey& axis : axes.axes) {
    nb::list values;
    for (const Value& value : axis.values) values.append(python::to_python(value));
    keys.append(nb::make_tuple(axis.key, values, axis.units, axis.help));
  }
  nb::list messages;
  for (const std::string& message : messages_) messages.append(nb::cast(message));
  return nb::make_tuple(datasets, coordinates, keys, owned(std::move(status_), sweep_shape), messages,
                        nb::make_tuple(how_.backend, how_.backend_reason, how_.algorithm, how_.algorithm_reason));
}

nb::object coordinate_to_python(const Coordinate& coordinate) {
  return std::visit(
      [&](auto&& values) -> nb::object {
        using Values = std::decay_t<decltype(values)>;
        if constexpr (std::is_same_v<Values, std::vector<std::string>>) {
          nb::list words;
          for (const std::string& one : values) words.append(nb::cast(one));
          return words;
        } else {
          const std::size_t size = values.size();
          return owned(Values(values), {size});
        }
      },
      coordinate.values());
}

}  // namespace lindrift::python
