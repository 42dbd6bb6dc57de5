"""Result files as lindrift writes them, made with h5py and a plain numpy solution of the chain's rate equations."""

import h5py
import numpy as np

ATTRIBUTES = {
    "lindrift_version": "0.1.0",
    "git_hash": "unknown",
    "input": "",
    "resolved_input": "",
    "algorithm": "direct",
    "backend": "cpu",
    "ranks": np.int64(1),
    "threads": np.int64(1),
    "host": "test",
    "device": "none",
    "started": "2000-01-01T00:00:00Z",
    "elapsed_seconds": 0.1,
    "complete": np.uint8(1),
}
BARE = "This is a netCDF dimension but not a netCDF variable."


def write(path, datasets, **attributes):
    """datasets: name -> (dimensions, values, units, long_name). Its own only dimension: a coordinate."""
    with h5py.File(path, "w") as file:
        file.attrs.update({**ATTRIBUTES, **attributes})
        for name, (dimensions, values, units, long_name) in datasets.items():
            dataset = file.create_dataset(name, data=values)
            dataset.attrs["units"], dataset.attrs["long_name"] = units, long_name
            if tuple(dimensions) == (name,):
                dataset.make_scale(name)
        for name, (dimensions, values, _, _) in datasets.items():
            if tuple(dimensions) == (name,):
                continue
            for axis, dimension in enumerate(dimensions):
                if dimension not in file:
                    scale = file.create_dataset(dimension, data=np.arange(np.shape(values)[axis]))
                    scale.make_scale(f"{BARE}{len(scale):10}")
                    scale.attrs["units"], scale.attrs["long_name"] = "1", f"{dimension} index"
                file[name].dims[axis].attach_scale(file[dimension])
    return path


def resolved_input(sites, kind="tgge_chain", beta=2.0):
    return f'[model]\nkind = "{kind}"\nsites = {sites}\nhopping = 1.0  # J\n\n[bath]\ninverse_temperature = {beta}\n'


class Chain:
    """dn/dt of the one-band chain, J = 1, half filling, delta = 1 + i, delta' = 1 + i/2."""

    def __init__(self, sites, fraction, coupling=0.05, beta=2.0, equilibrium=None):
        self.momentum = 2.0 * np.pi * (np.arange(sites) - sites // 2) / sites
        self.energy = -2.0 * np.cos(self.momentum)
        self.coupling, self.beta, self.fraction = coupling, beta, fraction
        self.equilibrium = 1.0 - fraction if equilibrium is None else equilibrium
        self.into = np.abs(1.0 + (1.0 + 1.0j) * np.exp(-1j * self.momentum)) ** 2
        self.out = np.abs(1.0 - (1.0 + 0.5j) * np.exp(1j * self.momentum)) ** 2

    def gain_and_loss(self, n):
        boltzmann = np.exp(self.beta * self.energy / 2.0)
        gain = self.equilibrium * np.mean(boltzmann * n) / boltzmann
        loss = self.equilibrium * np.mean((1.0 - n) / boltzmann) * boltzmann
        gain = gain + self.fraction * self.into * np.mean(self.out * n)
        return gain, loss + self.fraction * self.out * np.mean(self.into * (1.0 - n))

    def rate(self, n):
        gain, loss = self.gain_and_loss(n)
        return self.coupling * (gain * (1.0 - n) - loss * n)

    def relax(self, times, step=0.5):
        n, now, rows = np.full(len(self.momentum), 0.5), 0.0, []
        for time in times:
            count = int(np.ceil((time - now) / step))
            for _ in range(count):
                h = (time - now) / count
                a = self.rate(n)
                b = self.rate(n + h / 2 * a)
                c = self.rate(n + h / 2 * b)
                n = n + h / 6 * (a + 2 * b + 2 * c + self.rate(n + h * c))
            now = time
            rows.append(n)
        return np.array(rows)

    def steady_state(self):
        """Fixed point of lambda = log loss - log gain; a shift of lambda restores half filling in every step."""
        n = np.full(len(self.momentum), 0.5)
        for _ in range(80):
            gain, loss = self.gain_and_loss(n)
            raw, low, high = np.log(loss / gain), -50.0, 50.0
            for _ in range(50):
                shift = 0.5 * (low + high)
                low, high = (shift, high) if np.mean(1.0 / (1.0 + np.exp(raw - shift))) < 0.5 else (low, shift)
            n = 1.0 / (1.0 + np.exp(raw - shift))
        return n

    def current(self, n):
        return np.mean(2.0 * np.sin(self.momentum) * n, axis=-1)


def multiplier(n):
    return np.log((1.0 - n) / n)


def momentum_axis(chain):
    return (("momentum",), chain.momentum, "rad", "momentum")


def relaxation(path, sites=20, times=None, fraction=0.0):
    times = np.linspace(0.0, 320.0, 81) if times is None else times
    chain = Chain(sites, fraction)
    n = chain.relax(times)
    return write(path, {
        "momentum": momentum_axis(chain),
        "time": (("time",), times, "1/energy", "time"),
        "lagrange_multiplier": (("time", "momentum"), multiplier(n), "1", "Lagrange multiplier"),
        "occupation": (("time", "momentum"), n, "1", "occupation"),
        "current": (("time",), chain.current(n), "energy", "particle current"),
        "particle_number": (("time",), n.sum(axis=1), "1", "particle number"),
        "residual": (("time",), np.zeros(len(times)), "1", "residual"),
        "converged": ((), np.uint8(1), "1", "converged"),
        "steps": ((), np.int64(100), "1", "steps"),
    }, resolved_input=resolved_input(sites))


def steady_state(path, sites=40, fraction=0.5, converged=1):
    chain = Chain(sites, fraction)
    n = chain.steady_state()
    return write(path, {
        "momentum": momentum_axis(chain),
        "lagrange_multiplier": (("momentum",), multiplier(n), "1", "Lagrange multiplier"),
        "occupation": (("momentum",), n, "1", "occupation"),
        "current": ((), chain.current(n), "energy", "particle current"),
        "residual": ((), 1e-14, "1", "residual"),
        "converged": ((), np.uint8(converged), "1", "converged"),
    }, resolved_input=resolved_input(sites))


def sweep(path, fractions, sites=20, status=None, zipped=False):
    """Steady states over bath.nonequilibrium_fraction."""
    key = "bath.nonequilibrium_fraction"
    dimension = "point" if zipped else key
    chains = [Chain(sites, fraction) for fraction in fractions]
    n = np.array([chain.steady_state() for chain in chains])
    status = np.ones(len(fractions), np.uint8) if status is None else np.asarray(status, np.uint8)
    n[(status != 1) & (status != 3)] = np.nan
    currents = chains[0].current(n)
    return write(path, {
        key: ((dimension,), np.asarray(fractions, float), "1", "weight of the nonequilibrium bath"),
        "momentum": momentum_axis(chains[0]),
        "lagrange_multiplier": ((dimension, "momentum"), multiplier(n), "1", "Lagrange multiplier"),
        "occupation": ((dimension, "momentum"), n, "1", "occupation"),
        "current": ((dimension,), currents, "energy", "particle current"),
        "residual": ((dimension,), np.zeros(len(fractions)), "1", "residual"),
        "status": ((dimension,), status, "1", "status"),
        "error": ((dimension,), np.array([""] * len(fractions), dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=resolved_input(sites), **({"coordinates": key} if zipped else {}))


def sweep_of_two(path, fractions, temperatures, sites=20):
    """Currents over a grid of two keys, inverse temperature and weight of the nonequilibrium bath."""
    first, second = "bath.inverse_temperature", "bath.nonequilibrium_fraction"
    chains = [[Chain(sites, fraction, beta=beta) for fraction in fractions] for beta in temperatures]
    n = np.array([[chain.steady_state() for chain in row] for row in chains])
    return write(path, {
        first: ((first,), np.asarray(temperatures, float), "1/energy", "inverse temperature"),
        second: ((second,), np.asarray(fractions, float), "1", "weight of the nonequilibrium bath"),
        "momentum": momentum_axis(chains[0][0]),
        "occupation": ((first, second, "momentum"), n, "1", "occupation"),
        "current": ((first, second), chains[0][0].current(n), "energy", "particle current"),
        "status": ((first, second), np.ones(n.shape[:2], np.uint8), "1", "status"),
        "error": ((first, second), np.full(n.shape[:2], "", dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=resolved_input(sites))
