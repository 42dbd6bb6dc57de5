#include "config/schema.hpp"

#include <algorithm>

namespace lindrift::config {

const Key* find_key(std::string_view path, const std::vector<Key>& keys) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.path == path; });
  return found != keys.end() ? &*found : nullptr;
}

bool is_section(std::string_view path, const std::vector<Key>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
    return key.path.size() > path.size() && key.path[path.size()] == '.' && key.path.compare(0, path.size(), path) == 0;
  });
}

std::string parent_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? "" : std::string(path.substr(0, dot));
}

std::string leaf_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return std::string(dot == std::string_view::npos ? path : path.substr(dot + 1));
}

namespace {

/// Names that papers and other programs use, and the last part of the corresponding keys here.
constexpr std::pair<std::string_view, std::string_view> usual_names[] = {{"beta", "inverse_temperature"},
                                                                         {"temperature", "inverse_temperature"},
                                                                         {"t", "inverse_temperature"},
                                                                         {"t", "hopping"},
                                                                         {"t", "times"},
                                                                         {"kt", "inverse_temperature"},
                                                                         {"gamma_neq", "nonequilibrium_fraction"},
                                                                         {"gamma_ne", "nonequilibrium_fraction"},
                                                                         {"gamma_noneq", "nonequilibrium_fraction"},
                                                                         {"gamma_eq", "equilibrium_fraction"},
                                                                         {"epsilon", "coupling"},
                                                                         {"eps", "coupling"},
                                                                         {"delta_p", "delta_prime"},
                                                                         {"gamma_up", "dephasing_up"},
                                                                         {"gamma_down", "dephasing_down"},
                                                                         {"l", "sites"},
                                                                         {"size", "sites"},
                                                                         {"length", "sites"},
                                                                         {"system_size", "sites"},
                                                                         {"n_sites", "sites"},
                                                                         {"num_sites", "sites"},
                                                                         {"j", "hopping"},
                                                                         {"u", "interaction"},
                                                                         {"v", "interaction"},
                                                                         {"h", "zeeman_field"},
                                                                         {"field", "zeeman_field"},
                                                                         {"magnetic_field", "zeeman_field"},
                                                                         {"alpha_y", "rashba_y"},
                                                                         {"alpha_z", "rashba_z"},
                                                                         {"kappa", "gain"},
                                                                         {"pump", "gain"},
                                                                         {"gamma", "two_site_loss"},
                                                                         {"phi", "two_site_loss_phase"},
                                                                         {"operators", "jump_operator"},
                                                                         {"jump_operators", "jump_operator"},
                                                                         {"eta", "broadening"},
                                                                         {"omega", "frequencies"},
                                                                         {"w", "frequencies"},
                                                                         {"freq", "frequencies"},
                                                                         {"freqs", "frequencies"},
                                                                         {"energies", "frequencies"},
                                                                         {"k", "momenta"},
                                                                         {"tlist", "times"},
                                                                         {"t_max", "times"},
                                                                         {"tmax", "times"},
                                                                         {"t_end", "times"},
                                                                         {"nu", "filling"},
                                                                         {"n", "filling"},
                                                                         {"occupation", "filling"},
                                                                         {"lambda", "lagrange_multiplier"},
                                                                         {"rtol", "tolerance"},
                                                                         {"tol", "tolerance"},
                                                                         {"precision", "tolerance"},
                                                                         {"method", "algorithm"},
                                                                         {"maxiter", "max_steps"},
                                                                         {"max_iterations", "max_steps"},
                                                                         {"width", "spectrum_width"},
                                                                         {"omega_c", "spectrum_width"},
                                                                         {"datasets", "fields"},
                                                                         {"observables", "fields"},
                                                                         // for grids
                                                                         {"step", "count"},
                                                                         {"num", "count"},
                                                                         {"n", "count"},
                                                                         {"points", "count"},
                                                                         {"steps", "count"},
                                                                         {"length", "count"},
                                                                         {"min", "start"},
                                                                         {"from", "start"},
                                                                         {"begin", "start"},
                                                                         {"low", "start"},
                                                                         {"max", "stop"},
                                                                         {"to", "stop"},
                                                                         {"end", "stop"},
                                                                         {"high", "stop"},
                                                                         {"spacing", "scale"},
                                                                         {"log", "scale"},
                                                                         {"abs", "modulus"},
                                                                         {"radius", "modulus"},
                                                                         {"amplitude", "modulus"},
                                                                         {"angle", "phase"},
                                                                         {"arg", "phase"}};

/// The candidate with this other common name; "" if there is none, or more than one: `t` is a time, a hopping or a
/// temperature.
std::string usual(std::string_view word, const std::vector<std::string>& candidates) {
  std::string lower(word), found;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto& [name, leaf] : usual_names) {
    if (name != lower || std::find(candidates.begin(), candidates.end(), leaf) == candidates.end()) continue;
    if (!found.empty()) return "";
    found = leaf;
  }
  return found;
}

}  // namespace

std::string nearest_or_usual(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string guess = usual(word, candidates);
  return guess.empty() ? nearest(word, candidates) : guess;
}

std::string suggest_key(std::string_view path, const std::vector<Key>& keys) {
  const std::string section = parent_of(path);
  const std::string leaf = leaf_of(path);
  std::vector<std::string> leaves, all_leaves, paths;
  for (const Key& key : keys) {
    paths.push_back(key.path);
    all_leaves.push_back(leaf_of(key.path));
    if (parent_of(key.path) == section) leaves.push_back(all_leaves.back());
  }
  if (const std::string guess = nearest_or_usual(leaf, leaves); !guess.empty()) return section + "." + guess;
  // In another section the last part must be similar, not only the whole path: most of that is the section.
  for (const std::string& name : {leaf, usual(leaf, all_leaves), nearest(leaf, all_leaves)}) {
    std::vector<std::string> there;
    for (const std::string& other : paths)
      if (leaf_of(other) == name) there.push_back(other);
    if (there.empty()) continue;
    const std::string closest = nearest(path, there);
    return closest.empty() ? there.front() : closest;
  }
  return "";
}

std::string hash_path(std::string_view path) { return std::string(path) + "_hash"; }

std::optional<ChannelScale> channel_scale(std::string_view path) {
  constexpr std::string_view ending = ".scale";
  if (!path.ends_with(ending)) return std::nullopt;
  path.remove_suffix(ending.size());
  const std::string number = leaf_of(path), channels = parent_of(path);
  const bool digits = !number.empty() && number.size() < 7 &&
                      std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || channels.empty()) return std::nullopt;
  return ChannelScale{channels, static_cast<std::size_t>(std::stoul(number))};
}

Key kind_key(std::string path, std::vector<std::string> choices) {
  const bool model = path == "model.kind";
  return Key{.path = std::move(path),
             .type = Type::text,
             .help = model ? "which model" : "what to compute",
             .choices = std::move(choices)};
}

Schema complete_schema(const Registry& registry, const std::string& model, const std::string& task) {
  Schema schema = registry.schema(model, task);
  const auto complete_kind = [&](const std::string& path, const std::vector<std::string>& choices) {
    const auto same =
        std::find_if(schema.keys.begin(), schema.keys.end(), [&](const Key& key) { return key.path == path; });
    if (same != schema.keys.end()) {
      same->choices = choices;
      return;
    }
    const std::string section = parent_of(path);
    const auto first = std::find_if(schema.keys.begin(), schema.keys.end(),
                                    [&](const Key& key) { return parent_of(key.path) == section; });
    schema.keys.insert(first, kind_key(path, choices));
  };
  complete_kind("task.kind", registry.tasks(model));
  complete_kind("model.kind", registry.models());
  for (Key& key : schema.keys) {
    if (key.path == "output.fields" && key.choices.empty()) key.choices = schema.fields;
  }
  for (std::size_t i = 0; i < schema.keys.size(); ++i) {
    if (!schema.keys[i].file_path) continue;
    const Key& table = schema.keys[i];
    Key hash{.path = hash_path(table.path),
             .type = Type::text,
             .help = "hash of the content of " + table.path,
             .optional = true,
             .derived = "that of the file",
             .when = table.when,
             .unless = table.unless,
             .details = "written to the resolved input; a file with other content is refused"};
    schema.keys.insert(schema.keys.begin() + static_cast<std::ptrdiff_t>(++i), std::move(hash));
  }
  return schema;
}

}  // namespace lindrift::config
