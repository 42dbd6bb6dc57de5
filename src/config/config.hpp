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

/// The values of one point of a run: every key of the schema that has a meaning, defaults filled in.
class Point {
 public:
  const Value* find(std::string_view path) const;  ///< null if the key has no meaning for this point
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

  void set(std::string path, Value value);
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

enum class SweepMode { grid, zip };

/// One swept key with its values, all double or all Complex.
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

/// Everything that the schema depends on and provides. A model x task pair has its keys in a fixed order.
struct Schema {
  std::vector<Key> keys;
  /// Names that output.fields may list.
  std::vector<std::string> fields;
  /// Checks that no single key can make (two keys at odds, sizes whose memory cannot be had), called once for every
  /// point after the keys themselves are right. Throws ParameterError naming the key.
  std::function<void(const Point&)> validate;
  /// Checks what the points need together, such as memory; called with the first point before any other is looked at,
  /// since there may be very many. Throws ParameterError.
  std::function<void(const Point& first, std::size_t points)> validate_size;
};

/// Finds the schema of a model x task pair.
class Menu {
 public:
  virtual ~Menu() = default;
  virtual std::vector<std::string> models() const = 0;
  virtual std::vector<std::string> tasks(const std::string& model) const = 0;
  virtual Schema schema(const std::string& model, const std::string& task) const = 0;
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

  Point point(std::size_t index) const;  ///< base with the values of one point of the sweep
};

/// Reads and checks an input file.
/// @param sets  KEY, VALUE pairs of --set in order; a value is parsed as TOML, and as a bare string if that fails
/// @throws InputError with every complaint that can be made at once
Document load(const std::string& path, const std::vector<std::pair<std::string, std::string>>& sets, const Menu& menu);

/// The same from text; `path` is used in messages and to resolve relative paths.
Document parse(const std::string& text, const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& sets, const Menu& menu);

/// The candidate nearest to a misspelt word (edit distance at most a third of its length, at least 1), or "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace lindrift::config
