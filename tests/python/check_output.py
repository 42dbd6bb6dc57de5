"""Checks that a real output file is as other programs expect it: python3 check_output.py FILE.h5

With h5py: every dataset has a dimension scale on every axis, units and long_name; the root attributes exist; sweep
dimensions come first. With xarray (engine h5netcdf): the same names, dimensions, values and coordinates. Prints every
complaint and exits with 1 if there is any.
"""

import sys

import h5py
import numpy as np

ROOT_ATTRIBUTES = {
    "lindrift_version": str, "git_hash": str, "input": str, "resolved_input": str, "algorithm": str, "backend": str,
    "ranks": int, "threads": int, "host": str, "device": str, "started": str, "elapsed_seconds": float, "complete": int,
}
TYPES = {"status": "uint8", "converged": "uint8", "steps": "int64", "site": "int64", "point": "int64",
         "components": "int64", "empty_modes": "int64", "full_modes": "int64", "frozen_modes": "int64",
         "error": "object", "band": "object", "spin": "object", "of": "object", "of_2": "object", "term": "int64",
         "orbital": "int64", "orbital_2": "int64", "direction": "int64", "cartesian": "int64"}
COMPLEX_TYPE = "_PFNC_DOUBLE_COMPLEX_TYPE"
BARE = "This is a netCDF dimension but not a netCDF variable."


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def is_bare(dataset):
    return text(dataset.attrs.get("NAME", b"")).startswith(BARE)


def items(file):
    """Everything in a file except the named type of complex numbers, by which netCDF programs recognise them."""
    return [(name, one) for name, one in file.items() if name != COMPLEX_TYPE or not isinstance(one, h5py.Datatype)]


def check_attributes(file):
    for name, kind in ROOT_ATTRIBUTES.items():
        if name not in file.attrs:
            yield f"root attribute {name} is missing"
            continue
        value = file.attrs[name]
        value = value.item() if isinstance(value, np.generic) else value
        if not isinstance(value, kind):
            yield f"root attribute {name} is {type(value).__name__}, not {kind.__name__}"
    if file.attrs.get("complete") not in (0, 1):
        yield "root attribute complete is neither 0 nor 1"


def dimensions_of(name, dataset):
    if text(dataset.attrs.get("CLASS", b"")) == "DIMENSION_SCALE":
        return (name,)
    return tuple(axis[0].name.lstrip("/") if len(axis) else None for axis in dataset.dims)


def check_datasets(file):
    for name, dataset in items(file):
        if not isinstance(dataset, h5py.Dataset):
            yield f"{name} is not a dataset"
            continue
        for attribute in ("units", "long_name"):
            if not text(dataset.attrs.get(attribute, "")):
                yield f"{name} has no {attribute}"
        for axis, dimension in enumerate(dimensions_of(name, dataset)):
            if dimension is None:
                yield f"{name} has no dimension scale on axis {axis}"
            elif file[dimension].shape != (dataset.shape[axis],):
                yield f"{name}: scale {dimension} on axis {axis} has shape {file[dimension].shape}"
        if dataset.dtype.kind == "f" and dataset.dtype != np.float64:
            yield f"{name} is {dataset.dtype}, not float64"
        wanted = TYPES.get(name)
        if name == "band" and "momentum_1" in file:
            wanted = "int64"  # a lattice numbers its bands
        if wanted and dataset.dtype != np.dtype(wanted):
            yield f"{name} is {dataset.dtype}, not {wanted}"


def check_sweep(file):
    if "status" not in file:
        if "error" in file:
            yield "there is a dataset error but no status"
        return
    sweep = dimensions_of("status", file["status"])
    if "error" not in file or dimensions_of("error", file["error"]) != sweep:
        yield "error does not have the dimensions of status"
    if not np.all(np.isin(file["status"][()], (0, 1, 2, 3))):
        yield "status has a value other than 0, 1, 2, 3"
    for name, dataset in items(file):
        found = dimensions_of(name, dataset)
        if found == (name,) or any(found == (one,) for one in sweep):
            continue
        if found[: len(sweep)] != sweep:
            yield f"{name} has dimensions {found}: the sweep's {sweep} do not come first"
    for dimension in sweep:
        if "." in dimension:
            continue
        keys = [name for name, one in items(file) if dimensions_of(name, one) == (dimension,) and "." in name]
        listed = text(file["status"].attrs.get("coordinates", file.attrs.get("coordinates", ""))).split()
        if dimension != "point" or not keys or sorted(keys) != sorted(listed):
            yield f"sweep dimension {dimension}: its keys {keys} are not those of attribute coordinates, {listed}"


def check_momenta(file):
    for name in ("momentum", "momentum_1", "momentum_2", "momentum_3"):
        if name in file and dimensions_of(name, file[name]) == ("path",):
            continue  # in the order in which they were chosen
        momenta = file[name][()] if name in file else np.array([])
        if np.any(np.diff(momenta) <= 0) or np.any(momenta < -np.pi) or np.any(momenta >= np.pi):
            yield f"{name} is not ascending in [-pi, pi)"


def check_xarray(path, file):
    import xarray

    try:
        dataset = xarray.load_dataset(path, engine="h5netcdf")
    except (ValueError, KeyError, OSError) as error:
        yield f"xarray cannot open it: {error}"
        return
    for name, stored in items(file):
        if is_bare(stored):
            continue
        if name not in dataset.variables:
            yield f"xarray does not see {name}"
            continue
        seen, dimensions = dataset[name], dimensions_of(name, stored)
        values = stored.asstr()[()] if h5py.check_string_dtype(stored.dtype) else stored[()]
        if seen.dims != dimensions:
            yield f"xarray sees {name} with dimensions {seen.dims}, not {dimensions}"
        if not np.array_equal(seen.values, values, equal_nan=seen.dtype.kind in "fc"):
            yield f"xarray reads other values of {name}"
        if dimensions == (name,) and name not in dataset.coords:
            yield f"xarray does not take {name} for a coordinate"


def complaints(path):
    with h5py.File(path, "r") as file:
        for check in (check_attributes, check_datasets, check_sweep, check_momenta):
            yield from check(file)
        yield from check_xarray(path, file)


def main(arguments):
    if len(arguments) != 1:
        print("usage: check_output.py FILE.h5", file=sys.stderr)
        return 2
    found = list(complaints(arguments[0]))
    for complaint in found:
        print(f"{arguments[0]}: {complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
