#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/processor.hpp"
#include "lindrift/backend.hpp"
#include "sweep/campaign.hpp"
#include "sweep/process_group.hpp"
#include "sweep/work_queue.hpp"

namespace lindrift::cli {

/// Exit codes; scripts rely on them.
enum Exit : int { success = 0, run_failed = 1, wrong_input = 2, points_failed = 3, stopped_early = 4 };

/// An error on the command line that its parser cannot detect.
class UsageError : public std::exception {
 public:
  explicit UsageError(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Thrown on every rank if a run cannot start or go on.
struct Refusal {
  std::exception_ptr reason;  ///< what to report, and with which exit code
  bool silent = false;        ///< another rank reports it
};

/// Runs a check on every rank. Either all go on or all leave, because a rank that gave up alone would keep the others
/// waiting.
/// @throws Refusal on every rank if `check` has thrown on any; the lowest such rank reports it
void agree(sweep::ProcessGroup& ranks, const std::function<void()>& check);

struct RunOptions {
  std::string input;
  std::string output;                                     ///< empty: INPUT's name with .h5 in the current folder
  std::vector<std::pair<std::string, std::string>> sets;  ///< KEY, VALUE
  Execution execution;
  sweep::Existing existing = sweep::Existing::refuse;
  sweep::Schedule schedule = sweep::Schedule::dynamic;
  double max_seconds = 0.0;  ///< 0: no limit
  double checkpoint_seconds = 60.0;
  std::string progress = "auto";  ///< auto | always | never
};

struct PlotOptions {
  std::string file, output;         ///< no output: FILE's name with .png in the current folder
  std::string dataset;              ///< empty: the choice of the Python package
  std::vector<std::string> slices;  ///< KEY=VALUE
  bool log = false;
  std::string range;  ///< LOW:HIGH
};

struct FigureOptions {
  std::vector<std::string> names;  ///< none: all
  std::string folder = "figures";
  std::vector<std::string> run_options;  ///< options of `lindrift run` for the inputs of the figures
};

struct BenchOptions {
  std::vector<std::string> names;  ///< none: all
  std::string output;              ///< JSON; empty: none
  Execution execution;
  bool list = false;       ///< only list the workloads
  bool quick = false;      ///< small sizes
  std::string thresholds;  ///< file for the sizes from which a device is faster; empty: they are not measured
};

/// @throws UsageError if the command line asks for something that the task cannot do
void check_execution(const config::Document& document, const Execution& execution);

int run(const RunOptions& options, sweep::ProcessGroup& ranks);
int check(const RunOptions& options);
int status(const std::string& file);
/// Checks the results in a file by computing some of them again.
/// @param samples  maximum number of points of a sweep, and of entries of a point if each is costly
int verify(const std::string& file, std::size_t samples);
int list_models(const std::string& model, bool markdown);
int print_info();
/// Times the kernels and compares them with the ceilings of the machine.
int bench(const BenchOptions& options);
/// Measures the thresholds of src/engine/device_thresholds.hpp and writes them as a file that it reads.
int measure_thresholds(const BenchOptions& options);
/// These two replace this process by Python; they only return by throwing.
int plot(const PlotOptions& options);
int figures(const FigureOptions& options);

}  // namespace lindrift::cli
