"""Figures of Borchia, Knolle, Nunnenkamp (arXiv:2604.07346), and one more. Importing this file registers them."""

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
    """Draws a map over site and time with the fronts at 2 J t."""
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
    """Draws one line over time for each interaction of a sweep, and the front 2 J t."""
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


@published("hk_exceptional_points", inputs=("hk_exceptional_points",), title="Exceptional points of a square lattice, and the poles that exchange around one")
def hk_exceptional_points(results):
    result = results["hk_exceptional_points"]
    slow, fast = result["pole"].values
    x, y = result["momentum_1"].values, result["momentum_2"].values
    figure, (plane, energies) = style.new_figure(style.DOUBLE, 2)
    columns, distance = style.whole_zone(y, np.abs(slow - fast))
    rows, distance = style.whole_zone(x, distance.T)
    mesh = plane.pcolormesh(rows, columns, distance, cmap=style.MAGNITUDE, shading="nearest", rasterized=True)
    bar = figure.colorbar(mesh, ax=plane, pad=0.02, aspect=28)
    bar.set_label(r"distance of the poles $|E_1 - E_2|$" + style.units_text("energy", result))
    bar.outline.set_visible(False)
    points, charges = result["exceptional_point"].values, result["exceptional_point_charge"].values
    for charge, marker, colour in ((1.0, "$+$", style.ORANGE), (-1.0, "$-$", "white")):
        chosen = points[charges == charge]
        plane.plot(chosen[:, 0], chosen[:, 1], linestyle="", marker=marker, color=colour, markersize=11.0, clip_on=False)
    for axis, momenta, name in ((plane.xaxis, x, "momentum_1"), (plane.yaxis, y, "momentum_2")):
        style.momentum_axis(axis, momenta)
        axis.set_label_text(style.label(result[name], result))
    plane.set(xlim=(-np.pi, np.pi), ylim=(-np.pi, np.pi))

    # A square of momenta around the first point: each pole ends where the other one began.
    i, j = int(np.searchsorted(x, points[0, 0])), int(np.searchsorted(y, points[0, 1]))
    reach = max(2, len(x) // 16)
    side = np.arange(-reach, reach)
    ring = np.concatenate([side + 1j * -reach, reach + 1j * side, -side + 1j * reach, -reach + 1j * -side])
    columns, rows = (i + ring.real.astype(int)) % len(x), (j + ring.imag.astype(int)) % len(y)
    plane.plot(x[columns], y[rows], color="white", linewidth=0.0, marker=".", markersize=2.0)
    one, other = [slow[columns[0], rows[0]]], [fast[columns[0], rows[0]]]
    for column, row in zip(np.append(columns[1:], columns[0]), np.append(rows[1:], rows[0])):
        near, far = slow[column, row], fast[column, row]
        if abs(near - one[-1]) + abs(far - other[-1]) > abs(far - one[-1]) + abs(near - other[-1]):
            near, far = far, near
        one.append(near)
        other.append(far)
    for path, colour in ((np.array(one), style.BLUE), (np.array(other), style.VERMILION)):
        energies.plot(path.real, path.imag, color=colour)
        energies.plot(path[0].real, path[0].imag, "o", color=colour)
    meeting = result["exceptional_point_energy"].values[0]
    energies.plot(meeting.real, meeting.imag, "x", color=style.INK, markersize=8.0)
    energies.set_xlabel(r"$\mathrm{Re}\, E$" + style.units_text("energy", result))
    energies.set_ylabel(r"$\mathrm{Im}\, E$" + style.units_text("energy", result))
    energies.set_title("both poles around one point", loc="left")
    return figure


@published("hk_ssh", inputs=("hk_ssh",), title="Currents of two orbitals against the interaction: that of spin up is rectified by spin down")
def hk_ssh(results):
    result = results["hk_ssh"]
    done = np.flatnonzero(_done(result))
    interaction, current = result[INTERACTION].values[done], result["current_spin"].values[done]
    figure, all_axes = style.new_figure(style.DOUBLE, 2)
    for axes, values, name, colour in zip(all_axes, current.T, ("current_spin_up", "current_spin_down"), (style.BLUE, style.VERMILION)):
        axes.plot(interaction, values, "o-", color=colour)
        axes.axhline(0.0, color=style.GREY, linewidth=0.8)
        axes.set_xlim(interaction.min(), interaction.max())
        axes.set_xlabel(style.label(result[INTERACTION], result))
        axes.set_ylabel(" ".join(style.NAMES[name]) + style.units_text(result["current_spin"].units, result))
    return figure
