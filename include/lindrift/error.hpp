#pragma once

#include <stdexcept>
#include <string>

namespace lindrift {

/// Base of every exception that this library throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A parameter is outside its range. The message names the quantity, its value and what is allowed.
class ParameterError : public Error {
 public:
  ParameterError(std::string quantity, const std::string& problem)
      : Error(quantity + ": " + problem), quantity_(std::move(quantity)) {}

  /// Name of the offending quantity, the same as its TOML key where it has one.
  const std::string& quantity() const noexcept { return quantity_; }

 private:
  std::string quantity_;
};

/// An array argument does not have the length that the call documents.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A combination of algorithm, model and backend that cannot run: impossible in principle, or not in this build.
class UnsupportedError : public Error {
 public:
  using Error::Error;
};

/// A computation produced a value that is not finite, or an integrator gave up for a reason that more steps cannot
/// mend.
class NumericalError : public Error {
 public:
  using Error::Error;
};

/// The caller has asked a computation to stop.
class Interruption : public Error {
 public:
  Interruption() : Error("stopped before it was finished") {}
};

/// A device, driver or numerical library refused.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// A device has less free memory than a computation needs.
class DeviceMemoryError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// A device that this process can use no more: every further call to it fails.
class DeviceLostError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

}  // namespace lindrift
