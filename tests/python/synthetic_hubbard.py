"""Result files of the driven Hubbard chain as lindrift writes them, with made-up numbers of the right shapes."""

import h5py
import numpy as np

from lindrift.hubbard_figures import exact_propagator
from synthetic import write

GAIN, LOSS, INTERACTION = "bath.down.gain", "bath.down.two_site_loss", "model.interaction"


def resolved_input(sites, interaction=2.0, rates=True):
    bath = "gain = 0.2\ntwo_site_loss = 2.0\n" if rates else ""
    return f'[model]\nkind = "hubbard"\nsites = {sites}\nhopping = 1.0\ninteraction = {interaction}\n\n[bath.down]\n{bath}'


def green(path, times, sites=32):
    """Packets that move to the left and decay."""
    site = np.arange(sites) - sites // 2
    rows = [-1j * np.exp(-0.1 * t - (site + t) ** 2 / (2.0 * (1.0 + t))) for t in times]
    square = np.abs(rows) ** 2
    return write(path, {
        "time": (("time",), np.asarray(times), "1/energy", "time t"),
        "site": (("site",), site, "1", "site j"),
        "green_retarded": (("time", "site"), np.array(rows), "1", "retarded Green's function G(j,t)"),
        "drift": (("time",), square @ site / square.sum(axis=1), "1", "drift"),
    }, resolved_input=resolved_input(sites))


def spectrum(path, sites=16):
    momentum = 2.0 * np.pi * (np.arange(sites) - sites // 2) / sites
    frequency = np.linspace(-4.0, 4.0, 41)
    width = (0.3 + 0.2 * np.sin(momentum))[:, None]
    distance = frequency[None] + 2.0 * np.cos(momentum)[:, None]
    return write(path, {
        "momentum": (("momentum",), momentum, "rad", "momentum k"),
        "frequency": (("frequency",), frequency, "energy", "frequency w"),
        "spectral_function": (("momentum", "frequency"), width / (distance**2 + width**2 / 4.0), "1/energy",
                              "spectral function of spin up"),
    }, resolved_input=resolved_input(sites))


def drift_map(path, gain=(0.1, 1.0, 4.0), loss=(0.1, 0.5, 1.0, 2.0), times=(2.0, 4.0)):
    drift = np.log(np.array(gain)[:, None, None] / np.array(loss)[None, :, None]) * np.array(times) / 4.0
    shape = (len(gain), len(loss))
    text = resolved_input(16, rates=False) + f'[sweep]\n"{GAIN}" = {list(gain)}\n"{LOSS}" = {list(loss)}\n'
    return write(path, {
        GAIN: ((GAIN,), np.array(gain), "energy", "gain"),
        LOSS: ((LOSS,), np.array(loss), "energy", "loss"),
        "time": (("time",), np.array(times), "1/energy", "time t"),
        "drift": ((GAIN, LOSS, "time"), drift, "1", "drift"),
        "status": ((GAIN, LOSS), np.ones(shape, np.uint8), "1", "status"),
        "error": ((GAIN, LOSS), np.full(shape, "", dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=text)


def rates(sites):
    return np.full(sites, 0.2), 4.0 * (1.0 - np.sin(2.0 * np.pi * np.arange(sites) / sites))


def validity(path, interactions=(0.5, 1.0, 2.0), sites=2, error=0.01):
    """The exact propagator of another interaction, off by error U^3."""
    times = np.linspace(0.0, 2.0, 5)
    rows = np.array([exact_propagator(sites, 1.0, u + error * u**3, *rates(sites), times) for u in interactions])
    count = len(interactions)
    text = resolved_input(sites).replace("interaction = 2.0\n", "")
    return write(path, {
        INTERACTION: ((INTERACTION,), np.array(interactions), "energy", "interaction U"),
        "time": (("time",), times, "1/energy", "time t"),
        "site": (("site",), np.arange(sites) - sites // 2, "1", "site j"),
        "green_retarded": ((INTERACTION, "time", "site"), rows, "1", "retarded Green's function G(j,t)"),
        "status": ((INTERACTION,), np.ones(count, np.uint8), "1", "status"),
        "error": ((INTERACTION,), np.array([""] * count, dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=text + f'[sweep]\n"{INTERACTION}" = {list(interactions)}\n')


def _swept(values, interactions):
    """Datasets over a sweep of the interaction."""
    interactions = np.asarray(interactions, float)
    return {INTERACTION: ((INTERACTION,), interactions, "energy", "interaction U"), **values,
            "status": ((INTERACTION,), np.ones(len(interactions), np.uint8), "1", "status"),
            "error": ((INTERACTION,), np.array([""] * len(interactions), dtype=h5py.string_dtype()), "1", "error")}


def _swept_input(interactions):
    return resolved_input(8).replace("interaction = 2.0\n", "") + f'[sweep]\n"{INTERACTION}" = {list(map(float, interactions))}\n'


def particle(path, interactions=(0.5, 1.0, 2.0)):
    """Velocities to the right, those of the approximation smaller."""
    exact = 0.1 * np.asarray(interactions)
    shares = (("drift_velocity_exact", 1.0), ("drift_velocity_ring", 0.5), ("drift_velocity", 0.25))
    return write(path, _swept({name: ((INTERACTION,), share * exact, "energy", name) for name, share in shares}, interactions),
                 resolved_input=_swept_input(interactions))


def left_drifts(path, interactions=(0.5, 1.0, 2.0), times=(0.0, 1.0, 4.0)):
    drift = -0.3 * np.outer(interactions, times)
    return write(path, _swept({"time": (("time",), np.array(times), "1/energy", "time t"),
                               "drift": ((INTERACTION, "time"), drift, "1", "drift")}, interactions),
                 resolved_input=_swept_input(interactions))


def square_green(path, kind="hubbard", cells=(8, 6), times=(0.0, 1.0, 2.0, 3.0, 4.0)):
    """Packets on a square lattice that move along (1, -1/2)."""
    sites = [np.arange(size) - size // 2 for size in cells]
    x, y = np.meshgrid(*sites, indexing="ij")
    rows = np.array([-1j * np.exp(-0.1 * t - ((x - 0.5 * t) ** 2 + (y + 0.25 * t) ** 2) / (2.0 * (1.0 + t))) for t in times])
    square = np.abs(rows) ** 2
    norm = square.sum(axis=(1, 2))
    drift = np.stack([(square * one).sum(axis=(1, 2)) / norm for one in (x, y)], axis=1)
    return write(path, {
        "time": (("time",), np.array(times), "1/energy", "time t"),
        "site_1": (("site_1",), sites[0], "1", "site j"), "site_2": (("site_2",), sites[1], "1", "site j"),
        "direction": (("direction",), np.array([1, 2]), "1", "direction of the lattice"),
        "green_retarded": (("time", "site_1", "site_2"), rows, "1", "retarded Green's function G(j,t)"),
        "drift": (("time", "direction"), drift, "1", "drift"), "norm": (("time",), norm, "1", "norm"),
    }, resolved_input=f'[model]\nkind = "{kind}"\ncells = {list(cells)}\nhopping_terms = [[1, 0, -1.0, 0.0], [0, 1, -1.0, 0.0]]\n')
