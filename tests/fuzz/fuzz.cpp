// Tens of thousands of damaged inputs for scripts/soak, and a few for the tests. Every input depends only on the seed
// and its number, so that a fault can be reproduced: --first N --count 1.
//
//   lindrift_fuzz inputs SEED.toml...  [options]     texts are parsed, many in one process; some are planned as well
//   lindrift_fuzz files FOLDER         [options]     FOLDER has NAME.toml with its result NAME.h5, and table.toml with
//                                                    its bath.table in table.h5: damaged copies are resumed, verified,
//                                                    inspected, loaded
//     --count N  --first N  --seed S  --folder DIR (for damaged inputs)  --limit SECONDS
//
// Faults are: a crash, a sanitizer's report, an exception that no user should see, and an input that takes longer than
// the limit. The input is kept in DIR/fault-NUMBER. The exit code is 1 if there was a fault.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cli/app.hpp"
#include "config/config.hpp"
#include "lindrift/error.hpp"
#include "registry/registry.hpp"

namespace lindrift {
namespace {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

constexpr int fault_code = 99;      // exit code of a child that has found a fault itself
constexpr int many = 2000;          // texts per process
constexpr int planned_of_good = 7;  // one in this many good inputs is planned

struct Options {
  std::string mode;
  std::vector<std::string> seeds;
  long count = 1000, first = 0;
  unsigned long seed = 1;
  std::string folder = ".";
  double limit = 10.0;
};

/// What a child reports to its parent while it works.
struct Progress {
  volatile long number;
  volatile long began;  ///< milliseconds
  volatile long accepted, refused, planned, kept;
};

long milliseconds() {
  using namespace std::chrono;
  return static_cast<long>(duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count());
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::size_t below(Random& random, std::size_t count) {
  return count == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
}
template <class Values>
const auto& one_of(Random& random, const Values& values) {
  return values[below(random, values.size())];
}

// --- texts ---

const std::vector<std::string> numbers = {"0",
                                          "-0.0",
                                          "1",
                                          "-1",
                                          "2",
                                          "3",
                                          "7",
                                          "0.5",
                                          "1e308",
                                          "-1e308",
                                          "1e-320",
                                          "1e-300",
                                          "nan",
                                          "inf",
                                          "-inf",
                                          "1e3",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "9223372036854775808",
                                          "2147483648",
                                          "4294967296",
                                          "1000000000000",
                                          "0x7f",
                                          "1_000",
                                          "1e",
                                          "01",
                                          "true",
                                          "\"auto\"",
                                          "[]",
                                          "[0.0, 1.0]",
                                          "[[]]",
                                          "{}",
                                          "{ start = 0.0, stop = 1.0, count = 3 }",
                                          "{ start = 1.0, stop = 1e300, count = 100000000 }",
                                          "{ start = 1e-9, stop = 1.0, count = 5, scale = \"log\" }",
                                          "1979-05-27"};

struct Corpus {
  std::vector<std::string> texts, words;
};

Corpus corpus_of(const std::vector<std::string>& files) {
  Corpus corpus;
  for (const std::string& file : files) corpus.texts.push_back(read_file(file));
  for (const std::string& text : corpus.texts) {
    std::string word;
    for (const char c : text + "\n") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-') {
        word += c;
      } else {
        if (!word.empty()) corpus.words.push_back(word);
        word.clear();
      }
    }
  }
  std::sort(corpus.words.begin(), corpus.words.end());
  corpus.words.erase(std::unique(corpus.words.begin(), corpus.words.end()), corpus.words.end());
  return corpus;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  }
  return lines;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

/// Position and length of a word, searched from a random position.
std::pair<std::size_t, std::size_t> word_in(Random& random, const std::string& text) {
  const auto inside = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_' ||
                               text[i] == '.' || text[i] == '-');
  };
  std::size_t begin = below(random, text.size());
  while (begin < text.size() && !inside(begin)) ++begin;
  while (begin > 0 && inside(begin - 1)) --begin;
  std::size_t end = begin;
  while (inside(end)) ++end;
  return {begin, end - begin};
}

void damage_text(Random& random, const Corpus& corpus, std::string& text) {
  const std::size_t at = below(random, text.size() + 1);
  switch (below(random, 12)) {
    case 0:
      if (!text.empty()) text[below(random, text.size())] = static_cast<char>(below(random, 256));
      break;
    case 1:
      text.insert(at, 1, static_cast<char>(below(random, 256)));
      break;
    case 2:
      text.erase(at, below(random, 9));
      break;
    case 3:
      text.insert(at, std::string(1 + below(random, 400), one_of(random, std::string("[{\"'#=,.\n0e"))));
      break;
    case 4: {
      auto lines = lines_of(text);
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(below(random, lines.size())), one_of(random, lines));
      text = joined(lines);
      break;
    }
    case 5: {
      auto lines = lines_of(text);
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(below(random, lines.size())));
      text = joined(lines);
      break;
    }
    case 6: {
      auto lines = lines_of(text);
      std::swap(lines[below(random, lines.size())], lines[below(random, lines.size())]);
      text = joined(lines);
      break;
    }
    case 7: {  // lines of another text
      auto lines = lines_of(text);
      const auto others = lines_of(one_of(random, corpus.texts));
      lines.resize(below(random, lines.size() + 1));
      lines.insert(lines.end(), others.begin() + static_cast<std::ptrdiff_t>(below(random, others.size())),
                   others.end());
      text = joined(lines);
      break;
    }
    case 8:
    case 9: {
      const auto [begin, length] = word_in(random, text);
      text.replace(begin, length, one_of(random, corpus.words));
      break;
    }
    default: {  // a number, if there is one
      const auto [begin, length] = word_in(random, text);
      const std::size_t digit = text.find_first_of("0123456789", begin);
      const std::size_t start = digit == std::string::npos ? begin : digit;
      const std::size_t end = text.find_first_not_of("0123456789.e", start);
      text.replace(start, (end == std::string::npos ? text.size() : end) - start, one_of(random, numbers));
    }
  }
}

void damage_bytes(Random& random, std::string& bytes) {
  if (bytes.empty()) return;
  switch (below(random, 8)) {
    case 0:
      bytes.resize(below(random, bytes.size()));
      break;
    case 1: {
      const std::size_t at = below(random, bytes.size()), length = 1 + below(random, 512);
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min(length, bytes.size() - at),
                  below(random, 2) == 0 ? '\0' : '\xff');
      break;
    }
    case 2: {
      const std::size_t from = below(random, bytes.size()), to = below(random, bytes.size());
      const std::size_t length = std::min({1 + below(random, 256), bytes.size() - from, bytes.size() - to});
      std::memmove(bytes.data() + to, bytes.data() + from, length);
      break;
    }
    default: {  // most of the structure is at the beginning and between the data
      const std::size_t flips = 1 + below(random, 8),
                        within = below(random, 2) == 0 ? std::min<std::size_t>(bytes.size(), 4096) : bytes.size();
      for (std::size_t i = 0; i < flips; ++i) {
        char& byte = bytes[below(random, within)];
        byte = below(random, 2) == 0 ? static_cast<char>(byte ^ (1 << below(random, 8)))
                                     : static_cast<char>(below(random, 256));
      }
    }
  }
}

[[noreturn]] void fault(const Options& options, long number, const std::string& what) {
  const std::string text = "fuzz: number " + std::to_string(number) + ": " + what + "\n";
  write_file(fs::path(options.folder) / ("fault-" + std::to_string(number) + ".txt"), text);
  _exit(fault_code);
}

void into_nowhere(int descriptor) {
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, descriptor);
  ::close(nowhere);
}

Random random_of(const Options& options, long number) {
  std::seed_seq seeds{options.seed, static_cast<unsigned long>(number), 2026UL};
  return Random(seeds);
}

/// Runs the program itself, as from its command line.
int program(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "lindrift");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return cli::main(static_cast<int>(arguments.size()), pointers.data());
}

// --- the two modes ---

class Inputs {
 public:
  explicit Inputs(const Options& options) : options_(options), corpus_(corpus_of(options.seeds)) {
    for (const std::string& file : options.seeds) {
      const fs::path other = fs::path(file).replace_extension(".dat");
      if (fs::exists(other)) hamiltonians_.push_back(read_file(other));
    }
  }
  int at_once() const { return many; }

  std::string made(Random& random) const {
    std::string text = one_of(random, corpus_.texts);
    for (std::size_t i = 0, count = below(random, 7); i < count; ++i) damage_text(random, corpus_, text);
    return text;
  }
  /// Texts refer to a Wannier90 file as "hr.dat".
  void write(long number) const {
    Random random = random_of(options_, number);
    write_file(fs::path(options_.folder) / ("fault-" + std::to_string(number) + ".toml"), made(random));
  }

  void examine(long number, Progress& progress) const {
    Random random = random_of(options_, number);
    const std::string text = made(random);
    if (!hamiltonians_.empty() && (number % 16 == 0 || !fs::exists("hr.dat"))) {
      std::string hamiltonian = one_of(random, hamiltonians_);
      for (std::size_t i = 0, count = below(random, 4); i < count; ++i) damage_text(random, corpus_, hamiltonian);
      write_file("hr.dat", hamiltonian);
    }
    try {
      const config::Document document = config::parse(text, "input.toml", {}, registry());
      document.point(0);
      document.point(document.sweep.points() - 1);
      // What is written to a file can be read again.
      config::parse_stored(document.resolved_text, "input.toml", registry());
      progress.accepted = progress.accepted + 1;
      if (progress.accepted % planned_of_good == 0) {
        find_task(find_model(document.model), document.task)
            .plan(document.point(0), {.backend = Backend::cpu, .threads = 1});
        progress.planned = progress.planned + 1;
      }
    } catch (const config::InputError& error) {
      for (const config::Diagnostic& diagnostic : error.diagnostics())
        if (diagnostic.text().empty()) fault(options_, number, "a diagnostic without words");
      progress.refused = progress.refused + 1;
    } catch (const Error&) {
      progress.refused = progress.refused + 1;
    } catch (const std::bad_alloc&) {
      fault(options_, number, "out of memory");
    } catch (const std::exception& error) {
      fault(options_, number, std::string("an exception that is none of ours: ") + error.what());
    }
  }

 private:
  Options options_;
  Corpus corpus_;
  std::vector<std::string> hamiltonians_;
};

class Files {
 public:
  explicit Files(const Options& options) : options_(options), place_(options.seeds.at(0)) {
    for (const auto& entry : fs::directory_iterator(place_))
      if (entry.path().extension() == ".h5" && entry.path().stem() != "table") names_.push_back(entry.path().stem());
    std::sort(names_.begin(), names_.end());
  }
  int at_once() const { return 1; }

  std::string made(Random& random, std::string& name, std::size_t& use) const {
    use = below(random, 4);
    name = use == 3 ? "table" : one_of(random, names_);
    std::string bytes = read_file(place_ / (name + ".h5"));
    for (std::size_t i = 0, count = 1 + below(random, 3); i < count; ++i) damage_bytes(random, bytes);
    return bytes;
  }
  void write(long number) const {
    Random random = random_of(options_, number);
    std::string name;
    std::size_t use = 0;
    write_file(fs::path(options_.folder) / ("fault-" + std::to_string(number) + ".h5"), made(random, name, use));
  }

  void examine(long number, Progress& progress) const {
    Random random = random_of(options_, number);
    std::string name;
    std::size_t use = 0;
    const std::string bytes = made(random, name, use);
    const std::string file = name + ".h5", input = (place_ / (name + ".toml")).string();
    write_file(file, bytes);
    into_nowhere(1);
    into_nowhere(2);
    int code = 0;
    if (use == 0) {
      code = program({"run", input, "-o", file, "--resume", "--threads", "1", "--progress", "never", "--log", "off"});
      // Either it is done, or the file is unchanged.
      if (code == 1 || code == 2) {
        if (read_file(file) != bytes) fault(options_, number, "a resume that failed changed the file");
        progress.kept = progress.kept + 1;
      }
    } else if (use == 1) {
      code = program({"verify", file, "--samples", "2", "--log", "off"});
    } else if (use == 2) {
      code = program({"status", file});
    } else {
      fs::copy_file(place_ / "table.toml", "table.toml", fs::copy_options::overwrite_existing);
      code = program({"run", "table.toml", "-o", "of_table.h5", "--overwrite", "--threads", "1", "--progress", "never",
                      "--log", "off"});
    }
    if (code < 0 || code > 4) fault(options_, number, "exit code " + std::to_string(code));
    if (code == 0)
      progress.accepted = progress.accepted + 1;
    else
      progress.refused = progress.refused + 1;
  }

 private:
  Options options_;
  fs::path place_;
  std::vector<std::string> names_;
};

/// @return the status of waitpid, or -1 if the child took too long and was killed
int wait_for(pid_t child, const Progress& progress, double limit) {
  for (int status = 0;;) {
    if (::waitpid(child, &status, WNOHANG) == child) return status;
    if (static_cast<double>(milliseconds() - progress.began) > 1000.0 * limit) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

template <class Mode>
int fuzz(const Options& options) {
  const Mode mode(options);
  void* const page = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& progress = *new (page) Progress{};
  long crashes = 0, hangs = 0, slow = 0;
  const long end = options.first + options.count, start = milliseconds();
  for (long first = options.first, tried_again = -1; first < end;) {
    progress.number = first;
    progress.began = milliseconds();
    const pid_t child = ::fork();
    if (child == 0) {
      for (long i = first; i < std::min(end, first + mode.at_once()); ++i) {
        progress.number = i;
        progress.began = milliseconds();
        mode.examine(i, progress);
      }
      std::fflush(nullptr);
      _exit(0);
    }
    const int status = wait_for(child, progress, options.limit);
    const long number = progress.number;
    if (status == 0) {
      first = number + 1;
    } else if (status == -1 && tried_again != number) {
      first = tried_again = number;  // perhaps another program had the processor
      ++slow;
    } else {
      mode.write(number);
      std::fprintf(stderr, "fuzz: number %ld: %s\n", number,
                   status == -1          ? "takes too long"
                   : WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status))
                                         : ("exit " + std::to_string(WEXITSTATUS(status))).c_str());
      status == -1 ? ++hangs : ++crashes;
      first = number + 1;
    }
  }
  std::printf(
      "fuzz %s: %ld inputs, %ld accepted, %ld refused, %ld planned, %ld files left as they were, %ld slow at first, "
      "%ld faults, "
      "%ld longer than %g s, in %ld s\n",
      options.mode.c_str(), options.count, progress.accepted, progress.refused, progress.planned, progress.kept, slow,
      crashes, hangs, options.limit, (milliseconds() - start) / 1000);
  return crashes + hangs > 0 ? 1 : 0;
}

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--") && i + 1 < argc) {
      const std::string value = argv[++i];
      if (word == "--count") options.count = std::stol(value);
      if (word == "--first") options.first = std::stol(value);
      if (word == "--seed") options.seed = std::stoul(value);
      if (word == "--folder") options.folder = value;
      if (word == "--limit") options.limit = std::stod(value);
    } else if (options.mode.empty()) {
      options.mode = word;
    } else {
      options.seeds.push_back(fs::absolute(word));
    }
  }
  options.folder = fs::absolute(options.folder);
  return options;
}

}  // namespace
}  // namespace lindrift

int main(int argc, char** argv) {
  using namespace lindrift;
  const Options options = options_of(argc, argv);
  if (options.seeds.empty() || (options.mode != "inputs" && options.mode != "files")) {
    std::fprintf(stderr,
                 "usage: lindrift_fuzz inputs SEED.toml... | files FOLDER [--count N] [--first N] [--seed S] [--folder "
                 "DIR] [--limit SECONDS]\n");
    return 2;
  }
  fs::create_directories(options.folder);
  fs::current_path(options.folder);
  return options.mode == "inputs" ? fuzz<Inputs>(options) : fuzz<Files>(options);
}
