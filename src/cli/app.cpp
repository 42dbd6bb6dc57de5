#include "cli/app.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <regex>

#include "cli/verbs.hpp"
#include "config/config.hpp"
#include "io/stored.hpp"
#include "lindrift/lindrift.hpp"
#include "sweep/process_group.hpp"

namespace lindrift::cli {

namespace {

/// Everything that the command line can set.
struct CommandLine {
  RunOptions run;
  std::vector<std::string> sets;
  std::string backend = "auto", log = "info", schedule = "dynamic", max_time;
  bool resume = false, retry_failed = false, overwrite = false, markdown = false;
  std::string model, status_file, verified_file;
  std::size_t samples = 20;
  PlotOptions plot;
  FigureOptions figures;
  BenchOptions bench;
};

/// A word after `lindrift`, its parser, and its action once the command line has been read.
struct Verb {
  CLI::App* parser;
  std::function<int()> act;
};

constexpr const char* footer =
    "Examples:\n"
    "  lindrift check fig3b.toml                            what it would compute, and how long it would take\n"
    "  lindrift run fig3b.toml --set model.sites=256        writes fig3b.h5\n"
    "  mpirun -n 8 lindrift run fig3b.toml -o big.h5        the points of the sweep shared by 8 processes\n"
    "\n"
    "Exit codes: 0 done, 1 failed while running, 2 wrong input or usage, 3 some points failed or did not converge,\n"
    "4 stopped early by a signal or --max-time; --resume continues.\n"
    "`lindrift VERB --help` lists a verb's options.";

std::pair<std::string, std::string> split_set(const std::string& text) {
  // The key may contain quoted segments with '=' in them.
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '=' && !quoted) return {text.substr(0, i), text.substr(i + 1)};
  }
  throw UsageError("--set " + text + ": must be KEY=VALUE");
}

/// Seconds, MM:SS, HH:MM:SS, or days as Slurm takes them: D-HH, D-HH:MM, D-HH:MM:SS.
double seconds_of(const std::string& text) {
  static const std::regex days(R"((\d{1,6})-(\d{1,9})(?::(\d{1,9}))?(?::(\d{1,9}))?)"),
      clock(R"(()(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,9}))");
  std::smatch parts;
  const bool read = std::regex_match(text, parts, days) || std::regex_match(text, parts, clock);
  const auto number = [&parts](std::size_t i) { return parts[i].length() > 0 ? std::stod(parts[i]) : 0.0; };
  const double seconds = read ? ((24.0 * number(1) + number(2)) * 60.0 + number(3)) * 60.0 + number(4) : 0.0;
  if (seconds <= 0.0)
    throw UsageError("--max-time " + text +
                     ": must be seconds, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS, and more than zero");
  return seconds;
}

/// An option that takes one of a few words; the help lists them instead of a type.
void add_choice(CLI::App* verb, const std::string& name, std::string& value, std::vector<std::string> words,
                const std::string& help) {
  verb->add_option(name, value, help)
      ->type_name(fmt::format("{}", fmt::join(words, "|")))
      ->check(CLI::IsMember(words).description(""));
}

void add_input_options(CLI::App* verb, CommandLine& line) {
  verb->add_option("INPUT", line.run.input, "input file (TOML)")->required()->type_name("");
  // Each --set takes exactly one value: the next word may be another option or the input.
  verb->add_option("--set", line.sets, "use this value (TOML) instead of the file's; may be repeated")
      ->type_size(1)
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

void add_execution_options(CLI::App* verb, CommandLine& line) {
  add_choice(verb, "--backend", line.backend, {"auto", "cpu", "cuda"},
             "where to compute; auto uses a CUDA device if there is one");
  verb->add_option("--threads", line.run.execution.threads,
                   "CPU threads per rank, for its points or within one; default: its share of the cores")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
}

void add_progress_option(CLI::App* verb, CommandLine& line) {
  add_choice(verb, "--progress", line.run.progress, {"auto", "always", "never"},
             "auto: a bar on a terminal, otherwise a line every ten seconds");
}

/// Turns an exception of the parser into a message for the user.
std::string usage_problem(const CLI::App& app, const CLI::App* verb, const CLI::ParseError& error) {
  if (verb == nullptr) {
    std::vector<std::string> names;
    for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
    return fmt::format("say what to do: {}; see lindrift --help", fmt::join(names, ", "));
  }
  const std::string see = "; see lindrift " + verb->get_name() + " --help";
  const bool lacks_a_word = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (!lacks_a_word && dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what() + see;
  const auto extras = app.remaining(true);
  const auto option =
      std::find_if(extras.begin(), extras.end(), [](const auto& text) { return text.starts_with("-"); });
  if (option == extras.end() && lacks_a_word) return error.what() + see;
  if (option == extras.end()) return "unexpected argument " + extras.back() + see;
  const std::string given = option->substr(0, option->find('='));
  std::vector<std::string> known;
  for (const CLI::Option* each : verb->get_options())
    for (const std::string& name : each->get_lnames()) known.push_back("--" + name);
  const std::string guess = config::nearest(given, known);
  if (guess.empty() && std::filesystem::path(*option).has_extension())
    return fmt::format("{0} has no option {1}; a file of that name is given after --: lindrift {0} -- {1}",
                       verb->get_name(), *option);
  return fmt::format("{} has no option {}{}", verb->get_name(), given,
                     guess.empty() ? see : "; did you mean " + guess + "?");
}

CLI::App* add_run(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("run", "compute what an input file describes");
  add_input_options(verb, line);
  verb->add_option("-o,--output", line.run.output, "output file; default: INPUT's name with .h5, in this folder")
      ->type_name("FILE");
  CLI::Option* const overwrite = verb->add_flag("--overwrite", line.overwrite, "replace an existing output");
  verb->add_flag("--resume", line.resume, "continue a run that was stopped or killed, or extend its sweep")
      ->excludes(overwrite);
  verb->add_flag("--retry-failed", line.retry_failed,
                 "like --resume, and compute again the points that failed or did not converge")
      ->excludes(overwrite);
  verb->add_option("--max-time", line.max_time,
                   "stop cleanly after this time, as on SIGTERM: seconds, MM:SS, [D-]HH:MM:SS, D-HH or D-HH:MM")
      ->type_name("TIME");
  verb->add_option("--checkpoint", line.run.checkpoint_seconds,
                   "seconds between two checkpoints of a long point; default: 60")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e9).description(""));
  add_choice(verb, "--schedule", line.schedule, {"dynamic", "static"},
             "dynamic: an idle rank takes the next point; static: points are assigned at the start");
  add_execution_options(verb, line);
  verb->add_option("--certify", line.run.execution.certify,
                   "spectral tasks: check N random entries with the direct algorithm")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  add_progress_option(verb, line);
  return verb;
}

CLI::App* add_check(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("check", "check an input file and print the plan");
  add_input_options(verb, line);
  add_execution_options(verb, line);
  return verb;
}

CLI::App* add_status(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("status", "show how far a run is, whether it still runs or not");
  verb->add_option("FILE", line.status_file, "its output file (HDF5), which need not exist yet")
      ->required()
      ->type_name("");
  return verb;
}

CLI::App* add_verify(CLI::App& app, CommandLine& line) {
  CLI::App* const verb =
      app.add_subcommand("verify", "evaluate random entries of a result file again, slowly, and check its invariants");
  verb->add_option("FILE", line.verified_file, "result file (HDF5)")->required()->type_name("");
  verb->add_option("--samples", line.samples, "points of a sweep, and costly entries of each; default: 20")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  return verb;
}

CLI::App* add_models(CLI::App& app, CommandLine& line) {
  CLI::App* const verb =
      app.add_subcommand("models", "list models, tasks, algorithms and backends, or the keys of a model");
  verb->add_option("MODEL", line.model, "list the keys of this model")->type_name("");
  verb->add_flag("--markdown", line.markdown, "print the tables of keys and datasets in docs/input.md");
  return verb;
}

CLI::App* add_figures(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("figures", "run the inputs of the figures and draw them");
  verb->add_option("NAME", line.figures.names, "names of figures; default: all")->type_name("");
  verb->add_option("-o,--output", line.figures.folder, "folder for the files; default: figures")->type_name("DIR");
  add_execution_options(verb, line);
  add_progress_option(verb, line);
  return verb;
}

CLI::App* add_plot(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("plot", "draw a sensible picture of a result file");
  verb->add_option("FILE", line.plot.file, "result file (HDF5)")->required()->type_name("");
  verb->add_option("-o,--output", line.plot.output, "picture (.png, .pdf or .svg); default: FILE's name with .png")
      ->type_name("FILE");
  verb->add_option("--dataset", line.plot.dataset, "draw this dataset")->type_name("NAME");
  verb->add_option("--slice", line.plot.slices, "draw the point nearest to this value of a dimension; may be repeated")
      ->type_size(1)
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  verb->add_flag("--log", line.plot.log, "logarithmic scale of the values");
  verb->add_option("--range", line.plot.range, "limits of the values; either may be left out")->type_name("LOW:HIGH");
  return verb;
}

CLI::App* add_bench(CLI::App& app, CommandLine& line) {
  CLI::App* const verb =
      app.add_subcommand("bench", "time the kernels on this machine, as fractions of what it can do at most");
  verb->add_option("NAME", line.bench.names, "kernels, see --list; default: all, in less than a minute")->type_name("");
  verb->add_option("-o,--output", line.bench.output, "write the numbers into this file (JSON)")->type_name("FILE");
  verb->add_flag("--list", line.bench.list, "list the kernels");
  verb->add_flag("--quick", line.bench.quick, "small sizes: seconds, and less certain numbers");
  verb->add_option("--thresholds", line.bench.thresholds,
                   "measure instead the sizes from which a CUDA device is faster, and write a table of them for "
                   "LINDRIFT_DEVICE_THRESHOLDS")
      ->type_name("FILE");
  add_choice(verb, "--backend", line.backend, {"auto", "cpu", "cuda"},
             "auto: the CPU, and a CUDA device if there is one");
  verb->add_option("--threads", line.run.execution.threads, "CPU threads; default: one for each core")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
  return verb;
}

/// Runs with MPI if a launcher started this process.
int run_on_ranks(const RunOptions& options, int argc, char** argv) {
  const auto communicator = sweep::make_process_group(&argc, &argv);
  try {
    return run(options, *communicator);
  } catch (const Refusal& refusal) {
    // The other ranks know about it and leave too.
    if (refusal.silent) return success;  // the job's exit code is that of the rank that reports
    std::rethrow_exception(refusal.reason);
  } catch (const std::exception& failure) {
    if (communicator->size() == 1) throw;
    // The other ranks may be waiting for this one.
    fmt::print(stderr, "error: rank {}: {}\n", communicator->rank(), failure.what());
    communicator->abort(run_failed);
    return run_failed;
  }
}

/// In the order of the help, `run` first.
std::vector<Verb> add_verbs(CLI::App& app, CommandLine& line, int argc, char** argv) {
  std::vector<Verb> verbs;
  verbs.push_back({add_run(app, line), [&line, argc, argv] { return run_on_ranks(line.run, argc, argv); }});
  verbs.push_back({add_check(app, line), [&line] { return check(line.run); }});
  verbs.push_back({add_status(app, line), [&line] { return status(line.status_file); }});
  verbs.push_back({add_verify(app, line), [&line] { return verify(line.verified_file, line.samples); }});
  verbs.push_back({add_models(app, line), [&line] { return list_models(line.model, line.markdown); }});
  verbs.push_back({app.add_subcommand("info", "print versions, libraries and devices"), print_info});
  verbs.push_back({add_bench(app, line), [&line] { return bench(line.bench); }});
  verbs.push_back({add_figures(app, line), [&line] { return figures(line.figures); }});
  for (const Verb& verb : verbs)
    add_choice(verb.parser, "--log", line.log, {"trace", "debug", "info", "warn", "error", "off"},
               "lowest severity of messages on stderr; default: info");
  verbs.push_back({add_plot(app, line), [&line] { return plot(line.plot); }});  // its --log has another meaning
  return verbs;
}

/// Turns the words of the command line into options.
void interpret(CommandLine& line) {
  for (const std::string& text : line.sets) line.run.sets.push_back(split_set(text));
  if (!line.max_time.empty()) line.run.max_seconds = seconds_of(line.max_time);
  if (line.backend == "cpu") line.run.execution.backend = Backend::cpu;
  if (line.backend == "cuda") line.run.execution.backend = Backend::cuda;
  if (line.resume) line.run.existing = sweep::Existing::resume;
  if (line.retry_failed) line.run.existing = sweep::Existing::retry_failed;
  if (line.overwrite) line.run.existing = sweep::Existing::overwrite;
  if (line.schedule == "static") line.run.schedule = sweep::Schedule::static_even;
  line.bench.execution = line.run.execution;
  line.figures.run_options = {"--backend=" + line.backend, "--progress=" + line.run.progress, "--log=" + line.log};
  if (line.run.execution.threads > 0)
    line.figures.run_options.push_back(fmt::format("--threads={}", line.run.execution.threads));
}

/// The verb named first on the command line; null if the first word is an option.
/// @throws UsageError for a word that is not a verb
const CLI::App* named_verb(const std::vector<Verb>& verbs, const std::string& word) {
  if (word.starts_with("-")) return nullptr;
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    names.push_back(verb.parser->get_name());
    if (names.back() == word) return verb.parser;
  }
  const std::string guess = config::nearest(word, names);
  throw UsageError(fmt::format(
      "{} is not a verb of lindrift; {}", word,
      guess.empty() ? fmt::format("it is one of {}", fmt::join(names, ", ")) : "did you mean lindrift " + guess + "?"));
}

/// An empty word is the value of a variable that a script forgot to set; it must not count as an option that was left
/// out.
void refuse_empty_words(const CLI::App& verb) {
  for (const CLI::Option* option : verb.get_options())
    for (const std::string& word : option->results())
      if (word.empty() && option->get_type_name() != "KEY=VALUE")  // which has a message of its own
        throw UsageError(
            fmt::format("{}: must not be empty; see lindrift {} --help", option->get_name(), verb.get_name()));
}

/// Returns false if the command line asks for help or the version, which it then prints.
bool read(CLI::App& app, const std::vector<Verb>& verbs, int argc, char** argv, bool speaks) {
  const CLI::App* const named = argc > 1 ? named_verb(verbs, argv[1]) : nullptr;
  try {
    app.parse(argc, argv);
    if (named != nullptr) refuse_empty_words(*named);
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError(usage_problem(app, named, error));
    if (speaks) app.exit(error);
    return false;
  }
}

int dispatch(int argc, char** argv) {
  CommandLine line;
  CLI::App app{"lindrift: non-reciprocal transport in open quantum lattices", "lindrift"};
  app.set_version_flag("--version", fmt::format("lindrift {} ({})", version(), git_hash()));
  app.require_subcommand(1);
  app.fallthrough(false);
  app.get_formatter()->column_width(32);
  const std::vector<Verb> verbs = add_verbs(app, line, argc, argv);
  app.footer(footer);  // last; otherwise every verb would inherit it

  // Under a launcher every rank comes to the same verdict. The first reports it, and its exit code is that of the job;
  // the others exit with 0, because on any other code the launcher would kill the rank that is still reporting.
  const bool speaks = sweep::launcher_rank() == 0;
  try {
    if (!read(app, verbs, argc, argv, speaks)) return success;
    interpret(line);
  } catch (const UsageError&) {
    if (speaks) throw;
    return success;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("lindrift"));
  spdlog::set_pattern("%^%l%$: %v");
  spdlog::set_level(spdlog::level::from_str(line.log));
  const auto verb = std::find_if(verbs.begin(), verbs.end(), [](const Verb& each) { return each.parser->parsed(); });
  // All ranks take part in `run`, which comes first; one rank does everything else.
  return speaks || verb == verbs.begin() ? verb->act() : success;
}

template <typename... Kinds>
bool is_any_of(const std::exception& error) {
  return (... || (dynamic_cast<const Kinds*>(&error) != nullptr));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = dispatch(argc, argv);
    // Output files are complete by now; output to stdout may have failed.
    if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && code == success)
      throw Error(std::string("cannot write to stdout: ") + std::strerror(errno));
    return code;
  } catch (const config::InputError& error) {
    for (const config::Diagnostic& diagnostic : error.diagnostics()) fmt::print(stderr, "{}\n", diagnostic.text());
    return wrong_input;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", is_any_of<std::bad_alloc>(error) ? "out of memory" : error.what());
    return is_any_of<UsageError, io::WrongPlace, io::NotAResult, sweep::OutputRefused, sweep::OutputBusy,
                     UnsupportedError, ParameterError>(error)
               ? wrong_input
               : run_failed;
  }
}

}  // namespace lindrift::cli
