"""Axes of pictures: the numbers along a dimension, their order and label, and slices of a result."""

import json

import numpy as np

from . import style
from .result import DONE, NOT_CONVERGED, LindriftError

ROUNDING = 1e-9  # a value smaller than this times the largest one counts as zero
LOGARITHMIC = 1000.0  # positive values that span at least this factor get a logarithmic axis
DISCRETE = ("band", "spin", "orbital", "orbital_2", "direction", "cartesian", "of", "of_2", "term", "branch", "loop", "base_energy",
            "number")
STATUS_WORDS = {0: "is missing", 2: "failed"}


def is_there(result):
    """Which points of a sweep have results."""
    return (result.status == DONE) | (result.status == NOT_CONVERGED)


def key_of(result, dimension):
    """The input key along a dimension. Where several keys lie along one, as in a zip sweep, whose dimension is `point`,
    or a sweep of cells: the first that tells most points apart."""
    if dimension not in result.sweep_dimensions:
        return dimension
    keys = [key for key in result.sweep_keys if result[key].dimensions == (dimension,)]
    if len(keys) < 2:
        return keys[0] if keys else dimension
    return max(keys, key=lambda key: len(np.unique(result[key].values)))


def numbers(result, dimension, length=None, text=False):
    """Numbers along a dimension; the index if it has no coordinate, or one that is text."""
    key = key_of(result, dimension)
    if key not in result:
        if length is None:
            length = result.status.shape[result.sweep_dimensions.index(dimension)]
        return np.arange(length)
    values = result[key].values
    if values.dtype.kind == "c":
        return _varying_part(values)[0]
    return values if text or values.dtype.kind in "fiu" else np.arange(len(values))


def label(result, dimension):
    key = key_of(result, dimension)
    if key not in result:
        return dimension
    field = result[key]
    if field.values.dtype.kind != "c":
        return style.label(field, result)
    words = _varying_part(field.values)[1]
    return f"{words}{style.symbol(key)} (rad)" if words == "phase of " else words + style.label(field, result)


def _varying_part(values):
    """The part of a swept complex number that varies, as a real axis, and its name."""
    largest = np.max(np.abs(values), initial=0.0)

    def same(part):
        return np.ptp(part) <= ROUNDING * largest

    if same(values.imag):
        return values.real, "real part of "
    if same(values.real):
        return values.imag, "imaginary part of "
    if same(np.abs(values)):
        return _phases(np.angle(values)), "phase of "
    along = values * np.conj(values[np.argmax(np.abs(values))]) / largest
    if same(along.imag) and np.all(along.real >= 0.0):
        return np.abs(values), "modulus of "
    return np.arange(len(values)), "index of "


def _phases(angles):
    """Angles as numbers along an axis that covers at most one turn: as they are in the file if they ascend or descend
    there, otherwise cut where the largest gap is, or at 0 if there is no gap."""
    turn = 2.0 * np.pi
    unwrapped = np.unwrap(angles)
    steps = np.diff(unwrapped)
    if (np.all(steps >= -ROUNDING) or np.all(steps <= ROUNDING)) and np.ptp(unwrapped) <= turn + ROUNDING:
        return unwrapped
    ordered = np.sort(np.mod(angles, turn))
    gaps = np.diff(ordered, append=ordered[0] + turn)
    largest = int(np.argmax(gaps))
    if gaps[largest] < 2.0 * np.median(gaps[gaps > ROUNDING]):
        return np.mod(angles, turn)
    first = ordered[(largest + 1) % len(ordered)]
    first -= turn * (first >= np.pi)
    return first + np.mod(angles - first + ROUNDING, turn) - ROUNDING


def value_text(name, value):
    """A coordinate's value as text for a legend or a title."""
    if name.startswith("momentum"):
        return rf"${value / np.pi:.3g}\pi$" if value else "$0$"
    if isinstance(value, (complex, np.complexfloating)):
        return f"{value.real:.4g} {'-' if value.imag < 0 else '+'} {abs(value.imag):.4g}i"
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else str(value)


def is_discrete(dimension):
    """Whether the members along a dimension have no order: a line between them would mean nothing."""
    return dimension in DISCRETE


def names(result, dimension, length=None):
    """Text of every member along a dimension, for a legend, ticks or a title."""
    members = numbers(result, dimension, length, text=True)
    if members.dtype.kind == "O":
        return [f"${style.PARTS[str(one)]}$" if str(one) in style.PARTS else style.symbol(str(one)) for one in members]
    return [value_text(dimension, one) for one in members]


def is_logarithmic(values):
    return len(values) > 1 and np.min(values) > 0.0 and np.max(values) >= LOGARITHMIC * np.min(values)


def in_order(result):
    """The same result with every axis ascending; a file may hold the values of a sweep in any order."""
    dimensions = dict.fromkeys(name for one in (*result.coordinates.values(), *result.fields.values()) for name in one.dimensions)
    for dimension in dimensions:
        if key_of(result, dimension) in result:
            order = np.argsort(numbers(result, dimension), kind="stable")
            if np.any(np.diff(order) != 1):
                result = result.taken(dimension, order)
    return result


def fixed(result, dimension, index):
    """The result at one index of a dimension, and a description of that point in symbols."""
    names = [name for name, one in result.coordinates.items() if one.dimensions == (dimension,)]
    names = [name for name in names if name != dimension] or names  # in a zip sweep it only numbers the points
    values = ((name, value_text(name, result[name].values[index])) for name in names)
    return result.taken(dimension, index), ", ".join(f"{style.symbol(name)} = {text}" for name, text in values)


def sliced(result, slices):
    """The result at the values nearest to the requested ones, (key, text) each, and their description in symbols."""
    notes = []
    for key, text in slices:
        known = {name: one for name, one in result.coordinates.items() if len(one.dimensions) == 1}
        if key not in known:
            raise LindriftError(f"{result.path}: --slice {key}: it has no such dimension; it has {', '.join(known) or 'none'}")
        result, note = fixed(result, known[key].dimensions[0], _nearest(result, known[key], text))
        notes.append(note)
    where = " ".join(f"{key}={text}" for key, text in slices)
    if slices and result.status.ndim == 0 and int(result.status) in STATUS_WORDS:
        raise LindriftError(f"{result.path}: the point at {where} {STATUS_WORDS[int(result.status)]}")
    if slices and not np.any(is_there(result)):
        raise LindriftError(f"{result.path}: there is nothing to draw: no point at {where} is done")
    return result, notes


def _nearest(result, coordinate, text):
    wrong = LindriftError(f"{result.path}: --slice {coordinate.name}={text}: must be a number")
    if coordinate.values.dtype.kind not in "fiuc":
        names = [str(one) for one in coordinate.values]
        if text not in names:
            raise LindriftError(f"{result.path}: --slice {coordinate.name}={text}: must be one of {', '.join(names)}")
        return names.index(text)
    try:
        value = complex(*json.loads(text)) if text.startswith("[") else complex(text)
    except (ValueError, TypeError):
        raise wrong from None
    if not np.isfinite(value) or value.imag != 0.0 and coordinate.values.dtype.kind != "c":
        raise wrong
    return int(np.argmin(np.abs(coordinate.values - value)))
