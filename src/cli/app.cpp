#include "cli/app.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <memory>
#include <new>

#include "cli/verbs.hpp"
#include "config/diagnostic.hpp"
#include "lindrift/lindrift.hpp"
#include "sweep/communicator.hpp"

namespace lindrift::cli {

namespace {

/// What the command line says, before any of it is acted upon.
struct CommandLine {
  RunOptions run;
  std::vector<std::string> sets;
  std::string backend = "auto", log = "warn";
  std::string model, plot_file, plot_output, figure_folder = "figures";
  std::vector<std::string> figure_names;
};

std::pair<std::string, std::string> split_set(const std::string& text) {
  // The key may hold quoted segments, with '=' inside.
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '=' && !quoted) return {text.substr(0, i), text.substr(i + 1)};
  }
  throw UsageError("--set " + text + ": must be KEY=VALUE");
}

void add_run_options(CLI::App* verb, CommandLine& line, bool with_input) {
  if (with_input) {
    verb->add_option("input", line.run.input, "input file (TOML)")->required();
    // One value an option: what follows may be another option or the input.
    verb->add_option("--set", line.sets, "KEY=VALUE, wins over the file; may be repeated")
        ->type_size(1)
        ->allow_extra_args(false);
  }
  verb->add_option("--backend", line.backend, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  verb->add_option("--threads", line.run.execution.threads, "CPU threads of a rank")->check(CLI::Range(1, 4096));
}

void add_report_options(CLI::App* verb, CommandLine& line) {
  verb->add_option("--progress", line.run.progress, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

int dispatch(int argc, char** argv) {
  CommandLine line;
  CLI::App app{"lindrift: non-reciprocal transport in open quantum lattices"};
  app.set_version_flag("--version", fmt::format("lindrift {} ({})", version(), git_hash()));
  app.require_subcommand(1);
  app.fallthrough(false);

  CLI::App* run_verb = app.add_subcommand("run", "compute what an input file describes");
  add_run_options(run_verb, line, true);
  add_report_options(run_verb, line);
  run_verb->add_option("-o,--output", line.run.output, "output file; default: the input's name with .h5");
  run_verb->add_flag("--overwrite", line.run.overwrite, "replace an existing output");
  CLI::App* check_verb = app.add_subcommand("check", "check an input file and print the plan");
  add_run_options(check_verb, line, true);
  CLI::App* models_verb =
      app.add_subcommand("models", "list models, tasks, algorithms and backends, or the keys of a model");
  models_verb->add_option("model", line.model, "list the keys of this model");
  CLI::App* info_verb = app.add_subcommand("info", "print versions, libraries and devices");
  CLI::App* figures_verb = app.add_subcommand("figures", "run the published figures' inputs and draw them");
  figures_verb->add_option("names", line.figure_names, "names of figures, or all");
  figures_verb->add_option("-o,--output", line.figure_folder, "folder for the files");
  add_run_options(figures_verb, line, false);
  add_report_options(figures_verb, line);
  CLI::App* plot_verb = app.add_subcommand("plot", "draw a sensible picture of a result file");
  plot_verb->add_option("file", line.plot_file, "result file (HDF5)")->required();
  plot_verb->add_option("-o,--output", line.plot_output, "picture file; default: the result's name with .png");
  for (CLI::App* verb : {run_verb, check_verb, models_verb, info_verb, figures_verb, plot_verb})
    verb->add_option("--log", line.log, "trace, debug, info, warn, error or off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version come this way too, with exit code 0.
    const int code = app.exit(error);
    return code == 0 ? success : wrong_input;
  }
  for (const std::string& text : line.sets) line.run.sets.push_back(split_set(text));
  if (line.backend == "cpu") line.run.execution.backend = Backend::cpu;
  if (line.backend == "cuda") line.run.execution.backend = Backend::cuda;
  spdlog::set_default_logger(spdlog::stderr_color_mt("lindrift"));
  spdlog::set_pattern("%^%l%$: %v");
  spdlog::set_level(spdlog::level::from_str(line.log));

  if (models_verb->parsed()) return list_models(line.model);
  if (info_verb->parsed()) return print_info();
  if (plot_verb->parsed()) return plot(line.plot_file, line.plot_output);
  if (check_verb->parsed()) return check(line.run);

  const auto communicator = sweep::make_communicator(&argc, &argv);
  const bool several = communicator->size() > 1;
  const bool root = communicator->rank() == 0;
  try {
    if (figures_verb->parsed()) return figures(line.figure_names, line.figure_folder, line.run, *communicator);
    return run(line.run, *communicator);
  } catch (const config::InputError&) {
    // Every rank reads the same input and comes to the same verdict; one of them says it.
    if (root) throw;
    return wrong_input;
  } catch (const UsageError&) {
    if (root) throw;
    return wrong_input;
  } catch (const std::exception& failure) {
    if (!several) throw;
    // The other ranks may be waiting for this one.
    fmt::print(stderr, "error: rank {}: {}\n", communicator->rank(), failure.what());
    communicator->abort(run_failed);
    return run_failed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const config::InputError& error) {
    for (const config::Diagnostic& diagnostic : error.diagnostics()) fmt::print(stderr, "{}\n", diagnostic.text());
    return wrong_input;
  } catch (const UsageError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return wrong_input;
  } catch (const UnsupportedError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return wrong_input;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: out of memory\n");
    return run_failed;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return run_failed;
  }
}

}  // namespace lindrift::cli
