"""Two-dimensional lattices: occupations over the zone, a current against a field's angle and a flux, and light cones."""

import numpy as np

from . import style
from .figures import published
from .result import DONE, LindriftError


def _zone(axes, result, values, colours, limit):
    """Draws values (momentum_1, momentum_2) over the whole zone, whose upper edges repeat the lower ones."""
    first, second = result["momentum_1"].values, result["momentum_2"].values
    x, values = style.whole_zone(first, values.T)
    y, values = style.whole_zone(second, values.T)
    low, high = (-limit, limit) if limit is not None else (None, None)
    mesh = axes.pcolormesh(x, y, values.T, cmap=colours, vmin=low, vmax=high, shading="gouraud", rasterized=True)
    axes.set(aspect="equal", xlabel="$k_1$", ylabel="$k_2$")
    style.momentum_axis(axes.xaxis, x)
    style.momentum_axis(axes.yaxis, y)
    return mesh


@published("lattice_raman", inputs=("lattice_raman",), title="Square lattice: occupations over the zone, and their odd part, which carries the current")
def lattice_raman(results):
    result = results["lattice_raman"]
    occupation = result["occupation"].values
    if occupation.ndim != 3 or occupation.shape[0] != 1:
        raise LindriftError(f"{result.path}: occupation must be over one band and two momenta")
    occupation = occupation[0]
    # The partner of m is -m; for an even number of cells the lowest momentum is its own partner.
    rows, columns = ((2 * (size // 2) - np.arange(size)) % size for size in occupation.shape)
    odd = (occupation - occupation[np.ix_(rows, columns)]) / 2.0

    figure, (whole, part) = style.new_figure(style.DOUBLE, 2)
    mesh = _zone(whole, result, occupation, style.MAGNITUDE, None)
    figure.colorbar(mesh, ax=whole, label="$n_k$")
    limit = float(np.max(np.abs(odd))) or 1.0
    mesh = _zone(part, result, odd, style.SIGNED, limit)
    figure.colorbar(mesh, ax=part, label="$(n_k - n_{-k})/2$")
    current = result["current"].values
    arrow = 0.6 * np.pi * current / np.linalg.norm(current)
    part.annotate("", arrow, (0.0, 0.0), arrowprops={"arrowstyle": "-|>", "linewidth": 2.0, "color": style.INK})
    part.set_title(f"$I$ = ({current[0]:.4f}, {current[1]:.4f})")
    return figure


@published("lattice_rashba_zeeman", inputs=("lattice_rashba_zeeman",), title="Rashba coupling in a field: the current turns with it")
def lattice_rashba_zeeman(results):
    result = results["lattice_rashba_zeeman"]
    done = result.status == DONE
    x, y = (result[f"model.zeeman_{name}"].values[done] for name in "xy")
    # Points come in order of B_x; repeat the first angle at the end to close the circle.
    angle = np.arctan2(y, x) % (2.0 * np.pi)
    order = np.argsort(angle, kind="stable")
    angle, current = angle[order], result["current"].values[done][order]
    angle, current = np.append(angle, angle[:1] + 2.0 * np.pi), np.append(current, current[:1], axis=0)
    direction = np.arctan2(current[:, 1], current[:, 0])

    figure, (size, turn) = style.new_figure(style.DOUBLE, 2)
    for axes in (size, turn):
        axes.set_xlim(0.0, 360.0)
        axes.set_xticks(np.arange(0.0, 361.0, 90.0))
        axes.set_xlabel("angle of the field in the plane (degrees)")
    degrees = np.degrees(angle)
    size.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    for values, name, colour in ((np.linalg.norm(current, axis=1), "$|I|$", style.INK), (current[:, 0], "$I_1$", style.BLUE),
                                 (current[:, 1], "$I_2$", style.VERMILION)):
        size.plot(degrees, values, color=colour, marker="o", label=name)
    size.set_ylabel(style.label(result["current"], result))
    size.legend()
    # At multiples of 45 degrees the current is perpendicular to the field.
    apart = (np.degrees(direction - angle) + 180.0) % 360.0 - 180.0
    turn.axhline(90.0, color=style.GREY, linewidth=0.7, zorder=0)
    turn.plot(degrees, apart, color=style.BLUE, marker="o")
    turn.set_ylabel("angle of the current to the field (degrees)")
    return figure


@published("lattice_haldane", inputs=("lattice_haldane",), title="Haldane's lattice: the current across the bond of its bath is odd in the flux")
def lattice_haldane(results):
    result = results["lattice_haldane"]
    energies, flux = result["model.sublattice_energy"].values, result["model.flux"].values
    current = np.where((result.status == DONE)[:, :, None], result["current_cartesian"].values, np.nan)
    bond = np.array([np.sqrt(0.75), 0.5])  # along a_1 + a_2
    across = np.array([-bond[1], bond[0]])

    figure, (axes,) = style.new_figure(style.WIDE)
    axes.axhline(0.0, color=style.GREY, linewidth=0.7, zorder=0)
    for energy, values, colour in zip(energies, current, style.COLOURS):
        axes.plot(flux, values @ across, color=colour, label=f"across, $M = {energy:g}$")
    axes.plot(flux, current[-1] @ bond, color=style.INK, linestyle="--", linewidth=1.2, label="along the bond")
    axes.set_xlim(-np.pi, np.pi)
    style.momentum_axis(axes.xaxis, np.linspace(-np.pi, np.pi, 9))
    axes.set_xlabel(r"flux $\phi$")
    axes.set_ylabel(style.label(result["current"], result))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _light_cones(result):
    """|G|^2 over the sites at three times, each on the scale of its largest value, and the path of the drift until then."""
    time, first, second = (result[name].values for name in ("time", "site_1", "site_2"))
    weight, drift, norm = np.abs(result["green_retarded"].values) ** 2, result["drift"].values, result["norm"].values
    if weight.ndim != 3 or len(time) < 4:
        raise LindriftError(f"{result.path}: green_retarded must be over two sites and at least four times")
    figure, all_axes = style.new_figure(style.DOUBLE, 3)
    for axes, index in zip(all_axes, (len(time) // 4, len(time) // 2, len(time) - 1)):
        top = float(np.max(weight[index]))
        mesh = axes.pcolormesh(first, second, weight[index].T / top, cmap=style.MAGNITUDE, vmin=0.0, vmax=1.0,
                               shading="nearest", rasterized=True)
        axes.plot(*drift[:index + 1].T, color=style.ORANGE, linewidth=1.4)
        axes.plot(*drift[index], "o", color=style.ORANGE)
        axes.set(aspect="equal", xlim=(first[0], first[-1]), ylim=(second[0], second[-1]),
                 title=f"$t = {time[index]:g}$, norm {norm[index]:.2g}", xlabel=style.label(result["site_1"], result))
    all_axes[0].set_ylabel(style.label(result["site_2"], result))
    bar = figure.colorbar(mesh, ax=all_axes, pad=0.02, aspect=28, shrink=0.8)
    bar.set_label(style.symbol("green_retarded") + ", largest value = 1")
    bar.outline.set_visible(False)
    return figure


@published("hk_square", inputs=("hk_square",), title="Light cone of a square lattice: what is left runs along the diagonal")
def hk_square(results):
    return _light_cones(results["hk_square"])


@published("hubbard_square_green", inputs=("hubbard_square_green",), title="Light cone among driven particles of a square lattice, drifting against both losses")
def hubbard_square_green(results):
    return _light_cones(results["hubbard_square_green"])
