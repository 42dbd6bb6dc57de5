"""Result files of the open Hatsugai-Kohmoto chain as lindrift writes them, from eigenvalues in plain numpy."""

import h5py
import numpy as np

from synthetic import write

INTERACTION = "model.interaction"


class Chain:
    """J = 1, gain of spin down everywhere, loss 2 g (1 - sin k), no bath on spin up, spin down in its steady state."""

    def __init__(self, sites, interaction, gain=1.5, bonds=0.5, up_loss=0.0):
        self.sites, self.interaction, self.gain, self.bonds, self.up_loss = sites, interaction, gain, bonds, up_loss
        self.momentum = 2.0 * np.pi * (np.arange(sites) - sites // 2) / sites
        self.site = np.arange(sites) - sites // 2
        self.energy = -2.0 * np.cos(self.momentum)
        self.rate = gain + 2.0 * bonds * (1.0 - np.sin(self.momentum))
        self.occupation = gain / self.rate

    def green_momentum(self, time):
        """G(k, t) by residues."""
        root = np.sqrt((self.rate + 1j * self.interaction) ** 2 - 4j * self.interaction * self.gain + 0j)
        part = (self.rate + 1j * self.interaction * (1.0 - 2.0 * self.occupation)) / root
        middle = -1j * (self.energy + self.interaction / 2) - (self.rate + self.up_loss) / 2
        return -0.5j * ((1 + part) * np.exp((middle + root / 2) * time) + (1 - part) * np.exp((middle - root / 2) * time))

    def green(self, time):
        phases = np.exp(1j * np.outer(self.site, self.momentum))
        return phases @ self.green_momentum(time) / self.sites

    def spectral_function(self, frequencies):
        n, h = self.occupation, 1.0 - self.occupation
        x = frequencies[np.newaxis] - self.energy[:, np.newaxis] + 0.5j * self.up_loss
        pole = (self.interaction**2 * n * h)[:, np.newaxis] / (
            x - (self.interaction * h)[:, np.newaxis] + 1j * self.rate[:, np.newaxis])
        return -2.0 * (1.0 / (x - (self.interaction * n)[:, np.newaxis] - pole)).imag

    def input(self, interaction=True):
        one = f"interaction = {self.interaction}\n" if interaction else ""
        return (f'[model]\nkind = "hatsugai_kohmoto"\nsites = {self.sites}\nhopping = 1.0\n{one}\n'
                f"[bath.up]\nloss = {self.up_loss}\n\n[bath.down]\ngain = {self.gain}\ntwo_site_loss = {self.bonds}\n")


def moments(chain, profile):
    return profile @ chain.site / profile.sum(), profile.sum()


def green(path, interaction, times, sites=32):
    chain = Chain(sites, interaction)
    rows = np.array([chain.green(time) for time in times])
    sums = np.array([moments(chain, np.abs(row) ** 2) for row in rows])
    return write(path, {
        "time": (("time",), np.asarray(times), "1/energy", "time t"),
        "site": (("site",), chain.site, "1", "site j"),
        "green_retarded": (("time", "site"), rows, "1", "retarded Green's function G(j,t)"),
        "drift": (("time",), sums[:, 0], "1", "drift"),
        "norm": (("time",), sums[:, 1], "1", "norm"),
    }, resolved_input=chain.input())


def density(path, interaction, times, sites=32):
    chain = Chain(sites, interaction)
    rows = np.array([np.abs(chain.green(time)) ** 2 for time in times])
    rows += (1.0 - rows.sum(axis=1, keepdims=True)) / sites
    return write(path, {
        "time": (("time",), np.asarray(times), "1/energy", "time t"),
        "site": (("site",), chain.site, "1", "site j"),
        "density": (("time", "site"), rows, "1", "density n of spin up"),
        "drift": (("time",), rows @ chain.site, "1", "drift"),
    }, resolved_input=chain.input())


def drifts(path, interactions, times, sites=64, of_density=False):
    chains = [Chain(sites, interaction) for interaction in interactions]
    profiles = [[np.abs(chain.green(time)) ** 2 for time in times] for chain in chains]
    sums = np.array([[moments(chain, one) for one in rows] for chain, rows in zip(chains, profiles)])
    drift = sums[..., 0] * sums[..., 1] if of_density else sums[..., 0]
    return write(path, {
        INTERACTION: ((INTERACTION,), np.asarray(interactions, float), "energy", "interaction U"),
        "time": (("time",), np.asarray(times), "1/energy", "time t"),
        "drift": ((INTERACTION, "time"), drift, "1", "drift"),
        "norm": ((INTERACTION, "time"), sums[..., 1], "1", "norm"),
        "status": ((INTERACTION,), np.ones(len(interactions), np.uint8), "1", "status"),
        "error": ((INTERACTION,), np.array([""] * len(interactions), dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=chains[0].input(interaction=False) + f'\n[sweep]\n"{INTERACTION}" = {list(map(float, interactions))}\n')


def spectrum(path, gain=0.5, bonds=0.5, up_loss=0.4, sites=32):
    chain = Chain(sites, 4.0, gain, bonds, up_loss)
    frequencies = np.linspace(-3.0, 7.0, 41)
    return write(path, {
        "momentum": (("momentum",), chain.momentum, "rad", "momentum k"),
        "frequency": (("frequency",), frequencies, "energy", "frequency w"),
        "spectral_function": (("momentum", "frequency"), chain.spectral_function(frequencies), "1/energy",
                              "spectral function of spin up"),
    }, resolved_input=chain.input())


def exceptional_points(path, cells=32):
    """A square lattice with gain 1/2 + (1 + cos k_2), loss 2 (1 - sin k_1) and U = 3."""
    momentum = 2.0 * np.pi * (np.arange(cells) - cells // 2) / cells
    k, q = np.meshgrid(momentum, momentum, indexing="ij")
    gain, loss, interaction = 0.5 + 1.0 + np.cos(q), 2.0 * (1.0 - np.sin(k)), 3.0
    rate = gain + loss
    root = np.sqrt((rate + 1j * interaction) ** 2 - 4j * interaction * gain)
    middle = -2.0 * np.cos(k) - 2.0 * np.cos(q) + interaction / 2 - 0.5j * rate
    where = np.arcsin(0.25)
    points = np.full((6, 2), np.nan)
    points[:4] = [[where, -np.pi / 2], [where, np.pi / 2], [np.pi - where, -np.pi / 2], [np.pi - where, np.pi / 2]]
    charges = np.array([1.0, -1.0, -1.0, 1.0, np.nan, np.nan])
    energies = -2.0 * np.cos(points[:, 0]) - 2.0 * np.cos(points[:, 1]) + 1.5 - 1.5j
    return write(path, {
        "branch": (("branch",), np.array(["slow", "fast"], dtype=h5py.string_dtype()), "1", "pole"),
        "momentum_1": (("momentum_1",), momentum, "rad", "momentum k_1"),
        "momentum_2": (("momentum_2",), momentum, "rad", "momentum k_2"),
        "pole": (("branch", "momentum_1", "momentum_2"), np.array([middle + 0.5j * root, middle - 0.5j * root]), "energy", "poles"),
        "exceptional_point": (("number", "direction"), points, "rad", "exceptional points"),
        "exceptional_point_charge": (("number",), charges, "1", "turns"),
        "exceptional_point_energy": (("number",), energies, "energy", "energies"),
    }, resolved_input='[model]\nkind = "hatsugai_kohmoto"\ncells = [32, 32]\ninteraction = 3.0\n[task]\nkind = "poles"\n')


def two_orbitals(path):
    """Currents of both spins at three interactions."""
    interactions = np.array([0.0, 1.0, 4.0])
    current = np.array([[0.0, -0.16], [-0.05, -0.14], [-0.03, -0.09]])
    return write(path, {
        INTERACTION: ((INTERACTION,), interactions, "energy", "interaction U"),
        "spin": (("spin",), np.array(["up", "down"], dtype=h5py.string_dtype()), "1", "spin"),
        "current_spin": ((INTERACTION, "spin"), current, "energy", "current"),
        "status": ((INTERACTION,), np.ones(3, np.uint8), "1", "status"),
        "error": ((INTERACTION,), np.array([""] * 3, dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input='[model]\nkind = "hatsugai_kohmoto"\ncells = [16]\norbitals = 2\n[task]\nkind = "steady_state"\n')
