#pragma once

#include <complex>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lindrift::config {

using Complex = std::complex<double>;

/// Terms of jump operators: channels x terms x numbers; the last two numbers of a term are Re and Im of its
/// coefficient, those before them integers.
using Channels = std::vector<std::vector<std::vector<double>>>;

/// What a key can hold once it has been read.
using Value = std::variant<bool, std::int64_t, double, Complex, std::string, std::vector<double>,
                           std::vector<std::int64_t>, std::vector<std::string>, Channels>;

enum class Type {
  integer,           ///< 12; also 12.0
  real,              ///< 1.5, or an integer
  complex,           ///< [re, im], or a real number
  text,              ///< "raman"; `choices` says which, empty means any
  real_list,         ///< [0.0, 1.5]; a word of `choices` is an empty list; a number is a list of one if `scalar` is set
  real_grid,         ///< a list, or { start = a, stop = b, count = n } with both ends included
  integer_list,      ///< [-2, 0, 5], no duplicates; "all" (an empty list) where `choices` is {"all"}
  text_list,         ///< "all" (an empty list), or ["current", "occupation"], no duplicates
  operator_channels  ///< an array of tables, one per channel: terms = [[a, b, Re, Im], ...]; see Key::term_length
};

/// Allowed interval of a number, or of every entry of a list. NaN and infinity are never allowed.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;   ///< low itself is not allowed
  bool open_high = false;  ///< high itself is not allowed
};

/// The key has a meaning only if another key (defined before it in the schema) holds one of these values.
struct Condition {
  std::string path;
  std::vector<std::string> values;
};

/// One key of the input file: everything that reading, checking, documenting and sweeping it needs.
struct Key {
  std::string path{};  ///< dotted: "bath.coupling"
  Type type = Type::real;
  std::string help{};  ///< one line, with the unit; printed in error messages and by `lindrift models`
  std::optional<Value> default_value{};  ///< none: required, or optional if `optional` is set
  bool optional = false;                 ///< may be absent without a default; `derived` says what then happens
  std::string derived{};                 ///< "1 - bath.nonequilibrium_fraction"
  Range range{};
  std::vector<std::string> choices{};
  std::vector<Condition> when{};  ///< all must hold
  bool ascending = false;         ///< lists and grids: strictly ascending
  bool sweepable = false;  ///< may appear in [sweep]; real and complex keys, and lists that may be a plain number
  std::string units{};     ///< as written to the output file for a swept key; empty: dimensionless
  std::vector<std::string> unless{};  ///< an error, and without its default, where one of these keys is given
  /// operator_channels: 4 for [a, b, Re, Im], 6 for [a, spin, b, spin, Re, Im]; a and b are offsets in sites, a spin is
  /// 0 (up) or 1 (down).
  std::size_t term_length = 4;
  bool scalar = false;     ///< real_list: a plain number will do; under a sweep the value is a number
  bool file_path = false;  ///< text: names a file, relative to the folder of the input file; read as absolute
};

}  // namespace lindrift::config
