#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <complex>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "io/output.hpp"
#include "lindrift/error.hpp"
#include "sample_output.hpp"

namespace lindrift::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Opens an image with the C API alone, as an independent reader.
class Reader {
 public:
  explicit Reader(std::vector<unsigned char> image) : image_(std::move(image)) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1024, false);
    H5Pset_file_image(access, image_.data(), image_.size());
    file_ = H5Fopen("image", H5F_ACC_RDONLY, access);
    H5Pclose(access);
    EXPECT_GE(file_, 0);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { H5Fclose(file_); }

  hid_t file() const { return file_; }
  hid_t open(const std::string& name) const { return H5Dopen2(file_, name.c_str(), H5P_DEFAULT); }

  std::vector<hsize_t> shape(const std::string& name) const {
    const hid_t dataset = open(name);
    const hid_t space = H5Dget_space(dataset);
    std::vector<hsize_t> lengths(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, lengths.data(), nullptr);
    H5Sclose(space);
    H5Dclose(dataset);
    return lengths;
  }

  template <class Element>
  std::vector<Element> values(const std::string& name, hid_t type) const {
    const hid_t dataset = open(name);
    const hid_t space = H5Dget_space(dataset);
    std::vector<Element> result(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.data()), 0);
    H5Sclose(space);
    H5Dclose(dataset);
    return result;
  }

  std::vector<double> doubles(const std::string& name) const { return values<double>(name, H5T_NATIVE_DOUBLE); }

  std::vector<std::string> strings(const std::string& name) const {
    const hid_t type = text_type();
    const auto raw = values<char*>(name, type);
    H5Tclose(type);
    std::vector<std::string> result;
    for (char* text : raw) {
      result.emplace_back(text);
      H5free_memory(text);
    }
    return result;
  }

  std::string text_attribute(const std::string& object, const std::string& name) const {
    const hid_t type = text_type();
    const hid_t attribute = H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    char* text = nullptr;
    EXPECT_GE(H5Aread(attribute, type, &text), 0) << object << " " << name;
    std::string result = text == nullptr ? "" : text;
    H5free_memory(text);
    H5Aclose(attribute);
    H5Tclose(type);
    return result;
  }

  bool has_attribute(const std::string& object, const std::string& name) const {
    return H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
  }

  template <class Value>
  Value attribute(const std::string& name, hid_t type) const {
    const hid_t attribute = H5Aopen(file_, name.c_str(), H5P_DEFAULT);
    Value value{};
    EXPECT_GE(H5Aread(attribute, type, &value), 0);
    H5Aclose(attribute);
    return value;
  }

  /// Names of the scales attached to each axis, in order.
  std::vector<std::string> scales(const std::string& name) const {
    const hid_t dataset = open(name);
    std::vector<std::string> names;
    const auto rank = static_cast<unsigned>(shape(name).size());
    for (unsigned axis = 0; axis < rank; ++axis) {
      EXPECT_EQ(H5DSget_num_scales(dataset, axis), 1) << name << " axis " << axis;
      H5DSiterate_scales(dataset, axis, nullptr, append_name, &names);
    }
    H5Dclose(dataset);
    return names;
  }

  bool is_scale(const std::string& name) const {
    const hid_t dataset = open(name);
    const bool result = H5DSis_scale(dataset) > 0;
    H5Dclose(dataset);
    return result;
  }

 private:
  static hid_t text_type() {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
  }

  static herr_t append_name(hid_t /*dataset*/, unsigned /*axis*/, hid_t scale, void* target) {
    const auto length = static_cast<std::size_t>(H5Iget_name(scale, nullptr, 0));
    std::string name(length + 1, '\0');
    H5Iget_name(scale, name.data(), name.size());
    static_cast<std::vector<std::string>*>(target)->push_back(name.substr(1, length - 1));
    return 0;
  }

  std::vector<unsigned char> image_;
  hid_t file_ = H5I_INVALID_HID;
};

Field vector_field(const std::string& name, const std::string& dimension, std::vector<double> values) {
  return {.name = name,
          .dimensions = {dimension},
          .shape = {values.size()},
          .data = std::move(values),
          .units = "1",
          .long_name = name};
}

TEST(Hdf5Image, KeepsEveryTypeBitForBit) {
  const Reader reader(hdf5_image(sample::every_kind()));

  const auto multiplier = reader.doubles("lagrange_multiplier");
  ASSERT_EQ(multiplier.size(), 6U);
  EXPECT_EQ(multiplier[3], 4.0);
  EXPECT_TRUE(std::isnan(multiplier[4]));
  EXPECT_THAT(reader.shape("lagrange_multiplier"), ElementsAre(2, 3));

  EXPECT_THAT(reader.values<std::int64_t>("site", H5T_NATIVE_INT64), ElementsAre(-1, 0, 1));
  EXPECT_THAT(reader.values<std::uint8_t>("status", H5T_NATIVE_UINT8), ElementsAre(1, 3));
  EXPECT_THAT(reader.strings("spin"), ElementsAre("up", "down"));
  EXPECT_THAT(reader.strings("error"), ElementsAre("", "did not converge: \u03b3 too large"));
  EXPECT_THAT(reader.values<std::int64_t>("steps", H5T_NATIVE_INT64), ElementsAre(7));
  EXPECT_TRUE(reader.shape("steps").empty());
}

TEST(Hdf5Image, StoresComplexNumbersAsCompoundOfTwoDoubles) {
  const Reader reader(hdf5_image(sample::every_kind()));

  const hid_t dataset = reader.open("green_retarded");
  const hid_t type = H5Dget_type(dataset);
  ASSERT_EQ(H5Tget_class(type), H5T_COMPOUND);
  ASSERT_EQ(H5Tget_nmembers(type), 2);
  char* first = H5Tget_member_name(type, 0);
  char* second = H5Tget_member_name(type, 1);
  EXPECT_STREQ(first, "r");
  EXPECT_STREQ(second, "i");
  H5free_memory(first);
  H5free_memory(second);
  EXPECT_EQ(H5Tget_size(type), 16U);
  H5Tclose(type);
  H5Dclose(dataset);

  const hid_t memory = H5Tcreate(H5T_COMPOUND, 16);
  H5Tinsert(memory, "r", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(memory, "i", 8, H5T_NATIVE_DOUBLE);
  using Complex = std::complex<double>;
  EXPECT_THAT(reader.values<Complex>("green_retarded", memory),
              ElementsAre(Complex{1.0, -2.0}, Complex{0.0, 3.0}, Complex{4.5, 0.0}));
  H5Tclose(memory);
}

TEST(Hdf5Image, AttachesOneScalePerAxis) {
  const Reader reader(hdf5_image(sample::every_kind()));

  for (const auto* name : {"bath.nonequilibrium_fraction", "momentum", "spin", "site", "point"}) {
    EXPECT_TRUE(reader.is_scale(name)) << name;
  }
  for (const auto* name : {"lagrange_multiplier", "bath.coupling", "status", "steps"}) {
    EXPECT_FALSE(reader.is_scale(name)) << name;
  }
  EXPECT_THAT(reader.scales("lagrange_multiplier"), ElementsAre("bath.nonequilibrium_fraction", "momentum"));
  EXPECT_THAT(reader.scales("bath.coupling"), ElementsAre("point"));
  EXPECT_THAT(reader.scales("status"), ElementsAre("point"));
  EXPECT_THAT(reader.scales("overlap"), ElementsAre("site", "site"));
}

TEST(Hdf5Image, MarksDimensionsWithoutValuesAsNetcdfDoes) {
  const Reader reader(hdf5_image(sample::every_kind()));

  const hid_t dataset = reader.open("point");
  std::string name(128, '\0');
  const auto length = H5DSget_scale_name(dataset, name.data(), name.size());
  H5Dclose(dataset);
  ASSERT_GT(length, 0);
  EXPECT_THAT(name, HasSubstr("This is a netCDF dimension but not a netCDF variable."));
  EXPECT_THAT(reader.values<std::int64_t>("point", H5T_NATIVE_INT64), ElementsAre(0, 1));
}

TEST(Hdf5Image, ListsCoordinatesOfAnotherDimension) {
  const Reader reader(hdf5_image(sample::every_kind()));

  EXPECT_EQ(reader.text_attribute("status", "coordinates"), "bath.coupling");
  EXPECT_EQ(reader.text_attribute("/", "coordinates"), "bath.coupling");
  EXPECT_FALSE(reader.has_attribute("lagrange_multiplier", "coordinates"));
}

TEST(Hdf5Image, GivesEveryDatasetUnitsAndLongName) {
  const Reader reader(hdf5_image(sample::every_kind()));

  for (const auto* name : {"bath.nonequilibrium_fraction", "momentum", "spin", "site", "bath.coupling", "point",
                           "lagrange_multiplier", "green_retarded", "status", "error", "overlap", "steps"}) {
    EXPECT_NE(reader.text_attribute(name, "units"), "") << name;
    EXPECT_NE(reader.text_attribute(name, "long_name"), "") << name;
  }
  EXPECT_EQ(reader.text_attribute("momentum", "units"), "rad");
}

TEST(Hdf5Image, KeepsRootAttributesOfEachType) {
  OutputFile file = sample::every_kind();
  // Longer than the 64 KiB that fit into an object header, like a list of a few thousand numbers in the input.
  const std::string long_text(std::size_t{3} << 20U, 'x');
  file.attributes.emplace_back("input", long_text);
  const Reader reader(hdf5_image(file));

  EXPECT_EQ(reader.text_attribute("/", "lindrift_version"), "0.1.0");
  EXPECT_EQ(reader.text_attribute("/", "host"), "");
  EXPECT_EQ(reader.text_attribute("/", "input"), long_text);
  EXPECT_EQ(reader.attribute<double>("elapsed_seconds", H5T_NATIVE_DOUBLE), 1.5);
  EXPECT_EQ(reader.attribute<std::int64_t>("threads", H5T_NATIVE_INT64), 2);
  EXPECT_EQ(reader.attribute<std::uint8_t>("complete", H5T_NATIVE_UINT8), 1);
}

TEST(Hdf5Image, TakesEmptyArrays) {
  OutputFile file;
  file.coordinates = {vector_field("time", "time", {})};
  file.fields = {vector_field("drift", "time", {}),
                 {.name = "error",
                  .dimensions = {"point"},
                  .shape = {0},
                  .data = std::vector<std::string>{},
                  .units = "1",
                  .long_name = "what went wrong"}};
  const Reader reader(hdf5_image(file));

  EXPECT_THAT(reader.shape("time"), ElementsAre(0));
  EXPECT_THAT(reader.scales("drift"), ElementsAre("time"));
  EXPECT_THAT(reader.scales("error"), ElementsAre("point"));
}

TEST(Hdf5Image, TakesAFileWithNothingInIt) { const Reader reader(hdf5_image(OutputFile{})); }

TEST(Hdf5Image, TakesManyDatasets) {
  // Beyond the sizes at which HDF5 changes how it stores links and references.
  OutputFile file;
  file.coordinates = {vector_field("time", "time", {0.0, 1.0})};
  for (int index = 0; index < 300; ++index) {
    file.fields.push_back(vector_field("field" + std::to_string(index), "time", {1.0, 1.0 * index}));
    file.attributes.emplace_back("attribute" + std::to_string(index), std::int64_t{index});
  }
  const Reader reader(hdf5_image(file));

  EXPECT_THAT(reader.scales("field299"), ElementsAre("time"));
  EXPECT_THAT(reader.doubles("field299"), ElementsAre(1.0, 299.0));
  EXPECT_EQ(reader.attribute<std::int64_t>("attribute299", H5T_NATIVE_INT64), 299);
}

TEST(Hdf5Image, TakesDataLargerThanItsBuffers) {
  std::vector<double> values(1 << 20U);
  for (std::size_t index = 0; index < values.size(); ++index) values[index] = 0.5 * static_cast<double>(index);
  OutputFile file;
  file.fields = {vector_field("density", "site", values)};
  const Reader reader(hdf5_image(file));

  EXPECT_EQ(reader.doubles("density"), values);
}

TEST(Hdf5Image, IsTheSameBytesForTheSameContent) {
  const auto first = hdf5_image(sample::every_kind());
  // Longer than the resolution of the time stamps that HDF5 stores in object headers by default.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(first, hdf5_image(sample::every_kind()));
}

TEST(Hdf5Image, LeavesNoIdentifierOpen) {
  const auto open_identifiers = [] { return H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL); };
  const auto image = hdf5_image(sample::every_kind());
  EXPECT_EQ(open_identifiers(), 0);

  OutputFile bad = sample::every_kind();
  bad.attributes.emplace_back("host", std::string("given twice"));
  EXPECT_THROW(hdf5_image(bad), Error);
  EXPECT_EQ(open_identifiers(), 0);
  EXPECT_EQ(hdf5_image(sample::every_kind()), image);  // the next one is not affected
}

TEST(Hdf5Image, PassesOnTheReasonThatHdf5Gives) {
  OutputFile file;
  file.attributes = {{"host", std::string("a")}, {"host", std::string("b")}};
  testing::internal::CaptureStderr();
  EXPECT_THAT([&] { hdf5_image(file); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("write attribute host"), HasSubstr("already exists"))));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Hdf5Image, RefusesContentThatWouldMislead) {
  const auto refuses = [](const Field& field, const std::string& message) {
    OutputFile file;
    file.coordinates = {vector_field("time", "time", {0.0, 1.0})};
    file.fields = {field};
    EXPECT_THAT([&] { hdf5_image(file); }, ThrowsMessage<Error>(HasSubstr(message)));
  };
  Field wrong_count = vector_field("drift", "time", {0.0, 1.0});
  wrong_count.shape = {3};
  refuses(wrong_count, "3 elements but it has 2");
  refuses(vector_field("drift", "time", {0.0, 1.0, 2.0}), "dimension time has length 3 here and 2 elsewhere");
  refuses(vector_field("time", "time", {0.0, 1.0}), "dataset time is given twice");
  refuses(vector_field("a/b", "time", {0.0, 1.0}), "\"a/b\" cannot name a dataset");
  refuses(vector_field("", "time", {0.0, 1.0}), "\"\" cannot name a dataset");

  Field no_dimension = vector_field("drift", "time", {0.0, 1.0});
  no_dimension.dimensions.clear();
  refuses(no_dimension, "0 dimensions are named but its shape has 1");

  Field two_roles = vector_field("site", "momentum", {0.0, 1.0});
  OutputFile file;
  file.fields = {two_roles, vector_field("density", "site", {0.0})};
  EXPECT_THAT([&] { hdf5_image(file); }, ThrowsMessage<Error>(HasSubstr("has the name of a dimension")));

  OutputFile cut;
  cut.attributes = {{"input", std::string("a\0b", 3)}};
  EXPECT_THAT([&] { hdf5_image(cut); }, ThrowsMessage<Error>(HasSubstr("attribute input contains a NUL")));
}

TEST(Hdf5Image, TouchesNoFile) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("hdf5_image_touches_no_file." + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  hdf5_image(sample::every_kind());
  const bool nothing_there = std::filesystem::is_empty(folder);
  std::filesystem::current_path(before);
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(nothing_there);
}

}  // namespace
}  // namespace lindrift::io
