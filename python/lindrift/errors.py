"""The exceptions of this package. Their messages are written for the user."""


class LindriftError(Exception):
    """The file, the request or a calculation failed. The message says why; a traceback adds nothing."""


class ParameterError(LindriftError, ValueError):
    """A parameter is outside its range. The message names it, its value and what is allowed."""


class ShapeError(LindriftError, ValueError):
    """An array does not have the documented shape."""


class UnsupportedError(LindriftError, RuntimeError):
    """A combination of algorithm, model and backend that cannot run: impossible in principle, or not in this build."""


class NumericalError(LindriftError, ArithmeticError):
    """A calculation produced a value that is not finite, or an integrator gave up."""


class DeviceError(LindriftError, RuntimeError):
    """A device, driver or numerical library reported an error."""
