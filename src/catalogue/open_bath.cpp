#include "catalogue/open_bath.hpp"

namespace lindrift {

namespace {

using config::Key;
using config::Type;

/// One key of a bath and where its value goes.
struct Entry {
  const char* name;
  double OpenBath::*value;
  const char* help;
};
constexpr Entry losses[] = {
    {"loss", &OpenBath::loss, "rate of local loss, sqrt(loss) c_j"},
    {"two_site_loss", &OpenBath::two_site_loss, "rate g of loss from bonds, sqrt(g) (c_j + e^{i phase} c_{j+1})"}};
constexpr Entry gains[] = {
    {"gain", &OpenBath::gain, "rate of local gain, sqrt(gain) c+_j"},
    {"two_site_gain", &OpenBath::two_site_gain, "rate g of gain into bonds, sqrt(g) (c+_j + e^{i phase} c+_{j+1})"}};
constexpr Entry loss_phase = {"two_site_loss_phase", &OpenBath::two_site_loss_phase,
                              "phase of the loss from bonds, radians"};
constexpr Entry gain_phase = {"two_site_gain_phase", &OpenBath::two_site_gain_phase,
                              "phase of the gain into bonds, radians"};

Key key_of(const std::string& section, const Entry& entry, config::Range range, const char* units) {
  return {.path = section + "." + entry.name,
          .type = Type::real,
          .help = entry.help,
          .default_value = OpenBath{}.*entry.value,
          .range = range,
          .sweepable = true,
          .units = units};
}

Key table_of(const std::string& section, const char* name, const char* help) {
  return {.path = section + "." + name,
          .type = Type::real_list,
          .help = help,
          .optional = true,
          .derived = "no such rates",
          .range = {.low = 0.0}};
}

}  // namespace

std::vector<Key> open_bath_keys(const std::string& section, BathKind kind) {
  const config::Range rate{.low = 0.0};
  std::vector<Key> keys;
  const auto add = [&](const Entry(&rates)[2], const Entry& phase, const char* table, const char* help) {
    for (const Entry& entry : rates) keys.push_back(key_of(section, entry, rate, "energy"));
    keys.push_back(key_of(section, phase, {}, "rad"));
    keys.push_back(table_of(section, table, help));
  };
  if (kind == BathKind::gain_and_loss)
    add(gains, gain_phase, "gain_table", "gain of every momentum, ascending, added to the above");
  add(losses, loss_phase, "loss_table", "loss of every momentum, ascending, added to the above");
  return keys;
}

OpenBath open_bath_of(const config::Point& point, const std::string& section) {
  OpenBath bath;
  const auto read = [&](const Entry& entry) {
    const std::string path = section + "." + entry.name;
    if (point.has(path)) bath.*entry.value = point.real(path);
  };
  for (const Entry& entry : losses) read(entry);
  for (const Entry& entry : gains) read(entry);
  read(loss_phase);
  read(gain_phase);
  if (point.has(section + ".gain_table")) bath.gain_table = point.reals(section + ".gain_table");
  if (point.has(section + ".loss_table")) bath.loss_table = point.reals(section + ".loss_table");
  return bath;
}

}  // namespace lindrift
