"""Figures of the driven Hubbard chain: those of arXiv:2604.07346, and two more. Importing this file registers them."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm

from . import plot, style
from .figures import _done, _number, published
from .result import LindriftError

GAIN, LOSS, INTERACTION = "bath.down.gain", "bath.down.two_site_loss", "model.interaction"


@published("hubbard_fig4a", inputs=("hubbard_fig4a",), title="Left-moving light cone among driven particles, and on a logarithmic scale")
def hubbard_fig4a(results):
    result = results["hubbard_fig4a"]
    time, site = result["time"].values, result["site"].values
    weight = np.abs(result["green_retarded"].values) ** 2
    figure, (linear, logarithmic) = style.new_figure(style.DOUBLE, 2)
    share = weight / np.max(weight, axis=1, keepdims=True)
    top = float(np.max(weight[time > 0.0]))
    symbol = style.symbol("green_retarded")
    for axes, values, norm, label in ((linear, share, Normalize(0.0, 1.0), f"{symbol}, largest value of each time = 1"),
                                      (logarithmic, weight, LogNorm(1e-7, top, clip=True), symbol)):
        mesh = axes.pcolormesh(site, time, values, cmap=style.MAGNITUDE, norm=norm, shading="nearest", rasterized=True)
        axes.plot(result["drift"].values, time, color=style.ORANGE, linewidth=1.4, label="drift $X_G$")
        for side, front in ((-1.0, r"fronts $\pm 2Jt$"), (1.0, None)):
            axes.plot(side * 2.0 * abs(_number(result, "model.hopping")) * time, time, color="white",
                      linestyle=(0, (4, 3)), linewidth=0.9, alpha=0.8, label=front)
        axes.set_xlim(site[0], site[-1])
        axes.set_ylim(time[0], time[-1])
        axes.set_xlabel(style.label(result["site"], result))
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28)
        bar.set_label(label)
        bar.outline.set_visible(False)
    linear.set_ylabel(style.label(result["time"], result))
    linear.legend(loc="lower right", labelcolor="white")
    return figure


@published("hubbard_fig4b", inputs=("hubbard_fig4b",), title="One band, sharp on the left and broad on the right")
def hubbard_fig4b(results):
    result = results["hubbard_fig4b"]
    figure, (axes,) = style.new_figure()
    plot.draw_field(figure, axes, result, result["spectral_function"])
    k = np.linspace(-np.pi, np.pi, 401)
    axes.plot(k, -2.0 * _number(result, "model.hopping") * np.cos(k), color="white", linestyle=(0, (4, 3)), linewidth=0.9,
              alpha=0.8)
    frequency = result["frequency"].values
    axes.set_xlim(result["momentum"].values[0], np.pi)
    axes.set_ylim(frequency[0], frequency[-1])
    return figure


@published("hubbard_drift_map", inputs=("hubbard_drift_map",), title="Direction of the drift against gain and loss")
def hubbard_drift_map(results):
    result = results["hubbard_drift_map"]
    _done(result)
    gain, loss, time = result[GAIN].values, result[LOSS].values, result["time"].values
    figure, all_axes = style.new_figure(style.DOUBLE, len(time))
    speed = 2.0 * abs(_number(result, "model.hopping"))
    share = result["drift"].values / (speed * time)
    reach = float(np.nanmax(np.abs(share)))
    if not reach > 0.0:
        raise LindriftError(f"{result.path}: there is no drift to draw")
    for index, axes in enumerate(all_axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        mesh = axes.pcolormesh(loss, gain, share[..., index], cmap=style.SIGNED, norm=TwoSlopeNorm(0.0, -reach, reach),
                               shading="gouraud", rasterized=True)
        axes.contour(loss, gain, share[..., index], [0.0], colors=style.INK, linewidths=1.0)
        axes.set_title(f"$t = {time[index]:g}" + ("/J$" if _number(result, "model.hopping") == 1.0 else "$"))
        axes.set_xlabel(r"two-site loss $\gamma$" + style.units_text(result[LOSS].units, result))
    all_axes[0].set_ylabel(r"gain $\kappa$" + style.units_text(result[GAIN].units, result))
    bar = figure.colorbar(mesh, ax=all_axes, pad=0.02, aspect=28)
    bar.set_label(r"drift $X / 2Jt$")
    bar.outline.set_visible(False)
    return figure


def exact_propagator(sites, hopping, interaction, gain, loss, times):
    """G(j,t) of one up particle among driven down particles, from the master equation on the whole Fock space.

    gain and loss of the down spins are given for each momentum 2 pi m / L, m = 0 .. L-1; the interaction is on-site.
    Rows are times, columns sites j = -floor(L/2) .. ceil(L/2)-1. Holds O(4^sites) numbers: for up to 5 sites.
    """
    states = 2**sites
    momentum = 2.0 * np.pi * np.arange(sites) / sites
    energy = -2.0 * hopping * np.cos(momentum)
    occupied = (np.arange(states)[:, None] >> np.arange(sites)) & 1
    lower = np.zeros((sites, states, states))
    for p in range(sites):
        for state in np.flatnonzero(occupied[:, p]):
            lower[p, state ^ (1 << p), state] = (-1.0) ** occupied[state, :p].sum()
    raise_ = lower.transpose(0, 2, 1)
    fock_energy = occupied @ energy
    decay = 0.5 * (occupied @ loss + (1 - occupied) @ gain)
    # The probe scatters from k to k - q while sum_p c+_p c_{p-q} acts on the driven particles.
    density = [sum(raise_[p] @ lower[(p - q) % sites] for p in range(sites)) for q in range(sites)]
    level = -1j * (energy[:, None, None] + fock_energy[:, None] - fock_energy) - decay[:, None] - decay

    def rate(state):
        change = level * state
        for p in range(sites):
            change = change + loss[p] * (lower[p] @ state @ raise_[p]) + gain[p] * (raise_[p] @ state @ lower[p])
        for q in range(sites):
            change -= 1j * interaction / sites * np.roll(density[q] @ state, -q, axis=1)
        return change

    steady = np.prod(np.where(occupied == 1, gain, loss) / (gain + loss), axis=1)
    fastest = np.max(np.abs(level)) + abs(interaction) * sites + np.sum(gain + loss)
    # All momenta of the probe at once: the first axis is its momentum at t = 0, the second that at t.
    state, now = np.zeros((sites, sites, states, states), complex), 0.0
    state[np.arange(sites), np.arange(sites)] = np.diag(steady)
    green = np.zeros((len(times), sites), complex)
    for index, time in enumerate(times):
        steps = int(np.ceil((time - now) * fastest / 1.5))
        for _ in range(steps):
            term, step = state, (time - now) / steps
            for order in range(1, 19):  # 1.5^19 / 19! = 2e-14
                term = step / order * rate(term)
                state = state + term
        now = time
        green[index] = -1j * np.einsum("kkss->k", state)
    site = np.arange(sites) - sites // 2
    return green @ np.exp(1j * np.outer(momentum, site)) / sites


@published("hubbard_validity", inputs=("hubbard_validity", "hubbard_ladder"),
           title="Second order and the ladder against the exact propagator of a small ring")
def hubbard_validity(results):
    approximations = (("second order", results["hubbard_validity"], (0, (4, 3)), style.BLUE),
                      ("ladder", results["hubbard_ladder"], (0, (1, 1.5)), style.ORANGE))
    result = results["hubbard_validity"]
    time, sites, hopping = result["time"].values, len(result["site"].values), _number(result, "model.hopping")
    momentum = 2.0 * np.pi * np.arange(sites) / sites
    gain = np.full(sites, _number(result, GAIN))
    loss = 2.0 * _number(result, LOSS) * (1.0 - np.sin(momentum))
    interactions = [float(u) for u in result[INTERACTION].values[np.flatnonzero(_done(result))]]
    exact = {u: exact_propagator(sites, hopping, u, gain, loss, time) for u in interactions}
    figure, (norms, errors) = style.new_figure(style.DOUBLE, 2)
    colours = {u: style.FAMILY(rank / max(len(interactions) - 1, 1)) for rank, u in enumerate(interactions)}
    for u in interactions:
        norms.plot(time, np.sum(np.abs(exact[u]) ** 2, axis=1), color=colours[u], label=f"${u:g}$")
    for name, of, dashes, colour in approximations:
        if not np.array_equal(of["time"].values, time) or len(of["site"].values) != sites:
            raise LindriftError(f"{of.path}: its times and sites must be those of {result.path}")
        differences = []
        for index in np.flatnonzero(_done(of)):
            u = float(of[INTERACTION].values[index])
            if u not in exact:
                raise LindriftError(f"{of.path}: there is no interaction {u:g} in {result.path}")
            green = of["green_retarded"].values[index]
            norms.plot(time, np.sum(np.abs(green) ** 2, axis=1), color=colours[u], linestyle=dashes)
            differences.append((abs(u), np.max(np.sqrt(np.sum(np.abs(green - exact[u]) ** 2, axis=1)))))
        errors.loglog(*zip(*differences), "o-", color=colour, label=name)
        norms.plot([], [], color=style.INK, linestyle=dashes, label=name)
    norms.plot([], [], color=style.INK, label="exact")
    norms.set_xlabel(style.label(result["time"], result))
    norms.set_ylabel(style.symbol("norm"))
    norms.set_xlim(time[0], time[-1])
    norms.legend(title=style.symbol(INTERACTION) + style.units_text(result[INTERACTION].units, result),
                 loc="center left", bbox_to_anchor=(1.0, 0.5))
    u, first = np.abs(interactions), errors.lines[0].get_ydata()[0]
    errors.loglog(u, first * (u / u[0]) ** 3, color=style.INK, linestyle=(0, (4, 3)), linewidth=1.0, label=r"$\propto U^3$")
    errors.set_xticks(u, [f"{one:g}" for one in u])
    errors.minorticks_off()
    errors.set_xlabel(style.label(result[INTERACTION], result))
    errors.set_ylabel(r"largest $|G - G_{\mathrm{exact}}|$")
    errors.legend()
    return figure


@published("hubbard_transport", inputs=("hubbard_transport", "hubbard_transport_green"),
           title="The particle drifts to the right while its Green function drifts to the left")
def hubbard_transport(results):
    particle, green = results["hubbard_transport"], results["hubbard_transport_green"]
    done = np.flatnonzero(_done(particle))
    interactions, time = particle[INTERACTION].values[done], green["time"].values
    if not set(interactions) <= set(green[INTERACTION].values[np.flatnonzero(_done(green))]):
        raise LindriftError(f"{green.path}: an interaction of {particle.path} is missing")
    drift = {float(u): green["drift"].values[i] for i, u in enumerate(green[INTERACTION].values)}
    exact, ring, chain = (particle[name].values[done]
                          for name in ("drift_velocity_exact", "drift_velocity_ring", "drift_velocity"))
    figure, (paths, speeds) = style.new_figure(style.DOUBLE, 2)
    for rank, u in enumerate(interactions):
        colour = style.FAMILY(rank / max(len(interactions) - 1, 1))
        paths.plot(time, drift[float(u)], color=colour, label=f"${u:g}$")
        paths.plot(time, exact[rank] * time, color=colour, linestyle=(0, (4, 3)))
    paths.plot([], [], color=style.INK, label="$X_G$")
    paths.plot([], [], color=style.INK, linestyle=(0, (4, 3)), label="$v\\,t$, exact")
    paths.set_xlim(time[0], time[-1])
    paths.set_xlabel(style.label(green["time"], green))
    paths.set_ylabel("drift of $G$ and of the particle")
    paths.legend(title=style.symbol(INTERACTION) + style.units_text(particle[INTERACTION].units, particle))
    last = [drift[float(u)][-1] / time[-1] for u in interactions]
    for values, colour, dashes, label in (
            (exact, style.INK, "-", "particle, small ring, exact"), (ring, style.INK, (0, (4, 3)), "the same, approximate"),
            (chain, style.VERMILION, "-", "particle, chain, approximate"), (last, style.BLUE, "-", f"$X_G/t$ at $t = {time[-1]:g}$")):
        speeds.plot(interactions, values, "o", color=colour, linestyle=dashes, label=label)
    for axes in (paths, speeds):
        axes.axhline(0.0, color=style.GREY, linewidth=0.8, zorder=0)
    speeds.set_xlim(0.0, 1.04 * float(np.max(interactions)))
    speeds.set_xlabel(style.label(particle[INTERACTION], particle))
    speeds.set_ylabel("velocity" + style.units_text(particle["drift_velocity"].units, particle))
    speeds.legend()
    return figure
