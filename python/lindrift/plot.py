"""A sensible picture of any result file, chosen by the datasets in it.

A sweep shows its scalar (current, drift, ...) against the swept key, and the momentum-resolved field as a family of
lines; a single run shows what its task made. What is not known by name is drawn by its dimensions: lines for one, a
heatmap for two.
Points of a sweep that are missing or failed are left out; points that did not converge are drawn hollow.
"""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, PowerNorm, TwoSlopeNorm

from . import style
from .result import DONE, NOT_CONVERGED, Field, LindriftError

# What a sweep shows first, if it is there.
OBSERVABLES = ("current", "drift", "drift_symmetric", "norm", "particle_number")
# Momentum-resolved fields, most telling first, and pictures over two dimensions.
DISTRIBUTIONS = ("occupation", "lagrange_multiplier")
MAPS = ("green_retarded", "green_retarded_momentum", "spectral_function", "density", "self_energy",
        "green_retarded_frequency")
# Diagnostics of the solver, drawn only where there is nothing else.
DIAGNOSTICS = ("residual", "steps", "converged", "status", "error", "norm", "particle_number")

ROUNDING = 1e-9  # a value this far below the largest one is a zero

LOGARITHMIC = 1000.0  # positive values of a swept key that span this factor have a logarithmic axis

MOST_LINES = 9  # more of them in one panel cannot be told apart


@style.styled
def draw(result):
    """Draws a result and returns the matplotlib figure. Raises LindriftError if the file holds nothing to draw."""
    figure = _draw_sweep(result) if result.sweep_dimensions else _draw_run(result)
    notes = _notes(result)
    if notes:
        figure.suptitle(notes, fontsize=11.0, color=style.VERMILION)
    return figure


def _notes(result):
    status = result.status
    if status.ndim == 0:
        return "" if status == DONE else "did not converge"
    absent = int(np.sum((status != DONE) & (status != NOT_CONVERGED)))
    hollow = int(np.sum(status == NOT_CONVERGED))
    parts = []
    if absent:
        parts.append(f"{absent} of {status.size} points missing or failed")
    if hollow:
        parts.append(f"{hollow} of {status.size} points did not converge (hollow)")
    return ", ".join(parts)


# ----------------------------------------------------------------------------------------------------------------------
# One run


def _draw_run(result):
    if "lagrange_multiplier" in result and "time" in result["lagrange_multiplier"].dimensions:
        return _draw_relaxation(result)
    panels = [result[name] for name in DISTRIBUTIONS if name in result and result[name].values.ndim >= 1]
    if not panels:
        panels = [result[name] for name in MAPS if name in result][:1]
        lines = [result[name] for name in ("drift", "drift_symmetric") if name in result]
        panels += lines[:1] if panels else []
    if not panels:
        panels = _anything(result)
    figure, all_axes = style.new_figure(style.DOUBLE if len(panels) > 1 else style.SINGLE, len(panels))
    for axes, field in zip(all_axes, panels):
        draw_field(figure, axes, result, field)
    if "current" in result and result["current"].values.ndim == 0:
        value = float(result["current"].values)
        units = style.units_text(result["current"].units, result).strip(" ()")
        all_axes[-1].set_title(f"{style.symbol('current')} = {value:.6g} {units}".rstrip(), loc="right")
    return figure


def _anything(result):
    """The fields that remain, real science first, at most two panels."""
    numeric = [one for one in result.fields.values() if one.values.dtype.kind in "fciu" and 1 <= one.values.ndim]
    chosen = [one for one in numeric if one.name not in DIAGNOSTICS] or numeric
    if not chosen:
        raise LindriftError(f"{result.path}: there is nothing to draw: no dataset with a dimension holds numbers")
    return chosen[:2]


def _draw_relaxation(result):
    panels = [result["lagrange_multiplier"]]
    if "current" in result:
        panels.append(result["current"])
    figure, all_axes = style.new_figure(style.DOUBLE if len(panels) > 1 else style.SINGLE, len(panels))
    for axes, field in zip(all_axes, panels):
        draw_field(figure, axes, result, field)
    return figure


# ----------------------------------------------------------------------------------------------------------------------
# A sweep


def _draw_sweep(result):
    dimensions = result.sweep_dimensions
    present = [name for name in OBSERVABLES if name in result]
    scalar = [result[name] for name in present if result[name].dimensions == dimensions]
    traces = [result[name] for name in present if len(result[name].dimensions) == len(dimensions) + 1]
    resolved = [result[name] for name in reversed(DISTRIBUTIONS) if name in result] if len(dimensions) == 1 else []
    if scalar:
        resolved = [one for one in resolved if one.values.ndim == 2 or one.dimensions[1:] == ("band", "momentum")][:1]
        figure, all_axes = style.new_figure(style.DOUBLE if resolved else style.SINGLE, 1 + len(resolved))
        _draw_over_sweep(figure, all_axes[0], result, scalar[0])
        for axes, field in zip(all_axes[1:], resolved):
            (_draw_family if field.values.ndim == 2 else _draw_bands)(axes, result, field)
        return figure
    families = traces if len(dimensions) == 1 else []
    families = families or [one for one in resolved if one.values.ndim == 2]
    if families:
        figure, (axes,) = style.new_figure((7.2, 4.4))
        _draw_family(axes, result, families[0])
        return figure
    return _draw_one_point(result)


def _draw_one_point(result):
    """Where nothing reduces to a picture of the whole sweep: one of its points, named in the title."""
    usable = np.argwhere((result.status == DONE) | (result.status == NOT_CONVERGED))
    if len(usable) == 0:
        raise LindriftError(f"{result.path}: there is nothing to draw: no point of the sweep is done")
    index = tuple(usable[len(usable) // 2])
    depth = len(index)
    fields = {
        name: Field(name, one.values[index], one.dimensions[depth:], one.units, one.long_name)
        for name, one in result.fields.items()
        if one.dimensions[:depth] == result.sweep_dimensions and name not in ("status", "error")
    }
    point = type(result)(result.path, fields, result.coordinates, result.attributes)
    figure = _draw_run(point)
    where = ", ".join(f"{style.symbol(key)} = {_text(result[key].values[_position(result, key, index)])}"
                      for key in result.sweep_keys)
    figure.axes[0].set_title(where, loc="left")
    return figure


def _position(result, key, index):
    return index[result.sweep_dimensions.index(result[key].dimensions[0])]


def _text(value):
    return f"{value:.4g}" if np.ndim(value) == 0 else str(value)


def _draw_over_sweep(figure, axes, result, field):
    """A scalar of every point: a line for one dimension, a family or a heatmap for two, a middle slice for more."""
    dimensions, values, status = result.sweep_dimensions, field.values, result.status
    fixed = []
    while values.ndim > 2:
        middle = values.shape[0] // 2
        fixed.append(f"{style.symbol(dimensions[0])} = {_text(_axis_values(result, dimensions[0])[middle])}")
        dimensions, values, status = dimensions[1:], values[middle], status[middle]
    if fixed:
        axes.set_title(", ".join(fixed), loc="left")

    inner = dimensions[-1]
    x = _axis_values(result, inner)
    if np.min(x) > 0.0 and np.max(x) >= LOGARITHMIC * np.min(x):
        axes.set_xscale("log")
    if values.ndim == 1:
        _draw_points(axes, x, values, status, style.BLUE)
        spins = _spin_currents(result, field)
        for name, part, colour in spins:
            _draw_points(axes, x, part, status, colour, rf"$I_{{{name}}}$")
        if spins:
            axes.lines[0].set_label(style.symbol(field.name))
            axes.legend()
    elif values.shape[0] <= MOST_LINES:
        outer = _axis_values(result, dimensions[0])
        for row, colour in enumerate(_family_colours(outer)):
            _draw_points(axes, x, values[row], status[row], colour, _text(outer[row]))
        axes.legend(title=style.symbol(_axis_key(result, dimensions[0])))
    else:
        shown = np.where((status == DONE) | (status == NOT_CONVERGED), np.real(values), np.nan)
        _heatmap(figure, axes, x, _axis_values(result, dimensions[0]), shown, style.label(field, result))
        axes.set_xlabel(_axis_label(result, inner))
        axes.set_ylabel(_axis_label(result, dimensions[0]))
        return
    _zero_line(axes, values)
    axes.set_xlabel(_axis_label(result, inner))
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
    """A line through the points that are there, filled where converged and hollow where not."""
    values = np.real(values)
    there = (status == DONE) | (status == NOT_CONVERGED)
    hollow = status == NOT_CONVERGED
    axes.plot(x[there], values[there], color=colour, label=label, zorder=2)
    if np.sum(there) <= 80:
        axes.plot(x[there & ~hollow], values[there & ~hollow], "o", color=colour, zorder=3)
    axes.plot(x[hollow], values[hollow], "o", color=colour, markerfacecolor="white", markersize=6.0, zorder=4)


def _chosen_points(result, most):
    """Some points of a sweep over one dimension that are there, evenly spread, with their swept values and colours."""
    there = np.flatnonzero((result.status == DONE) | (result.status == NOT_CONVERGED))
    if len(there) == 0:
        raise LindriftError(f"{result.path}: there is nothing to draw: no point of the sweep is done")
    chosen = there[np.unique(np.linspace(0, len(there) - 1, min(len(there), most)).round().astype(int))]
    swept = _axis_values(result, result.sweep_dimensions[0])[chosen]
    return list(zip(chosen, swept, _family_colours(swept)))


def _family_legend(axes, result):
    title = style.symbol(_axis_key(result, result.sweep_dimensions[0]))
    axes.legend(title=title, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_family(axes, result, field):
    """A selection of the points of a sweep over one dimension, each as a line over the field's own dimension."""
    inner = field.dimensions[1]
    for index, value, colour in _chosen_points(result, MOST_LINES):
        x, y = _wrapped(inner, result[inner].values, _finite(field.values[index]))
        hollow = result.status[index] == NOT_CONVERGED
        axes.plot(x, y, color=colour, linestyle=":" if hollow else "-", label=_text(value))
    _family_legend(axes, result)
    _label_axes(axes, result, field, inner)


def _draw_bands(axes, result, field):
    """Two bands at a selection of the points of a sweep: one colour for each point, one stroke for each band."""
    momentum = result["momentum"].values
    strokes = ("-", (0, (4, 2)))
    for index, value, colour in _chosen_points(result, MOST_LINES // 2):
        for values, stroke, label in zip(field.values[index], strokes, (_text(value), None)):
            x, y = style.whole_zone(momentum, _finite(values))
            axes.plot(x, y, color=colour, linestyle=stroke, linewidth=1.5, label=label)
    for band, stroke in zip(result["band"].values, strokes):
        axes.plot([], [], color=style.INK, linestyle=stroke, linewidth=1.5, label=f"band {_part_name(band)}")
    _family_legend(axes, result)
    _label_axes(axes, result, field, "momentum")


# ----------------------------------------------------------------------------------------------------------------------
# Fields by their dimensions


def draw_field(figure, axes, result, field):
    """Lines for one dimension, a family of lines over few and a heatmap over many members of a second one."""
    if field.values.ndim == 0:
        raise LindriftError(f"{result.path}: dataset {field.name} is a single number: nothing to draw")
    values, dimensions = field.values, field.dimensions
    while values.ndim > 3:
        values, dimensions = values[values.shape[0] // 2], dimensions[1:]
    if values.ndim == 3:
        # Times or bands outermost: the last time is where a relaxation has gone.
        if dimensions[0] == "time" and dimensions[-1] == "momentum" and field.name in DISTRIBUTIONS:
            values, dimensions = values[-1], dimensions[1:]
            axes.set_title(rf"$t = {_text(result['time'].values[-1])}$", loc="left")
        else:
            values, dimensions = values[values.shape[0] // 2], dimensions[1:]
    shown = Field(field.name, values, dimensions, field.units, field.long_name)
    if values.ndim == 1:
        _draw_line(axes, result, shown)
    elif dimensions[0] in ("band", "spin") or dimensions[1] in ("band", "spin"):
        _draw_parts(axes, result, shown)
    elif field.name in DISTRIBUTIONS and dimensions == ("time", "momentum"):
        _draw_trajectories(figure, axes, result, shown)
    else:
        _draw_map(figure, axes, result, shown)


def _draw_line(axes, result, field):
    (dimension,) = field.dimensions
    coordinate = _axis_values(result, dimension, len(field.values))
    values = field.values
    if np.iscomplexobj(values):
        axes.plot(coordinate, np.real(values), color=style.BLUE, label="real part")
        axes.plot(coordinate, np.imag(values), color=style.VERMILION, label="imaginary part")
        axes.legend()
    else:
        x, y = _wrapped(dimension, coordinate, _finite(values))
        marker = "o" if len(y) <= 40 else None
        spins = _spin_currents(result, field)
        axes.plot(x, y, color=style.BLUE, marker=marker, label=style.symbol(field.name), zorder=3)
        for name, part, colour in spins:
            axes.plot(x, _finite(part), color=colour, linewidth=1.5, marker=marker, label=rf"$I_{{{name}}}$")
            values = np.append(values, part)
        if spins:
            axes.legend()
    _zero_line(axes, np.real(values))
    _label_axes(axes, result, field, dimension)


def _part_name(name):
    return f"${style.PARTS[str(name)]}$" if str(name) in style.PARTS else str(name)


def _draw_parts(axes, result, field):
    """One line for each band or spin."""
    part_axis = 0 if field.dimensions[0] in ("band", "spin") else 1
    names = _axis_values(result, field.dimensions[part_axis], field.values.shape[part_axis], text=True)
    inner = field.dimensions[1 - part_axis]
    coordinate = _axis_values(result, inner, field.values.shape[1 - part_axis])
    for name, values, colour in zip(names, np.moveaxis(field.values, part_axis, 0), style.COLOURS):
        x, y = _wrapped(inner, coordinate, _finite(np.real(values)))
        axes.plot(x, y, color=colour, marker="o" if len(y) <= 40 else None, label=_part_name(name))
    axes.legend(title=field.dimensions[part_axis])
    _label_axes(axes, result, field, inner)


def _draw_trajectories(figure, axes, result, field):
    """A momentum-resolved field against time for a selection of momenta, coloured by momentum."""
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


def _draw_map(figure, axes, result, field):
    """A heatmap with the outer dimension upwards, or as spectra are shown: momentum along x and frequency upwards."""
    rows, columns = field.dimensions
    values = field.values
    if field.name.startswith("green_retarded"):
        values = np.abs(values) ** 2
    elif np.iscomplexobj(values):
        values = np.abs(values)
    if rows == "momentum":
        rows, columns, values = columns, rows, values.T
    y, x = _axis_values(result, rows, values.shape[0]), _axis_values(result, columns, values.shape[1])
    if columns == "momentum":
        x, values = style.whole_zone(x, values)
    # A packet spreads: on a linear scale all but its first moments would be dark.
    spreads = {"time", "site"} == {rows, columns}
    _heatmap(figure, axes, x, y, _finite(values), style.label(field, result), exponent=0.5 if spreads else 1.0)
    axes.set_xlabel(_axis_label(result, columns))
    axes.set_ylabel(_axis_label(result, rows))
    if columns == "momentum":
        axes.set_xlim(-np.pi, np.pi)
        style.momentum_axis(axes.xaxis, x)


def _heatmap(figure, axes, x, y, values, label, exponent=1.0):
    """Colours from zero where a quantity has one sign, and symmetric about zero where it has both.

    exponent < 1 brings out small values of a quantity of one sign.
    """
    if not np.any(np.isfinite(values)):
        raise LindriftError(f"{label}: there is nothing to draw: no value is a finite number")
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if min(-low, high) > ROUNDING * max(-low, high):
        reach = max(-low, high)
        scale, norm = style.SIGNED, TwoSlopeNorm(0.0, -reach, reach)
    else:
        bottom, top = (0.0, high or 1.0) if high > -low or low == high == 0.0 else (low, 0.0)
        scale = style.MAGNITUDE
        norm = PowerNorm(exponent, bottom, top, clip=True) if exponent != 1.0 and top > 0.0 else Normalize(bottom, top)
    # As vector art a map of many thousand cells would be slow to open.
    shown = np.ma.masked_invalid(values)
    mesh = axes.pcolormesh(x, y, shown, cmap=scale, norm=norm, shading="nearest", rasterized=True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28)
    bar.set_label(label)
    bar.outline.set_visible(False)


# ----------------------------------------------------------------------------------------------------------------------
# Axes


def _axis_key(result, dimension):
    """The input key along a dimension: under zip, whose dimension is `point`, the first swept one."""
    if dimension not in result.sweep_dimensions:
        return dimension
    return next((key for key in result.sweep_keys if result[key].dimensions == (dimension,)), dimension)


def _axis_values(result, dimension, length=None, text=False):
    """Numbers along a dimension; the index where it has no coordinate, or one that is text."""
    key = _axis_key(result, dimension)
    if key not in result:
        if length is None:
            length = result.status.shape[result.sweep_dimensions.index(dimension)]
        return np.arange(length)
    values = result[key].values
    if values.dtype.kind == "c":
        return _varying_part(values)[0]
    return values if text or values.dtype.kind in "fiu" else np.arange(len(values))


def _varying_part(values):
    """A swept complex number as a real axis, and the word for it."""
    if np.ptp(values.imag) == 0.0:
        return values.real, "real part of "
    if np.ptp(values.real) == 0.0:
        return values.imag, "imaginary part of "
    return np.arange(len(values)), "index of "


def _axis_label(result, dimension):
    key = _axis_key(result, dimension)
    if key not in result:
        return dimension
    prefix = _varying_part(result[key].values)[1] if result[key].values.dtype.kind == "c" else ""
    return prefix + style.label(result[key], result)


def _label_axes(axes, result, field, dimension):
    axes.set_xlabel(_axis_label(result, dimension))
    axes.set_ylabel(style.label(field, result))
    if dimension == "momentum":
        axes.set_xlim(-np.pi, np.pi)
        style.momentum_axis(axes.xaxis, _axis_values(result, dimension))


def _family_colours(values):
    """A colour for each member by its rank: evenly spread whatever the spacing."""
    count = len(values)
    return [style.FAMILY(rank / (count - 1) if count > 1 else 0.0) for rank in range(count)]


def _wrapped(dimension, x, y):
    return style.whole_zone(x, y) if dimension == "momentum" else (x, y)


def _finite(values):
    """Infinities mark modes that are exactly empty or full: they are left out of a line."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), values, np.nan)


def _zero_line(axes, values):
    finite = values[np.isfinite(values)]
    slack = ROUNDING * np.max(np.abs(finite), initial=0.0)
    if finite.size and np.min(finite) <= slack and np.max(finite) >= -slack:
        axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
