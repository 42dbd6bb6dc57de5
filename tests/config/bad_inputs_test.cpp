#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fake_registry.hpp"
#include "registry/registry.hpp"

namespace lindrift::config {
namespace {

const std::filesystem::path folder = LINDRIFT_TEST_DATA "/bad_inputs";
const std::string begin_of_case = "\n#### ", escaped = " (escaped)", mark = "# expect: ";

/// The tables in tests/data/bad_inputs; README.md there describes their format.
std::vector<std::string> tables() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The text that a case marked (escaped) represents.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
    } else if (text[++i] == 'x') {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      const std::size_t open = text.find('(', i), close = text.find(')', open);
      const std::string unit = text.substr(open + 1, close - open - 1);
      for (int left = std::stoi(text.substr(i, open - i)); left > 0; --left) plain += unit;
      i = close;
    } else if (text[i] != '\n') {
      plain += text[i];
    }
  }
  return plain;
}

struct BadInput {
  std::string name, content, expected;
};

std::vector<BadInput> cases_of(const std::string& table) {
  std::ifstream file(folder / (table + ".txt"), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<BadInput> cases;
  for (std::size_t at = text.find(begin_of_case); at != std::string::npos;) {
    const std::size_t heading = at + begin_of_case.size(), content = text.find('\n', heading) + 1;
    at = text.find(begin_of_case, heading);
    BadInput one{text.substr(heading, content - 1 - heading), text.substr(content, at - content), ""};
    if (one.name.ends_with(escaped)) {
      one.name.resize(one.name.size() - escaped.size());
      one.content = unescape(one.content);
    }
    if (one.content.starts_with(mark))
      one.expected = one.content.substr(mark.size(), one.content.find('\n') - mark.size());
    cases.push_back(std::move(one));
  }
  return cases;
}

class BadInputTest : public testing::TestWithParam<std::string> {};

TEST_P(BadInputTest, IsRefusedWithItsPlace) {
  const FakeRegistry fake;
  for (const BadInput& bad : cases_of(GetParam())) {
    SCOPED_TRACE(bad.name);
    ASSERT_FALSE(bad.expected.empty());
    const std::string path = bad.name + ".toml";
    try {
      // Lattices are too complex for a fake registry.
      parse(bad.content, path, {}, GetParam() == "lattice" ? lindrift::registry() : fake);
      ADD_FAILURE() << "was accepted";
    } catch (const InputError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(bad.expected), std::string::npos)
          << "expected: " << bad.expected << "\n     got: " << message;
      for (const Diagnostic& diagnostic : error.diagnostics()) {
        EXPECT_EQ(diagnostic.text().rfind(path + ":", 0), 0U) << diagnostic.text();
        EXPECT_EQ(diagnostic.text().find('\n'), std::string::npos) << diagnostic.text();
        EXPECT_LT(diagnostic.text().size(), path.size() + 600) << diagnostic.text();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, BadInputTest, testing::ValuesIn(tables()),
                         [](const auto& parameter) { return parameter.param; });

TEST(BadInputs, NoneIsLost) {
  std::size_t count = 0;
  for (const std::string& table : tables()) count += cases_of(table).size();
  EXPECT_GE(count, 350U);
}

TEST(BadInputs, EscapesStandForBytesAndRepetitions) {
  EXPECT_EQ(unescape("a\\x00\\x1B\\\\\\3(xy)\\\n"), std::string("a\0\x1B\\xyxyxy", 10));
}

}  // namespace
}  // namespace lindrift::config
