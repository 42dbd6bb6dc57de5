#define XXH_INLINE_ALL

#include "io/input.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>

#include "engine/machine_memory.hpp"
#include "io/hdf5_types.hpp"
#include "io/trial.hpp"
#include "lindrift/error.hpp"

namespace lindrift::io {

namespace {

/// Larger files are not opened: no machine could hold such a table.
constexpr std::uintmax_t largest_file = std::uintmax_t{1} << 40;
/// Of a compressed table: gzip expands a byte to at most 1032.
constexpr hsize_t most_numbers_a_byte = 1032;

struct OpenDataset {
  Handle file, dataset, type;
};

OpenDataset open_dataset(const std::string& location) {
  // The dataset's path begins with '/', so the last ":/" ends the file's name.
  const std::size_t colon = location.rfind(":/");
  if (colon == std::string::npos) throw Error(location + ": must be FILE.h5:/path/of/dataset");
  const std::string file_name = location.substr(0, colon), dataset_name = location.substr(colon + 1);

  std::error_code failure;
  const auto status = std::filesystem::status(file_name, failure);
  if (!std::filesystem::exists(status)) throw Error(file_name + ": no such file");
  if (!std::filesystem::is_regular_file(status)) throw Error(file_name + ": not a regular file");
  if (std::filesystem::file_size(file_name, failure) > largest_file || failure) throw Error(file_name + ": too large");

  prepare_hdf5();
  const htri_t is_hdf5 = H5Fis_hdf5(file_name.c_str());
  if (is_hdf5 < 0) throw Error(file_name + ": cannot be read");
  if (is_hdf5 == 0) throw Error(file_name + ": not an HDF5 file");
  Handle file(H5Fopen(file_name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open " + file_name);

  // H5Lexists() fails if an intermediate part of the path is missing, so check every part.
  for (std::size_t slash = dataset_name.find('/', 1);; slash = dataset_name.find('/', slash + 1)) {
    const std::string part = dataset_name.substr(0, slash);
    if (part.size() < 2 || H5Lexists(file.id(), part.c_str(), H5P_DEFAULT) <= 0)
      throw Error(fmt::format("{}: holds no dataset {}", file_name, dataset_name));
    if (slash == std::string::npos) break;
  }
  H5O_info_t object;
  checked(H5Oget_info_by_name2(file.id(), dataset_name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT),
          "look at " + location);
  if (object.type != H5O_TYPE_DATASET) throw Error(fmt::format("{}: {} is not a dataset", file_name, dataset_name));
  Handle dataset(H5Dopen2(file.id(), dataset_name.c_str(), H5P_DEFAULT), H5Dclose, "open " + location);
  Handle type(H5Dget_type(dataset.id()), H5Tclose, "read the type of " + location);
  return {std::move(file), std::move(dataset), std::move(type)};
}

Shape shape_of(const OpenDataset& open, const std::string& location) {
  const auto& [file, dataset, type] = open;
  const Handle space(H5Dget_space(dataset.id()), H5Sclose, "read the shape of " + location);
  const int dimensions = H5Sget_simple_extent_ndims(space.id());
  if (dimensions != 2) throw Error(fmt::format("{}: has {} dimensions; it must have 2", location, dimensions));
  hsize_t shape[2] = {};
  checked(H5Sget_simple_extent_dims(space.id(), shape, nullptr), "read the shape of " + location);
  if (shape[0] > 1000000 || shape[1] > 1000000)
    throw Error(
        fmt::format("{}: has shape {} x {}; at most 1000000 x 1000000 is allowed", location, shape[0], shape[1]));
  // A damaged file may claim a shape larger than its content, even at the highest compression.
  hsize_t file_size = 0;
  checked(H5Fget_filesize(file.id(), &file_size), "read the size of " + location);
  if (shape[0] * shape[1] > most_numbers_a_byte * file_size)
    throw Error(fmt::format("{}: has shape {} x {}, for which the file is too short", location, shape[0], shape[1]));
  return {static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1])};
}

bool holds_reals(const OpenDataset& open) {
  const H5T_class_t kind = H5Tget_class(open.type.id());
  return kind == H5T_FLOAT || kind == H5T_INTEGER;
}

/// The compound {r, i} of two floating-point numbers, in which h5py and this program write a complex number.
bool holds_pairs(const OpenDataset& open) {
  const hid_t type = open.type.id();
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return false;
  for (const char* name : {"r", "i"}) {
    const int member = H5Tget_member_index(type, name);
    if (member < 0 || H5Tget_member_class(type, static_cast<unsigned>(member)) != H5T_FLOAT) return false;
  }
  return true;
}

template <class Number>
Table<Number> read_table(const OpenDataset& open, const std::string& location) {
  const Shape shape = shape_of(open, location);
  const std::size_t count = shape.rows * shape.columns;
  if (const double bytes = static_cast<double>(count) * sizeof(Number); !(bytes <= machine_memory()))
    throw Error(fmt::format("{}: has shape {} x {}, which takes {} of memory; this machine has {}", location,
                            shape.rows, shape.columns, bytes_text(bytes), bytes_text(machine_memory())));
  Table<Number> table{shape.rows, shape.columns, std::vector<Number>(count)};
  if (!table.values.empty())
    checked(H5Dread(open.dataset.id(), element_type<Number>(Where::memory).id(), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                    table.values.data()),
            "read " + location);
  return table;
}

Matrix matrix_at(const std::string& location) {
  const OpenDataset open = open_dataset(location);
  if (!holds_reals(open)) throw Error(location + ": does not hold real numbers");
  return read_table<double>(open, location);
}

ComplexMatrix complex_matrix_at(const std::string& location) {
  const OpenDataset open = open_dataset(location);
  if (holds_reals(open)) {
    const Matrix reals = read_table<double>(open, location);
    return {reals.rows, reals.columns, {reals.values.begin(), reals.values.end()}};
  }
  if (!holds_pairs(open)) throw Error(location + ": does not hold complex numbers {r, i}, nor real ones");
  return read_table<std::complex<double>>(open, location);
}

std::string hash_at(const std::string& location);

/// Reads a dataset after a separate process has read it without crashing.
template <class Read>
auto tried(const std::string& location, const Read& read) {
  try_to_read(location.substr(0, location.rfind(":/")), [&] { read(location); });
  return read(location);
}

}  // namespace

Matrix read_matrix(const std::string& location) { return tried(location, matrix_at); }

ComplexMatrix read_complex_matrix(const std::string& location) { return tried(location, complex_matrix_at); }

Shape matrix_shape(const std::string& location) {
  return tried(location, [](const std::string& place) { return shape_of(open_dataset(place), place); });
}

std::string content_hash(const std::string& location) { return tried(location, hash_at); }

std::string file_hash(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 65536> part{};
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  bool any = false;
  while (std::filesystem::is_regular_file(path) && (file.read(part.data(), part.size()), file.gcount() > 0)) {
    XXH3_64bits_update(state.get(), part.data(), static_cast<std::size_t>(file.gcount()));
    any = true;
  }
  if (!any || file.bad()) throw Error(path + " cannot be read, or is empty");
  return fmt::format("{:016x}", XXH3_64bits_digest(state.get()));
}

namespace {

std::string hash_at(const std::string& location) {
  const OpenDataset open = open_dataset(location);
  const bool reals = holds_reals(open);
  if (!reals && !holds_pairs(open)) throw Error(location + ": does not hold complex numbers {r, i}, nor real ones");
  const Shape shape = shape_of(open, location);
  const Handle type = reals ? element_type<double>(Where::memory) : element_type<std::complex<double>>(Where::memory);
  const Handle space(H5Dget_space(open.dataset.id()), H5Sclose, "read the shape of " + location);
  const hsize_t row[2] = {1, shape.columns};
  const Handle memory(H5Screate_simple(2, row, nullptr), H5Sclose, "describe a row of " + location);
  std::vector<double> values(shape.columns * (reals ? 1 : 2));
  // Shapes and numbers go through a chain of hashes, each seeded with the previous one.
  const std::uint64_t sizes[3] = {shape.rows, shape.columns, reals ? 1U : 2U};
  std::uint64_t hash = XXH3_64bits(sizes, sizeof sizes);
  for (hsize_t r = 0; r < shape.rows && shape.columns > 0; ++r) {
    const hsize_t start[2] = {r, 0};
    checked(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start, nullptr, row, nullptr),
            "select a row of " + location);
    checked(H5Dread(open.dataset.id(), type.id(), memory.id(), space.id(), H5P_DEFAULT, values.data()),
            "read " + location);
    hash = XXH3_64bits_withSeed(values.data(), values.size() * sizeof(double), hash);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

}  // namespace lindrift::io
