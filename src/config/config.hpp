#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/key.hpp"

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

/// One swept key with its values: all double, all Complex or all std::int64_t.
struct Axis {
  std::string path;
  std::vector<Value> values;
};

/// The points of a run: one if nothing is swept.
struct Sweep {
  SweepMode mode = SweepMode::grid;
  std::vector<Axis> axes;  ///< in the order of the file

  bool empty() const { return axes.empty(); }
  std::size_t points() const;              ///< product of the lengths (grid), common length (zip), 1 if empty
  std::vector<std::size_t> shape() const;  ///< sweep dimensions: one per axis (grid), one (zip), none if empty
  /// Value of each axis at a point; points are numbered in C order of shape().
  std::vector<Value> at(std::size_t point) const;
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
  /// Checks that involve several keys. Called once per point, after each key has been checked on its own and the size
  /// of the point. Throws ParameterError naming the key.
  std::function<void(const Point&)> validate;
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
