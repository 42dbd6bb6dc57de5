"""A result file as named numpy arrays."""

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any, Union

import numpy as np

from .errors import LindriftError

MISSING, DONE, FAILED, NOT_CONVERGED = range(4)  # values of the dataset `status`


@dataclass(frozen=True)
class Field:
    """A named array with named dimensions.

    name        dataset name, for example "occupation"
    values      numpy array; a scalar has shape ()
    dimensions  one name per axis
    units       "1" if dimensionless
    long_name   description in words
    """

    name: str
    values: Any  # numpy.ndarray
    dimensions: "tuple[str, ...]" = ()
    units: str = "1"
    long_name: str = ""


@dataclass(frozen=True)
class Result:
    """Everything in one result file.

    path        file that it was read from
    fields      name -> Field, without the coordinates
    coordinates name -> Field; a coordinate of a zip sweep has the dimension "point", the others their own name
    attributes  root attributes: lindrift_version, resolved_input, algorithm, ...
    """

    path: str
    fields: "dict[str, Field]" = field(default_factory=dict)
    coordinates: "dict[str, Field]" = field(default_factory=dict)
    attributes: "dict[str, Any]" = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.fields or name in self.coordinates

    def __getitem__(self, name: str) -> Field:
        """The field or coordinate with that name. Raises LindriftError naming the file if there is none."""
        for group in (self.fields, self.coordinates):
            if name in group:
                return group[name]
        present = ", ".join(sorted(self.fields)) or "none"
        raise LindriftError(f"{self.path}: there is no dataset {name}; it has {present}")

    def to_xarray(self) -> Any:
        """The result as an xarray.Dataset with units and coordinates."""
        from .arrays import dataset
        data = [(one.name, one.dimensions, one.values, one.units, one.long_name) for one in self.fields.values()]
        keys = [(one.name, one.dimensions, one.values, one.units, one.long_name) for one in self.coordinates.values()]
        return dataset(data, (), keys, self.attributes)

    @property
    def sweep_dimensions(self) -> "tuple[str, ...]":
        """Dimensions of the sweep, outermost first; empty for a single run."""
        return self.fields["status"].dimensions if "status" in self.fields else ()

    @property
    def sweep_keys(self) -> "tuple[str, ...]":
        """Swept input keys: the sweep dimensions, or in a zip sweep the coordinates along `point`."""
        keys = []
        for dimension in self.sweep_dimensions:
            on_it = [name for name, one in self.coordinates.items() if one.dimensions == (dimension,)]
            # In a zip sweep the dimension itself may number the points.
            keys += [name for name in on_it if name != dimension] or on_it
        return tuple(keys)

    @property
    def status(self) -> Any:
        """Status of every point of the sweep; for a single run a scalar, DONE or NOT_CONVERGED."""
        if "status" in self.fields:
            return self.fields["status"].values
        converged = bool(np.all(self.fields["converged"].values)) if "converged" in self.fields else True
        return np.array(DONE if converged else NOT_CONVERGED)

    def taken(self, dimension: str, index: Any) -> "Result":
        """The same result at one index of a dimension, or at an array of indices."""
        def take(one):
            if dimension not in one.dimensions:
                return one
            axis = one.dimensions.index(dimension)
            dimensions = one.dimensions if np.ndim(index) else one.dimensions[:axis] + one.dimensions[axis + 1:]
            return replace(one, values=np.take(one.values, index, axis), dimensions=dimensions)

        fields = {name: take(one) for name, one in self.fields.items()}
        return replace(self, fields=fields, coordinates={name: take(one) for name, one in self.coordinates.items()})

    def parameter(self, key: str, default: Any = None) -> Any:
        """Value of a dotted key in the resolved input, for example "bath.inverse_temperature"."""
        return lookup(str(self.attributes.get("resolved_input", "")), key, default)


def load(path: "Union[str, os.PathLike[str]]") -> Result:
    """Reads a whole result file into memory.

    Raises LindriftError if it is missing, unreadable, not HDF5, or not written by lindrift.
    """
    import h5py  # only here: computing does not need it

    path = os.fspath(path)
    if not os.path.exists(path):
        raise LindriftError(f"{path}: no such file")
    if os.path.isdir(path):
        raise LindriftError(f"{path}: is a folder, not a result file")
    if not os.path.isfile(path):  # opening a pipe would wait for somebody who writes into it
        raise LindriftError(f"{path}: not a regular file")
    try:
        if not h5py.is_hdf5(path):
            # is_hdf5 is also False for a file without read permission; opening it distinguishes the two.
            with open(path, "rb"):
                raise LindriftError(f"{path}: is not an HDF5 file")
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise LindriftError(f"{path}: cannot be read: {reason}") from error


def _read(path, file):
    import h5py

    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    if "lindrift_version" not in attributes:
        raise LindriftError(f"{path}: was not written by lindrift (it has no attribute lindrift_version)")
    fields, coordinates = {}, {}
    listed = str(attributes.get("coordinates", "")).split()
    for name, dataset in file.items():
        if isinstance(name, bytes):
            raise ValueError(f"the name {name!r} is not UTF-8")
        if not isinstance(dataset, h5py.Dataset):
            continue
        listed += str(_plain(dataset.attrs.get("coordinates", ""))).split()
        if _is_bare_dimension(dataset):
            continue
        _check_size(dataset, name)
        is_scale = _plain(dataset.attrs.get("CLASS", "")) == "DIMENSION_SCALE"
        dimensions = (name,) if is_scale else tuple(_dimension_name(axis) for axis in dataset.dims)
        one = Field(
            name=name,
            values=np.asarray(dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else dataset[()]),
            dimensions=dimensions,
            units=str(_plain(dataset.attrs.get("units", "1"))),
            long_name=str(_plain(dataset.attrs.get("long_name", name))),
        )
        (coordinates if is_scale else fields)[name] = one
    for name in dict.fromkeys(listed):
        if name in fields:
            coordinates[name] = fields.pop(name)
    lengths = {name: len(one.values) for name, one in coordinates.items() if one.dimensions == (name,)}
    for name, one in fields.items():
        for dimension, length in zip(one.dimensions, one.values.shape):
            if lengths.get(dimension, length) != length:
                raise ValueError(f"{name} has {length} values along {dimension}, which has {lengths[dimension]}")
    return Result(path=path, fields=fields, coordinates=coordinates, attributes=attributes)


# A byte of a compressed file holds fewer than this many.
MAX_COMPRESSION = 1100


def _check_size(dataset, name):
    """Refuses a dataset that is larger than what the file can hold, before memory is taken for it."""
    stored = dataset.id.get_storage_size()
    if dataset.size and dataset.size * dataset.dtype.itemsize > MAX_COMPRESSION * stored:
        raise ValueError(f"{name} is to have {dataset.size} values, of which the file holds {stored} bytes")


def _plain(value):
    """An attribute's value as str or as a Python number, if it is one."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def _is_bare_dimension(dataset):
    """Whether a dataset is a dimension that has a length but no values, as netCDF marks it."""
    return str(_plain(dataset.attrs.get("NAME", ""))).startswith("This is a netCDF dimension but not a netCDF variable")


def _dimension_name(axis):
    return axis[0].name.rsplit("/", 1)[-1] if len(axis) else ""


def lookup(text, key, default=None):
    """Value of a dotted key in a TOML text."""
    try:
        import tomllib
    except ImportError:  # Python before 3.11
        return _lookup_number(text, key, default)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return default
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return default
        value = value[part]
    return value


def _lookup_number(text, key, default):
    """The same for plain numbers below a [table] heading, which is all that the figures need."""
    table, name = key.rsplit(".", 1)
    current = ""
    for line in text.splitlines():
        heading = re.match(r"\s*\[([^\[\]]+)\]", line)
        if heading:
            current = heading.group(1).strip()
        entry = re.match(rf"\s*{re.escape(name)}\s*=\s*([-+0-9.eE_]+)\s*(#.*)?$", line)
        if entry and current == table:
            return float(entry.group(1))
    return default
