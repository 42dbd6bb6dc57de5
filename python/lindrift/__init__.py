"""Read and draw the results of lindrift.

    import lindrift
    result = lindrift.load("fig3b.h5")
    result["current"].values            # numpy array, sweep dimensions first
    result["bath.nonequilibrium_fraction"].values
    result.parameter("bath.inverse_temperature")

Every file also opens in plain h5py and in xarray (engine="h5netcdf"): this package only saves typing.
Pictures: lindrift.plot.draw(result), or `python3 -m lindrift plot FILE.h5`.
"""

from .result import Field, LindriftError, Result, load

__all__ = ["Field", "LindriftError", "Result", "load"]
