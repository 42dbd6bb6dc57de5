"""The figures: the published ones and some beyond them.

A figure is a function that turns results into a matplotlib figure, registered with the names of the inputs it needs:

    @published("fig3b", inputs=("fig3b",), title="...")
    def fig3b(results): ...

Input "x" stands for examples/x.toml, and its result for x.h5.
"""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.polynomial import Polynomial

from . import style
from .axes import in_order
from .result import DONE, LindriftError, load


@dataclass(frozen=True)
class PublishedFigure:
    """name, names of its inputs, what it shows, and draw(results: dict from input name to Result) -> Figure"""

    name: str
    inputs: tuple
    title: str
    draw: Callable


FIGURES: "dict[str, PublishedFigure]" = {}


def published(name, inputs, title):
    """Registers a drawing function under a name."""

    def register(function):
        FIGURES[name] = PublishedFigure(name, tuple(inputs), title, style.styled(function))
        return function

    return register


def find(name):
    """The figure with that name. Raises LindriftError if there is none."""
    if name not in FIGURES:
        close = difflib.get_close_matches(name, FIGURES)
        guess = max(close, key=lambda one: len(os.path.commonprefix([one, name])), default="")
        hint = f", did you mean {guess}?" if guess else ""
        raise LindriftError(f"no figure is called {name}{hint}; there are: {', '.join(FIGURES)}")
    return FIGURES[name]


def draw(name, folder):
    """Draws one figure from the result files in a folder.

    Raises LindriftError if there is no such figure, or if a result file is missing or lacks what the figure shows.
    """
    figure, results = find(name), {}
    for one in figure.inputs:
        path = os.path.join(folder, f"{one}.h5")
        if not os.path.exists(path):
            raise LindriftError(f"{name} needs {path}; make it with: lindrift run examples/{one}.toml -o {path}")
        results[one] = in_order(load(path))
    return figure.draw(results)


def _number(result, key):
    value = result.parameter(key)
    if not isinstance(value, (int, float)):
        raise LindriftError(f"{result.path}: its resolved_input has no number {key}")
    return float(value)


def _done(result):
    """Which points of a sweep can be drawn. Raises LindriftError if none can."""
    done = result.status == DONE
    if not np.any(done):
        raise LindriftError(f"{result.path}: no point of its sweep is done")
    return done


@published("fig2", inputs=("fig2",), title="Relaxation of the Lagrange multipliers to the Gibbs state")
def fig2(results):
    result = results["fig2"]
    time, momentum = result["time"].values, result["momentum"].values
    multiplier = result["lagrange_multiplier"].values
    gibbs = -2.0 * _number(result, "bath.inverse_temperature") * _number(result, "model.hopping") * np.cos(momentum)

    figure, (axes,) = style.new_figure()
    colours = Normalize(0.0, np.pi)
    # k and -k relax in the same way, so half of the zone is enough.
    for index in np.flatnonzero(momentum <= 1e-12):
        colour = style.FAMILY(colours(abs(momentum[index])))
        axes.axhline(gibbs[index], color=colour, linestyle=(0, (4, 3)), linewidth=1.0, alpha=0.8)
        axes.plot(time, multiplier[:, index], color=colour)
    axes.plot([], [], color=style.INK, label=r"$\lambda_k(t)$")
    axes.plot([], [], color=style.INK, linestyle=(0, (4, 3)), linewidth=1.0, label=r"$\beta E_k$")
    axes.set_xlabel(style.label(result["time"], result))
    axes.set_ylabel(style.label(result["lagrange_multiplier"], result))
    axes.set_xlim(time[0], time[-1])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)
    bar = figure.colorbar(ScalarMappable(colours, style.FAMILY), ax=axes, pad=0.02, aspect=28)
    bar.set_label(r"momentum $|k|$")
    bar.set_ticks([0.0, np.pi / 2, np.pi], labels=[r"$0$", r"$\pi/2$", r"$\pi$"])
    bar.outline.set_visible(False)
    return figure


@published("fig3a", inputs=("fig3a",), title="Lagrange multipliers of the nonequilibrium steady state")
def fig3a(results):
    result = results["fig3a"]
    key = "bath.nonequilibrium_fraction"
    fractions, momentum = result[key].values, result["momentum"].values

    figure, (axes,) = style.new_figure((7.2, 4.4))
    for index in np.flatnonzero(_done(result)):
        k, multiplier = style.whole_zone(momentum, result["lagrange_multiplier"].values[index])
        if fractions[index] == 0.0:
            axes.plot(k, multiplier, color=style.INK, linestyle=(0, (4, 3)), label=r"$0$ (Gibbs)", zorder=3)
        else:
            colour = style.FAMILY(float(fractions[index]))
            axes.plot(k, multiplier, color=colour, marker="o", clip_on=False, label=f"${fractions[index]:g}$")
    axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    axes.set_xlabel(style.label(result["momentum"], result))
    axes.set_ylabel(style.label(result["lagrange_multiplier"], result))
    axes.set_xlim(-np.pi, np.pi)
    style.momentum_axis(axes.xaxis, momentum)
    axes.legend(title=style.symbol(key), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


@published("fig3b", inputs=("fig3b",), title="Current against the strength of the nonequilibrium bath")
def fig3b(results):
    result = results["fig3b"]
    key = "bath.nonequilibrium_fraction"
    done = _done(result)

    figure, (axes,) = style.new_figure()
    axes.plot(result[key].values[done], result["current"].values[done], color=style.BLUE, marker="o",
              markersize=3.5, clip_on=False)
    axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    axes.set_xlabel("weight of the nonequilibrium bath " + style.label(result[key], result))
    axes.set_ylabel(style.label(result["current"], result))
    axes.set_xlim(0.0, 1.0)
    return figure


def _mark(axes, x, y, text, offset):
    """Draws an open circle with a label `offset` points away."""
    axes.plot(x, y, "o", color=style.INK, markerfacecolor="white", markersize=8.0, zorder=4)
    axes.annotate(text, (x, y), offset, textcoords="offset points", va="center")


def _draw_currents(axes, result, marker=None):
    """Draws the total current and the current of each spin against the weight of the nonequilibrium bath."""
    key = "bath.nonequilibrium_fraction"
    done = _done(result)
    fraction = result[key].values[done]
    axes.plot(fraction, result["current"].values[done], color=style.BLUE, linewidth=2.6, marker=marker,
              label=style.symbol("current"), zorder=3)
    parts = result["current_spin"].values[done]
    for spin, values, colour in zip(result["spin"].values, parts.T, (style.VERMILION, style.GREEN)):
        axes.plot(fraction, values, color=colour, linewidth=1.6, marker=marker, markersize=3.0,
                  label=rf"$I_{{{style.PARTS.get(str(spin), spin)}}}$")
    axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    axes.set_xlabel("weight of the nonequilibrium bath " + style.label(result[key], result))


def _currents_with_peak(result):
    """The currents over the whole range, and near gamma_neq = 1 with the extremum of the total current marked."""
    figure, (whole, near) = style.new_figure(style.DOUBLE, 2)
    begin = 0.97
    _draw_currents(whole, result)
    whole.axvspan(begin, 1.0, color=style.GREY, alpha=0.2, linewidth=0.0, zorder=0)
    whole.set_xlim(0.0, 1.0)
    whole.set_ylabel(style.label(result["current"], result))
    whole.legend(loc="best")
    _draw_currents(near, result, marker="o")
    near.set_xlim(begin, 1.0)
    near.set_xticks([0.97, 0.98, 0.99, 1.0])
    near.set_ylim(whole.get_ylim())

    done = _done(result)
    fraction, current = result["bath.nonequilibrium_fraction"].values[done], result["current"].values[done]
    index = int(np.argmax(np.abs(current)))
    if fraction[index] > begin:
        below = current[index] > 0.0
        _mark(near, fraction[index], current[index], f"${current[index]:.4f}$ at ${fraction[index]:.4f}$",
              (-45, -17 if below else 17))
    return figure


@published("fig5a", inputs=("fig5a",), title="Currents of two bands with spin up dephased")
def fig5a(results):
    return _currents_with_peak(results["fig5a"])


@published("fig5b", inputs=("fig5b",), title="Currents of two bands with both spins dephased alike")
def fig5b(results):
    result = results["fig5b"]
    figure, (axes,) = style.new_figure()
    _draw_currents(axes, result)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylabel(style.label(result["current"], result))
    axes.legend(loc="upper left")
    return figure


def _distributions(result):
    """Occupations of both bands, one panel for each point of the sweep."""
    key = "bath.nonequilibrium_fraction"
    fractions, momentum = result[key].values, result["momentum"].values
    done = np.flatnonzero(_done(result))
    figure, all_axes = style.new_figure(style.DOUBLE, len(done))
    for axes, index in zip(all_axes, done):
        for band, values, colour in zip(result["band"].values, result["occupation"].values[index], style.COLOURS):
            axes.plot(*style.whole_zone(momentum, values), color=colour, label=rf"$n_{{k{band}}}$")
        axes.axvline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
        axes.set_title(f"{style.symbol(key)} = {fractions[index]:g}" + (", Gibbs" if fractions[index] == 0.0 else ""))
        axes.set_xlabel(style.label(result["momentum"], result))
        axes.set_xlim(-np.pi, np.pi)
        axes.set_ylim(-0.02, 1.02)
        style.momentum_axis(axes.xaxis, momentum)
    all_axes[0].set_ylabel(style.label(result["occupation"], result))
    all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


@published("fig5c", inputs=("fig5c",), title="Occupations of two bands with spin up dephased")
def fig5c(results):
    return _distributions(results["fig5c"])


@published("fig6a", inputs=("fig6a",), title="Currents of two bands with spin down dephased")
def fig6a(results):
    return _currents_with_peak(results["fig6a"])


@published("fig6b", inputs=("fig6b",), title="Occupations of two bands with spin down dephased")
def fig6b(results):
    return _distributions(results["fig6b"])


def cold_mode_slope(result):
    """c in I = -c sqrt(gamma_eq) for gamma_eq -> 0, with one spin dephased and all other modes equally occupied.

    At k = 0 and pi the band without the dephased spin is coupled to the thermal bath alone. Around these momenta the
    occupations stay cold within a Lorentzian of width k0 sqrt(gamma_eq): c = -sum v (n - filling) k0 / 2.
    """
    hopping, field = _number(result, "model.hopping"), _number(result, "model.zeeman_field")
    rashba_y, rashba_z = _number(result, "model.rashba_y"), _number(result, "model.rashba_z")
    beta, filling = _number(result, "bath.inverse_temperature"), _number(result, "initial.filling")
    up, down = _number(result, "bath.dephasing_up"), _number(result, "bath.dephasing_down")
    if min(up, down) != 0.0 or max(up, down) == 0.0 or field == 0.0 or rashba_z == 0.0:
        raise LindriftError(f"{result.path}: cold modes need one dephased spin, a Zeeman field and rashba_z")

    # On an even grid, sums integrate periodic functions exactly up to rounding.
    k = 2.0 * np.pi * np.arange(4096) / 4096
    splitting = np.hypot(2.0 * rashba_y * np.sin(k) + field, 2.0 * rashba_z * np.sin(k))
    energy = np.array([-2.0 * hopping * np.cos(k) + splitting, -2.0 * hopping * np.cos(k) - splitting])
    gain = filling * np.exp(beta * energy / 2.0).mean(axis=1).sum()
    loss = (1.0 - filling) * np.exp(-beta * energy / 2.0).mean(axis=1).sum()

    slope = 0.0
    band = -np.sign(field) if up > 0.0 else np.sign(field)
    for cosine in (1.0, -1.0):
        energy = -2.0 * hopping * cosine + band * abs(field)
        velocity = band * 2.0 * rashba_y * cosine * np.sign(field)
        into, out_of = gain * np.exp(-beta * energy / 2.0), loss * np.exp(beta * energy / 2.0)
        width = abs(field / rashba_z) * np.sqrt((into + out_of) / max(up, down))
        slope -= velocity * (into / (into + out_of) - filling) * width / 2.0
    return slope


def _crossing(x, y):
    """Where y(x) first rises through zero, by a cubic through the neighbouring points; None if it never does."""
    for i in np.flatnonzero((y[:-1] < 0.0) & (y[1:] >= 0.0))[:1]:
        near = slice(max(i - 1, 0), i + 3)
        roots = Polynomial.fit(x[near], y[near], len(x[near]) - 1).roots()
        inside = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real >= x[i]) & (roots.real <= x[i + 1])]
        return inside[0] if inside.size else None
    return None


def _minimum(x, y):
    """The minimum of y(x), by a quartic through the neighbouring points; None if it is at an end."""
    i = int(np.argmin(y))
    if i < 2 or i > len(y) - 3:
        return None
    quartic = Polynomial.fit(x[i - 2 : i + 3], y[i - 2 : i + 3], 4)
    fine = np.linspace(x[i - 1], x[i + 1], 2001)
    lowest = fine[np.argmin(quartic(fine))]
    return lowest, quartic(lowest)


def _scientific(value):
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"${mantissa}\times 10^{{{int(exponent)}}}$"


@published("current_return", inputs=("current_return",), title="Return of the current to zero without the thermal bath")
def current_return(results):
    result = results["current_return"]
    key = "bath.equilibrium_fraction"
    done = _done(result)
    weight, current = result[key].values[done], result["current"].values[done]
    if len(weight) < 4 or weight[0] <= 0.0:
        raise LindriftError(f"{result.path}: needs four points or more, all with {key} > 0")

    figure, (axes,) = style.new_figure((7.2, 4.6))
    axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    axes.plot(weight, current, color=style.BLUE, marker="o", markersize=3.5, zorder=3)
    slope = cold_mode_slope(result)
    low, high = 1.9 * min(np.min(current), 0.0), 1.1 * max(np.max(current), 0.0)
    fine = np.geomspace(weight[0], weight[-1], 400)
    axes.plot(fine, -slope * np.sqrt(fine), color=style.INK, linestyle=(0, (4, 3)), linewidth=1.3,
              label=rf"${-slope:.5g}\,\sqrt{{\gamma_{{\mathrm{{eq}}}}}}$")
    zero, lowest = _crossing(np.log(weight), current), _minimum(np.log(weight), current)
    if zero is not None:
        _mark(axes, np.exp(zero), 0.0, f"$I = 0$ at {_scientific(np.exp(zero))}", (14, -12))
    if lowest is not None:
        where, depth = np.exp(lowest[0]), lowest[1]
        _mark(axes, where, depth, f"${depth:.4f}$ at {_scientific(where)}", (14, -12))
    axes.set_xscale("log")
    axes.set_xlim(weight[0], weight[-1])
    axes.set_ylim(low, high)
    axes.set_xlabel("weight of the thermal bath " + style.label(result[key], result))
    axes.set_ylabel(style.label(result["current"], result))
    axes.legend(loc="lower left")
    return figure


def _amplitudes(result):
    """Terms of the only channel: their offsets (a, b), and their amplitudes."""
    channels = result.parameter("bath.jump_operator")
    if not isinstance(channels, list) or len(channels) != 1:
        raise LindriftError(f"{result.path}: its resolved_input has no bath.jump_operator of one channel")
    terms = channels[0]["terms"]
    return [(int(term[0]), int(term[1])) for term in terms], np.array([complex(*term[-2:]) for term in terms])


@published("inverse_design", inputs=("inverse_design", "fig3b"), title="The jump operator that drives the largest current")
def inverse_design(results):
    best, paper = results["inverse_design"], results["fig3b"]
    key = "bath.nonequilibrium_fraction"
    weight = best[key].values
    current, derivative = best["value"].values[:, 0], best["gradient_bath.jump_operator"].values[:, 0]
    terms, amplitudes = _amplitudes(best)

    figure, (axes, plane) = style.new_figure((10.4, 4.4), 2)
    done, known = _done(best), _done(paper)
    axes.plot(weight[done], current[done], color=style.VERMILION, label="best operator of range 1")
    axes.plot(paper[key].values[known], paper["current"].values[known], color=style.BLUE,
              label=r"$\delta = 1 + i$, $\delta' = 1 + i/2$")
    where = int(np.argmin(np.abs(weight - 0.5)))
    ratio = current[where] / np.interp(weight[where], paper[key].values[known], paper["current"].values[known])
    _mark(axes, weight[where], current[where], f"${current[where]:.4f}$: {ratio:.1f} times as much", (6, -20))
    axes.set_xlabel("weight of the nonequilibrium bath " + style.label(paper[key], paper))
    axes.set_ylabel(style.label(paper["current"], paper))
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bottom=0.0)
    axes.legend(loc="upper left")

    # At the optimum the gradient in the amplitudes is parallel to the amplitudes, since only their scale changes the
    # rate.
    slope = derivative[where] * np.linalg.norm(amplitudes) / np.linalg.norm(derivative[where])
    plane.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    plane.axvline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    plane.plot(amplitudes.real, amplitudes.imag, "o", color=style.VERMILION, label="$A_{ab}$")
    plane.plot(slope.real, slope.imag, "o", color=style.INK, markerfacecolor="none", markersize=11.0,
               label=r"$\partial I / \partial A_{ab}$, to scale")
    for (a, b), z in zip(terms, amplitudes):
        # Labels of amplitudes that lie close together go on opposite sides.
        beside = -1 if any(abs(z - other) < 0.5 and z.real < other.real for other in amplitudes) else 1
        plane.annotate(f"$A_{{{a}{b}}}$", (z.real, z.imag), (12 * beside, 12), textcoords="offset points",
                       ha="left" if beside > 0 else "right")
    reach = 1.5 * np.max(np.abs(amplitudes))
    plane.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel=r"$\mathrm{Re}\,A$",
              ylabel=r"$\mathrm{Im}\,A$", title=r"$L_j = \sum_{ab} A_{ab}\, c^\dagger_{j+a} c_{j+b}$")
    plane.legend(loc="lower center")
    return figure


from . import hubbard_figures, lattice_figures, open_chain_figures  # importing them registers their figures
