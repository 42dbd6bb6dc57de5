#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "lindrift/models/open_bath.hpp"

namespace lindrift {

enum class BathKind { gain_and_loss, loss_only };

/// Keys of [bath.up] or [bath.down]; `section` is "bath.up" or "bath.down".
std::vector<config::Key> open_bath_keys(const std::string& section, BathKind kind = BathKind::gain_and_loss);

/// The bath that a point gives in that section. Keys that the schema leaves out are zero.
OpenBath open_bath_of(const config::Point& point, const std::string& section);

}  // namespace lindrift
