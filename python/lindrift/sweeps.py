"""Sweeps within this process."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import _lindrift
from .arrays import dataset
from .errors import ParameterError

_TASKS = {getattr(_lindrift, name): getattr(_lindrift, f"_sweep_{name}")
          for name in ("steady_state", "relax", "green", "spectral", "density", "exact", "gradient", "noise")}


def _coordinates(key, dimension, values, units, help):
    """Coordinates of a swept key; for lists of sizes, their product and the sizes along each direction."""
    if values.ndim == 1:
        return [(key, dimension, values, units, help)]
    sizes = [(f"{key}_{i + 1}", dimension, column, units, f"{help}, direction {i + 1}") for i, column in enumerate(values.T)]
    return [(key, dimension, values.prod(axis=1), units, help + ": their product"), *(sizes if len(sizes) > 1 else [])]


def sweep(function: Callable[..., Any], model: Any, over: Mapping[str, Any], *, mode: str = "grid",
          threads: int = 0, progress: Any = None, **options: Any) -> Any:
    """Solves a model for many values of its parameters, several points at a time.

    function  steady_state, relax, gradient, noise, green, spectral, density or exact
    model     what is the same at every point
    over      values of parameters by their keys in an input file: {"bath.coupling": [0.05, 0.1], ...}
    mode      "grid": outer product, the last key varies fastest; "zip": side by side, all lists have the same length
    threads   points at a time; 0: one per processor. Results do not depend on it
    progress  called with the fraction done, or a tqdm bar
    options   what else the function takes; gradient and noise take those of steady_state beside their own

    Returns an xarray.Dataset with the sweep's dimensions first. `status` is 1 where a point is done, 2 where it failed
    and 3 where it did not converge; `error` says why. With "zip" the dimension is `point`.
    Raises ParameterError for a key that cannot be swept or a value outside its range, before anything runs.
    """
    try:
        solve = _TASKS[function]
    except (KeyError, TypeError):
        raise TypeError("sweep() takes steady_state, relax, gradient, noise, green, spectral, density or exact") from None
    if not isinstance(mode, str) or mode not in ("grid", "zip"):
        raise ParameterError(f"mode = {mode!r} is not allowed: must be \"grid\" or \"zip\"")
    if not isinstance(over, Mapping):
        raise TypeError(f"over must be a dictionary from keys to values, not {type(over).__name__}")
    if not over:
        raise ParameterError("nothing is swept: give at least one key with its values")
    data, coordinates, keys, status, messages, how = solve(
        model, list(over.items()), mode == "zip", threads=threads, progress=progress, **options)
    dimensions = ("point",) if mode == "zip" else tuple(key for key, *_ in keys)
    variables = [(name, dimensions + own, values, units, long_name) for name, own, values, units, long_name in data]
    variables.append(("status", dimensions, status, "1", "1: done, 2: failed, 3: not converged"))
    variables.append(("error", dimensions, np.array(messages, dtype=object).reshape(status.shape), "1",
                      "why a point failed or did not converge"))
    swept = [one for key, values, units, help in keys
             for one in _coordinates(key, "point" if mode == "zip" else key, np.array(values), units, help)]
    backend, _, algorithm, _ = how
    return dataset(variables, coordinates, swept, {"algorithm": algorithm, "backend": backend})
