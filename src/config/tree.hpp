#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/diagnostic.hpp"

namespace lindrift::config {

/// Where a node comes from: the file (line > 0), the --set of this index (set >= 0), or neither.
struct Place {
  int line = 0;
  int column = 0;
  int set = -1;
};

/// File order first, then --set in the order of the command line.
bool before(const Place& left, const Place& right);

struct Array;
struct Table;

/// One value of the input. Unlike the parser's tree, this one keeps the order of the file and can be changed by --set.
struct Node {
  Place place{};
  std::variant<bool, std::int64_t, double, std::string, std::unique_ptr<Array>, std::unique_ptr<Table>> value{};

  const Array* array() const;
  Array* array();
  const Table* table() const;
  Table* table();
};

struct Array {
  std::vector<Node> items;
};

struct Entry {
  std::string key;
  Place place;  ///< of the key
  Node node;
  Place order{};  ///< first occurrence of the key: kept when a --set replaces the value
};

struct Table {
  bool is_inline = false;      ///< { ... }: --set replaces it as a whole
  std::vector<Entry> entries;  ///< in order of place

  const Entry* find(const std::string& key) const;
  Entry* find(const std::string& key);
};

/// Collects errors and reports them in file order.
class Reporter {
 public:
  Reporter(std::string file, const std::vector<std::pair<std::string, std::string>>& sets)
      : file_(std::move(file)), sets_(sets) {}

  void add(const Place& place, std::string message);
  void add(std::string message) { add(Place{}, std::move(message)); }
  std::size_t size() const { return complaints_.size(); }
  /// @throws InputError if there are any; a long list is truncated
  void raise_if_any() const;

 private:
  struct Complaint {
    Place place;
    std::string message;
  };
  Location location(const Place& place) const;

  std::string file_;
  const std::vector<std::pair<std::string, std::string>>& sets_;
  std::vector<Complaint> complaints_;
};

/// Parses a whole file. Errors go to the reporter, and the tree is then empty.
Node parse_tree(const std::string& text, Reporter& reporter);

/// Applies --set number `index` to the tree.
void apply_set(Node& root, int index, const std::string& key, const std::string& value, Reporter& reporter);

}  // namespace lindrift::config
