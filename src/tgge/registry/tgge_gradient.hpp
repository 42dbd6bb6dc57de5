#pragma once

#include "tgge/registry/tgge_point.hpp"

/// Tasks gradient and noise: what a steady state says of its neighbours and of its fluctuations.

namespace lindrift {

/// Keys of the task: flows by name, and for a gradient the parameters of a model that have derivatives.
/// @param model_keys  of the model, [initial] included
std::vector<config::Key> noise_keys(int dimensions);
std::vector<config::Key> gradient_keys(const std::vector<config::Key>& model_keys, int dimensions);

/// Names of all datasets that a gradient may make.
std::vector<std::string> gradient_fields(const std::vector<config::Key>& model_keys);
std::vector<std::string> noise_fields();

/// @throws ParameterError if a parameter has no meaning at a point, or a flow is asked for twice
void check_gradient(const config::Point& point);

io::Result outline_gradient(const config::Point& point);
io::Result outline_noise(const config::Point& point);
io::Result find_gradient(const config::Point& point, const Execution& requested, const Monitor& monitor);
io::Result find_noise(const config::Point& point, const Execution& requested, const Monitor& monitor);

}  // namespace lindrift
