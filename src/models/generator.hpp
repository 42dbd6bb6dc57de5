#pragma once

#include <memory>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/generator.hpp"

namespace lindrift {

/// A Generator on the kernel variant for this backend and processor. Checks the shapes of every call.
/// @param execution  resolved: neither backend nor algorithm is automatic
std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution);

}  // namespace lindrift
