"""The published figures.

A figure is one function that turns results into a matplotlib figure, with the names of the inputs that it needs:

    @published("fig3b", inputs=("fig3b",), title="...")
    def fig3b(results): ...

Input "x" means examples/x.toml, whose result is x.h5.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from . import style
from .result import DONE, LindriftError, load


@dataclass(frozen=True)
class PublishedFigure:
    """name, names of its inputs, what it shows, and draw(results: dict of input name -> Result) -> Figure"""

    name: str
    inputs: tuple
    title: str
    draw: Callable


FIGURES = {}


def published(name, inputs, title):
    """Registers a drawing function under a name."""

    def register(function):
        FIGURES[name] = PublishedFigure(name, tuple(inputs), title, style.styled(function))
        return function

    return register


def draw(name, folder):
    """Draws one published figure from the result files in a folder.

    Raises LindriftError if there is no such figure, or a result file is missing or lacks what the figure shows.
    """
    if name not in FIGURES:
        raise LindriftError(f"there is no figure {name}; there are {', '.join(FIGURES)}")
    figure = FIGURES[name]
    results = {}
    for one in figure.inputs:
        path = os.path.join(folder, f"{one}.h5")
        if not os.path.exists(path):
            raise LindriftError(f"{name} needs {path}; make it with: lindrift run examples/{one}.toml -o {path}")
        results[one] = load(path)
    return figure.draw(results)


def _number(result, key):
    value = result.parameter(key)
    if not isinstance(value, (int, float)):
        raise LindriftError(f"{result.path}: its resolved_input has no number {key}")
    return float(value)


@published("fig2", inputs=("fig2",), title="Relaxation of the Lagrange multipliers to the Gibbs state")
def fig2(results):
    result = results["fig2"]
    time, momentum = result["time"].values, result["momentum"].values
    multiplier = result["lagrange_multiplier"].values
    gibbs = -2.0 * _number(result, "bath.inverse_temperature") * _number(result, "model.hopping") * np.cos(momentum)

    figure, (axes,) = style.new_figure()
    colours = Normalize(0.0, np.pi)
    # k and -k relax alike: half of the zone shows everything.
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
    for index in np.flatnonzero(result.status == DONE):
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
    done = result.status == DONE

    figure, (axes,) = style.new_figure()
    axes.plot(result[key].values[done], result["current"].values[done], color=style.BLUE, marker="o",
              markersize=3.5, clip_on=False)
    axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    axes.set_xlabel("weight of the nonequilibrium bath " + style.label(result[key], result))
    axes.set_ylabel(style.label(result["current"], result))
    axes.set_xlim(0.0, 1.0)
    return figure
