"""The style of pictures, the labels of axes, and writing picture files."""

import io
import os
import re
import textwrap

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from . import files
from .errors import LindriftError

# Okabe and Ito's palette without its yellow: distinct for colour-blind readers and on a projector.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
INK, GREY = "#222222", "#8A8A8A"

# Viridis without its yellow end, which is too pale for a thin line on white.
FAMILY = LinearSegmentedColormap.from_list("family", matplotlib.colormaps["viridis"](np.linspace(0.0, 0.86, 256)))
MAGNITUDE, SIGNED = "viridis", "RdBu_r"

SINGLE, WIDE, DOUBLE = (6.4, 4.4), (7.2, 4.4), (11.0, 4.4)  # inches: half a slide, with a legend, a whole slide

# Everything else is matplotlib's default, regardless of any matplotlibrc.
SETTINGS = ["default", {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 12.0,
    "axes.labelsize": 13.0,
    "axes.titlesize": 12.0,
    "legend.fontsize": 11.0,
    "xtick.labelsize": 11.0,
    "ytick.labelsize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelpad": 6.0,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "figure.dpi": 100.0,
    "savefig.dpi": 200.0,
    "svg.hashsalt": "lindrift",
    "text.usetex": False,
}]

# Words and symbol for the axis of each dataset or input key.
NAMES = {
    "momentum": ("momentum", r"$k$"),
    "momentum_1": ("momentum", r"$k_1$"),
    "momentum_2": ("momentum", r"$k_2$"),
    "momentum_3": ("momentum", r"$k_3$"),
    "direction": ("direction", r"$i$"),
    "time": ("time", r"$t$"),
    "frequency": ("frequency", r"$\omega$"),
    "site": ("site", r"$j$"),
    "site_1": ("site", r"$j_1$"),
    "site_2": ("site", r"$j_2$"),
    "site_3": ("site", r"$j_3$"),
    "path": ("momentum along the path", ""),
    "occupation": ("occupation", r"$n_k$"),
    "lagrange_multiplier": ("Lagrange multiplier", r"$\lambda_k$"),
    "current": ("current", r"$I$"),
    "current_1": ("current", r"$I_1$"),
    "current_2": ("current", r"$I_2$"),
    "current_3": ("current", r"$I_3$"),
    "current_spin": ("current", r"$I_\sigma$"),
    "current_spin_up": ("current of spin up", r"$I_\uparrow$"),
    "current_spin_down": ("current of spin down", r"$I_\downarrow$"),
    "occupation_spin": ("occupation", r"$n_{k\sigma}$"),
    "density_spin": ("particles per site", r"$n_\sigma$"),
    "particle_number": ("particle number", r"$N$"),
    "density_per_site": ("particles per site", r"$N/L$"),
    "energy_per_site": ("energy per site", r"$E/L$"),
    "green_retarded": ("", r"$|G^{\mathrm{R}}_j(t)|^2$"),
    "green_retarded_momentum": ("", r"$|G^{\mathrm{R}}_k(t)|^2$"),
    "green_retarded_frequency": ("", r"$|G^{\mathrm{R}}_k(\omega)|^2$"),
    "norm": ("norm", r"$\sum_j |G_j|^2$"),
    "drift_symmetric": ("drift, antipode at 0", r"$X$"),
    "spectral_function": ("spectral function", r"$A_k(\omega)$"),
    "self_energy": ("", r"$|\Sigma_k(\omega)|$"),
    "density": ("density", r"$n_j(t)$"),
    "drift": ("drift", r"$X$"),
    "pole": ("", r"$|E|$"),
    "residue": ("", r"$|z|$"),
    "pole_real": ("", r"$\mathrm{Re}\,E$"),
    "pole_imaginary": ("", r"$\mathrm{Im}\,E$"),
    "noise": ("zero-frequency noise", r"$\epsilon N S(0)$"),
    "value": ("current", ""),
    "energy_current_1": ("energy current", r"$I^E_1$"),
    "energy_current_2": ("energy current", r"$I^E_2$"),
    "energy_current_3": ("energy current", r"$I^E_3$"),
    "of": ("current", ""),
    "of_2": ("current", ""),
    "orbital": ("orbital", ""),
    "branch": ("pole", ""),
    "loop": ("pole", ""),
    "number": ("exceptional point", ""),
    "particle_distribution": ("probability of a momentum", r"$p_k$"),
    "winding": ("winding", r"$W$"),
    "loop_area": ("area of the poles", ""),
    "smallest_separation": ("", r"$\min_k |E_1 - E_2|$"),
    "bath.nonequilibrium_fraction": ("", r"$\gamma_{\mathrm{neq}}$"),
    "bath.equilibrium_fraction": ("", r"$\gamma_{\mathrm{eq}}$"),
    "bath.coupling": ("bath coupling", r"$\epsilon$"),
    "bath.inverse_temperature": ("inverse temperature", r"$\beta$"),
    "bath.delta": ("", r"$\delta$"),
    "bath.delta_prime": ("", r"$\delta'$"),
    "bath.spectrum_width": ("width of the spectrum", ""),
    "bath.dephasing_up": ("", r"$\gamma_\uparrow$"),
    "bath.dephasing_down": ("", r"$\gamma_\downarrow$"),
    "bath.down.gain": ("gain of spin down", ""),
    "bath.down.loss": ("loss of spin down", ""),
    "bath.down.two_site_gain": ("two-site gain of spin down", ""),
    "bath.down.two_site_loss": ("two-site loss of spin down", ""),
    "bath.up.gain": ("gain of spin up", ""),
    "bath.up.loss": ("loss of spin up", ""),
    "bath.up.two_site_gain": ("two-site gain of spin up", ""),
    "bath.up.two_site_loss": ("two-site loss of spin up", ""),
    "model.sites": ("sites", r"$L$"),
    "model.cells": ("cells", ""),
    "model.cells_1": ("cells", r"$L_1$"),
    "model.cells_2": ("cells", r"$L_2$"),
    "model.cells_3": ("cells", r"$L_3$"),
    "model.hopping": ("hopping", r"$J$"),
    "model.interaction": ("interaction", r"$U$"),
    "model.zeeman_field": ("Zeeman field", r"$h$"),
    "model.rashba_y": ("", r"$\alpha_y$"),
    "model.rashba_z": ("", r"$\alpha_z$"),
    "model.rashba": ("Rashba coupling", r"$\alpha$"),
    "model.zeeman_x": ("magnetic field", "$B_x$"),
    "model.zeeman_y": ("magnetic field", "$B_y$"),
    "model.zeeman_z": ("magnetic field", "$B_z$"),
    "initial.filling": ("filling", r"$\rho$"),
}

# Symbols with a band index, and labels of bands and spins in formulas.
OF_BANDS = {"occupation": r"$n_{k\nu}$", "lagrange_multiplier": r"$\lambda_{k\nu}$"}
EPSILON = r"$\\epsilon$"  # as a replacement of re.sub
PARTS = {"+": "+", "-": "-", "up": r"\uparrow", "down": r"\downarrow"}


def new_figure(size=SINGLE, columns=1):
    """An empty figure and its axes. Not a pyplot figure, so nothing changes in the caller's session."""
    with matplotlib.style.context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08, wspace=0.06)
        axes = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    return figure, axes


def styled(function):
    """Makes a drawing function run under the package's settings."""

    def wrapper(*arguments, **options):
        with matplotlib.style.context(SETTINGS):
            return function(*arguments, **options)

    wrapper.__name__, wrapper.__doc__ = function.__name__, function.__doc__
    return wrapper


def symbol(name):
    """Short name for a legend or a colour bar."""
    words, sign = NAMES.get(name, ("", name))
    return sign or words


def units_text(units, result):
    """Units in brackets for an axis; if hopping = 1, energies are in units of J."""
    if units in ("", "1", "rad", "radian", "radians") or re.search(r"\bvalue\b", units):
        return ""  # `value`: the units of several currents, which differ
    if result.parameter("model.hopping") == 1.0 and "model.hopping" not in result.sweep_keys:
        units = re.sub(r"\benergy\b", "$J$", units)
    units = re.sub(r"\$?\^(\d+)", lambda power: f"^{{{power[1]}}}$" if power[0][0] == "$" else f"$^{{{power[1]}}}$", units)
    return f" ({re.sub('coupling', EPSILON, units).replace(' * ', ' ')})"


def label(field, result):
    """Words, symbol and units of a field for an axis; the long_name of an unknown field."""
    longest = 34  # characters along one side of a panel
    words, sign = NAMES.get(field.name, ("\n".join(textwrap.wrap(field.long_name or field.name, longest)), ""))
    if "band" in result:
        sign = OF_BANDS.get(field.name, sign)
    return " ".join(part for part in (words, sign) if part) + units_text(field.units, result)


def momentum_axis(axis, momenta):
    """Sets ticks at multiples of pi / 2 on an x or y axis that spans the Brillouin zone."""
    if len(momenta) < 3 or np.ptp(momenta) < np.pi:
        return
    ticks = [(-np.pi, r"$-\pi$"), (-np.pi / 2, r"$-\pi/2$"), (0.0, r"$0$"), (np.pi / 2, r"$\pi/2$"), (np.pi, r"$\pi$")]
    axis.set_ticks([value for value, _ in ticks], [text for _, text in ticks])


def whole_zone(momenta, values):
    """Repeats k = -pi at k = pi along the last axis, so that a curve over an even grid spans the whole zone."""
    if len(momenta) < 2 or abs(momenta[0] + np.pi) > 1e-9:
        return momenta, values
    return np.append(momenta, np.pi), np.concatenate([values, values[..., :1]], axis=-1)


def check_picture_name(path):
    """Raises LindriftError unless matplotlib can write a picture with that name."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".png", ".pdf", ".svg"):
        raise LindriftError(f"{path}: the name of a picture ends in .png, .pdf or .svg")


@styled
def write(figure, path):
    """Writes a figure so that `path` is always absent, the old picture, or the whole new one.

    Raises LindriftError if no picture can have that path, OSError if it cannot be written.
    """
    check_picture_name(path)
    kind = os.path.splitext(path)[1].lower().removeprefix(".")
    # Without time and version, the same content gives the same file.
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    picture = io.BytesIO()
    figure.savefig(picture, format=kind, metadata=metadata[kind])
    files.write(path, picture.getvalue())
