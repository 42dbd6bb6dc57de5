#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fake_menu.hpp"

namespace lindrift::config {
namespace {

std::vector<std::string> bad_inputs() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(LINDRIFT_TEST_DATA "/bad_inputs")) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The first line of each file reads `# expect: part of the message`.
std::string expected(const std::string& text) {
  const std::string mark = "# expect: ";
  const std::size_t begin = text.find(mark);
  if (begin != 0) return "";
  return text.substr(mark.size(), text.find('\n') - mark.size());
}

class BadInputTest : public testing::TestWithParam<std::string> {};

TEST_P(BadInputTest, IsRefusedWithItsPlace) {
  const std::string path = std::string(LINDRIFT_TEST_DATA "/bad_inputs/") + GetParam() + ".toml";
  const std::string wanted = expected(read(path));
  ASSERT_FALSE(wanted.empty()) << path;
  try {
    load(path, {}, FakeMenu());
    FAIL() << path << " was accepted";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(wanted), std::string::npos) << "expected: " << wanted << "\n     got: " << message;
    for (const Diagnostic& diagnostic : error.diagnostics()) {
      EXPECT_EQ(diagnostic.text().rfind(path + ":", 0), 0U) << diagnostic.text();
      EXPECT_EQ(diagnostic.text().find('\n'), std::string::npos) << diagnostic.text();
      EXPECT_LT(diagnostic.text().size(), path.size() + 600) << diagnostic.text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, BadInputTest, testing::ValuesIn(bad_inputs()),
                         [](const auto& parameter) { return parameter.param; });

TEST(BadInputs, AreMany) { EXPECT_GE(bad_inputs().size(), 250U); }

}  // namespace
}  // namespace lindrift::config
