#pragma once

#include "tgge/registry/tgge_point.hpp"

/// Tasks gradient and noise: the response of a steady state to its parameters, and its fluctuations.

namespace lindrift {

/// Keys of the task: flows by name, and for a gradient the differentiable parameters of the model.
/// @param model_keys  of the model, including [initial]
std::vector<config::Key> noise_keys(int dimensions);
std::vector<config::Key> gradient_keys(const std::vector<config::Key>& model_keys, int dimensions);

/// Names of all datasets that a gradient may produce.
std::vector<std::string> gradient_fields(const std::vector<config::Key>& model_keys);
std::vector<std::string> noise_fields();

/// @throws ParameterError if a parameter does not apply at a point, or a flow is requested twice
void check_gradient(const config::Point& point);

io::Result empty_gradient_result(const config::Point& point);
io::Result empty_noise_result(const config::Point& point);
io::Result find_gradient(const config::Point& point, const Execution& requested, const Monitor& monitor);
io::Result find_noise(const config::Point& point, const Execution& requested, const Monitor& monitor);

}  // namespace lindrift
