#include "registry/verification.hpp"

#include <numeric>

namespace lindrift {

std::vector<std::size_t> Verification::some_of(std::size_t count) {
  std::vector<std::size_t> chosen;
  if (count <= samples_) {
    chosen.resize(count);
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    return chosen;
  }
  std::uniform_int_distribution<std::size_t> any(0, count - 1);
  while (chosen.size() < samples_) {
    const std::size_t one = any(random_);
    if (std::find(chosen.begin(), chosen.end(), one) == chosen.end()) chosen.push_back(one);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void Verification::note(const std::string& what, double error, double allowed) {
  auto found = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& one) { return one.what == what; });
  if (found == findings_.end()) found = findings_.insert(found, {what, 0.0, allowed, 0, true});
  ++found->compared;
  const bool passes = error <= allowed;
  // The worst error, in units of what is allowed.
  const bool worse = !(error * found->allowed <= found->error * allowed) || (passes != found->passed && !passes);
  if (found->compared == 1 || worse) {
    found->error = error;
    found->allowed = allowed;
  }
  found->passed = found->passed && passes;
}

}  // namespace lindrift
