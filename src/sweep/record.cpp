#include "sweep/record.hpp"

#include <cstring>

#include "lindrift/error.hpp"

namespace lindrift::sweep {
namespace {

/// Appends the parts of a record to bytes.
struct Encoder {
  Bytes bytes{};

  void raw(const void* data, std::size_t size) {
    const auto* first = static_cast<const unsigned char*>(data);
    bytes.insert(bytes.end(), first, first + size);
  }
  std::size_t count(std::size_t size, std::size_t /*element*/) {
    const std::uint64_t number = size;
    raw(&number, sizeof number);
    return size;
  }
};

/// Reads the parts of a record from bytes, in the order in which Encoder wrote them.
struct Decoder {
  const Bytes& bytes;
  std::size_t position = 0;

  void raw(void* data, std::size_t size) {
    if (size > bytes.size() - position) throw Error("a point's record is cut short");
    if (size > 0) std::memcpy(data, bytes.data() + position, size);
    position += size;
  }
  /// A number of elements, checked against the size of the rest of the record.
  std::size_t count(std::size_t /*size*/, std::size_t element) {
    std::uint64_t number = 0;
    raw(&number, sizeof number);
    if (number > (bytes.size() - position) / element) throw Error("a point's record is cut short");
    return static_cast<std::size_t>(number);
  }
};

// Each part of a record is described once for both directions: `transfer` reads or writes it.

template <class Archive, class Number>
requires std::is_trivially_copyable_v<Number>
void transfer(Archive& archive, Number& number) { archive.raw(&number, sizeof number); }

template <class Archive>
void transfer(Archive& archive, std::string& text) {
  text.resize(archive.count(text.size(), 1));
  archive.raw(text.data(), text.size());
}

template <class Archive, class Element>
void transfer(Archive& archive, std::vector<Element>& values) {
  if constexpr (std::is_trivially_copyable_v<Element>) {
    values.resize(archive.count(values.size(), sizeof(Element)));
    archive.raw(values.data(), values.size() * sizeof(Element));
  } else {
    values.resize(archive.count(values.size(), sizeof(std::uint64_t)));
    for (Element& value : values) transfer(archive, value);
  }
}

template <class Archive>
void transfer(Archive& archive, std::pair<std::string, double>& scalar) {
  transfer(archive, scalar.first);
  transfer(archive, scalar.second);
}

/// Sets `data` to the variant's alternative with index `kind`.
template <std::size_t Kind = 0>
void select(io::Data& data, std::uint64_t kind) {
  if constexpr (Kind == std::variant_size_v<io::Data>) {
    throw Error("a point's record holds data of an unknown kind");
  } else if (kind != Kind) {
    select<Kind + 1>(data, kind);
  } else if (data.index() != Kind) {
    data.emplace<Kind>();
  }
}

template <class Archive>
void transfer(Archive& archive, io::Data& data) {
  std::uint64_t kind = data.index();
  transfer(archive, kind);
  select(data, kind);
  std::visit([&](auto& values) { transfer(archive, values); }, data);
}

template <class Archive>
void transfer(Archive& archive, Record& record) {
  transfer(archive, record.point);
  transfer(archive, record.status);
  transfer(archive, record.message);
  transfer(archive, record.seconds);
  for (std::string* text : {&record.backend, &record.backend_reason, &record.algorithm, &record.algorithm_reason})
    transfer(archive, *text);
  transfer(archive, record.data);
  transfer(archive, record.summary);
}

}  // namespace

Bytes encode(const Record& record) {
  Encoder encoder;
  transfer(encoder, const_cast<Record&>(record));  // an Encoder does not change it
  return std::move(encoder.bytes);
}

Record decode(const Bytes& bytes) {
  Decoder decoder{bytes};
  Record record;
  transfer(decoder, record);
  const auto status = static_cast<std::uint8_t>(record.status);
  if (status < 1 || status > 3) throw Error("a point's record has no status");
  if (decoder.position != bytes.size()) throw Error("a point's record is longer than its content");
  return record;
}

}  // namespace lindrift::sweep
