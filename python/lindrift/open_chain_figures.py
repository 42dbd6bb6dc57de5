"""Figures of Borchia, Knolle, Nunnenkamp (arXiv:2604.07346), and one beyond them. Registered when figures.py is imported."""

import numpy as np

from . import plot, style
from .figures import _done, _number, published

INTERACTION = "model.interaction"


def saturation_rate(interaction, gain, loss):
    """alpha = g U^2 / (U^2 + kappa^2): at late times the drift is 2 J t - J / (4 alpha), the norm (8 pi alpha t)^(-1/2)."""
    return loss * interaction**2 / (interaction**2 + gain**2)


def _rates(result):
    return _number(result, "bath.down.gain"), _number(result, "bath.down.two_site_loss")


def _light_cone(result, name):
    figure, (axes,) = style.new_figure((6.4, 5.2))
    _draw_light_cone(figure, axes, result, name)
    return figure


def _draw_light_cone(figure, axes, result, name):
    """A map over site and time with the fronts at 2 J t."""
    plot.draw_field(figure, axes, result, result[name])
    time, site = result["time"].values, result["site"].values
    front = 2.0 * abs(_number(result, "model.hopping")) * time
    for side in (-1.0, 1.0):
        axes.plot(side * front, time, color="white", linestyle=(0, (4, 3)), linewidth=0.9, alpha=0.8)
    axes.set_xlim(site[0], site[-1])
    axes.set_ylim(time[0], time[-1])
    interaction = _number(result, INTERACTION)
    axes.set_title(rf"$U = {interaction:g}\,J$" if interaction else "$U = 0$", loc="left")


def _draw_drifts(axes, result, name, ylabel):
    """One line over time for each interaction of a sweep, and the front 2 J t."""
    done, time = np.flatnonzero(_done(result)), result["time"].values
    speed = 2.0 * abs(_number(result, "model.hopping"))
    for rank, index in enumerate(done):
        colour = style.FAMILY(rank / max(len(done) - 1, 1))
        axes.plot(time, result[name].values[index], color=colour, label=f"${result[INTERACTION].values[index]:g}$")
    top = 1.08 * float(np.nanmax(result[name].values[done]))
    axes.plot(time, speed * time, color=style.INK, linestyle=(0, (4, 3)), linewidth=1.2, label=r"$2Jt$")
    axes.set_xlim(time[0], time[-1])
    axes.set_ylim(min(-0.02 * top, 1.08 * float(np.nanmin(result[name].values[done]))), top)
    axes.set_xlabel(style.label(result["time"], result))
    axes.set_ylabel(ylabel)
    axes.legend(title=style.symbol(INTERACTION), loc="center left", bbox_to_anchor=(1.0, 0.5))


@published("hk_fig1b", inputs=("hk_fig1b",), title="Light cone of the free particle")
def hk_fig1b(results):
    return _light_cone(results["hk_fig1b"], "green_retarded")


@published("hk_fig1c", inputs=("hk_fig1c", "hk_fig1c_inset"), title="One-sided light cone with interaction, and the drift of the Green function")
def hk_fig1c(results):
    figure, (cone, drift) = style.new_figure(style.DOUBLE, 2)
    _draw_light_cone(figure, cone, results["hk_fig1c"], "green_retarded")
    _draw_drifts(drift, results["hk_fig1c_inset"], "drift", r"drift $X_G$ of the Green function")
    return figure


def _spectrum(result):
    """A(k, w) with the bands eps_k and eps_k + U."""
    figure, (axes,) = style.new_figure()
    plot.draw_field(figure, axes, result, result["spectral_function"])
    momentum, frequency = result["momentum"].values, result["frequency"].values
    k = np.linspace(-np.pi, np.pi, 401)
    energy = -2.0 * _number(result, "model.hopping") * np.cos(k)
    for shift in (0.0, _number(result, INTERACTION)):
        axes.plot(k, energy + shift, color="white", linestyle=(0, (4, 3)), linewidth=0.9, alpha=0.8)
    axes.set_xlim(momentum[0], np.pi)
    axes.set_ylim(frequency[0], frequency[-1])
    return figure


@published("hk_fig2a", inputs=("hk_fig2a",), title="Spectral function with uniform baths")
def hk_fig2a(results):
    return _spectrum(results["hk_fig2a"])


@published("hk_fig2b", inputs=("hk_fig2b",), title="Spectral function with weak gain and a loss that depends on momentum")
def hk_fig2b(results):
    return _spectrum(results["hk_fig2b"])


@published("hk_fig2c", inputs=("hk_fig2c",), title="Spectral function with strong gain and a loss that depends on momentum")
def hk_fig2c(results):
    return _spectrum(results["hk_fig2c"])


@published("hk_fig3a", inputs=("hk_fig3a",), title="Density of one free particle")
def hk_fig3a(results):
    return _light_cone(results["hk_fig3a"], "density")


@published("hk_fig3b", inputs=("hk_fig3b",), title="Density of one interacting particle")
def hk_fig3b(results):
    return _light_cone(results["hk_fig3b"], "density")


@published("hk_fig3c", inputs=("hk_fig3c",), title="Centre of the density of one particle")
def hk_fig3c(results):
    figure, (axes,) = style.new_figure(style.WIDE)
    _draw_drifts(axes, results["hk_fig3c"], "drift", r"centre of the density $X_n$")
    return figure


@published("hk_saturation", inputs=("hk_saturation",), title="Drift and norm at late times and their asymptotes")
def hk_saturation(results):
    result = results["hk_saturation"]
    gain, loss = _rates(result)
    hopping = abs(_number(result, "model.hopping"))
    done, time = np.flatnonzero(_done(result)), result["time"].values
    figure, (lag, norm) = style.new_figure(style.DOUBLE, 2)
    for rank, index in enumerate(done):
        interaction = float(result[INTERACTION].values[index])
        colour = style.FAMILY(rank / max(len(done) - 1, 1))
        alpha = saturation_rate(interaction, gain, loss)
        lag.plot(time, 2.0 * hopping * time - result["drift"].values[index], "o-", color=colour, label=f"${interaction:g}$")
        lag.axhline(hopping / (4.0 * alpha), color=colour, linestyle=(0, (4, 3)), linewidth=1.0)
        norm.plot(time, result["norm"].values[index], "o-", color=colour)
        late = time[time >= 3.0]
        norm.plot(late, 1.0 / np.sqrt(8.0 * np.pi * alpha * late), color=colour, linestyle=(0, (4, 3)), linewidth=1.0)
    for axes in (lag, norm):
        axes.set_xscale("log")
        axes.set_xlim(time[0], time[-1])
        axes.set_xlabel(style.label(result["time"], result))
    lag.plot([], [], color=style.INK, linestyle=(0, (4, 3)), linewidth=1.0, label=r"$J/4\alpha$")
    lag.set_ylabel(r"lag behind the front $2Jt - X_G$")
    lag.legend(title=style.symbol(INTERACTION))
    norm.plot([], [], color=style.INK, linestyle=(0, (4, 3)), linewidth=1.0, label=r"$(8\pi\alpha t)^{-1/2}$")
    norm.set_yscale("log")
    norm.set_ylabel(r"norm $\sum_j |G_j|^2$")
    norm.legend()
    return figure
