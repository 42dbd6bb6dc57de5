#include "config/precheck.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lindrift::config {

namespace {

constexpr int deepest_key = 32;  // segments of a dotted key; destroying the tree recurses once per segment

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Follows strings, comments and brackets as the parser would, up to the first error that the parser reports itself.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<Rejection> run() {
    while (at_ < text_.size()) {
      const std::size_t length = utf8_length(text_, at_);
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (length == 0) {
        return reject(fmt::format("byte 0x{:02X} is not valid UTF-8: the input must be a TOML text file", byte));
      }
      if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
        return reject(
            fmt::format("control character 0x{:02X} is not allowed: the input must be a TOML text file", byte));
      }
      if (text_.substr(at_, 3) == "\xEF\xBB\xBF") {
        return reject("a byte order mark (EF BB BF) is allowed only at the start of the file");
      }
      if (byte == '\r' && !starts("\r\n")) return reject("a carriage return must be followed by a line feed");
      if (length > 1 && state_ == State::normal) {
        return reject(fmt::format("'{}' may stand only in quotes or in a comment", text_.substr(at_, length)));
      }
      if (auto rejection = step()) return rejection;
      advance(length);
    }
    return std::nullopt;
  }

 private:
  enum class State { normal, comment, basic, literal, long_basic, long_literal };

  Rejection reject(std::string message) const { return {line_, column_, std::move(message)}; }

  bool starts(std::string_view word) const { return text_.substr(at_, word.size()) == word; }

  void advance(std::size_t length) {
    if (text_[at_] == '\n') {
      ++line_;
      column_ = 1;
    } else {
      ++column_;
    }
    at_ += length;
  }

  /// Quotes are ASCII: all but the last byte of a delimiter can be skipped at once.
  void pass(std::size_t bytes) {
    at_ += bytes;
    column_ += static_cast<int>(bytes);
  }

  std::optional<Rejection> step() {
    const char c = text_[at_];
    switch (state_) {
      case State::comment:
        if (c == '\n') new_line();
        break;
      case State::basic:
        if (c == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\'))
          pass(1);
        else if (c == '"')
          state_ = State::normal;
        else if (c == '\n')
          new_line();
        break;
      case State::literal:
        if (c == '\'')
          state_ = State::normal;
        else if (c == '\n')
          new_line();
        break;
      case State::long_basic:
        if (c == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\'))
          pass(1);
        else if (starts("\"\"\""))
          close_long('"');
        break;
      case State::long_literal:
        if (starts("'''")) close_long('\'');
        break;
      case State::normal:
        return normal(c);
    }
    return std::nullopt;
  }

  /// 2020-01-01 or 12:30: the parser aborts on malformed dates. No number and no known key looks like that.
  bool starts_date() const {
    if (text_[at_] == ':') return true;
    if (at_ > 0 && is_bare(text_[at_ - 1])) return false;
    if (at_ + 4 >= text_.size() || text_[at_ + 4] != '-') return false;
    return std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                       text_.begin() + static_cast<std::ptrdiff_t>(at_) + 4,
                       [](char c) { return c >= '0' && c <= '9'; });
  }

  /// Up to two more quotes may belong to the string.
  void close_long(char quote) {
    std::size_t count = 3;
    while (count < 5 && at_ + count < text_.size() && text_[at_ + count] == quote) ++count;
    pass(count - 1);
    state_ = State::normal;
  }

  void new_line() {
    state_ = State::normal;
    fresh_ = true;
    header_ = false;
    dots_ = 0;
  }

  std::optional<Rejection> normal(char c) {
    if (c == '\n') {
      new_line();
      return std::nullopt;
    }
    if (is_blank(c) || c == '\r') return std::nullopt;
    const bool first = fresh_;
    fresh_ = false;
    if (starts_date()) return reject("no key takes a date or a time; a text must be in quotes");
    if (!is_bare(c) && std::string_view("#\"'.[]{}=,+").find(c) == std::string_view::npos) {
      return reject(fmt::format("'{}' may stand only in quotes or in a comment", c));
    }
    switch (c) {
      case '#':
        state_ = State::comment;
        break;
      case '"':
        state_ = starts("\"\"\"") ? State::long_basic : State::basic;
        if (state_ == State::long_basic) pass(2);
        break;
      case '\'':
        state_ = starts("'''") ? State::long_literal : State::literal;
        if (state_ == State::long_literal) pass(2);
        break;
      case '.':
        if (++dots_ >= deepest_key) return reject(fmt::format("a key has more than {} dotted parts", deepest_key));
        break;
      case '[':
        dots_ = 0;
        if (first && open_.empty()) return header();
        if (!header_) open_.push_back(c);
        break;
      case '{':
        dots_ = 0;
        if (!header_) open_.push_back(c);
        break;
      case ']':
      case '}':
        dots_ = 0;
        if (header_) break;
        if (open_.empty()) return reject(fmt::format("'{}' closes nothing that is open", c));
        if ((open_.back() == '[') != (c == ']')) {
          return reject(fmt::format("'{}' does not close the '{}' before it", c, open_.back()));
        }
        open_.pop_back();
        break;
      case '=':
      case ',':
        dots_ = 0;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  std::optional<Rejection> header() {
    header_ = true;
    std::size_t next = at_ + 1;
    if (next < text_.size() && text_[next] == '[') ++next;
    while (next < text_.size() && is_blank(text_[next])) ++next;
    if (next < text_.size() && (is_bare(text_[next]) || text_[next] == '"' || text_[next] == '\'')) return std::nullopt;
    const auto byte = next < text_.size() ? static_cast<unsigned char>(text_[next]) : static_cast<unsigned char>('\n');
    if (byte >= 0x7F || (byte < 0x20 && byte != '\n' && byte != '\r')) return std::nullopt;  // run() reports it better
    return reject("expected the name of a table after '[', such as [model]");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  State state_ = State::normal;
  bool fresh_ = true;    // only blanks on this line so far
  bool header_ = false;  // on the line of a [table]
  std::string open_;     // open brackets and braces of the current value
  int dots_ = 0;
};

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t offset) -> unsigned {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0U;
  };
  const auto follows = [&](std::size_t offset) { return (byte(offset) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (at >= text.size()) return 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;   // overlong
    if (lead == 0xED && byte(1) >= 0xA0) return 0;  // a surrogate
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) >= 0x90) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::optional<Rejection> precheck(std::string_view text) {
  if (text.size() > largest_input) {
    return Rejection{0, 0, fmt::format("the input has more than the {} MiB allowed", largest_input >> 20)};
  }
  return Scanner(text).run();
}

}  // namespace lindrift::config
