#include "io/stored.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "io/hdf5_types.hpp"
#include "io/trial.hpp"
#include "lindrift/error.hpp"

namespace lindrift::io {
namespace {

/// A container for `count` elements of a type, if write_output() writes that type.
std::optional<Data> container_for(hid_t type, std::size_t count) {
  const std::size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      if (size == sizeof(double)) return std::vector<double>(count);
      break;
    case H5T_INTEGER:
      if (size == sizeof(std::int64_t)) return std::vector<std::int64_t>(count);
      if (size == 1) return std::vector<std::uint8_t>(count);
      break;
    case H5T_COMPOUND:
      if (size == 2 * sizeof(double) && H5Tget_nmembers(type) == 2) return std::vector<std::complex<double>>(count);
      break;
    case H5T_STRING:
      if (H5Tis_variable_str(type) > 0) return std::vector<std::string>(count);
      break;
    default:
      break;
  }
  return std::nullopt;
}

/// Reads `count` elements by read(memory type, buffer); nothing if write_output() writes no such type.
template <class Read>
std::optional<Data> read_elements(hid_t type, hid_t space, std::size_t count, const Read& read) {
  std::optional<Data> data = container_for(type, count);
  if (!data) return data;
  std::visit(
      [&]<class Element>(std::vector<Element>& values) {
        if constexpr (std::is_same_v<Element, std::string>) {
          const Handle memory_type(H5Tcopy(type), H5Tclose, "copy a type");
          std::vector<char*> texts(count, nullptr);
          read(memory_type.id(), texts.data());
          for (std::size_t i = 0; i < count; ++i)
            if (texts[i] != nullptr) values[i] = texts[i];
          checked(H5Dvlen_reclaim(memory_type.id(), space, H5P_DEFAULT, texts.data()), "free strings");
        } else {
          read(element_type<Element>(Where::memory).id(), values.data());
        }
      },
      *data);
  return data;
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

StoredOutput read_it(const std::string& path) {
  prepare_hdf5();
  if (H5Fis_hdf5(path.c_str()) <= 0) throw Error(path + ": not an HDF5 file");
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open " + path);

  StoredOutput output{.path = path, .datasets = {}, .attributes = {}};
  H5O_info_t root;
  checked(H5Oget_info2(file.id(), &root, H5O_INFO_NUM_ATTRS), "read " + path);
  for (hsize_t i = 0; i < root.num_attrs; ++i) {
    const Handle attribute(H5Aopen_by_idx(file.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, "read " + path);
    std::string name(static_cast<std::size_t>(checked(H5Aget_name(attribute.id(), 0, nullptr), "read " + path)), '\0');
    checked(H5Aget_name(attribute.id(), name.size() + 1, name.data()), "read " + path);
    if (auto value = read_attribute(file.id(), name)) output.attributes.emplace(name, std::move(*value));
  }
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
    // A damaged file may claim a shape larger than its content.
    const std::size_t count = count_of(space.id());
    if (count > 0 && H5Dget_storage_size(dataset.id()) / count == 0) throw Error(action + ": it has no such content");
    auto data = read_elements(type.id(), space.id(), count, [&](hid_t memory_type, void* buffer) {
      if (count > 0) checked(H5Dread(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer), action);
    });
    if (data) output.datasets.emplace(name, std::move(*data));
  }
  return output;
}

}  // namespace

StoredOutput read_output(const std::string& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_directory(status)) throw NotAResult(path + ": is a folder, not a result file");
  if (!std::filesystem::exists(status)) throw NotAResult(path + ": no such file");
  if (!std::filesystem::is_regular_file(status)) throw NotAResult(path + ": not a regular file");
  try {
    try_to_read(path, [&] { read_it(path); });
    return read_it(path);
  } catch (const Error& failure) {
    throw NotAResult(failure.what());
  }
}

}  // namespace lindrift::io
