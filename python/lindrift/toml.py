"""Converts models to input files of the program, and back."""

import os
from typing import Any, Union

import numpy as np

from .errors import LindriftError, ParameterError, ShapeError


def to_toml(model: Any, **tables: Any) -> str:
    """A model as TOML, with other tables by name: to_toml(chain, task={"kind": "steady_state"})."""
    groups: "dict[str, Any]" = {}
    channels: "dict[str, Any]" = {}
    for path, value in model._keys():
        table, key = path.rsplit(".", 1)
        if key in ("jump_operator", "thermal_operator", "operator"):
            channels[path] = value
        elif key == "cells" and len(value) == 0:
            continue  # a ring
        elif isinstance(value, dict) and not value:
            continue  # no operators
        elif key.startswith("hopping_terms"):
            groups.setdefault(table, {})[key] = [_term(one) for one in value]
        elif value is None:
            raise LindriftError(f"{path}: a table is written to an HDF5 file of its own; put its place, "
                                "\"FILE.h5:/dataset\", into the input by hand")
        else:
            groups.setdefault(table, {})[key] = value
    if model.kind in ("hatsugai_kohmoto", "hubbard") and "cells" in groups["model"]:
        for key in ("sites", "hopping"):  # these belong to a ring
            groups["model"].pop(key, None)
    if "interaction_matrix" in groups["model"]:  # in its place
        groups["model"].pop("interaction", None)
    text = "\n".join(_table(name, values) for name, values in groups.items())
    for path, operators in channels.items():
        for operator in operators:
            kind, terms = operator if path.endswith(".operator") else ("", operator)
            text += f"\n[[{path}]]\n" + (f"kind = {_value(kind)}\n" if kind else "")
            text += f"terms = {_value([_term(one) for one in terms])}\n"
    for name, values in tables.items():
        text += "\n" + _table(name, values)
    return text


def read_toml(path: "Union[str, os.PathLike[str]]") -> Any:
    """The model of an input file, with the first value of every swept key.

    Raises ParameterError (a ValueError) naming the file and the key for a value that is not allowed, TypeError for a
    value of the wrong type, OSError for a file that cannot be read.
    """
    from . import _lindrift
    with open(path, "rb") as file:
        tables = _parse(file, path)
    kinds = {one.kind: one for one in (getattr(_lindrift, name) for name in dir(_lindrift))
             if hasattr(one, "_from_keys") and one is not _lindrift.OrbitalHatsugaiKohmoto}
    kind = tables.get("model", {}).get("kind")
    if kind == "hatsugai_kohmoto":
        if tables["model"].get("orbitals", 1) == 1:
            tables["model"].pop("orbitals", None)
        else:
            kinds[kind] = _lindrift.OrbitalHatsugaiKohmoto
    if kind not in kinds:
        raise ParameterError(f"{path}: model.kind: {kind!r} is not allowed: must be one of {', '.join(sorted(kinds))}")
    keys = {f"{table}.{key}": value for table in ("model", "bath") for key, value in _flat(tables.get(table, {}))}
    del keys["model.kind"]
    if "operators" in tables.get("output", {}):
        keys["output.operators"] = tables["output"]["operators"]
    keys |= {key: _first(value) for key, value in tables.get("sweep", {}).items()
             if key.partition(".")[0] in ("model", "bath") and not key.endswith(".scale")}
    folder = os.path.dirname(os.path.abspath(path))
    if kind in ("hatsugai_kohmoto", "hubbard"):
        _join_amplitudes(keys)
    try:
        model = kinds[kind]._from_keys(_with_objects(keys, folder))
    except (ParameterError, ShapeError, TypeError) as error:
        raise type(error)(f"{path}: {error}") from None
    return model


def _parse(file, path):
    try:
        import tomllib
    except ModuleNotFoundError:  # before Python 3.11
        try:
            import tomli as tomllib
        except ModuleNotFoundError as error:
            raise LindriftError("read_toml() needs Python 3.11 or tomli: pip install tomli") from error
    try:
        return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{path}: {error}") from None


def _flat(table):
    """Keys of a table and of the tables inside it, such as down.gain."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", one) for inner, one in _flat(value))
        else:
            yield key, value


def _first(values):
    """The first of some swept values: of a list, or of a grid, also one of the modulus or phase of complex numbers."""
    if isinstance(values, list):
        return values[0] if values else values
    if not isinstance(values, dict):
        return values
    if "start" in values:
        return values["start"]
    value = _first(values.get("modulus")) * np.exp(1j * _first(values.get("phase")))
    return [value.real, value.imag]


def _join_amplitudes(keys):
    """Terms and operators of the open models in the form that the classes take: (R.., A), and ("loss", terms)."""
    def joined(terms):
        return [[*term[:-2], complex(*term[-2:])] for term in terms]
    for path in ("model.hopping_terms", "model.hopping_terms_up", "model.hopping_terms_down"):
        if path in keys:
            keys[path] = joined(keys[path])
    for path in ("bath.up.operator", "bath.down.operator"):
        if path in keys:
            keys[path] = [(one.get("kind", ""), joined(one.get("terms", []))) for one in keys[path]]


def _with_objects(keys, folder):
    """Values of keys in the form that the classes take: bare terms, arrays instead of tables, absolute paths."""
    for path in ("bath.jump_operator", "bath.thermal_operator"):
        if path in keys:
            for i, channel in enumerate(keys[path]):
                for key in channel:
                    if key != "terms":
                        raise ParameterError(f"{path}[{i}].{key} is not read: only terms are")
            keys[path] = [channel.get("terms", []) for channel in keys[path]]
    if "output.operators" in keys:
        keys["output.operators"] = {name: [[complex(*one) if isinstance(one, list) else one for one in row] for row in rows]
                                    for name, rows in keys["output.operators"].items()}
    if "model.hamiltonian" in keys:
        keys["model.hamiltonian"] = os.path.join(folder, keys["model.hamiltonian"])
    if "bath.table" in keys:
        from . import _lindrift
        keys["bath.table"] = _lindrift.TableJump(_dataset(keys["bath.table"], "bath.table", folder))
    return keys


def _dataset(place, key, folder):
    """The array at "FILE.h5:/dataset"."""
    try:
        import h5py
    except ImportError as error:
        raise LindriftError(f"{key} = {place!r} needs h5py: pip install h5py") from error
    name, found, dataset = str(place).rpartition(":")
    if not found:
        raise ParameterError(f"{key}: {place!r} is not allowed: must be \"FILE.h5:/dataset\"")
    try:
        with h5py.File(os.path.join(folder, name)) as file:
            return file[dataset][()]
    except (OSError, KeyError) as error:
        raise ParameterError(f"{key}: {place} cannot be read: {error}") from None


def _term(term):
    """A term with its amplitude written as two real numbers."""
    return [*term[:-1], term[-1].real, term[-1].imag]


def _table(name, values):
    return f"[{name}]\n" + "".join(f"{_key(key)} = {_value(value)}\n" for key, value in values.items())


def _key(key):
    return f'"{key}"' if "." in key else key


def _value(value):
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        text = repr(float(value))
        return text if any(mark in text for mark in ".en") else text + ".0"
    if isinstance(value, (complex, np.complexfloating)):
        return f"[{_value(float(value.real))}, {_value(float(value.imag))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    return "[" + ", ".join(_value(one) for one in value) + "]"
