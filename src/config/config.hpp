#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/grid.hpp"

namespace lindrift::config {

/// Values of every key that applies to one point of a run, including defaults.
class Point {
 public:
  const Value* find(std::string_view path) const;  ///< null if the key does not apply to this point
  bool has(std::string_view path) const { return find(path) != nullptr; }
  bool boolean(std::string_view path) const;
  std::int64_t integer(std::string_view path) const;
  double real(std::string_view path) const;
  Complex complex(std::string_view path) const;
  const std::string& text(std::string_view path) const;
  const std::vector<double>& reals(std::string_view path) const;
  const std::vector<std::int64_t>& integers(std::string_view path) const;
  const std::vector<std::string>& texts(std::string_view path) const;
  const Channels& channels(std::string_view path) const;
  /// Length of a list of numbers, or of a grid that has no values yet; 0 if the key does not apply.
  double count(std::string_view path) const;
  bool has_values() const { return counts_.empty(); }  ///< false if a grid has its ends only

  void set(std::string path, Value value);
  void set_count(std::string path, double count);
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

 private:
  std::map<std::string, Value, std::less<>> values_;
  std::map<std::string, double, std::less<>> counts_;  ///< where they are not those of values_
};

enum class SweepMode { grid, zip };

/// The values of a swept key, all of one type: a list, or a grid, whose values are made when they are asked for.
class AxisValues {
 public:
  AxisValues(std::vector<Value> list) : values_(std::move(list)) {}  // NOLINT(google-explicit-constructor)
  AxisValues(std::initializer_list<Value> list) : values_(std::vector(list)) {}
  AxisValues(const Grid& grid) : values_(grid) {}  // NOLINT(google-explicit-constructor)

  const Grid* grid() const { return std::get_if<Grid>(&values_); }  ///< null if it is a list
  std::size_t size() const;
  Value operator[](std::size_t i) const;
  Value front() const { return (*this)[0]; }
  /// Whether all values are equal, as numbers.
  bool operator==(const AxisValues& other) const;

  struct Iterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Value;

    const AxisValues* values;
    std::size_t place;
    Value operator*() const { return (*values)[place]; }
    Iterator& operator++() { return ++place, *this; }
    Iterator operator++(int) { return {values, place++}; }
    bool operator==(const Iterator&) const = default;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  std::variant<std::vector<Value>, Grid> values_;
};

/// One swept key with its values: all double, all Complex, all std::int64_t or all lists of these.
struct Axis {
  std::string path;
  AxisValues values;
};

/// Sweeps with more points are examined before a run at so many of them only. A point that was not is examined before
/// it is computed, and fails if it is not allowed.
inline constexpr std::size_t most_examined = 16'384;

/// The points of a run: one if nothing is swept.
struct Sweep {
  SweepMode mode = SweepMode::grid;
  std::vector<Axis> axes;  ///< in the order of the file

  bool empty() const { return axes.empty(); }
  std::size_t points() const;              ///< product of the lengths (grid), common length (zip), 1 if empty
  std::vector<std::size_t> shape() const;  ///< sweep dimensions: one per axis (grid), one (zip), none if empty
  /// Value of each axis at a point; points are numbered in C order of shape().
  std::vector<Value> at(std::size_t point) const;
  /// Every point; of more than `most` points so many at most: values along each axis from the first point, corners, and
  /// others spread evenly. Ascending, the first and last point included. `most` is at least 64.
  std::vector<std::size_t> sample(std::size_t most) const;
};

/// Keys and checks of one model and task. The order of the keys is fixed.
struct Schema {
  std::vector<Key> keys;
  /// Names allowed in output.fields.
  std::vector<std::string> fields;
  /// Those whose shape does not depend on the size of the system.
  std::vector<std::string> sizeless_fields;
  /// Whether the machine has the memory that a point needs, from its sizes alone. Called before anything of these sizes
  /// is made; long grids are counted then and have no values yet. Throws ParameterError naming the key.
  std::function<void(const Point&)> validate_memory;
  /// The same for the results of all points together. Called with the first point, because there may be very many.
  std::function<void(const Point& first, std::size_t points)> validate_size;
  /// Checks that involve several keys, after each key has been checked on its own and the size of the point. Throws
  /// ParameterError naming the key.
  std::function<void(const Point&)> validate;
  /// Both checks of a point.
  void examine(const Point& point) const;
};

/// Every model and task that an input file can ask for.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual std::vector<std::string> models() const = 0;
  virtual std::vector<std::string> tasks(const std::string& model) const = 0;
  virtual Schema schema(const std::string& model, const std::string& task) const = 0;
  /// A hash of the content of the file or dataset named by a key with file_path.
  virtual std::string content_hash(const std::string& key, const std::string& location) const = 0;
};

/// An input file, read, checked and resolved.
struct Document {
  std::string path;        ///< as given
  std::string input_text;  ///< the file, byte for byte
  std::string model;       ///< model.kind
  std::string task;        ///< task.kind
  Schema schema;
  Point base;  ///< without the swept values
  Sweep sweep;
  std::string resolved_text;  ///< TOML with every default and --set filled in; reading it again gives the same values,
                              ///< bit for bit

  std::vector<std::string> warnings;  ///< allowed, but probably not intended

  Point point(std::size_t index) const;  ///< base with the values of one point of the sweep
  /// The same, examined if the sweep is so large that not all of its points were.
  /// @throws ParameterError naming the key if the point is not allowed
  Point examined_point(std::size_t index) const;
  /// Whether arrays over sites, cells or momenta have another shape at every value of an axis.
  bool resizes(const Axis& axis) const;
};

/// Reads and checks an input file.
/// @param sets  KEY, VALUE pairs of --set in order; a value is parsed as TOML, or taken as a bare string if that fails
/// @throws InputError with all errors found
Document load(const std::string& path, const std::vector<std::pair<std::string, std::string>>& sets,
              const Registry& registry);

/// The same from text; `path` is used in messages and to resolve relative paths.
Document parse(const std::string& text, const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& sets, const Registry& registry);

/// Reads a resolved text from a file of this program. Tables are not read, because they may have moved, and points are
/// not validated: sizes in the document must not be trusted.
Document parse_stored(const std::string& text, const std::string& path, const Registry& registry);

/// The candidate closest to a misspelt word, within an edit distance of a third of its length (at least 1); otherwise
/// "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace lindrift::config
