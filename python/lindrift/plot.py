"""A sensible picture of any result file, chosen from the datasets in it.

For a sweep: its scalar (current, drift, ...) against the swept key, and the momentum-resolved field as a family of
lines. For a single run: the result of its task. Datasets not known by name are drawn according to their dimensions: a
line for one dimension, several lines for few members of a second one, and a heatmap for many. More than two swept keys
are sliced where most points have results. Points of a sweep that are missing or failed are left out; points that did
not converge are drawn hollow.
"""

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize, PowerNorm, SymLogNorm, TwoSlopeNorm
from matplotlib.ticker import MaxNLocator, NullFormatter

from . import axes as axis
from . import style
from .result import DONE, NOT_CONVERGED, LindriftError
from .ticks import LogFormatter, LogLocator

# The first of these present is what a sweep shows.
OBSERVABLES = ("current", "drift", "drift_symmetric", "norm", "particle_number")
# Momentum-resolved fields, most informative first, and fields over two dimensions.
DISTRIBUTIONS = ("occupation", "occupation_spin", "lagrange_multiplier")
MAPS = ("green_retarded", "green_retarded_momentum", "spectral_function", "density", "self_energy",
        "green_retarded_frequency")
# Diagnostics of the solver, drawn only if there is nothing else.
DIAGNOSTICS = ("residual", "steps", "converged", "status", "error", "norm", "particle_number")

MOST_LINES = 9  # more lines in one panel cannot be told apart
NO_CURRENT = 1e-14  # sums of many modes leave such a current where there is none
FEW = 6  # up to this many members of a dimension are drawn as lines, not as a map
SQUARE_ROOT = ", square-root scale"  # at the end of a colour bar's label

ENDING = ("time", "frequency", "momentum", "momentum_1", "momentum_2", "momentum_3")  # cells end at the last value


@dataclass(frozen=True)
class View:
    """What to draw and how.

    dataset    name of a dataset; empty: the most informative ones
    slices     (key, text of a value) for each dimension that is fixed
    log        whether values have a logarithmic scale
    low, high  limits of the values, or None
    """

    dataset: str = ""
    slices: tuple = ()
    log: bool = False
    low: float | None = None
    high: float | None = None


# Larger values overflow where matplotlib computes limits and ticks; they are left out, as infinite ones are.
LARGEST = 1e300


def _drawable(result):
    """The result without values that are too large to draw."""
    def bounded(field):
        with np.errstate(over="ignore", invalid="ignore"):
            if field.values.dtype.kind not in "fc" or not np.any(np.abs(field.values) > LARGEST):
                return field
            return replace(field, values=np.where(np.abs(field.values) > LARGEST, np.nan, field.values))

    return replace(result, fields={name: bounded(one) for name, one in result.fields.items()},
                   coordinates={name: bounded(one) for name, one in result.coordinates.items()})


@style.styled
def draw(result, view=View()):
    """Draws a result and returns the matplotlib figure. Raises LindriftError if the file contains nothing to draw."""
    result, fixed = axis.sliced(axis.in_order(_drawable(result)), view.slices)
    for dimension in result.sweep_dimensions:  # a key with one value needs no axis
        if len(axis.numbers(result, dimension)) == 1 and len(result.sweep_dimensions) > 1:
            result, note = axis.fixed(result, dimension, 0)
            fixed.append(note)
    for dimension in filter(axis.is_discrete, list(result.coordinates)):  # nor does a single member
        if len(result[dimension].values) == 1:
            result, note = axis.fixed(result, dimension, 0)
            fixed += [note] if dimension == "of" else []
    if view.dataset:
        figure = _draw_dataset(result, result[view.dataset])
    else:
        figure = _draw_sweep(result) if result.sweep_dimensions else _draw_run(result)
    if not any(_shows_a_number(axes) for axes in figure.axes):
        raise LindriftError(f"{result.path}: there is nothing to draw: no value is a finite number")
    _add_title(figure.axes[0], fixed)
    if view.log or view.low is not None or view.high is not None:
        _scale_values(figure.axes[0], result, view)
    notes = _notes(result)
    if notes:
        figure.suptitle(notes, fontsize=11.0, color=style.VERMILION)
    return figure


def _notes(result):
    status = result.status
    if status.ndim == 0:
        return "" if status == DONE else "did not converge"
    absent = int(np.sum(~axis.is_there(result)))
    hollow = int(np.sum(status == NOT_CONVERGED))
    parts = []
    if absent:
        parts.append(f"{absent} of {status.size} points missing or failed")
    if hollow:
        parts.append(f"{hollow} of {status.size} points did not converge (hollow)")
    return ", ".join(parts)


def _add_title(axes, notes):
    """Puts the fixed values before the existing title."""
    text = ", ".join(part for part in (*notes, axes.get_title(loc="left")) if part)
    axes.set_title(text, loc="left")


def _scale_values(axes, result, view):
    """Sets a logarithmic scale and limits for lines or a map; linear around zero if values have both signs."""
    mesh = next((one for one in axes.collections if isinstance(one, QuadMesh)), None)
    values = np.ma.masked_invalid(mesh.get_array()).compressed() if mesh else _finite_of_lines(axes)
    low, high, threshold = _log_limits(values, result, view) if view.log else (view.low, view.high, 0.0)
    if mesh is None:
        if view.log and threshold:
            axes.set_yscale("symlog", linthresh=threshold)
        elif view.log:
            axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(low, high)
    else:
        bar = mesh.colorbar.ax
        bar.set_ylabel(bar.get_ylabel().removesuffix(SQUARE_ROOT))
        if view.log and low is None and high is None and mesh.get_cmap().name == style.SIGNED:
            low, high = -np.max(np.abs(values)), np.max(np.abs(values))  # zero is in the middle of these colours
        low = float(np.min(values)) if low is None else low
        high = float(np.max(values)) if high is None else high
        if not view.log:
            mesh.set_norm(Normalize(low, high))
        else:
            mesh.set_norm(SymLogNorm(threshold, vmin=low, vmax=high, clip=True) if threshold else LogNorm(low, high, clip=True))
    if view.log:
        values_axis = axes.yaxis if mesh is None else bar.yaxis
        values_axis.set_major_locator(LogLocator(threshold))
        values_axis.set_major_formatter(LogFormatter())
        values_axis.set_minor_formatter(NullFormatter())


def _log_limits(values, result, view):
    """Limits of a logarithmic scale, None where matplotlib chooses, and the modulus below which it is linear: 0 for
    positive values, the smallest one of negative values."""
    low, high = view.low, view.high
    reach = np.max(np.abs(values), initial=0.0)
    if reach == 0.0:
        raise LindriftError(f"{result.path}: --log: every value is 0")
    moduli = np.abs(values[np.abs(values) > axis.ROUNDING * reach])  # smaller values are zeros with rounding errors
    least, constant = float(np.min(moduli)), np.min(moduli) == reach
    has_negative, has_positive = (bool(np.any(sign * values > axis.ROUNDING * reach)) for sign in (-1.0, 1.0))
    if not has_negative:
        low = (least / 1.1 if constant else least) if low is None else low
        if low <= 0.0:
            raise LindriftError(f"{result.path}: --log: the lower limit, {low:g}, must be positive")
        return low, low * 1.21 if constant and high is None else high, 0.0
    if has_positive or high is not None and high >= 0.0:
        return low, high, 1e-4 * reach
    high = -(least / 1.1 if constant else least) if high is None else high
    return high * 1.21 if constant and low is None else low, high, -high


def _shows_a_number(axes):
    """Whether a map, points or lines show anything finite; lines across the axes do not count."""
    drawn = [one.get_array() if isinstance(one, QuadMesh) else one.get_offsets() for one in axes.collections]
    drawn += [line.get_ydata() for line in axes.get_lines() if line.get_transform() == axes.transData]
    return any(np.ma.masked_invalid(np.ma.asarray(values, float)).count() for values in drawn)


def _finite_of_lines(axes):
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()])
    return values[np.isfinite(values)]


# ----------------------------------------------------------------------------------------------------------------------
# One run


def _panels(count):
    return style.new_figure(style.DOUBLE if count > 1 else style.SINGLE, count)


def _draw_run(result):
    if "lagrange_multiplier" in result and "time" in result["lagrange_multiplier"].dimensions:
        panels = [result[name] for name in ("lagrange_multiplier", "current") if name in result]
    else:
        panels = [result[name] for name in DISTRIBUTIONS if name in result and result[name].values.ndim >= 1]
    if not panels:
        panels = [result[name] for name in MAPS if name in result][:1]
        lines = [result[name] for name in ("drift", "drift_symmetric") if name in result and result[name].values.ndim]
        panels += lines[:1] if panels else []
    if not panels and "pole" in result:
        pole = result["pole"]
        panels = [replace(pole, name="pole_real", values=pole.values.real), replace(pole, name="pole_imaginary", values=pole.values.imag)]
    if not panels and (gradients := _gradients(result)):
        return _draw_gradients(result, gradients)
    if not panels:
        panels = _anything(result)
    figure, all_axes = _panels(len(panels))
    for axes, field in zip(all_axes, panels):
        draw_field(figure, axes, result, field)
    if "current" in result and result["current"].values.ndim == 0:
        value, symbol = float(result["current"].values), style.symbol("current")
        units = style.units_text(result["current"].units, result).strip(" ()")
        text = f"{symbol} = {value:.6g}" if abs(value) > NO_CURRENT or value == 0.0 else f"|{symbol}| < {NO_CURRENT:.0e}"
        all_axes[-1].set_title(f"{text} {units}".rstrip(), loc="right")
    return figure


def _anything(result):
    """The remaining fields, physical quantities first, in at most two panels."""
    numeric = [one for one in result.fields.values()
               if one.values.dtype.kind in "fciu" and 1 <= one.values.ndim and np.any(np.isfinite(one.values))]
    chosen = [one for one in numeric if one.name not in DIAGNOSTICS] or numeric
    if not chosen:
        raise LindriftError(f"{result.path}: there is nothing to draw: no dataset with a dimension holds numbers")
    return chosen[:2]


def _gradients(result):
    """(name, derivatives of every current) for every parameter; two for a complex one."""
    found = []
    for name, field in result.fields.items():
        if name.startswith("gradient_") and field.dimensions in ((), ("of",)):
            key, values = name.removeprefix("gradient_"), np.atleast_1d(field.values)
            found += [(f"Re {key}", values.real), (f"Im {key}", values.imag)] if np.iscomplexobj(values) else [(key, values)]
    return found


def _draw_gradients(result, gradients):
    """A row for each parameter, a colour for each current."""
    figure, (axes,) = style.new_figure((style.WIDE[0], max(style.WIDE[1], 1.2 + 0.32 * len(gradients))))
    rows = np.arange(len(gradients))
    currents = axis.names(result, "of") if "of" in result else [""]
    for index, (name, colour) in enumerate(zip(currents, style.COLOURS)):
        axes.plot([values[index] for _, values in gradients], rows, "o", color=colour, label=name)
    axes.axvline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    axes.set_yticks(rows, [name for name, _ in gradients])
    axes.invert_yaxis()
    axes.set_xlabel("derivative of the current")
    if len(currents) > 1:
        _legend_outside(axes, "current")
    return figure


def _draw_dataset(result, field):
    """Draws one dataset, of a run or over a sweep."""
    if field.values.dtype.kind not in "fciu":
        raise LindriftError(f"{result.path}: dataset {field.name} holds no numbers")
    sweep = result.sweep_dimensions
    if not sweep or field.dimensions[:len(sweep)] != sweep:
        figure, (axes,) = style.new_figure()
        draw_field(figure, axes, result, field)
    elif field.dimensions == sweep:
        figure, (axes,) = style.new_figure()
        _draw_over_sweep(figure, axes, result, field)
    elif field.dimensions[len(sweep):] in (("direction",), ("spin",)):
        return _draw_components(result, field)
    elif len(sweep) == 1 and _is_family(field):
        figure, (axes,) = style.new_figure(style.WIDE)
        _draw_members(axes, result, field)
    else:
        return _draw_one_point(result, field.name)
    return figure


# ----------------------------------------------------------------------------------------------------------------------
# A sweep


def _is_family(field):
    """Whether each point of a one-dimensional sweep has one line, or one line per band."""
    return field.values.ndim == 2 or field.dimensions[1:] == ("band", "momentum")


def _draw_members(axes, result, field):
    (_draw_family if field.values.ndim == 2 else _draw_bands)(axes, result, field)


def _draw_sweep(result):
    dimensions = result.sweep_dimensions
    present = [result[name] for name in OBSERVABLES if name in result]
    scalar = [one for one in present if one.dimensions == dimensions]
    traces = [one for one in present if len(one.dimensions) == len(dimensions) + 1]
    resolved = [result[name] for name in reversed(DISTRIBUTIONS) if name in result] if len(dimensions) == 1 else []
    vectors = [one for one in present if one.dimensions == (*dimensions, "direction")]
    if not scalar and "current_spin" in result:
        vectors += [one for one in [result["current_spin"]] if one.dimensions == (*dimensions, "spin")]
    if vectors:
        return _draw_components(result, vectors[0])
    if scalar:
        resolved = [one for one in resolved if _is_family(one)][:1]
        figure, all_axes = _panels(1 + len(resolved))
        _draw_over_sweep(figure, all_axes[0], result, scalar[0])
        for axes, field in zip(all_axes[1:], resolved):
            _draw_members(axes, result, field)
        return figure
    families = traces if len(dimensions) == 1 else []
    families = families or [one for one in resolved if one.values.ndim == 2]
    if families:
        figure, (axes,) = style.new_figure(style.WIDE)
        _draw_family(axes, result, families[0])
        return figure
    others = [one for one in result.fields.values() if one.dimensions == dimensions and one.name not in DIAGNOSTICS
              and one.values.dtype.kind in "fiu" and not one.name.startswith("gradient_")]
    if others and not any(name in result for name in (*DISTRIBUTIONS, *MAPS)):
        figure, all_axes = _panels(len(others[:2]))
        for axes, field in zip(all_axes, others):
            _draw_over_sweep(figure, axes, result, field)
        return figure
    return _draw_one_point(result)


def _draw_components(result, field):
    """One panel for each component of a vector, or each spin, over all points."""
    dimensions = result.sweep_dimensions
    names = result[field.dimensions[-1]].values
    parts = [replace(field, name=f"{field.name}_{name}", values=field.values[..., i], dimensions=dimensions)
             for i, name in enumerate(names)]
    result = replace(result, fields={**result.fields, **{part.name: part for part in parts}})
    figure, all_axes = _panels(len(parts))
    for axes, part in zip(all_axes, parts):
        _draw_over_sweep(figure, axes, result, part)
    return figure


def _nothing_done(result):
    return LindriftError(f"{result.path}: there is nothing to draw: no point of the sweep is done")


def _draw_one_point(result, dataset=None):
    """Draws one point of a sweep, named in the title, if nothing represents the whole sweep."""
    usable = np.argwhere(axis.is_there(result))
    if len(usable) == 0:
        raise _nothing_done(result)
    notes = []
    for dimension, index in zip(result.sweep_dimensions, usable[len(usable) // 2]):
        result, note = axis.fixed(result, dimension, index)
        notes.append(note)
    point = replace(result, fields={name: one for name, one in result.fields.items() if name not in ("status", "error")})
    if dataset:
        figure, (axes,) = style.new_figure()
        draw_field(figure, axes, point, point[dataset])
    else:
        figure = _draw_run(point)
    _add_title(figure.axes[0], notes)
    return figure


def _draw_over_sweep(figure, axes, result, field):
    """A scalar of every point: a line for one dimension, a family or a heatmap for two, the fullest slice for more."""
    if not np.any(axis.is_there(result)):
        raise _nothing_done(result)
    notes = []
    while len(result.sweep_dimensions) > 2:
        there = axis.is_there(result)
        there = there.reshape(len(there), -1).sum(axis=1)
        fullest = np.flatnonzero(there == there.max())
        result, note = axis.fixed(result, result.sweep_dimensions[0], fullest[len(fullest) // 2])
        notes.append(note)
    _add_title(axes, notes)

    dimensions, values, status = result.sweep_dimensions, np.real(result[field.name].values), result.status
    if values.ndim == 2 and values.shape[1] <= MOST_LINES < values.shape[0]:  # the longer dimension becomes the axis
        dimensions, values, status = dimensions[::-1], values.T, status.T
    inner = dimensions[-1]
    x = axis.numbers(result, inner)
    if values.ndim == 2 and values.shape[0] > MOST_LINES:
        shown = np.where((status == DONE) | (status == NOT_CONVERGED), values, np.nan)
        _heatmap(figure, axes, result, field, (axis.numbers(result, dimensions[0]), dimensions[0]), (x, inner), shown)
        return
    if axis.is_logarithmic(x):
        axes.set_xscale("log")
    elif x.dtype.kind in "iu":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if values.ndim == 1:
        _draw_points(axes, x, values, status, style.BLUE)
        spins = _spin_currents(result, result[field.name])
        for name, part, colour in spins:
            _draw_points(axes, x, part, status, colour, rf"$I_{{{name}}}$")
        if spins:
            axes.lines[0].set_label(style.symbol(field.name))
            axes.legend()
    else:
        outer = axis.numbers(result, dimensions[0])
        for row, colour in enumerate(_family_colours(outer)):
            _draw_points(axes, x, values[row], status[row], colour, axis.value_text(dimensions[0], outer[row]))
        axes.legend(title=_legend_title(result, dimensions[0]))
    _zero_line(axes, values)
    axes.set_xlabel(axis.label(result, inner))
    axes.set_ylabel(style.label(field, result))


def _spin_currents(result, field):
    if field.name != "current" or "current_spin" not in result or "spin" not in result:
        return []
    part = result["current_spin"]
    if part.dimensions != (*field.dimensions, "spin"):
        return []
    return [(style.PARTS.get(str(name), name), part.values[..., index], colour)
            for index, (name, colour) in enumerate(zip(result["spin"].values, (style.VERMILION, style.GREEN)))]


def _draw_points(axes, x, values, status, colour, label=None):
    """Draws a line through the points with results: filled where converged, hollow where not."""
    values = np.real(values)
    there = (status == DONE) | (status == NOT_CONVERGED)
    hollow = status == NOT_CONVERGED
    axes.plot(x[there], values[there], color=colour, label=label, zorder=2)
    if np.sum(there) <= 80:
        axes.plot(x[there & ~hollow], values[there & ~hollow], "o", color=colour, zorder=3)
    axes.plot(x[hollow], values[hollow], "o", color=colour, markerfacecolor="white", markersize=6.0, zorder=4)


def _chosen_points(result, most):
    """Some points of a one-dimensional sweep that have results, evenly spread, with their swept values and colours."""
    there = np.flatnonzero(axis.is_there(result))
    if len(there) == 0:
        raise _nothing_done(result)
    chosen = there[np.unique(np.linspace(0, len(there) - 1, min(len(there), most)).round().astype(int))]
    swept = axis.numbers(result, result.sweep_dimensions[0])[chosen]
    return list(zip(chosen, swept, _family_colours(swept)))


def _legend_title(result, dimension):
    """The symbol of a key; of a complex one, the part that varies."""
    key = axis.key_of(result, dimension)
    is_complex = key in result and result[key].values.dtype.kind == "c"
    return axis.label(result, dimension) if is_complex else style.symbol(key)


def _draw_family(axes, result, field):
    """Draws some points of a one-dimensional sweep, each as a line over the field's own dimension."""
    inner = field.dimensions[1]
    for index, value, colour in _chosen_points(result, MOST_LINES):
        x, y = _wrapped(inner, axis.numbers(result, inner, field.values.shape[1]), _finite(np.real(field.values[index])))
        hollow = result.status[index] == NOT_CONVERGED
        axes.plot(x, y, color=colour, linestyle=":" if hollow else "-", label=axis.value_text("", value))
    _legend_outside(axes, _legend_title(result, result.sweep_dimensions[0]))
    _label_axes(axes, result, field, inner)


def _draw_bands(axes, result, field):
    """Draws two bands at some points of a sweep: one colour for each point, one line style for each band."""
    momentum = result["momentum"].values
    strokes = ("-", (0, (4, 2)))
    for index, value, colour in _chosen_points(result, MOST_LINES // 2):
        for values, stroke, label in zip(field.values[index], strokes, (axis.value_text("", value), None)):
            x, y = style.whole_zone(momentum, _finite(values))
            axes.plot(x, y, color=colour, linestyle=stroke, linewidth=1.5, label=label)
    for band, stroke in zip(axis.names(result, "band"), strokes):
        axes.plot([], [], color=style.INK, linestyle=stroke, linewidth=1.5, label=f"band {band}")
    _legend_outside(axes, _legend_title(result, result.sweep_dimensions[0]))
    _label_axes(axes, result, field, "momentum")


# ----------------------------------------------------------------------------------------------------------------------
# Fields according to their dimensions


def draw_field(figure, axes, result, field):
    """Lines for one dimension; over a second one, a family of lines for few members and a heatmap for many."""
    if field.values.ndim == 0:
        raise LindriftError(f"{result.path}: dataset {field.name} is a single number: nothing to draw")
    shown, notes = _over_two_dimensions(result, field)
    _add_title(axes, notes)
    values, dimensions = shown.values, shown.dimensions
    if values.ndim == 1:
        _draw_line(axes, result, shown)
    elif dimensions[0] in ("band", "spin") or dimensions[1] in ("band", "spin"):
        _draw_parts(axes, result, shown)
    elif field.name in DISTRIBUTIONS and dimensions == ("time", "momentum"):
        _draw_trajectories(figure, axes, result, shown)
    elif min(values.shape) <= FEW:
        _draw_few(axes, result, shown)
    else:
        _draw_map(figure, axes, result, shown)


def _over_two_dimensions(result, field):
    """The field at one place along all dimensions but two, and a description of that place in symbols."""
    notes = []
    while field.values.ndim > 2:
        dimensions = field.dimensions
        parts = [one for one in dimensions if axis.is_discrete(one) and one not in ("band", "spin")]
        cut = parts[-1] if parts else dimensions[0]
        place = dimensions.index(cut)
        # The last time shows where a relaxation ends.
        index = 0 if axis.is_discrete(cut) else -1 if cut == "time" and field.name in DISTRIBUTIONS else field.values.shape[place] // 2
        notes.append(f"{style.symbol(cut)} = {axis.names(result, cut, field.values.shape[place])[index]}")
        field = replace(field, values=np.take(field.values, index, place), dimensions=dimensions[:place] + dimensions[place + 1:])
    return field, notes


def _stroke(dimension, y):
    """Marks the points where there are few, and draws no line between members without an order."""
    return {"marker": "o" if len(y) <= 40 else None, "linestyle": "none" if axis.is_discrete(dimension) else "-"}


def _draw_line(axes, result, field):
    (dimension,) = field.dimensions
    coordinate = axis.numbers(result, dimension, len(field.values))
    values = field.values
    if np.iscomplexobj(values):
        stroke = _stroke(dimension, values)
        axes.plot(coordinate, np.real(values), color=style.BLUE, label="real part", **stroke)
        axes.plot(coordinate, np.imag(values), color=style.VERMILION, label="imaginary part", **stroke)
        axes.legend()
    else:
        x, y = _wrapped(dimension, coordinate, _finite(values))
        stroke = _stroke(dimension, y)
        spins = _spin_currents(result, field)
        axes.plot(x, y, color=style.BLUE, label=style.symbol(field.name), zorder=3, **stroke)
        for name, part, colour in spins:
            axes.plot(x, _finite(part), color=colour, linewidth=1.5, label=rf"$I_{{{name}}}$", **stroke)
            values = np.append(values, part)
        if spins:
            axes.legend()
    _zero_line(axes, np.real(values))
    _label_axes(axes, result, field, dimension)


def _draw_parts(axes, result, field):
    """Draws one line for each band or spin."""
    part_axis = 0 if field.dimensions[0] in ("band", "spin") else 1
    names = axis.names(result, field.dimensions[part_axis], field.values.shape[part_axis])
    inner = field.dimensions[1 - part_axis]
    coordinate = axis.numbers(result, inner, field.values.shape[1 - part_axis])
    for name, values, colour in zip(names, np.moveaxis(field.values, part_axis, 0), style.COLOURS):
        x, y = _wrapped(inner, coordinate, _finite(np.real(values)))
        axes.plot(x, y, color=colour, label=name, **_stroke(inner, y))
    axes.legend(title=field.dimensions[part_axis])
    _label_axes(axes, result, field, inner)


def _draw_trajectories(figure, axes, result, field):
    """Draws a momentum-resolved field against time for some momenta, coloured by momentum."""
    time, momentum = result["time"].values, result["momentum"].values
    chosen = np.unique(np.linspace(0, len(momentum) - 1, min(len(momentum), MOST_LINES)).round().astype(int))
    colours = Normalize(-np.pi, np.pi)
    for index in chosen:
        axes.plot(time, _finite(field.values[:, index]), color=style.FAMILY(colours(momentum[index])))
    _label_axes(axes, result, field, "time")
    if len(time) > 1:
        axes.set_xlim(time[0], time[-1])
    bar = figure.colorbar(ScalarMappable(colours, style.FAMILY), ax=axes, pad=0.02, aspect=28)
    bar.set_label(style.label(result["momentum"], result))
    style.momentum_axis(bar.ax.yaxis, np.array([-np.pi, 0.0, np.pi]))
    bar.outline.set_visible(False)


def _magnitude(field):
    """What is drawn of complex numbers: the probability for a propagator, otherwise the modulus."""
    if field.name.startswith("green_retarded"):
        return np.abs(field.values) ** 2
    return np.abs(field.values) if np.iscomplexobj(field.values) else field.values


def _draw_few(axes, result, field):
    """Draws a line for each member of the smaller dimension, or for each time if there are few."""
    values, (outer, inner) = _magnitude(field), field.dimensions
    few_times = [dimension == "time" and count <= FEW for dimension, count in zip(field.dimensions, values.shape)]
    parts = [axis.is_discrete(dimension) for dimension in field.dimensions]  # make lines, and no axis
    if parts[1] > parts[0] or parts[0] == parts[1] and (few_times[1] or (values.shape[0] > values.shape[1] and not few_times[0])):
        values, outer, inner = values.T, inner, outer
    for name, row, colour in zip(axis.names(result, outer, len(values)), values, _family_colours(values)):
        x, y = _wrapped(inner, axis.numbers(result, inner, len(row)), _finite(row))
        axes.plot(x, y, color=colour, label=name, **_stroke(inner, y))
    _legend_outside(axes, style.symbol(outer))
    _label_axes(axes, result, field, inner)


def _draw_map(figure, axes, result, field):
    """Draws a heatmap with the outer dimension upwards; a spectrum has momentum along x and frequency upwards."""
    rows, columns = field.dimensions
    values = _magnitude(field)
    if rows in ("momentum", "momentum_1", "path"):
        rows, columns, values = columns, rows, values.T
    y, x = axis.numbers(result, rows, values.shape[0]), axis.numbers(result, columns, values.shape[1])
    if columns.startswith("momentum"):
        x, values = style.whole_zone(x, values)
    if rows.startswith("momentum"):
        y, values = style.whole_zone(y, values.T)
        values = values.T
    # A packet spreads: on a linear scale that includes its early peak, all later times would be dark.
    spreads = (rows, columns) == ("time", "site")
    late = y >= y[0] + 0.1 * (y[-1] - y[0]) if spreads else slice(None)
    _heatmap(figure, axes, result, field, (y, rows), (x, columns), _finite(values), top=_largest(values[late]),
             exponent=0.5 if spreads else 1.0)


def _largest(values):
    finite = values[np.isfinite(values)]
    return float(np.max(finite)) if finite.size else None


def _edges(values, logarithmic, ending):
    """Borders of a map's cells around their values; the outermost cells may end at their values."""
    if logarithmic:
        return np.exp(_edges(np.log(values), False, ending))
    values = np.asarray(values, float)
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    middle = (values[1:] + values[:-1]) / 2.0
    ends = values[[0, -1]] if ending else (2.0 * values[0] - middle[0], 2.0 * values[-1] - middle[-1])
    return np.concatenate([ends[:1], middle, ends[1:]])


def _heatmap(figure, axes, result, field, vertical, horizontal, values, exponent=1.0, top=None):
    """Draws colours from zero if a quantity has one sign, and symmetric about zero if it has both.

    vertical, horizontal  numbers along an axis and the name of its dimension
    exponent < 1          emphasises small values of a quantity of one sign
    top                   end of the colour scale, if below the largest value
    """
    if not np.any(np.isfinite(values)):
        raise LindriftError(f"{result.path}: dataset {field.name}: there is nothing to draw: no value is a finite number")
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    label, extend = _value_label(result, field), "neither"
    if min(-low, high) > axis.ROUNDING * max(-low, high):
        reach = max(-low, high)
        scale, norm = style.SIGNED, TwoSlopeNorm(0.0, -reach, reach)
    else:
        bottom, highest = (0.0, high or 1.0) if high > -low or low == high == 0.0 else (low, 0.0)
        scale, norm = style.MAGNITUDE, Normalize(bottom, highest)
        if exponent != 1.0 and highest > 0.0:
            if top and top < highest:
                highest, extend = top, "max"
            norm, label = PowerNorm(exponent, bottom, highest), label + SQUARE_ROOT
    edges = []
    for (numbers, dimension), set_scale in ((horizontal, axes.set_xscale), (vertical, axes.set_yscale)):
        logarithmic = dimension in result.sweep_dimensions and axis.is_logarithmic(numbers)
        if logarithmic:
            set_scale("log")
        edges.append(_edges(numbers, logarithmic, dimension in ENDING))
    # As vector graphics, a map of many thousand cells would be slow to open.
    mesh = axes.pcolormesh(*edges, np.ma.masked_invalid(values), cmap=scale, norm=norm, rasterized=True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28, extend=extend)
    bar.set_label(label)
    bar.outline.set_visible(False)
    axes.set_xlabel(axis.label(result, horizontal[1]))
    axes.set_ylabel(axis.label(result, vertical[1]))
    if horizontal[1].startswith("momentum"):
        axes.set_xlim(-np.pi, np.pi)
        style.momentum_axis(axes.xaxis, horizontal[0])
    if vertical[1].startswith("momentum"):
        axes.set_ylim(-np.pi, np.pi)
        style.momentum_axis(axes.yaxis, vertical[0])


# ----------------------------------------------------------------------------------------------------------------------
# Lines


def _value_label(result, field):
    """Label of the values as they are drawn: of unknown complex numbers the modulus."""
    label = style.label(field, result)
    return f"modulus of {label}" if np.iscomplexobj(field.values) and field.values.ndim > 1 and field.name not in style.NAMES else label


def _label_axes(axes, result, field, dimension):
    axes.set_xlabel(axis.label(result, dimension))
    axes.set_ylabel(_value_label(result, field))
    if dimension.startswith("momentum"):
        axes.set_xlim(-np.pi, np.pi)
        style.momentum_axis(axes.xaxis, axis.numbers(result, dimension))
        return
    length = field.values.shape[field.dimensions.index(dimension)]
    members = axis.numbers(result, dimension, length)
    if axis.is_discrete(dimension):
        axes.set_xlim(np.min(members) - 0.5, np.max(members) + 0.5)
        if length <= MOST_LINES:
            axes.set_xticks(members, axis.names(result, dimension, length))
    elif members.dtype.kind in "iu":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend_outside(axes, title):
    axes.legend(title=title, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _family_colours(values):
    """A colour for each member by its rank, evenly spread whatever the spacing."""
    count = len(values)
    return [style.FAMILY(rank / (count - 1) if count > 1 else 0.0) for rank in range(count)]


def _wrapped(dimension, x, y):
    return style.whole_zone(x, y) if dimension.startswith("momentum") else (x, y)


def _finite(values):
    """Replaces infinities, which mark exactly empty or full modes, by gaps in a line."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), values, np.nan)


def _zero_line(axes, values):
    finite = values[np.isfinite(values)]
    slack = axis.ROUNDING * np.max(np.abs(finite), initial=0.0)
    if finite.size and np.min(finite) <= slack and np.max(finite) >= -slack:
        axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
