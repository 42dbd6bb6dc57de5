#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lindrift/backend.hpp"
#include "sweep/communicator.hpp"

namespace lindrift::cli {

/// Exit codes, a contract with scripts.
enum Exit : int { success = 0, run_failed = 1, wrong_input = 2, points_failed = 3 };

/// The command line is wrong in a way that its parser cannot see.
class UsageError : public std::exception {
 public:
  explicit UsageError(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

struct RunOptions {
  std::string input;
  std::string output;                                     ///< empty: INPUT's name with .h5 in the current folder
  std::vector<std::pair<std::string, std::string>> sets;  ///< KEY, VALUE
  Execution execution;
  bool overwrite = false;
  std::string progress = "auto";  ///< auto | always | never
};

int run(const RunOptions& options, sweep::Communicator& communicator);
int check(const RunOptions& options);
int list_models(const std::string& model);
int print_info();
int plot(const std::string& file, const std::string& output);
int figures(const std::vector<std::string>& names, const std::string& folder, const RunOptions& options,
            sweep::Communicator& communicator);

}  // namespace lindrift::cli
