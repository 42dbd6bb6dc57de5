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
