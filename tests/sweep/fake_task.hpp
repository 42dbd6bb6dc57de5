#pragma once

#include <cmath>
#include <functional>
#include <string>

#include "config/config.hpp"
#include "registry/registry.hpp"

namespace lindrift::sweep {

/// A document with a sweep of this many points; point k has the inverse temperature k/8.
inline config::Document document_of(std::size_t points) {
  const std::string stop = std::to_string(static_cast<double>(points - 1) / 8.0);
  return config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'steady_state'\n[sweep]\n"
      "'bath.inverse_temperature' = { start = 0.0, stop = " +
          stop + ", count = " + std::to_string(points) + " }\n",
      "INPUT.toml", {}, registry());
}

inline std::size_t number_of(const config::Point& point) {
  return static_cast<std::size_t>(std::lround(8.0 * point.real("bath.inverse_temperature")));
}

/// A task whose points have a single number each, value(k) for point k.
inline TaskEntry fake_task(const std::function<double(std::size_t, const Execution&, const Monitor&)>& value) {
  TaskEntry task = find_task(find_model("tgge_chain"), "steady_state");
  task.shares_a_point = false;
  task.cost = {};
  task.device_grouping = {};
  task.empty_result = [](const config::Point&) {
    io::Result result;
    result.fields.push_back({"current", {}, {}, std::vector<double>(1, -1.0), "1", "a number"});
    return result;
  };
  task.run = [value, empty_result = task.empty_result](const config::Point& point, const Execution& execution,
                                                       const Monitor& monitor) {
    io::Result result = empty_result(point);
    result.fields.front().data = std::vector{value(number_of(point), execution, monitor)};
    return result;
  };
  return task;
}

}  // namespace lindrift::sweep
