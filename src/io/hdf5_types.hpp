#pragma once

// Private to src/io.

#include <complex>
#include <cstdint>
#include <string>
#include <type_traits>

#include "io/hdf5_handle.hpp"

namespace lindrift::io {

inline Handle string_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  checked(H5Tset_size(type.id(), H5T_VARIABLE), "make a string type");
  checked(H5Tset_cset(type.id(), H5T_CSET_UTF8), "make a string type");
  return type;
}

/// The compound {r, i} that h5py and Julia read as a complex number.
inline Handle complex_type(hid_t part) {
  const std::size_t part_size = H5Tget_size(part);
  Handle type(H5Tcreate(H5T_COMPOUND, 2 * part_size), H5Tclose, "make a complex type");
  checked(H5Tinsert(type.id(), "r", 0, part), "make a complex type");
  checked(H5Tinsert(type.id(), "i", part_size, part), "make a complex type");
  return type;
}

inline Handle copied(hid_t type) { return {H5Tcopy(type), H5Tclose, "copy a type"}; }

enum class Where { memory, file };

/// Type of one element; always little-endian in the file.
template <class Element>
Handle element_type(Where where) {
  const bool in_memory = where == Where::memory;
  if constexpr (std::is_same_v<Element, double>) {
    return copied(in_memory ? H5T_NATIVE_DOUBLE : H5T_IEEE_F64LE);
  } else if constexpr (std::is_same_v<Element, std::complex<double>>) {
    return complex_type(in_memory ? H5T_NATIVE_DOUBLE : H5T_IEEE_F64LE);
  } else if constexpr (std::is_same_v<Element, std::int64_t>) {
    return copied(in_memory ? H5T_NATIVE_INT64 : H5T_STD_I64LE);
  } else if constexpr (std::is_same_v<Element, std::uint8_t>) {
    return copied(in_memory ? H5T_NATIVE_UINT8 : H5T_STD_U8LE);
  } else {
    static_assert(std::is_same_v<Element, std::string>);
    return string_type();
  }
}

}  // namespace lindrift::io
