#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/verbs.hpp"
#include "config/config.hpp"
#include "lindrift/error.hpp"

extern char** environ;

namespace lindrift::cli {

namespace {

namespace fs = std::filesystem;

/// Folder that holds python/ and examples/: the source tree this was built from, or where it was installed.
fs::path data_folder() {
  if (const char* given = std::getenv("LINDRIFT_DATA")) return given;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  for (const fs::path& folder : {program.parent_path() / "../share/lindrift", fs::path(LINDRIFT_SOURCE_FOLDER),
                                 fs::path(LINDRIFT_INSTALL_DATA_FOLDER)})
    if (fs::exists(folder / "python/lindrift/__init__.py", ignored)) return fs::weakly_canonical(folder, ignored);
  throw Error(
      "the pictures' Python package was not found; set LINDRIFT_DATA to the folder that holds python/ and examples/");
}

std::string python() {
  const char* given = std::getenv("LINDRIFT_PYTHON");
  return given ? given : LINDRIFT_PYTHON;
}

/// Runs `python -m lindrift ARGUMENTS` and returns its exit code.
int run_python(std::vector<std::string> arguments) {
  const fs::path package = data_folder() / "python";
  const char* old = std::getenv("PYTHONPATH");
  setenv("PYTHONPATH", (package.string() + (old ? std::string(":") + old : "")).c_str(), 1);
  const std::string program = python();
  arguments.insert(arguments.begin(), {program, "-m", "lindrift"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(stdout);
  pid_t child = 0;
  if (const int failure = posix_spawnp(&child, program.c_str(), nullptr, nullptr, argv.data(), environ); failure != 0)
    throw Error("cannot start " + program + ": " + std::strerror(failure) +
                "; LINDRIFT_PYTHON names a python3 with h5py, numpy and matplotlib");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(run_failed);
}

/// Published figures: a name and its input in examples/.
std::vector<std::string> known_figures(const fs::path& examples) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(examples))
    if (entry.path().extension() == ".toml" && entry.path().filename().string().starts_with("fig"))
      names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

int plot(const std::string& file, const std::string& output) {
  std::vector<std::string> arguments = {"plot", file};
  if (!output.empty()) arguments.insert(arguments.end(), {"-o", output});
  return run_python(arguments);
}

int figures(const std::vector<std::string>& names, const std::string& folder, const RunOptions& options,
            sweep::Communicator& communicator) {
  fs::path examples;
  std::vector<std::string> wanted = names;
  agree(communicator, [&] {
    examples = data_folder() / "examples";
    const auto known = known_figures(examples);
    if (wanted.empty() || (wanted.size() == 1 && wanted.front() == "all")) wanted = known;
    for (const std::string& figure : wanted)
      if (std::find(known.begin(), known.end(), figure) == known.end()) {
        const std::string guess = config::nearest(figure, known);
        throw UsageError(fmt::format("no figure is called {}{}; there are: {}", figure,
                                     guess.empty() ? "" : ", did you mean " + guess + "?", fmt::join(known, ", ")));
      }
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure)
      throw Error("cannot make the folder " + folder + ": " + failure.message() + "; choose another one with -o");
  });

  int worst = success;
  for (const std::string& figure : wanted) {
    RunOptions run_options = options;
    run_options.input = (examples / (figure + ".toml")).string();
    run_options.output = (fs::path(folder) / (figure + ".h5")).string();
    // A figure is always drawn from the input as it stands now.
    run_options.overwrite = true;
    if (communicator.rank() == 0) fmt::print("{}:\n", figure);
    worst = std::max(worst, run(run_options, communicator));
  }
  if (worst == success && communicator.rank() == 0) {
    std::vector<std::string> arguments = {"figures", "--data", folder, "-o", folder};
    arguments.insert(arguments.end(), wanted.begin(), wanted.end());
    worst = run_python(arguments);
  }
  return worst;
}

}  // namespace lindrift::cli
