#pragma once

#include <functional>
#include <vector>

#include "sweep/campaign.hpp"

/// What `status` and `verify` ask of an output, beside its results.

namespace lindrift::sweep {

/// Coordinates of the sweep, then of the task, as an output has them.
std::vector<io::Field> coordinates_of(const config::Document& document, const TaskEntry& task);

/// Calls take(record) for every point in an output, numbered as in that output: its status and message only. Opens no
/// table that the input names.
void for_each_status(const io::StoredOutput& output, const config::Document& document,
                     const std::function<void(Record)>& take);

/// The same, with points numbered as in `newer`.
/// @throws OutputRefused if its input differs in anything but a subset of the swept values
void for_each_status(const StoredSweep& stored, const config::Document& newer, const std::function<void(Record)>& take);

/// The input of an output with its tables read and its points validated. A table is first looked for as if its path
/// were relative to the folder of the output, which may have been moved or copied with it, and then where it was; one
/// with another content than the output was made from is not taken.
/// @throws config::InputError
config::Document with_tables(const StoredSweep& stored);

}  // namespace lindrift::sweep
