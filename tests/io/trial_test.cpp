#include "io/trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>
#include <string>

#include "lindrift/error.hpp"

namespace lindrift::io {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class TrialTest : public ::testing::Test {
 protected:
  TrialTest() { std::ofstream(path_) << "anything"; }
  ~TrialTest() override { ::unlink(path_.c_str()); }
  /// Other tests of this class run at the same time, in processes of their own.
  const std::string path_ = testing::TempDir() + "trial_test." + std::to_string(::getpid()) + ".h5";
};

TEST_F(TrialTest, IsInAnotherProcess) {
  bool here = false;
  EXPECT_NO_THROW(try_to_read(path_, [&] { here = true; }));
  EXPECT_FALSE(here);
}

TEST_F(TrialTest, LeavesErrorsToTheRealReading) {
  EXPECT_NO_THROW(try_to_read(path_, [] { throw std::runtime_error("said later"); }));
}

TEST_F(TrialTest, SurvivesACrash) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE})
    EXPECT_THAT([&] { try_to_read(path_, [&] { ::raise(signal); }); },
                ThrowsMessage<Error>(HasSubstr("damaged in a way that stops the HDF5 library")));
  EXPECT_THAT([&] { try_to_read(path_, [] { ::_exit(3); }); }, ThrowsMessage<Error>(HasSubstr("damaged")));
}

TEST_F(TrialTest, EndsWhatTakesTooLong) {
  EXPECT_THAT(
      [&] {
        try_to_read(path_, [] {
          ::alarm(1);  // instead of five seconds
          for (;;) ::pause();
        });
      },
      ThrowsMessage<Error>(HasSubstr("takes too long")));
}

TEST_F(TrialTest, TakesNoSignalToTheJobForDamage) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) EXPECT_NO_THROW(try_to_read(path_, [&] { ::raise(signal); }));
  EXPECT_THAT([&] { try_to_read(path_, [] { ::raise(SIGKILL); }); }, ThrowsMessage<Error>(HasSubstr("was killed")));
}

TEST_F(TrialTest, SaysNothingOfAMissingFile) {
  EXPECT_NO_THROW(try_to_read(path_ + ".none", [] { ::raise(SIGSEGV); }));
}

}  // namespace
}  // namespace lindrift::io
