#pragma once

#include <stdexcept>
#include <string>

namespace lindrift {

/// Base of every exception that this library throws deliberately.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A parameter is outside its range. The message names the quantity, its value and what is allowed.
class ParameterError : public Error {
 public:
  ParameterError(std::string quantity, const std::string& problem)
      : Error(quantity + ": " + problem), quantity_(std::move(quantity)) {}

  /// Name of the invalid quantity: its TOML key if it has one.
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

/// A computation produced a value that is not finite, or an integrator failed for a reason that more steps cannot
/// remedy.
class NumericalError : public Error {
 public:
  using Error::Error;
};

/// The caller asked a computation to stop.
class Interruption : public Error {
 public:
  Interruption() : Error("stopped before it was finished") {}
};

/// A device, driver or numerical library reported an error.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// A device has less free memory than a computation needs.
class DeviceMemoryError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// A device that this process can no longer use: every further call to it fails.
class DeviceLostError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

}  // namespace lindrift
