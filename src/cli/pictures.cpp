#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

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
/// @param output  if not null, receives what it prints
int run_python(std::vector<std::string> arguments, std::string* output = nullptr) {
  const fs::path package = data_folder() / "python";
  const char* old = std::getenv("PYTHONPATH");
  setenv("PYTHONPATH", (package.string() + (old ? std::string(":") + old : "")).c_str(), 1);
  const std::string program = python();
  arguments.insert(arguments.begin(), {program, "-m", "lindrift"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(stdout);
  int pipe_ends[2] = {-1, -1};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output) {
    if (pipe(pipe_ends) != 0) throw Error(std::string("cannot make a pipe: ") + std::strerror(errno));
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
  }
  pid_t child = 0;
  const int failure = posix_spawnp(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (output) {
    close(pipe_ends[1]);
    char text[4096];
    for (ssize_t count = 0; failure == 0 && (count = read(pipe_ends[0], text, sizeof text)) != 0;) {
      if (count > 0)
        output->append(text, static_cast<std::size_t>(count));
      else if (errno != EINTR)
        break;
    }
    close(pipe_ends[0]);
  }
  if (failure != 0)
    throw Error("cannot start " + program + ": " + std::strerror(failure) +
                "; LINDRIFT_PYTHON names a python3 with h5py, numpy and matplotlib");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(run_failed);
}

/// A figure and the inputs in examples/ that it draws from.
struct Figure {
  std::string name;
  std::vector<std::string> inputs;
};

/// The figures that the Python package knows: it holds the one list of them.
std::vector<Figure> known_figures() {
  std::string list;
  if (run_python({"figures", "--list"}, &list) != success)
    throw Error("the pictures' Python package does not run; it needs h5py, numpy and matplotlib for " + python());
  std::vector<Figure> figures;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Figure figure;
    words >> figure.name;
    for (std::string input; words >> input;) figure.inputs.push_back(input);
    if (!figure.name.empty()) figures.push_back(figure);
  }
  return figures;
}

}  // namespace

int plot(const std::string& file, const std::string& output) {
  std::vector<std::string> arguments = {"plot", file};
  if (!output.empty()) arguments.insert(arguments.end(), {"-o", output});
  return run_python(arguments);
}

int figures(const std::vector<std::string>& names, const std::string& folder, const RunOptions& options,
            sweep::ProcessGroup& communicator) {
  fs::path examples;
  std::vector<std::string> wanted, inputs;
  agree(communicator, [&] {
    examples = data_folder() / "examples";
    const auto known = known_figures();
    std::vector<std::string> known_names;
    for (const Figure& figure : known) known_names.push_back(figure.name);
    wanted = names.empty() || (names.size() == 1 && names.front() == "all") ? known_names : names;
    for (const std::string& name : wanted) {
      const auto figure =
          std::find_if(known.begin(), known.end(), [&](const Figure& candidate) { return candidate.name == name; });
      if (figure == known.end()) {
        const std::string guess = config::nearest(name, known_names);
        throw UsageError(fmt::format("no figure is called {}{}; there are: {}", name,
                                     guess.empty() ? "" : ", did you mean " + guess + "?",
                                     fmt::join(known_names, ", ")));
      }
      for (const std::string& input : figure->inputs)
        if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) inputs.push_back(input);
    }
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure)
      throw Error("cannot make the folder " + folder + ": " + failure.message() + "; choose another one with -o");
  });

  int worst = success;
  for (const std::string& input : inputs) {
    RunOptions run_options = options;
    run_options.input = (examples / (input + ".toml")).string();
    run_options.output = (fs::path(folder) / (input + ".h5")).string();
    // A figure is always drawn from the input as it stands now.
    run_options.existing = sweep::Existing::overwrite;
    if (communicator.rank() == 0) fmt::print("{}:\n", input);
    worst = std::max(worst, communicator.maximum(run(run_options, communicator)));
    if (worst == stopped_early) break;
  }
  if (communicator.rank() != 0) return success;
  if (worst == success) {
    std::vector<std::string> arguments = {"figures", "--data", folder, "-o", folder};
    arguments.insert(arguments.end(), wanted.begin(), wanted.end());
    worst = run_python(arguments);
  }
  return worst;
}

}  // namespace lindrift::cli
