#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "results.hpp"

/// Sweeps over points within this process.

namespace lindrift::python {

/// One swept key and its values.
struct SweptKey {
  std::string key;
  std::string units, help;
  std::vector<Value> values;
  bool resizes = false;  ///< arrays over sites, cells and momenta have another shape at every value
};

/// The swept keys: an outer product, whose last key varies fastest, or side by side.
struct Axes {
  bool zip = false;
  std::vector<SweptKey> axes;

  std::size_t points() const;
  std::vector<std::size_t> shape() const;
  const Value& value(std::size_t axis, std::size_t point) const;
  /// Whether a number of sites or cells is swept over.
  bool sizes_differ() const;
};

/// @param given  pairs (key, values)
/// @throws ParameterError for a key that cannot be swept, TypeError, ShapeError
Axes read_axes(const nb::list& given, const std::vector<Parameter>& known, bool zip);

/// Number of points that run at the same time.
/// @param threads  total number of threads
int points_at_once(int threads, std::size_t points);
/// Number of threads within each point.
int threads_of_each(int threads, int workers);

/// Calls solve(point, monitor) for every point on `workers` threads, each of which takes the next remaining point;
/// exceptions are passed to fail(). Meanwhile the calling thread calls go_on(fraction); if that returns false, the
/// monitor stops the running points, and no other starts.
void run_points(std::size_t points, int workers, const std::function<bool(double)>& go_on,
                const std::function<void(std::size_t, const Monitor&)>& solve,
                const std::function<void(std::size_t, const std::string&)>& fail);

/// Results of all points, one array per observable. Several threads may enter points at the same time.
class Table {
 public:
  Table(Coordinates coordinates, std::size_t points) : coordinates_(std::move(coordinates)), points_(points) {}

  /// Allocates all observables of a result, with every value missing; if points differ in size, without observables
  /// over sites or momenta.
  template <class Result>
  void reserve(bool sizes_differ) {
    const Result none{};
    if (sizes_differ) kept_ = sizeless_names<Result>(coordinates_);
    for_each_observable(coordinates_, none, [&](const Observable& described, const Extent& extent, const auto& member) {
      if (!is_wanted(kept_, described.name)) return;
      fields_.push_back({described.name, extent.dimensions, extent.shape,
                         missing_values(member, extent.elements * points_), described.units, described.long_name});
    });
    status_.assign(points_, 0);
    messages_.resize(points_);
  }

  /// Room for datasets that no description lists.
  /// @param of_a_point  every value missing
  void reserve(std::vector<io::Field> of_a_point);

  template <class Result>
  void put(std::size_t point, const Result& result, const How& how) {
    std::size_t i = 0;
    for_each_observable(coordinates_, result,
                        [&](const Observable& described, const Extent& extent, const auto& member) {
                          if (is_wanted(kept_, described.name)) copy(member, extent, fields_[i++], point);
                        });
    if constexpr (requires { result.more; })
      for (const io::Field& more : result.more) copy(more, fields_[i++], point);
    bool converged = true;
    if constexpr (requires { result.converged; }) converged = result.converged;
    if constexpr (requires { result.message; }) messages_[point] = result.message;
    status_[point] = converged ? done : not_converged;
    if (point == 0) how_ = how;
  }
  void fail(std::size_t point, const std::string& message);

  /// (datasets, coordinates, keys, status, messages, how); the arrays are moved out.
  nb::object to_python(const Axes& axes);

 private:
  enum Status : std::uint8_t { missing, done, failed, not_converged };

  template <class Item>
  static auto stored(const Item& value) {
    if constexpr (std::is_same_v<Item, bool>)
      return static_cast<std::uint8_t>(value);
    else
      return value;
  }
  template <class Item>
  static void copy(const std::vector<Item>& values, const Extent& extent, io::Field& field, std::size_t point) {
    if (values.size() != extent.elements) return;  // not requested
    auto& all = std::get<std::vector<Item>>(field.data);
    std::copy(values.begin(), values.end(), all.begin() + static_cast<std::ptrdiff_t>(point * extent.elements));
  }
  template <class Item>
  static void copy(const Item& value, const Extent&, io::Field& field, std::size_t point) {
    std::get<std::vector<decltype(stored(value))>>(field.data)[point] = stored(value);
  }
  static void copy(const io::Field& from, io::Field& field, std::size_t point);

  Coordinates coordinates_;
  std::size_t points_;
  std::vector<std::string> kept_;  ///< names of the datasets kept; empty: all
  std::vector<io::Field> fields_;
  std::vector<std::uint8_t> status_;
  std::vector<std::string> messages_;
  How how_;
};

}  // namespace lindrift::python
