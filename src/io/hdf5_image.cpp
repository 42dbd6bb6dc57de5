#include <fmt/format.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "io/hdf5_types.hpp"
#include "io/output.hpp"
#include "lindrift/error.hpp"

namespace lindrift::io {
namespace {

/// netCDF-4's mark for a dimension without values; xarray and netCDF show no variable for it.
constexpr std::string_view bare_dimension_name = "This is a netCDF dimension but not a netCDF variable.";

// ---------------------------------------------------------------------------------------------------------------------
// Checks that HDF5 does not make: without them it would write a misleading file.

void require_plain_text(std::string_view text, std::string_view what) {
  // HDF5 strings end at the first NUL; the rest would be lost silently.
  if (text.find('\0') != std::string_view::npos) throw Error(fmt::format("{} contains a NUL character", what));
}

void require_link_name(const std::string& name, std::string_view what) {
  require_plain_text(name, what);
  if (name.empty() || name == "." || name.find('/') != std::string::npos) {
    throw Error(fmt::format("\"{}\" cannot name {} in an HDF5 file", name, what));
  }
}

/// Calls visit(field) for the coordinates, then the fields of a file.
template <class File, class Visit>
void for_each_field(File& file, const Visit& visit) {
  for (auto& field : file.coordinates) visit(field);
  for (auto& field : file.fields) visit(field);
}

bool is_scale(const Field& field) { return field.dimensions.size() == 1 && field.dimensions.front() == field.name; }

using Lengths = std::map<std::string, std::size_t>;

void require_consistent(const Field& field, Lengths& lengths) {
  require_link_name(field.name, "a dataset");
  if (field.dimensions.size() != field.shape.size()) {
    throw Error(fmt::format("dataset {}: {} dimensions are named but its shape has {}", field.name,
                            field.dimensions.size(), field.shape.size()));
  }
  if (field.shape.size() > H5S_MAX_RANK) {
    throw Error(fmt::format("dataset {}: HDF5 takes at most {} dimensions, not {}", field.name, H5S_MAX_RANK,
                            field.shape.size()));
  }
  const std::size_t count = std::visit([](const auto& values) { return values.size(); }, field.data);
  const auto expected = std::accumulate(field.shape.begin(), field.shape.end(), std::size_t{1}, std::multiplies<>());
  if (count != expected) {
    throw Error(fmt::format("dataset {}: its shape asks for {} elements but it has {}", field.name, expected, count));
  }
  for (std::size_t axis = 0; axis < field.dimensions.size(); ++axis) {
    require_link_name(field.dimensions[axis], "a dimension");
    const auto [known, inserted] = lengths.emplace(field.dimensions[axis], field.shape[axis]);
    if (known->second != field.shape[axis]) {
      throw Error(fmt::format("dataset {}: dimension {} has length {} here and {} elsewhere", field.name,
                              field.dimensions[axis], field.shape[axis], known->second));
    }
  }
}

/// Lengths of all dimensions of the file.
/// @throws Error if two datasets disagree, or one of them contradicts itself
Lengths checked_lengths(const OutputFile& file) {
  Lengths lengths;
  std::set<std::string> names;
  for_each_field(file, [&](const Field& field) {
    require_consistent(field, lengths);
    if (!names.insert(field.name).second) throw Error(fmt::format("dataset {} is given twice", field.name));
  });
  for_each_field(file, [&](const Field& field) {
    if (lengths.count(field.name) != 0 && !is_scale(field))
      throw Error(fmt::format("dataset {} has the name of a dimension that is not its only one", field.name));
  });
  return lengths;
}

Handle dataspace(const std::vector<std::size_t>& shape) {
  if (shape.empty()) return {H5Screate(H5S_SCALAR), H5Sclose, "make a scalar dataspace"};
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr), H5Sclose, "make a dataspace"};
}

// ---------------------------------------------------------------------------------------------------------------------
// Attributes and datasets.

void write_attribute(hid_t object, const std::string& name, const Attribute& attribute) {
  const std::string action = fmt::format("write attribute {}", name);
  std::visit(
      [&]<class Value>(const Value& value) {
        const Handle space = dataspace({});
        const Handle file_type = element_type<Value>(Where::file);
        const Handle memory_type = element_type<Value>(Where::memory);
        Handle handle(H5Acreate2(object, name.c_str(), file_type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                      action);
        if constexpr (std::is_same_v<Value, std::string>) {
          require_plain_text(value, fmt::format("attribute {}", name));
          const char* text = value.c_str();
          checked(H5Awrite(handle.id(), memory_type.id(), &text), action);
        } else {
          checked(H5Awrite(handle.id(), memory_type.id(), &value), action);
        }
        handle.close(action);
      },
      attribute);
}

void write_values(hid_t dataset, const Field& field, const std::string& action) {
  std::visit(
      [&]<class Element>(const std::vector<Element>& values) {
        if (values.empty()) return;
        const Handle type = element_type<Element>(Where::memory);
        if constexpr (std::is_same_v<Element, std::string>) {
          std::vector<const char*> texts;
          texts.reserve(values.size());
          for (const std::string& value : values) {
            require_plain_text(value, fmt::format("dataset {}", field.name));
            texts.push_back(value.c_str());
          }
          checked(H5Dwrite(dataset, type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), action);
        } else {
          checked(H5Dwrite(dataset, type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), action);
        }
      },
      field.data);
}

bool is_complex(const Field& field) { return std::holds_alternative<std::vector<std::complex<double>>>(field.data); }

/// netCDF shows a compound only if its type is named in the file; this name marks complex numbers.
Handle commit_complex_type(hid_t file) {
  const std::string action = "name the complex type";
  Handle type = element_type<std::complex<double>>(Where::file);
  const Handle properties(H5Pcreate(H5P_DATATYPE_CREATE), H5Pclose, action);
  checked(H5Pset_obj_track_times(properties.id(), false), action);
  checked(H5Tcommit2(file, "_PFNC_DOUBLE_COMPLEX_TYPE", type.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT), action);
  return type;
}

/// Writes a dataset with its `units` and `long_name`, and returns it open.
Handle write_dataset(hid_t file, const Field& field, hid_t type) {
  const std::string action = fmt::format("write dataset {}", field.name);
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, action);
  checked(H5Pset_layout(properties.id(), H5D_CONTIGUOUS), action);
  checked(H5Pset_obj_track_times(properties.id(), false), action);  // the same content gives the same bytes

  const Handle space = dataspace(field.shape);
  Handle dataset(H5Dcreate2(file, field.name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
                 H5Dclose, action);
  write_values(dataset.id(), field, action);
  write_attribute(dataset.id(), "units", field.units);
  write_attribute(dataset.id(), "long_name", field.long_name);
  return dataset;
}

/// A dimension without a coordinate still needs a dataset that others can refer to; it contains the index.
Field bare_dimension(const std::string& name, std::size_t length) {
  std::vector<std::int64_t> index(length);
  std::iota(index.begin(), index.end(), std::int64_t{0});
  return {.name = name,
          .dimensions = {name},
          .shape = {length},
          .data = std::move(index),
          .units = "1",
          .long_name = fmt::format("{} index", name)};
}

/// Writes coordinates and fields to an open file, and frees their values. `scales_` stay open because every field
/// refers to them.
class Writer {
 public:
  explicit Writer(hid_t file) : file_(file) {}

  void write(OutputFile& output) {
    const Lengths lengths = checked_lengths(output);
    for_each_field(output, [&](const Field& field) {
      if (!complex_type_ && is_complex(field)) complex_type_.emplace(commit_complex_type(file_));
    });
    for_each_field(output, [&](Field& field) {
      if (!is_scale(field)) return;
      add_scale(field, field.name);
      field.data = {};
    });
    for (const auto& [name, length] : lengths) {
      // The number is part of the netCDF convention: the length, right-aligned in ten columns.
      if (scales_.count(name) == 0)
        add_scale(bare_dimension(name, length), fmt::format("{}{:10}", bare_dimension_name, length));
    }
    for_each_field(output, [&](Field& field) {
      if (is_scale(field)) return;
      add_field(field, output.coordinates);
      field.data = {};
    });
    for (auto& [name, scale] : scales_) scale.close(fmt::format("close dataset {}", name));
    if (complex_type_) complex_type_->close("close the complex type");
  }

 private:
  Handle create_dataset(const Field& field) {
    if (is_complex(field)) return write_dataset(file_, field, complex_type_->id());
    const Handle type = std::visit(
        []<class Element>(const std::vector<Element>&) { return element_type<Element>(Where::file); }, field.data);
    return write_dataset(file_, field, type.id());
  }

  void add_scale(const Field& field, const std::string& scale_name) {
    Handle dataset = create_dataset(field);
    checked(H5DSset_scale(dataset.id(), scale_name.c_str()), fmt::format("make dataset {} a scale", field.name));
    scales_.emplace(field.name, std::move(dataset));
  }

  void add_field(const Field& field, const std::vector<Field>& coordinates) {
    Handle dataset = create_dataset(field);
    for (std::size_t axis = 0; axis < field.dimensions.size(); ++axis) {
      const std::string& name = field.dimensions[axis];
      checked(H5DSattach_scale(dataset.id(), scales_.at(name).id(), static_cast<unsigned>(axis)),
              fmt::format("attach {} to dataset {}", name, field.name));
    }
    const std::string names = auxiliary_coordinates(field, coordinates);
    if (!names.empty()) write_attribute(dataset.id(), "coordinates", names);
    dataset.close(fmt::format("close dataset {}", field.name));
  }

  /// Coordinates along another dimension of this field, as in a zip sweep: CF lists them in `coordinates`.
  static std::string auxiliary_coordinates(const Field& field, const std::vector<Field>& coordinates) {
    std::string names;
    for (const Field& coordinate : coordinates) {
      if (is_scale(coordinate) || coordinate.name == field.name || coordinate.dimensions.empty()) continue;
      const bool fits = std::all_of(coordinate.dimensions.begin(), coordinate.dimensions.end(), [&](const auto& name) {
        return std::find(field.dimensions.begin(), field.dimensions.end(), name) != field.dimensions.end();
      });
      if (fits) names += (names.empty() ? "" : " ") + coordinate.name;
    }
    return names;
  }

  hid_t file_;
  std::optional<Handle> complex_type_;  ///< only in a file with complex numbers
  std::map<std::string, Handle> scales_;
};

/// The same list for the whole file, unless it is already given, so that xarray treats them as coordinates.
void write_root_coordinates(hid_t file, const OutputFile& output) {
  const std::string attribute = "coordinates";
  std::string names;
  for (const Field& coordinate : output.coordinates) {
    if (!is_scale(coordinate)) names += (names.empty() ? "" : " ") + coordinate.name;
  }
  const bool given = std::any_of(output.attributes.begin(), output.attributes.end(),
                                 [&](const auto& entry) { return entry.first == attribute; });
  if (!names.empty() && !given) write_attribute(file, attribute, names);
}

Handle create_file_in_memory() {
  const std::string action = "make a file in memory";
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, action);
  constexpr std::size_t growth = std::size_t{1} << 20U;
  checked(H5Pset_fapl_core(access.id(), growth, /*backing_store=*/false), action);

  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, action);
  checked(H5Pset_obj_track_times(creation.id(), false), action);
  // Readers then list the datasets in the order in which they were written, coordinates first.
  checked(H5Pset_link_creation_order(creation.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), action);

  // HDF5 looks for a file of this name although it will not create one; nothing can exist below /dev/null.
  return {H5Fcreate("/dev/null/lindrift", H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose, action};
}

std::vector<unsigned char> image_of(hid_t file) {
  const std::string action = "copy a file from memory";
  checked(H5Fflush(file, H5F_SCOPE_GLOBAL), action);
  const ssize_t size = checked(H5Fget_file_image(file, nullptr, 0), action);
  std::vector<unsigned char> image(static_cast<std::size_t>(size));
  checked(H5Fget_file_image(file, image.data(), image.size()), action);
  return image;
}

}  // namespace

std::vector<unsigned char> hdf5_image(OutputFile file) {
  static std::mutex one_at_a_time;  // Debian's serial HDF5 is not thread-safe
  const std::lock_guard lock(one_at_a_time);
  prepare_hdf5();

  Handle handle = create_file_in_memory();
  Writer(handle.id()).write(file);
  for (const auto& [name, value] : file.attributes) write_attribute(handle.id(), name, value);
  write_root_coordinates(handle.id(), file);
  write_attribute(handle.id(), "Conventions", std::string("lindrift-1"));  // docs/input.md, "Conventions of the file"
  std::vector<unsigned char> image = image_of(handle.id());
  handle.close("close a file in memory");
  return image;
}

void write_output(const std::string& path, OutputFile file) { write_atomically(path, hdf5_image(std::move(file))); }

}  // namespace lindrift::io
