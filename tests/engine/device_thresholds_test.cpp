#include "engine/device_thresholds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "lindrift/error.hpp"

namespace lindrift {
namespace {

using ::testing::HasSubstr;

class DeviceThresholdsTest : public ::testing::Test {
 protected:
  std::filesystem::path file_ =
      std::filesystem::path(::testing::TempDir()) / ("thresholds." + std::to_string(::getpid()));

  ~DeviceThresholdsTest() override { std::filesystem::remove(file_); }

  DeviceThresholds read(const std::string& text) {
    std::ofstream(file_) << text;
    return read_device_thresholds(file_);
  }
  /// The message without the name of the file.
  std::string problem_of(const std::string& text) {
    try {
      read(text);
    } catch (const ParameterError& error) {
      std::string message = error.what();
      EXPECT_THAT(message, HasSubstr(file_.string()));
      return message.erase(message.find(file_.string()), file_.string().size());
    }
    return "none";
  }
};

TEST_F(DeviceThresholdsTest, EveryThresholdCanBeRead) {
  std::string text;
  double value = 1.5;
  for (const DeviceThreshold& each : all_device_thresholds())
    text += std::string(each.name) + " = " + std::to_string(value++) + "\n";
  const DeviceThresholds thresholds = read(text);
  value = 1.5;
  for (const DeviceThreshold& each : all_device_thresholds()) EXPECT_EQ(thresholds.*each.value, value++) << each.name;
  EXPECT_EQ(sizeof(DeviceThresholds), all_device_thresholds().size() * sizeof(double)) << "one has no name";
}

TEST_F(DeviceThresholdsTest, WhatIsLeftOutKeepsItsEstimate) {
  const DeviceThresholds thresholds = read("# measured\n\n  pair_modes=1e3 # modes\r\nband_modes\t= inf");
  EXPECT_EQ(thresholds.pair_modes, 1000.0);
  EXPECT_TRUE(std::isinf(thresholds.band_modes));
  EXPECT_EQ(thresholds.green_elements, DeviceThresholds{}.green_elements);
  EXPECT_EQ(read("").pair_modes, DeviceThresholds{}.pair_modes);
}

TEST_F(DeviceThresholdsTest, WrongLinesAreNamed) {
  EXPECT_EQ(problem_of("\n# pair_modes\npair_modes 3\n"),
            "LINDRIFT_DEVICE_THRESHOLDS: , line 3: pair_modes 3 must be NAME = NUMBER");
  for (const char* value : {"-1", "nan", "many", "", "3 4", "0x10", "1e999"})
    EXPECT_EQ(problem_of("band_modes = 3\ngreen_elements = " + std::string(value)),
              "LINDRIFT_DEVICE_THRESHOLDS: , line 2: green_elements = " + std::string(value) +
                  " is not allowed: must be a number, zero or more; inf: a device never gains");
  EXPECT_THAT(problem_of("modes = 3"), HasSubstr(", line 1: there is no threshold modes; it is one of pair_modes, "));
  EXPECT_EQ(problem_of("band_modes = 3\nband_modes = 3"),
            "LINDRIFT_DEVICE_THRESHOLDS: , line 2: band_modes is there twice");
}

TEST_F(DeviceThresholdsTest, AFileThatCannotBeReadIsNamed) {
  EXPECT_THROW(read_device_thresholds(file_), ParameterError);
  EXPECT_THROW(read_device_thresholds(::testing::TempDir()), ParameterError);
}

}  // namespace
}  // namespace lindrift
