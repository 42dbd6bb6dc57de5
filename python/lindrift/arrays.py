"""The Python side of the compiled module: results as xarray, pictures and text, and progress reports."""

import numpy as np

from .errors import LindriftError
from .result import Field, Result


def dataset(data, coordinates, keys=(), attributes=None):
    """An xarray.Dataset.

    data         (name, dimensions, values, units, long name) for each variable
    coordinates  (name, values, units, long name) for each dimension
    keys         (name, dimension, values, units, long name) for each swept parameter
    """
    try:
        import xarray
    except ImportError as error:
        raise LindriftError("this needs xarray: pip install xarray") from error

    def described(units, long_name):
        return {"units": units or "1", "long_name": long_name}

    variables = {name: (dimensions, values, described(units, long_name))
                 for name, dimensions, values, units, long_name in data}
    used = {dimension for dimensions, _, _ in variables.values() for dimension in dimensions}
    along = {name: (name, values, described(units, long_name))
             for name, values, units, long_name in coordinates if name in used}
    along |= {name: (dimension, values, described(units, long_name))
              for name, dimension, values, units, long_name in keys}
    return xarray.Dataset(variables, along, attributes)


def to_xarray(result):
    """The result of one point as an xarray.Dataset."""
    about = {name: getattr(result, name) for name in ("algorithm", "backend", "message") if getattr(result, name)}
    return dataset(result._datasets(), result._coordinates(), attributes=about)


def as_result(result):
    """The result in the form that load() returns."""
    fields = {name: Field(name, np.asarray(values), tuple(dimensions), units, long_name)
              for name, dimensions, values, units, long_name in result._datasets()}
    coordinates = {name: Field(name, np.asarray(values), (name,), units, long_name)
                   for name, values, units, long_name in result._coordinates()}
    return Result(path=type(result).__name__, fields=fields, coordinates=coordinates,
                  attributes={"resolved_input": result.model.to_toml(), "algorithm": result.algorithm,
                              "backend": result.backend})


def plot(result, **options):
    """Draws one point as a matplotlib figure."""
    from .plot import draw
    return draw(as_result(result), **options)


def text(result):
    """The scalars of a result, and the shapes of its arrays, as text."""
    parts = []
    for name, _, values, _, _ in result._datasets():
        if np.ndim(values):
            parts.append(f"{name}: {' x '.join(str(length) for length in values.shape)}")
        elif name not in ("components", "empty_modes", "full_modes", "frozen_modes", "density_per_site"):
            parts.append(f"{name}={values:.6g}" if isinstance(values, float) else f"{name}={values}")
    return f"<{type(result).__name__} {', '.join(parts)}>"


def reporter(progress):
    """Returns a function of the fraction done, from such a function or a bar like tqdm's that counts up to its total."""
    if hasattr(progress, "update") and hasattr(progress, "n"):
        total = getattr(progress, "total", None) or 1.0

        def advance(fraction):
            progress.update(fraction * total - progress.n)
        return advance
    if not callable(progress):
        raise TypeError("progress must be a function of the fraction done, or a tqdm bar")
    return progress
