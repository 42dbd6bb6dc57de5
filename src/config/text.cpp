#include "config/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>

#include "config/precheck.hpp"

namespace lindrift::config {

namespace {

constexpr std::size_t longest_shown = 60;

std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  text.resize(end);
  return text + "...";
}

std::string format_complex(const Complex& value) {
  return fmt::format("[{}, {}]", format_real(value.real()), format_real(value.imag()));
}

template <typename Items, typename Format>
std::string format_list(const Items& items, std::size_t limit, Format format) {
  std::string text = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += ", ";
    if (text.size() > limit) return text + "...]";
    text += format(items[i]);
  }
  return text + "]";
}

std::string format_term(const Term& term) {
  return fmt::format("[{}, {}, {}]", fmt::join(term.indices, ", "), format_real(term.amplitude.real()),
                     format_real(term.amplitude.imag()));
}

std::string show_node(const Node& node, std::size_t limit) {
  struct Visitor {
    std::size_t limit;
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return format_real(value); }
    std::string operator()(const std::string& value) const { return quote_short(value); }
    std::string operator()(const std::unique_ptr<Array>& value) const {
      const std::size_t inner = limit / 2;
      return format_list(value->items, limit, [inner](const Node& item) { return show_node(item, inner); });
    }
    std::string operator()(const std::unique_ptr<Table>& value) const {
      std::string text = "{";
      for (const Entry& entry : value->entries) {
        text += text.size() > 1 ? ", " : " ";
        if (text.size() > limit) return text + "... }";
        text += cut(format_key(entry.key), longest_shown) + " = " + show_node(entry.node, limit / 2);
      }
      return text.size() > 1 ? text + " }" : "{}";
    }
  };
  return std::visit(Visitor{limit}, node.value);
}

std::string format_any(const Value& value, std::size_t limit) {
  struct Visitor {
    std::size_t limit;
    std::string operator()(bool item) const { return item ? "true" : "false"; }
    std::string operator()(std::int64_t item) const { return std::to_string(item); }
    std::string operator()(double item) const { return format_real(item); }
    std::string operator()(const Complex& item) const { return format_complex(item); }
    std::string operator()(const std::string& item) const { return quote(item); }
    std::string operator()(const std::vector<double>& items) const { return format_list(items, limit, format_real); }
    std::string operator()(const std::vector<std::int64_t>& items) const {
      return format_list(items, limit, [](std::int64_t item) { return std::to_string(item); });
    }
    std::string operator()(const std::vector<std::string>& items) const {
      return format_list(items, limit, [](const std::string& item) { return quote(item); });
    }
    std::string operator()(const std::vector<std::vector<double>>& rows) const {
      const std::size_t inner = limit == std::string::npos ? limit : limit / 2;
      return format_list(rows, limit,
                         [inner](const std::vector<double>& row) { return format_list(row, inner, format_real); });
    }
    std::string operator()(const NamedMatrices& matrices) const {
      const std::size_t inner = limit == std::string::npos ? limit : limit / 2;
      std::string text = "{ ";
      for (const NamedMatrix& one : matrices) {
        std::vector<std::vector<Complex>> rows;
        for (std::size_t i = 0; i < one.order; ++i) {
          const auto first = one.elements.begin() + static_cast<std::ptrdiff_t>(i * one.order);
          rows.emplace_back(first, first + static_cast<std::ptrdiff_t>(one.order));
        }
        if (text.size() > 2) text += ", ";
        text += one.name + " = " + format_list(rows, inner, [inner](const std::vector<Complex>& row) {
                  return format_list(row, inner, format_complex);
                });
      }
      return text + " }";
    }
    std::string operator()(const Channels& channels) const {
      const std::size_t inner = limit == std::string::npos ? limit : limit / 2;
      return format_list(channels, limit, [inner](const std::vector<Term>& terms) {
        return "{ terms = " + format_list(terms, inner, format_term) + " }";
      });
    }
  };
  return std::visit(Visitor{limit}, value);
}

}  // namespace

std::string format_real(double value) {
  if (std::isnan(value)) return std::signbit(value) ? "-nan" : "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), result.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F)
          quoted += fmt::format("\\u{:04X}", byte);
        else
          quoted += c;
      }
    }
  }
  return quoted + "\"";
}

std::string quote_short(std::string_view text) {
  // The command line may contain text that is not UTF-8, but messages should be UTF-8.
  std::string clean;
  for (std::size_t at = 0; at < text.size() && clean.size() <= longest_shown;) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0)
      clean += '?';
    else
      clean += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return quote(cut(clean, longest_shown));
}

std::string format_key(std::string_view key) {
  if (key.empty()) return "\"\"";
  for (const char c : key) {
    const bool bare =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!bare) return quote_short(key);
  }
  return cut(std::string(key), longest_shown);
}

std::string format_terms(const std::vector<Term>& terms) { return format_list(terms, std::string::npos, format_term); }

std::string show(const Node& node) { return show_node(node, longest_shown); }

std::string show(const Value& value) { return format_any(value, longest_shown); }

std::string format_value(const Value& value) { return format_any(value, std::string::npos); }

std::string format_value(const Value& value, const Key& key) {
  const bool empty = std::visit(
      [](const auto& held) {
        if constexpr (requires { held.empty(); })
          return held.empty();
        else
          return false;
      },
      value);
  if (key.type == Type::terms) return format_terms(std::get<Channels>(value).front());
  if (!empty || std::holds_alternative<std::string>(value)) return format_value(value);
  return key.type == Type::real_list && !key.choices.empty() ? quote(key.choices.front()) : "\"all\"";
}

std::string format_choices(const std::vector<std::string>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += quote(choices[i]);
  }
  return text;
}

std::string format_help(const Key& key) { return key.help.empty() ? "" : " (" + key.help + ")"; }

}  // namespace lindrift::config
