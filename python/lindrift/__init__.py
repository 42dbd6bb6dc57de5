"""Non-reciprocal transport in open quantum lattices: solve models, read and draw results.

    import numpy as np, lindrift as ld
    chain = ld.TggeChain(sites=100, bath=ld.ThermalBath(nonequilibrium_fraction=0.5))
    ld.steady_state(chain, filling=0.5).current
    ld.sweep(ld.steady_state, chain, {"bath.nonequilibrium_fraction": np.linspace(0, 1, 51)})    # an xarray.Dataset

    ld.read_toml("peak.toml")           # the model of an input file
    ld.run("peak.toml")                 # runs the program on it
    result = ld.load("fig3b.h5")        # the output of `lindrift run`
    result["current"].values            # numpy array, sweep dimensions first
    ld.plot.draw(result)

Reading and drawing do not need the compiled module: `python3 -m lindrift plot FILE.h5`.
"""

import os
import signal
import sys
from typing import TYPE_CHECKING

# What follows takes a second. Where Python imports it for `python3 -m lindrift`, Ctrl-C ends that as it ends the verbs.
if (sys.argv[:1] == ["-m"] and "lindrift" in getattr(sys, "orig_argv", ())  # the words from Python 3.10 on
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
    signal.signal(signal.SIGINT, lambda *_: (os.write(2, b"stopped by SIGINT\n"), os._exit(4)))

from .errors import DeviceError, LindriftError, NumericalError, ParameterError, ShapeError, UnsupportedError
from .program import run
from .result import Field, Result, load
from .toml import read_toml

_MODULE = (
    "DephasingJump", "Density", "GreensFunction", "HatsugaiKohmoto", "HubbardChain", "HubbardExact",
    "HubbardGreensFunction", "HubbardSpectrum", "HubbardSteadyState", "InitialState", "JumpOperators", "LatticeRelaxation", "LatticeSteadyState", "LocalCoupling",
    "OpenBath", "OrbitalBath", "OrbitalGreensFunction", "OrbitalHatsugaiKohmoto", "OrbitalSpectrum", "OrbitalSteadyState", "Poles", "RamanJump", "Relaxation", "Spectrum", "SteadyState", "TableJump", "TggeChain", "TggeLattice",
    "TggeRashba", "ThermalBath", "Transport", "UniformCoupling", "blas_library", "cuda_device_count", "density", "exact", "gradient", "green", "noise",
    "poles", "relax", "simd_level", "spectral", "steady_state", "transport")

try:
    from . import _lindrift
except ImportError as _error:  # no module, for example in an installation that only draws
    _missing: "ImportError | None" = _error
else:
    from ._lindrift import *  # noqa: F403
    from ._lindrift import __version__ as __version__
    from .sweeps import sweep
    _missing = None

if TYPE_CHECKING:
    from . import figures as figures, plot as plot

__all__ = ["DeviceError", "Field", "LindriftError", "NumericalError", "ParameterError", "Result", "ShapeError",
           "UnsupportedError", "load", "read_toml", "run", "sweep", *_MODULE]


if not TYPE_CHECKING:  # the type checker knows every name
    def __getattr__(name):
        if name in ("figures", "plot"):
            import importlib
            return importlib.import_module(f".{name}", __name__)
        if _missing is not None and name in (*_MODULE, "__version__", "sweep"):
            raise ImportError(f"lindrift.{name} needs the compiled module, which is not here ({_missing}); pip install . "
                              "builds it")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__, "figures", "plot"})
