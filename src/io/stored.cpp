#include "io/stored.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "io/hdf5_handle.hpp"
#include "lindrift/error.hpp"

namespace lindrift::io {
namespace {

/// A type of ours, as it is recognised in a file.
enum class Kind { real, complex, integer, byte, text, other };

Kind kind_of(hid_t type) {
  const std::size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return size == sizeof(double) ? Kind::real : Kind::other;
    case H5T_INTEGER:
      return size == sizeof(std::int64_t) ? Kind::integer : size == 1 ? Kind::byte : Kind::other;
    case H5T_COMPOUND:
      return size == 2 * sizeof(double) && H5Tget_nmembers(type) == 2 ? Kind::complex : Kind::other;
    case H5T_STRING:
      return H5Tis_variable_str(type) > 0 ? Kind::text : Kind::other;
    default:
      return Kind::other;
  }
}

Handle complex_in_memory() {
  Handle type(H5Tcreate(H5T_COMPOUND, 2 * sizeof(double)), H5Tclose, "make a complex type");
  checked(H5Tinsert(type.id(), "r", 0, H5T_NATIVE_DOUBLE), "make a complex type");
  checked(H5Tinsert(type.id(), "i", sizeof(double), H5T_NATIVE_DOUBLE), "make a complex type");
  return type;
}

/// Reads `count` elements through read(memory type, buffer); nothing if the type is none of ours.
template <class Read>
std::optional<Data> read_elements(hid_t type, hid_t space, std::size_t count, const Read& read) {
  switch (kind_of(type)) {
    case Kind::real: {
      std::vector<double> values(count);
      read(H5T_NATIVE_DOUBLE, values.data());
      return values;
    }
    case Kind::complex: {
      const Handle memory_type = complex_in_memory();
      std::vector<std::complex<double>> values(count);
      read(memory_type.id(), values.data());
      return values;
    }
    case Kind::integer: {
      std::vector<std::int64_t> values(count);
      read(H5T_NATIVE_INT64, values.data());
      return values;
    }
    case Kind::byte: {
      std::vector<std::uint8_t> values(count);
      read(H5T_NATIVE_UINT8, values.data());
      return values;
    }
    case Kind::text: {
      const Handle memory_type(H5Tcopy(type), H5Tclose, "copy a type");
      std::vector<char*> texts(count, nullptr);
      read(memory_type.id(), texts.data());
      std::vector<std::string> values(count);
      for (std::size_t i = 0; i < count; ++i)
        if (texts[i] != nullptr) values[i] = texts[i];
      checked(H5Dvlen_reclaim(memory_type.id(), space, H5P_DEFAULT, texts.data()), "free strings");
      return values;
    }
    case Kind::other:
      break;
  }
  return std::nullopt;
}

std::size_t count_of(hid_t space) {
  return static_cast<std::size_t>(checked(H5Sget_simple_extent_npoints(space), "read a shape"));
}

std::optional<Attribute> read_attribute(hid_t root, const std::string& name) {
  const std::string action = "read attribute " + name;
  const Handle attribute(H5Aopen(root, name.c_str(), H5P_DEFAULT), H5Aclose, action);
  const Handle type(H5Aget_type(attribute.id()), H5Tclose, action);
  const Handle space(H5Aget_space(attribute.id()), H5Sclose, action);
  const std::size_t count = count_of(space.id());
  if (count != 1) return std::nullopt;
  const auto data = read_elements(type.id(), space.id(), count, [&](hid_t memory_type, void* buffer) {
    checked(H5Aread(attribute.id(), memory_type, buffer), action);
  });
  if (!data) return std::nullopt;
  return std::visit(
      []<class Element>(const std::vector<Element>& values) -> std::optional<Attribute> {
        if constexpr (std::is_constructible_v<Attribute, Element> && !std::is_same_v<Element, std::complex<double>>)
          return values.front();
        else
          return std::nullopt;
      },
      *data);
}

std::string name_at(hid_t file, hsize_t place) {
  const auto length =
      checked(H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, place, nullptr, 0, H5P_DEFAULT), "read a name");
  std::string name(static_cast<std::size_t>(length), '\0');
  checked(H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, place, name.data(), name.size() + 1, H5P_DEFAULT),
          "read a name");
  return name;
}

}  // namespace

StoredOutput read_output(const std::string& path, bool datasets) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) throw Error(path + ": no such file");
  prepare_hdf5();
  if (H5Fis_hdf5(path.c_str()) <= 0) throw Error(path + ": not an HDF5 file");
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open " + path);

  StoredOutput output;
  H5O_info_t root;
  checked(H5Oget_info2(file.id(), &root, H5O_INFO_NUM_ATTRS), "read " + path);
  for (hsize_t i = 0; i < root.num_attrs; ++i) {
    const Handle attribute(H5Aopen_by_idx(file.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, "read " + path);
    std::string name(static_cast<std::size_t>(checked(H5Aget_name(attribute.id(), 0, nullptr), "read " + path)), '\0');
    checked(H5Aget_name(attribute.id(), name.size() + 1, name.data()), "read " + path);
    if (auto value = read_attribute(file.id(), name)) output.attributes.emplace(name, std::move(*value));
  }
  if (!datasets) return output;
  H5G_info_t group;
  checked(H5Gget_info(file.id(), &group), "read " + path);
  for (hsize_t i = 0; i < group.nlinks; ++i) {
    const std::string name = name_at(file.id(), i), action = fmt::format("read {} of {}", name, path);
    H5O_info_t object;
    checked(H5Oget_info_by_name2(file.id(), name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT), action);
    if (object.type != H5O_TYPE_DATASET) continue;
    const Handle dataset(H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, action);
    const Handle type(H5Dget_type(dataset.id()), H5Tclose, action);
    const Handle space(H5Dget_space(dataset.id()), H5Sclose, action);
    // A shape that the file does not have room for is not believed.
    const std::size_t count = count_of(space.id());
    if (count > 0 && H5Dget_storage_size(dataset.id()) / count == 0) throw Error(action + ": it has no such content");
    auto data = read_elements(type.id(), space.id(), count, [&](hid_t memory_type, void* buffer) {
      if (count > 0) checked(H5Dread(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer), action);
    });
    if (data) output.datasets.emplace(name, std::move(*data));
  }
  return output;
}

}  // namespace lindrift::io
