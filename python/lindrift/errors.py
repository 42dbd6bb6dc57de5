"""What this package raises on purpose. The messages are for the user."""


class LindriftError(Exception):
    """The file, the request, or a calculation went wrong. No traceback is needed."""


class ParameterError(LindriftError, ValueError):
    """A parameter is outside its range. The message names it, its value and what is allowed."""


class ShapeError(LindriftError, ValueError):
    """An array does not have the shape that the call documents."""


class UnsupportedError(LindriftError, RuntimeError):
    """A combination of algorithm, model and backend that cannot run: impossible in principle, or not in this build."""


class NumericalError(LindriftError, ArithmeticError):
    """A calculation produced a value that is not finite, or an integrator gave up."""


class DeviceError(LindriftError, RuntimeError):
    """A device, driver or numerical library refused."""
