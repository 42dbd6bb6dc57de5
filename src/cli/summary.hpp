#pragma once

#include <string>

#include "config/config.hpp"
#include "sweep/result_builder.hpp"

namespace lindrift::cli {

/// The scalars of a result on stdout: a list for a single point, a table for a sweep.
void print_summary(const config::Document& document, const sweep::SweepResult& result, double seconds,
                   const std::string& output);

/// Prints the first messages of points that failed or have a warning to stderr.
void log_messages(const config::Document& document, const sweep::SweepResult& result);

}  // namespace lindrift::cli
