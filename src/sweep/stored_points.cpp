#include "sweep/stored_points.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "config/schema.hpp"
#include "config/text.hpp"
#include "io/system.hpp"
#include "sweep/resume_map.hpp"

namespace lindrift::sweep {

void for_each_status(const StoredSweep& stored, const config::Document& newer,
                     const std::function<void(Record)>& take) {
  const ResumeMap map(stored.document, newer, stored.document.path);
  // A single point has no status; it is present if the file is complete.
  if (!stored.complete && newer.sweep.empty()) return;
  for_each_status(stored.output, stored.document, [&](Record record) {
    record.point = map(static_cast<std::size_t>(record.point));
    take(std::move(record));
  });
}

namespace {

/// Where the file named by a stored absolute path may lie now: every end of the path in the folder of the output, the
/// longest first, and the path itself. One of these ends is what the input said, if that was relative.
std::vector<std::string> places_of(const std::string& stored, const std::filesystem::path& folder) {
  std::vector<std::string> places;
  for (std::size_t slash = stored.find('/'); slash != std::string::npos; slash = stored.find('/', slash + 1)) {
    const std::string end = stored.substr(slash + 1);
    if (!end.empty() && end.front() != '/') places.push_back((folder / end).string());
  }
  places.push_back(stored);
  return places;
}

}  // namespace

config::Document with_tables(const StoredSweep& stored) {
  const config::Document& document = stored.document;
  std::vector<std::pair<std::string, std::string>> moved;
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::absolute(io::folder_of(document.path), ignored);
  for (const config::Key& key : document.schema.keys) {
    const std::string hash = config::hash_path(key.path);
    if (!key.file_path || !document.base.has(key.path) || !document.base.has(hash)) continue;
    const std::string& before = document.base.text(key.path);
    std::string found, reason;
    for (const std::string& place : places_of(before, folder)) {
      try {
        if (registry().content_hash(key.path, place) == document.base.text(hash)) {
          found = place;
          break;
        }
        reason = place + ": its content has changed";
      } catch (const Error& failure) {
        reason = failure.what();
      }
    }
    if (found.empty())
      throw config::InputError(
          {config::Diagnostic{config::Location{.file = document.path},
                              fmt::format("{}: {}; nor is there a file with the content that it had in {}", key.path,
                                          reason, folder.string())}});
    if (found != before) moved.emplace_back(key.path, config::quote(found));
  }
  return config::parse(document.resolved_text, document.path, moved, registry());
}

}  // namespace lindrift::sweep
