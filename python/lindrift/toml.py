"""Models as input files of the program."""

import numpy as np

from .errors import LindriftError


def to_toml(model, **tables):
    """A model, and other tables by their names: to_toml(chain, task={"kind": "steady_state"})."""
    groups, channels = {}, []
    for path, value in model._keys():
        table, key = path.rsplit(".", 1)
        if key == "jump_operator":
            channels = value
        elif value is None:
            raise LindriftError(f"{path}: a table is written to an HDF5 file of its own; put its place, "
                                "\"FILE.h5:/dataset\", into the input by hand")
        else:
            groups.setdefault(table, {})[key] = value
    text = "\n".join(_table(name, values) for name, values in groups.items())
    for terms in channels:
        rows = ", ".join(_value([*term[:-1], term[-1].real, term[-1].imag]) for term in terms)
        text += f"\n[[bath.jump_operator]]\nterms = [{rows}]\n"
    for name, values in tables.items():
        text += "\n" + _table(name, values)
    return text


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
