#include "sweep/record.hpp"

#include <cstring>

#include "lindrift/error.hpp"

namespace lindrift::sweep {

namespace {

class Writer {
 public:
  template <class T>
  void put(const T& value) {
    put_bytes(&value, sizeof(T));
  }
  void put_bytes(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  void put_text(const std::string& text) {
    put(static_cast<std::uint64_t>(text.size()));
    put_bytes(text.data(), text.size());
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

class Reader {
 public:
  explicit Reader(const Bytes& bytes) : bytes_(bytes) {}
  template <class T>
  T get() {
    T value;
    get_bytes(&value, sizeof(T));
    return value;
  }
  void get_bytes(void* target, std::size_t size) {
    if (size > bytes_.size() - position_) throw Error("a point's record is cut short");
    if (size > 0) std::memcpy(target, bytes_.data() + position_, size);
    position_ += size;
  }
  /// A count of elements that the rest of the record can hold.
  std::size_t get_count(std::size_t element) {
    const auto count = get<std::uint64_t>();
    if (count > (bytes_.size() - position_) / element) throw Error("a point's record is cut short");
    return static_cast<std::size_t>(count);
  }
  std::string get_text() {
    std::string text(get_count(1), '\0');
    get_bytes(text.data(), text.size());
    return text;
  }
  bool at_end() const { return position_ == bytes_.size(); }

 private:
  const Bytes& bytes_;
  std::size_t position_ = 0;
};

template <std::size_t Kind = 0>
io::Data read_data(Reader& reader, std::size_t kind) {
  if constexpr (Kind < std::variant_size_v<io::Data>) {
    if (kind != Kind) return read_data<Kind + 1>(reader, kind);
    std::variant_alternative_t<Kind, io::Data> values;
    using Element = typename decltype(values)::value_type;
    if constexpr (std::is_same_v<Element, std::string>) {
      const std::size_t count = reader.get_count(sizeof(std::uint64_t));
      for (std::size_t i = 0; i < count; ++i) values.push_back(reader.get_text());
    } else {
      values.resize(reader.get_count(sizeof(Element)));
      reader.get_bytes(values.data(), values.size() * sizeof(Element));
    }
    return values;
  } else {
    throw Error("a point's record holds data of an unknown kind");
  }
}

}  // namespace

Bytes encode(const Record& record) {
  Writer writer;
  writer.put(record.point);
  writer.put(static_cast<std::uint8_t>(record.status));
  writer.put_text(record.message);
  writer.put(record.seconds);
  for (const std::string* text : {&record.backend, &record.backend_reason, &record.algorithm, &record.algorithm_reason})
    writer.put_text(*text);
  writer.put(static_cast<std::uint64_t>(record.data.size()));
  for (const io::Data& data : record.data) {
    writer.put(static_cast<std::uint64_t>(data.index()));
    std::visit(
        [&](const auto& values) {
          using Element = typename std::decay_t<decltype(values)>::value_type;
          writer.put(static_cast<std::uint64_t>(values.size()));
          if constexpr (std::is_same_v<Element, std::string>) {
            for (const std::string& text : values) writer.put_text(text);
          } else {
            writer.put_bytes(values.data(), values.size() * sizeof(Element));
          }
        },
        data);
  }
  writer.put(static_cast<std::uint64_t>(record.summary.size()));
  for (const auto& [name, value] : record.summary) {
    writer.put_text(name);
    writer.put(value);
  }
  return writer.take();
}

Record decode(const Bytes& bytes) {
  Reader reader(bytes);
  Record record;
  record.point = reader.get<std::uint64_t>();
  const auto status = reader.get<std::uint8_t>();
  if (status < 1 || status > 3) throw Error("a point's record has no status");
  record.status = static_cast<Status>(status);
  record.message = reader.get_text();
  record.seconds = reader.get<double>();
  for (std::string* text : {&record.backend, &record.backend_reason, &record.algorithm, &record.algorithm_reason})
    *text = reader.get_text();
  const std::size_t fields = reader.get_count(2 * sizeof(std::uint64_t));
  for (std::size_t i = 0; i < fields; ++i) {
    const auto kind = static_cast<std::size_t>(reader.get<std::uint64_t>());
    record.data.push_back(read_data(reader, kind));
  }
  const std::size_t scalars = reader.get_count(sizeof(std::uint64_t) + sizeof(double));
  for (std::size_t i = 0; i < scalars; ++i) {
    std::string name = reader.get_text();
    const double value = reader.get<double>();
    record.summary.emplace_back(std::move(name), value);
  }
  if (!reader.at_end()) throw Error("a point's record is longer than its content");
  return record;
}

}  // namespace lindrift::sweep
