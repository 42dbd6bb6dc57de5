#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/verbs.hpp"
#include "lindrift/error.hpp"
#include "sweep/process_group.hpp"

namespace lindrift::cli {

namespace {

namespace fs = std::filesystem;

/// The folder of this program.
fs::path program_folder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

/// The folder that holds python/ and examples/: where the program was installed, or the source tree that it was built
/// from.
fs::path data_folder() {
  if (const char* given = std::getenv("LINDRIFT_DATA")) return given;
  std::error_code ignored;
  for (const fs::path& folder : {program_folder() / "../share/lindrift", fs::path(LINDRIFT_SOURCE_FOLDER),
                                 fs::path(LINDRIFT_INSTALL_DATA_FOLDER)})
    if (fs::exists(folder / "python/__main__.py", ignored)) return fs::weakly_canonical(folder, ignored);
  throw Error(
      "cannot find the Python package that draws; set LINDRIFT_DATA to the folder that holds python/ and examples/");
}

/// Replaces this process by the Python package. Python imports nothing from the working folder or PYTHONPATH; where pip
/// installed the package it lies among the packages of a Python, maybe among those of the user, which -I leaves out.
int become_python(std::vector<std::string> arguments) {
  const fs::path folder = data_folder() / "python";
  std::error_code ignored;
  const bool by_pip = !fs::exists(folder / "lindrift", ignored);
  const fs::path beside = program_folder() / "python3";  // of a virtual environment
  const char* given = std::getenv("LINDRIFT_PYTHON");
  const std::string python = given ? given : by_pip && fs::exists(beside, ignored) ? beside.string() : LINDRIFT_PYTHON;
  arguments.insert(arguments.begin(), {python, by_pip ? "-E" : "-I", "-B", folder.string()});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(stdout);
  execvp(python.c_str(), argv.data());
  throw Error("cannot start " + python + ": " + std::strerror(errno) +
              "; LINDRIFT_PYTHON names a python3 with h5py, numpy and matplotlib");
}

}  // namespace

int plot(const PlotOptions& options) {
  std::vector<std::string> arguments = {"plot"};
  if (!options.output.empty()) arguments.push_back("--output=" + options.output);
  if (!options.dataset.empty()) arguments.push_back("--dataset=" + options.dataset);
  for (const std::string& slice : options.slices) arguments.push_back("--slice=" + slice);
  if (options.log) arguments.push_back("--log");
  if (!options.range.empty()) arguments.push_back("--range=" + options.range);
  arguments.insert(arguments.end(), {"--", options.file});
  return become_python(std::move(arguments));
}

int figures(const FigureOptions& options) {
  sweep::forget_launcher();  // runs that Python starts are not ranks of this job
  std::vector<std::string> arguments = {"figures", "--program=" + fs::read_symlink("/proc/self/exe").string(),
                                        "--examples=" + (data_folder() / "examples").string(),
                                        "--output=" + options.folder};
  for (const std::string& option : options.run_options) arguments.push_back("--run-option=" + option);
  arguments.push_back("--");
  arguments.insert(arguments.end(), options.names.begin(), options.names.end());
  return become_python(std::move(arguments));
}

}  // namespace lindrift::cli
