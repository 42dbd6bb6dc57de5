#pragma once

#include <nanobind/nanobind.h>

/// What each source file adds to the module.

namespace lindrift::python {

void bind_models(nanobind::module_& module);
void bind_tgge(nanobind::module_& module);
void bind_gradient(nanobind::module_& module);
void bind_open_chains(nanobind::module_& module);

}  // namespace lindrift::python
