#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "config/config.hpp"
#include "config/precheck.hpp"
#include "config/resolved.hpp"
#include "config/schema.hpp"
#include "config/sweep.hpp"
#include "config/text.hpp"
#include "config/tree.hpp"
#include "config/value.hpp"
#include "engine/short_text.hpp"

namespace lindrift::config {

namespace {

/// A key of the file or of --set, outside [sweep].
struct Given {
  Place place;
  const Node* node;
};

/// Suggestions take time. A file with more unknown keys than this is not an input for lindrift.
constexpr std::size_t most_hints = 200;

/// Whether a key applies, as far as the keys before it decide.
enum class Meaning { yes, no, unknown };

class Resolver {
 public:
  Resolver(const Node& root, const std::string& path, const Registry& registry, Reporter& reporter, GridValues extent)
      : root_(*root.table()), registry_(registry), reporter_(reporter), extent_(extent) {
    folder_ = std::filesystem::path(path).parent_path().string();
  }

  /// Fills in the document except for its texts. Errors go to the reporter.
  void run(Document& document) {
    const auto model = read_kind("model", registry_.models());
    if (!model) return;
    document.model = *model;
    const auto task = read_kind("task", registry_.tasks(*model));
    if (!task) {
      check_without_task(*model);
      return;
    }
    document.task = *task;
    document.schema = complete_schema(registry_, *model, *task);
    model_ = *model;
    task_ = *task;
    keys_ = &document.schema.keys;
    collect(root_, "");

    const Entry* sweep = root_.find("sweep");
    SweepReading swept;
    if (sweep != nullptr && sweep->node.table() == nullptr) {
      reporter_.add(sweep->node.place, fmt::format("sweep = {}: must be a table: write [sweep]", show(sweep->node)));
    } else if (sweep != nullptr) {
      swept_ = sweep_entries(*sweep->node.table(), *keys_, reporter_);
      for (const SweepEntry& entry : swept_) {
        if (find_key(entry.path, *keys_) == nullptr && !is_channel_scale(entry.path))
          unknown_key(entry.path, entry.name, entry.place, *entry.node);
      }
      swept = read_sweep(*sweep->node.table(), swept_, *keys_, reporter_);
      sweep_ = &swept.sweep;
    }
    for (const Key& key : *keys_) resolve(key, document.base);
    for (const SweepEntry& entry : swept_) check_channel(entry, document.base);
    if (swept.complete) keep_what_fits(swept.sweep, document);
    sweep_ = nullptr;
    document.warnings = std::move(swept.warnings);
    document.sweep = std::move(swept.sweep);
  }

  /// Adds a hash of the content of every table to the document.
  /// @param[in,out] document  a hash given in the input must be right
  void hash_tables(Document& document) {
    for (const Key& key : *keys_) {
      if (!key.file_path || !document.base.has(key.path)) continue;
      const std::string path = hash_path(key.path);
      std::string hash;
      try {
        hash = registry_.content_hash(key.path, document.base.text(key.path));
      } catch (const Error& error) {
        const std::string message = error.what(), prefix = key.path + ": ";
        reporter_.add(place_of(key.path), message.starts_with(prefix) ? message : prefix + message);
        continue;
      }
      if (document.base.has(path) && document.base.text(path) != hash)
        reporter_.add(place_of(path), fmt::format("{} = {}: the content of {} has changed, its hash is {} now", path,
                                                  quote(document.base.text(path)), document.base.text(key.path), hash));
      document.base.set(path, hash);
    }
  }

  /// Whether every grid has its values.
  bool has_values() const { return has_values_; }

  /// Reports a first point or a sweep for which the machine has too little memory.
  void validate_sizes(const Document& document) {
    const auto& of_point = document.schema.validate_memory;
    if (fits(document, [&](const Point& first, std::size_t) {
          if (of_point) of_point(first);
        }))
      fits(document, document.schema.validate_size);
  }

  /// Validates the points of the sweep: all, or of very many a sample.
  void validate(const Document& document) {
    if (!document.schema.validate) return;
    struct Failure {
      std::string problem;
      std::size_t first;
      std::size_t count;
    };
    // One message per key, however many points are affected.
    std::map<std::string, Failure> failures;
    const auto check = [&](const Point& point, std::size_t index) {
      try {
        document.schema.examine(point);
      } catch (const ParameterError& error) {
        std::string problem = error.what();
        const std::string prefix = error.quantity() + ": ";
        if (problem.compare(0, prefix.size(), prefix) == 0) problem.erase(0, prefix.size());
        const auto [failure, fresh] = failures.try_emplace(error.quantity(), Failure{problem, index, 0});
        ++failure->second.count;
      } catch (const Error& error) {
        const auto [failure, fresh] = failures.try_emplace("", Failure{error.what(), index, 0});
        ++failure->second.count;
      }
    };
    check(document.point(0), 0);
    if (failures.empty() && !fits(document, document.schema.validate_size)) return;
    const auto sample = document.sweep.sample(most_examined);
    for (const std::size_t point : sample)
      if (point > 0) check(document.point(point), point);
    for (const auto& [quantity, failure] : failures) {
      const std::string path = full_path(quantity);
      std::string message = path.empty() ? failure.problem : path + ": " + failure.problem;
      if (!document.sweep.empty()) message += describe(document.sweep, failure.first, failure.count, sample.size());
      reporter_.add(place_of(path), std::move(message));
    }
  }

  const Grids& grids() const { return grids_; }

 private:
  /// Whether a check of the first point and the number of points finds nothing to report.
  bool fits(const Document& document, const std::function<void(const Point&, std::size_t)>& check) {
    if (!check) return true;
    try {
      check(document.point(0), document.sweep.points());
    } catch (const ParameterError& error) {
      reporter_.add(place_of(full_path(error.quantity())), error.what());
      return false;
    } catch (const Error& error) {
      reporter_.add(error.what());
      return false;
    }
    return true;
  }

  // ---- model.kind and task.kind ----

  std::optional<std::string> read_kind(const std::string& section, const std::vector<std::string>& choices) {
    const Key key = kind_key(section + ".kind", choices);
    const Entry* table = root_.find(section);
    if (table != nullptr && table->node.table() == nullptr) {
      not_a_table(section, *table);
      return std::nullopt;
    }
    const Entry* kind = table != nullptr ? table->node.table()->find("kind") : nullptr;
    if (kind == nullptr) {
      reporter_.add(fmt::format("{}: is required: {}", key.path, format_choices(choices)));
      return std::nullopt;
    }
    const auto reading = read_value(kind->node, key, key.path, folder_, reporter_);
    if (!reading) return std::nullopt;
    return std::get<std::string>(reading->value);
  }

  /// Checks the keys that all tasks of a model share, if the task is unknown.
  void check_without_task(const std::string& model) {
    std::vector<Key> common;
    bool first = true;
    for (const std::string& task : registry_.tasks(model)) {
      const std::vector<Key> keys = complete_schema(registry_, model, task).keys;
      if (first) {
        common = keys;
      } else {
        std::erase_if(common, [&](const Key& key) { return find_key(key.path, keys) == nullptr; });
      }
      first = false;
    }
    std::erase_if(common, [](const Key& key) {
      const std::string section = key.path.substr(0, key.path.find('.'));
      return section == "task" || section == "output" || key.path == "model.kind";
    });
    for (const Key& key : common) {
      if (const Node* node = look_up(key.path)) read_value(*node, key, key.path, folder_, reporter_, GridValues::ends);
    }
  }

  const Node* look_up(const std::string& path) const {
    const Table* table = &root_;
    std::size_t begin = 0;
    while (true) {
      const std::size_t dot = path.find('.', begin);
      const Entry* entry = table->find(path.substr(begin, dot - begin));
      if (entry == nullptr) return nullptr;
      if (dot == std::string::npos) return &entry->node;
      table = entry->node.table();
      if (table == nullptr) return nullptr;
      begin = dot + 1;
    }
  }

  // ---- what is in the file ----

  void not_a_table(const std::string& name, const Entry& entry) {
    const bool list = entry.node.array() != nullptr;
    reporter_.add(list ? entry.place : entry.node.place,
                  fmt::format("{} = {}: must be a table: write [{}]", name, show(entry.node), name));
  }

  /// Collects the keys outside [sweep] and reports unknown ones.
  void collect(const Table& table, const std::string& prefix) {
    for (const Entry& entry : table.entries) {
      if (prefix.empty() && entry.key == "sweep") continue;
      // A quoted key with dots is a single name, not a path.
      const std::string path = (prefix.empty() ? "" : prefix + ".") + format_key(entry.key);
      const Table* inner = entry.node.table();
      if (find_key(path, *keys_) != nullptr) {
        given_.emplace(path, Given{entry.place, &entry.node});
      } else if (is_section(path, *keys_)) {
        if (inner != nullptr)
          collect(*inner, path);
        else
          not_a_table(path, entry);
      } else if (inner != nullptr && !inner->entries.empty() && is_section(path, other_keys())) {
        collect(*inner, path);
      } else {
        unknown_key(path, path, entry.place, entry.node);
      }
    }
  }

  /// Keys of all other models and tasks: a key that exists elsewhere gets its own message.
  const std::vector<Key>& other_keys() {
    if (other_keys_) return *other_keys_;
    other_keys_.emplace();
    for (const std::string& model : registry_.models()) {
      for (const std::string& task : registry_.tasks(model)) {
        for (Key& key : complete_schema(registry_, model, task).keys) {
          if (model == model_) keys_of_model_.insert(key.path);
          if (seen_.insert(key.path).second) other_keys_->push_back(std::move(key));
        }
      }
    }
    return *other_keys_;
  }

  void unknown_key(const std::string& path, const std::string& name, const Place& place, const Node& node) {
    const bool table = node.table() != nullptr && !node.table()->is_inline && name == path;
    const std::string subject = table ? fmt::format("[{}]", name) : fmt::format("{} = {}", name, show(node));
    const bool elsewhere = find_key(path, other_keys()) != nullptr || is_section(path, other_keys());
    if (elsewhere) {
      const bool of_model = std::any_of(keys_of_model_.begin(), keys_of_model_.end(), [&](const std::string& other) {
        return other == path ||
               (other.size() > path.size() && other[path.size()] == '.' && other.compare(0, path.size(), path) == 0);
      });
      const std::string why = of_model ? "task.kind = " + quote(task_) : "model.kind = " + quote(model_);
      if (!is_section(path, *keys_)) {
        reporter_.add(place, fmt::format("{}: has no meaning for {}", subject, why));
        return;
      }
    }
    if (reporter_.size() >= most_hints) {  // not printed anyway
      reporter_.add(place, subject + ": unknown key");
      return;
    }
    std::string hint;
    const std::string section = parent_of(path);
    if (table || section.empty()) {
      std::vector<std::string> sections = {"sweep"};
      for (const Key& key : *keys_) sections.push_back(parent_of(key.path));
      if (const std::string guess = nearest(path, sections); !guess.empty()) hint = "; did you mean [" + guess + "]?";
    }
    if (hint.empty()) {
      if (const std::string guess = suggest_key(path, *keys_); !guess.empty()) hint = "; did you mean " + guess + "?";
    }
    if (hint.empty()) hint = name == path ? known_names(section) : sweepable_names();
    reporter_.add(place, fmt::format("{}: unknown {}{}", subject, table ? "table" : "key", hint));
  }

  std::string sweepable_names() const {
    std::string text = "; these can be swept:";
    for (const Key& key : *keys_) {
      if (key.sweepable) text += (text.back() == ':' ? " " : ", ") + key.path;
    }
    return text;
  }

  std::string known_names(const std::string& section) const {
    std::vector<std::string> names;
    for (const Key& key : *keys_) {
      const std::string parent = parent_of(key.path);
      if (parent == section && !section.empty()) names.push_back(leaf_of(key.path));
    }
    std::string text = names.empty() ? "; the tables are [sweep]" : "; [" + section + "] has";
    if (names.empty()) {
      for (const Key& key : *keys_) {
        const std::string parent = "[" + parent_of(key.path) + "]";
        if (std::find(names.begin(), names.end(), parent) == names.end()) names.push_back(parent);
      }
      for (const std::string& name : names) text += ", " + name;
      return text;
    }
    for (std::size_t i = 0; i < names.size(); ++i) text += (i > 0 ? ", " : " ") + names[i];
    return text;
  }

  // ---- one key ----

  const SweepEntry* swept(const std::string& path) const {
    const auto found =
        std::find_if(swept_.begin(), swept_.end(), [&](const SweepEntry& entry) { return entry.path == path; });
    return found != swept_.end() ? &*found : nullptr;
  }

  static std::string plain(const Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr ? *text : show(value);
  }

  /// Whether `when` and `unless` allow the key; if not, `why` says which of them forbids it.
  Meaning meaning(const Key& key, const Point& base, std::string& why) const {
    for (const std::string& other : key.unless) {
      if (given_.count(other) == 0 && swept(other) == nullptr) continue;
      why = fmt::format("has no meaning where {} is given", other);
      return Meaning::no;
    }
    bool unknown = false;
    for (const Condition& condition : key.when) {
      if (broken_.count(condition.path) > 0) {
        unknown = true;
        continue;
      }
      const bool is_swept = swept(condition.path) != nullptr && !base.has(condition.path);
      const bool present = is_swept || base.has(condition.path);
      if (!present) {
        why = fmt::format("has no meaning without {}", condition.path);
        return Meaning::no;
      }
      const auto allowed = [&](const Value& value) {
        return std::find(condition.values.begin(), condition.values.end(), plain(value)) != condition.values.end();
      };
      if (swept(condition.path) != nullptr) {
        const auto axis = std::find_if(sweep_->axes.begin(), sweep_->axes.end(),
                                       [&](const Axis& other) { return other.path == condition.path; });
        if (axis == sweep_->axes.end()) {
          unknown = true;
          continue;
        }
        const auto wrong = std::find_if_not(axis->values.begin(), axis->values.end(), allowed);
        if (wrong == axis->values.end()) continue;
        why = fmt::format("has no meaning for {} = {}, which is swept over", condition.path, show(*wrong));
        return Meaning::no;
      }
      const Value& value = base.values().find(condition.path)->second;
      if (allowed(value)) continue;
      why = fmt::format("has no meaning for {} = {}, only for {}", condition.path, show(value),
                        format_choices(condition.values));
      return Meaning::no;
    }
    return unknown ? Meaning::unknown : Meaning::yes;
  }

  bool is_channel_scale(const std::string& path) const {
    const auto scale = channel_scale(path);
    const Key* channels = scale ? find_key(scale->channels, *keys_) : nullptr;
    return channels != nullptr && channels->type == Type::operator_channels;
  }

  /// Reports a swept scale of a channel that does not exist.
  void check_channel(const SweepEntry& entry, const Point& base) {
    if (find_key(entry.path, *keys_) != nullptr || !is_channel_scale(entry.path)) return;
    const auto scale = channel_scale(entry.path);
    if (broken_.count(scale->channels) > 0) return;
    const std::size_t channels = base.has(scale->channels) ? base.channels(scale->channels).size() : 0;
    if (scale->channel >= channels)
      reporter_.add(entry.place, fmt::format("{} = {}: {} has {}, numbered from 0", entry.name, show(*entry.node),
                                             scale->channels, counted(channels, "channel")));
  }

  /// If the points of a sweep differ in size, arrays over sites or momenta cannot be combined: only the other datasets
  /// are kept.
  void keep_what_fits(const Sweep& sweep, Document& document) {
    const auto axis =
        std::find_if(sweep.axes.begin(), sweep.axes.end(), [&](const Axis& one) { return document.resizes(one); });
    if (axis == sweep.axes.end() || broken_.count("output.fields") > 0) return;
    std::vector<std::string> fitting = document.schema.sizeless_fields;
    for (std::string& name : made_datasets(document.base)) fitting.push_back(std::move(name));
    std::vector<std::string> kept = document.base.texts("output.fields");
    for (const std::string& name : kept)
      if (std::find(fitting.begin(), fitting.end(), name) == fitting.end())
        reporter_.add(place_of("output.fields"),
                      fmt::format("output.fields: {} has another shape at every {}; a sweep of it can keep {}", name,
                                  axis->path, format_choices(fitting)));
    if (kept.empty() && fitting.empty())
      reporter_.add(place_of(axis->path), fmt::format("sweep.\"{}\": every dataset of {} has another shape at every "
                                                      "value; make a run for each",
                                                      axis->path, document.task));
    if (kept.empty()) document.base.set("output.fields", fitting);
  }

  /// Names of the datasets that come from names in other keys.
  std::vector<std::string> made_datasets(const Point& base) const {
    std::vector<std::string> names;
    for (const Key& key : *keys_)
      if (!key.makes.empty() && base.has(key.path))
        for (const NamedMatrix& one : std::get<NamedMatrices>(*base.find(key.path)))
          names.push_back(key.makes + one.name);
    return names;
  }

  std::optional<Reading> read_given(const Node& node, const Key& key, const Point& base) {
    if (key.path != "output.fields") return read_value(node, key, key.path, folder_, reporter_, extent_);
    Key with_made = key;
    for (std::string& name : made_datasets(base)) with_made.choices.push_back(std::move(name));
    return read_value(node, with_made, key.path, folder_, reporter_);
  }

  void resolve(const Key& key, Point& base) {
    std::string why;
    const Meaning meant = meaning(key, base, why);
    const auto given = given_.find(key.path);
    const SweepEntry* axis = swept(key.path);
    if (meant == Meaning::no) {
      if (given != given_.end()) {
        reporter_.add(given->second.place, fmt::format("{} = {}: {}", key.path, show(*given->second.node), why));
      }
      if (axis != nullptr) reporter_.add(axis->place, fmt::format("{} = {}: {}", axis->name, show(*axis->node), why));
      return;
    }
    if (given != given_.end()) {
      if (auto reading = read_given(*given->second.node, key, base)) {
        base.set(key.path, std::move(reading->value));
        if (reading->grid) {
          grids_.emplace(key.path, *reading->grid);
          const auto count = static_cast<double>(reading->grid->count);
          if (base.count(key.path) != count) {
            base.set_count(key.path, count);
            has_values_ = false;
          }
        }
      } else {
        broken_.insert(key.path);
      }
    } else if (meant == Meaning::unknown) {
      broken_.insert(key.path);
    } else if (axis != nullptr) {
      return;  // the sweep provides it
    } else if (key.default_value) {
      base.set(key.path, *key.default_value);
    } else if (!key.optional) {
      reporter_.add(fmt::format("{}: is required{}", key.path, key.help.empty() ? "" : ": " + key.help));
      broken_.insert(key.path);
    }
  }

  // ---- points ----

  static std::string describe(const Sweep& sweep, std::size_t point, std::size_t count, std::size_t looked_at) {
    std::string text;
    const auto values = sweep.at(point);
    for (std::size_t i = 0; i < values.size(); ++i) {
      text += fmt::format("{}{} = {}", i > 0 ? ", " : " (at ", sweep.axes[i].path, show(values[i]));
    }
    if (count > 1)
      text += fmt::format(", and {} more of the {} points{}", count - 1, looked_at,
                          looked_at < sweep.points() ? " looked at" : "");
    return text + ")";
  }

  /// The key named by a ParameterError: the path itself, or the only key that ends with it.
  std::string full_path(const std::string& quantity) const {
    if (find_key(quantity, *keys_) != nullptr) return quantity;
    std::string found;
    for (const Key& key : *keys_) {
      const std::size_t size = quantity.size() + 1;
      if (key.path.size() <= size || key.path.compare(key.path.size() - size, size, "." + quantity) != 0) continue;
      if (!found.empty()) return quantity;
      found = key.path;
    }
    return found.empty() ? quantity : found;
  }

  /// Where the value of a key comes from: [sweep], its table, or neither.
  Place place_of(const std::string& path) const {
    if (const SweepEntry* entry = swept(path)) return entry->node->place;
    // "key[3]" is an entry of a list and has its own place.
    const std::size_t bracket = path.ends_with(']') ? path.rfind('[') : std::string::npos;
    const auto given = given_.find(path.substr(0, bracket));
    if (given == given_.end()) return {};
    const Array* array = given->second.node->array();
    if (bracket != std::string::npos && array != nullptr) {
      const std::size_t entry = std::strtoul(path.c_str() + bracket + 1, nullptr, 10);
      if (entry < array->items.size()) return array->items[entry].place;
    }
    return given->second.node->place;
  }

  const Table& root_;
  const Registry& registry_;
  Reporter& reporter_;
  GridValues extent_;
  bool has_values_ = true;
  std::string folder_;
  std::string model_;
  std::string task_;
  const std::vector<Key>* keys_ = nullptr;
  std::map<std::string, Given, std::less<>> given_;
  std::set<std::string, std::less<>> broken_;  // keys whose value is unknown because of an error
  std::vector<SweepEntry> swept_;
  const Sweep* sweep_ = nullptr;
  std::optional<std::vector<Key>> other_keys_;
  std::set<std::string> seen_;
  std::set<std::string> keys_of_model_;
  Grids grids_;
};

/// @throws InputError if the file cannot be read or is too large
std::string read_file(const std::string& path) {
  const auto refuse = [&](const std::string& problem) {
    throw InputError({Diagnostic{Location{.file = path}, problem}});
  };
  std::string text;
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) refuse(fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::array<char, 65536> buffer{};
  std::size_t count = 0;
  while ((count = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0) {
    text.append(buffer.data(), count);
    if (text.size() > largest_input) refuse(precheck(text)->message);
  }
  if (std::ferror(file.get()) != 0) refuse(fmt::format("cannot be read: {}", std::strerror(errno)));
  return text;
}

}  // namespace

Document load(const std::string& path, const std::vector<std::pair<std::string, std::string>>& sets,
              const Registry& registry) {
  return parse(read_file(path), path, sets, registry);
}

namespace {

Document parse(const std::string& text, const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& sets, const Registry& registry, bool stored) {
  Reporter reporter(path, sets);
  Node root = parse_tree(text, reporter);
  reporter.raise_if_any();
  for (std::size_t i = 0; i < sets.size(); ++i) {
    apply_set(root, static_cast<int>(i), sets[i].first, sets[i].second, reporter);
  }
  std::optional<Resolver> resolver;
  Document document;
  const auto resolve = [&](GridValues extent) {
    document = {};
    document.path = path;
    document.input_text = text;
    resolver.emplace(root, path, registry, reporter, extent);
    resolver->run(document);
    reporter.raise_if_any();
  };
  // Sizes are checked before long grids take memory.
  resolve(stored ? GridValues::all : GridValues::ends);
  if (!resolver->has_values()) {
    resolver->validate_sizes(document);
    reporter.raise_if_any();
    resolve(GridValues::all);
  }
  if (!stored) {
    resolver->validate(document);
    reporter.raise_if_any();
    resolver->hash_tables(document);
    reporter.raise_if_any();
  }
  document.resolved_text = resolved_text(document, resolver->grids());
  return document;
}

}  // namespace

Document parse(const std::string& text, const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& sets, const Registry& registry) {
  return parse(text, path, sets, registry, false);
}

Document parse_stored(const std::string& text, const std::string& path, const Registry& registry) {
  return parse(text, path, {}, registry, true);
}

}  // namespace lindrift::config
