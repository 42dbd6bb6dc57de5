#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/processor.hpp"
#include "engine/threads.hpp"
#include "kernels/table.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/version.hpp"

/// What the benchmarks on a device share: samples of time, and the JSON of the results.

namespace lindrift::benchmarks {

/// Seconds per call.
struct Times {
  double median, minimum, maximum;
};

inline Times summary(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples.front(), samples.back()};
}

/// On the host's clock, for work that returns when its result is on the host.
template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A line of the result: what was timed, and numbers derived from it.
struct Result {
  std::string name;
  std::int64_t sites;
  Times seconds;
  std::vector<std::pair<std::string, double>> numbers;
};

inline void print(const Result& result) {
  std::printf("%-24s L = %9lld  %10.3g s  (%.3g .. %.3g)", result.name.c_str(), static_cast<long long>(result.sites),
              result.seconds.median, result.seconds.minimum, result.seconds.maximum);
  for (const auto& [key, value] : result.numbers) std::printf("  %s = %.4g", key.c_str(), value);
  std::printf("\n");
  std::fflush(stdout);
}

/// Whether every number called difference... is at most this; not if one is NaN.
inline bool agrees(const Result& result, double most) {
  return std::all_of(result.numbers.begin(), result.numbers.end(), [&](const auto& number) {
    return number.first.rfind("difference", 0) != 0 || number.second <= most;
  });
}

/// JSON knows no NaN.
inline std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::isfinite(value) ? text : "null";
}

/// What all results of a run have in common.
class Context {
 public:
  void add(const std::string& key, const std::string& value) { members_.emplace_back(key, "\"" + value + "\""); }
  void add(const std::string& key, double value) { members_.emplace_back(key, number(value)); }
  std::string json() const {
    std::string text;
    for (const auto& [key, value] : members_) text += (text.empty() ? "\"" : ", \"") + key + "\": " + value;
    return "{" + text + "}";
  }

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

/// The card, the processor beside it and this build.
inline Context machine_context() {
  Context context;
  context.add("card", cuda_device_name(0));
  context.add("processor", processor_name());
  context.add("instruction_set", std::string(simd_level()));
  context.add("threads", default_threads());
  context.add("lindrift_version", std::string(version()));
  context.add("lindrift_git_hash", std::string(git_hash()));
  context.add("compiler", std::string(compiler()));
  context.add("cuda_compiler", std::string(cuda_compiler()));
  return context;
}

inline std::string json(const Context& context, const std::vector<Result>& results) {
  std::string text = "{\n \"context\": " + context.json() + ",\n \"benchmarks\": [";
  for (const Result& result : results) {
    text +=
        std::string(&result == results.data() ? "" : ",") + "\n  {\"name\": \"" + result.name +
        "\", \"L\": " + std::to_string(result.sites) + ", \"seconds\": {\"median\": " + number(result.seconds.median) +
        ", \"minimum\": " + number(result.seconds.minimum) + ", \"maximum\": " + number(result.seconds.maximum) + "}";
    for (const auto& [key, value] : result.numbers) text += ", \"" + key + "\": " + number(value);
    text += "}";
  }
  return text + "\n ]\n}\n";
}

/// Writes the results, or says that it cannot.
/// @param file  null: nowhere
inline bool write(const char* program, const char* file, const std::string& text) {
  if (!file) return true;
  std::FILE* out = std::fopen(file, "w");
  const bool written = out && std::fwrite(text.data(), 1, text.size(), out) == text.size();
  if ((!out || std::fclose(out) == 0) && written) return true;
  std::fprintf(stderr, "%s: cannot write %s\n", program, file);
  return false;
}

/// The exit code where there is no device, after saying so.
inline std::optional<int> without_device(const char* program) {
  std::string reason;
  if (kernels::device_kernels().count(&reason) > 0) return std::nullopt;
  std::printf("%s: nothing was measured: no CUDA device: %s\n", program, reason.c_str());
  const char* required = std::getenv("LINDRIFT_REQUIRE_CUDA");
  return required && std::strcmp(required, "1") == 0 ? 1 : 0;
}

}  // namespace lindrift::benchmarks
