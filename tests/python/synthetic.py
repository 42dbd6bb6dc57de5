"""Result files as lindrift writes them, made with h5py and plain numpy solutions of the rate equations."""

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
    """datasets: name -> (dimensions, values, units, long_name). A coordinate has its own name as only dimension."""
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


def fixed_point(gain_and_loss, n):
    """Fixed point of lambda = log loss - log gain; a shift of lambda restores half filling in every step."""
    for _ in range(400):
        before = n
        gain, loss = gain_and_loss(n)
        raw, shift = np.log(loss / gain), 0.0
        for _ in range(4):
            n = 1.0 / (1.0 + np.exp(raw - shift))
            shift += (0.5 - np.mean(n)) / np.mean(n * (1.0 - n))
        n = 1.0 / (1.0 + np.exp(raw - shift))
        if np.max(np.abs(n - before)) < 1e-14:
            break
    return n


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
        return fixed_point(self.gain_and_loss, np.full(len(self.momentum), 0.5))

    def current(self, n):
        return np.mean(2.0 * np.sin(self.momentum) * n, axis=-1)


def multiplier(n):
    return np.log((1.0 - n) / n)


def momentum_axis(chain):
    return (("momentum",), chain.momentum, "rad", "momentum")


def numbered_points(count):
    """The dimension of a zip sweep."""
    return {"point": (("point",), np.arange(count), "1", "point of the sweep")} if count else {}


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
    """Steady states for several bath.nonequilibrium_fraction."""
    key = "bath.nonequilibrium_fraction"
    dimension = "point" if zipped else key
    chains = [Chain(sites, fraction) for fraction in fractions]
    n = np.array([chain.steady_state() for chain in chains])
    status = np.ones(len(fractions), np.uint8) if status is None else np.asarray(status, np.uint8)
    n[(status != 1) & (status != 3)] = np.nan
    currents = chains[0].current(n)
    return write(path, {
        **numbered_points(len(fractions) if zipped else 0),
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
    """Currents on a grid of two keys, inverse temperature and weight of the nonequilibrium bath."""
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


RASHBA_Y, RASHBA_Z, FIELD = 1.1, 0.9, 1.0


class TwoBands:
    """Steady states of two bands with Rashba coupling and dephasing, J = 1, half filling, beta = 2. Arrays: band, k."""

    def __init__(self, sites, fraction, up=1.0, down=0.0, equilibrium=None):
        self.momentum = 2.0 * np.pi * (np.arange(sites) - sites // 2) / sites
        self.fraction, self.dephasing = fraction, (up, down)
        self.equilibrium = 1.0 - fraction if equilibrium is None else equilibrium
        k, band = self.momentum, np.array([[1.0], [-1.0]])
        along, across = 2.0 * RASHBA_Y * np.sin(k) + FIELD, 2.0 * RASHBA_Z * np.sin(k)
        splitting = np.hypot(along, across)
        self.energy = -2.0 * np.cos(k) + band * splitting
        self.weights = np.array([(1.0 + band * along / splitting) / 2.0, (1.0 - band * along / splitting) / 2.0])
        mixed = band * RASHBA_Z * np.cos(k) * across / splitting
        self.velocities = np.array([2.0 * (np.sin(k) + sign * RASHBA_Y * np.cos(k)) * weight + mixed
                                    for sign, weight in zip((1.0, -1.0), self.weights)])

    def gain_and_loss(self, n):
        sites, boltzmann = len(self.momentum), np.exp(self.energy)  # beta / 2 = 1
        gain = self.equilibrium * np.sum(boltzmann * n) / sites / boltzmann
        loss = self.equilibrium * np.sum((1.0 - n) / boltzmann) / sites * boltzmann
        for rate, weight in zip(self.dephasing, self.weights):
            gain = gain + self.fraction * rate * weight * np.sum(weight * n) / sites
            loss = loss + self.fraction * rate * weight * np.sum(weight * (1.0 - n)) / sites
        return gain, loss

    def steady_state(self):
        if self.equilibrium == 0.0:
            return np.full(self.energy.shape, 0.5)
        return fixed_point(self.gain_and_loss, np.full(self.energy.shape, 0.5))

    def spin_currents(self, n):
        return np.sum(self.velocities * n, axis=(1, 2)) / len(self.momentum)


def two_bands_input(sites, up, down):
    return resolved_input(sites, "tgge_rashba").replace("[bath]\n", (
        f"zeeman_field = {FIELD}\nrashba_y = {RASHBA_Y}\nrashba_z = {RASHBA_Z}\n\n"
        f"[bath]\ndephasing_up = {up}\ndephasing_down = {down}\n")) + "\n[initial]\nfilling = 0.5\n"


def two_band_fields(dimensions, bands, n):
    """Fields of steady states n[sweep, band, momentum] along the sweep's `dimensions`, and their coordinates."""
    currents = np.array([one.spin_currents(row) for one, row in zip(bands, n)])
    shape = n.shape[: len(dimensions)]
    text = h5py.string_dtype()
    n, currents = (n, currents) if dimensions else (n[0], currents[0])
    return {
        "momentum": momentum_axis(bands[0]),
        "band": (("band",), np.array(["+", "-"], dtype=text), "1", "band"),
        "spin": (("spin",), np.array(["up", "down"], dtype=text), "1", "spin"),
        "lagrange_multiplier": ((*dimensions, "band", "momentum"), multiplier(n), "1", "Lagrange multiplier"),
        "occupation": ((*dimensions, "band", "momentum"), n, "1", "occupation"),
        "current": (dimensions, currents.sum(axis=-1), "energy", "particle current per site"),
        "current_spin": ((*dimensions, "spin"), currents, "energy", "particle current per site of each spin"),
        "density_per_site": (dimensions, np.full(shape, 1.0), "1", "particles per site"),
        "converged": (dimensions, np.full(shape, 1, np.uint8), "1", "converged"),
        "steps": (dimensions, np.full(shape, 5, np.int64), "1", "steps"),
        "frozen_modes": (dimensions, np.full(shape, 0, np.int64), "1", "frozen modes"),
    }


def two_bands(path, fraction=0.5, sites=20, up=1.0, down=0.0):
    one = TwoBands(sites, fraction, up, down)
    return write(path, two_band_fields((), [one], one.steady_state()[np.newaxis]),
                 resolved_input=two_bands_input(sites, up, down))


def two_bands_relaxation(path, times, sites=8):
    """Not a true relaxation: occupations go straight to the steady state."""
    one = TwoBands(sites, 0.5)
    n = np.array([0.5 + (one.steady_state() - 0.5) * time / times[-1] for time in times])
    fields = two_band_fields(("time",), [one] * len(times), n)
    return write(path, {**fields, "time": (("time",), times, "1/energy", "time"),
                        "converged": ((), np.uint8(1), "1", "converged"), "steps": ((), np.int64(9), "1", "steps"),
                        "frozen_modes": ((), np.int64(0), "1", "frozen modes")},
                 resolved_input=two_bands_input(sites, 1.0, 0.0))


def two_bands_sweep(path, fractions, sites=40, up=1.0, down=0.0, equilibrium=None, status=None):
    """Steady states for several bath.nonequilibrium_fraction, zipped with bath.equilibrium_fraction if it is given."""
    key, dimension = "bath.nonequilibrium_fraction", "bath.nonequilibrium_fraction"
    weights, numbers = {}, {}
    if equilibrium is not None:
        dimension, numbers = "point", numbered_points(len(fractions))
        weights["bath.equilibrium_fraction"] = (("point",), np.asarray(equilibrium), "1", "weight of the thermal bath")
    bands = [TwoBands(sites, fraction, up, down, None if equilibrium is None else equilibrium[index])
             for index, fraction in enumerate(fractions)]
    n = np.array([one.steady_state() for one in bands])
    status = np.ones(len(n), np.uint8) if status is None else np.asarray(status, np.uint8)
    n[(status != 1) & (status != 3)] = np.nan
    return write(path, {
        **numbers, **weights,
        key: ((dimension,), np.asarray(fractions, float), "1", "weight of the nonequilibrium bath"),
        **two_band_fields((dimension,), bands, n),
        "status": ((dimension,), status, "1", "status"),
        "error": ((dimension,), np.array([""] * len(n), dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=two_bands_input(sites, up, down),
        **({"coordinates": " ".join([*weights, key])} if weights else {}))


def inverse_design(path, fractions=(0.0, 0.25, 0.5, 0.75)):
    """A gradient with respect to the amplitudes of one operator with two terms."""
    amplitudes = np.array([1.0, 0.5j])
    terms = [[0, 0, 1.0, 0.0], [1, 0, 0.0, 0.5]]
    fractions = np.asarray(fractions, dtype=float)
    return write(path, {
        "bath.nonequilibrium_fraction": (("bath.nonequilibrium_fraction",), fractions, "1", "weight"),
        "of": (("of",), np.array(["current"], dtype=h5py.string_dtype()), "1", "current"),
        "term": (("term",), np.arange(2), "1", "term"),
        "value": (("bath.nonequilibrium_fraction", "of"), 0.6 * fractions[:, None], "energy", "the currents themselves"),
        "gradient_bath.jump_operator": (("bath.nonequilibrium_fraction", "of", "term"),
                                        fractions[:, None, None] * amplitudes, "energy", "derivative"),
        "status": (("bath.nonequilibrium_fraction",), np.ones(len(fractions), dtype=np.uint8), "1", "status"),
    }, resolved_input=resolved_input(40) + f'jump = "operators"\n[[bath.jump_operator]]\nterms = {terms}\n')


def lattice_raman(path, sizes=(6, 5)):
    """Occupations of one band over two momenta, with a part that is odd in the first momentum."""
    momenta = [2.0 * np.pi * np.arange(-(size // 2), (size + 1) // 2) / size for size in sizes]
    occupation = 0.5 + 0.2 * np.cos(momenta[0])[:, None] * np.cos(momenta[1]) + 0.1 * np.sin(momenta[0])[:, None]
    return write(path, {
        **{f"momentum_{i + 1}": ((f"momentum_{i + 1}",), k, "1", "momentum") for i, k in enumerate(momenta)},
        "band": (("band",), np.arange(1), "1", "band"),
        "direction": (("direction",), np.arange(1, 3), "1", "direction"),
        "occupation": (("band", "momentum_1", "momentum_2"), occupation[None], "1", "occupation n of the modes"),
        "current": (("direction",), np.array([0.1, -0.05]), "energy", "particle current per site"),
    }, resolved_input=resolved_input(30))


def lattice_rashba_zeeman(path, count=9):
    """A current perpendicular to a field that rotates."""
    angle = np.linspace(0.0, 2.0 * np.pi, count)
    return write(path, {
        **numbered_points(count),
        "model.zeeman_x": (("point",), np.cos(angle), "energy", "magnetic field B_x"),
        "model.zeeman_y": (("point",), np.sin(angle), "energy", "magnetic field B_y"),
        "direction": (("direction",), np.arange(1, 3), "1", "direction"),
        "current": (("point", "direction"), 0.01 * np.stack([-np.sin(angle), np.cos(angle)], axis=1), "energy",
                    "particle current per site"),
        "status": (("point",), np.ones(count, np.uint8), "1", "status"),
        "error": (("point",), np.array([""] * count, dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=resolved_input(30), coordinates="model.zeeman_x model.zeeman_y")


def lattice_haldane(path, energies=(0.1, 0.3), count=8):
    """A current across the bond at 30 degrees, odd in the flux."""
    flux = np.linspace(-3.0, 3.0, count)
    across = np.array([-0.5, np.sqrt(0.75)])
    current = np.array(energies)[:, None, None] * np.sin(flux)[:, None] * across
    dimensions = ("model.sublattice_energy", "model.flux")
    return write(path, {
        "model.sublattice_energy": (dimensions[:1], np.array(energies), "energy", "energy"),
        "model.flux": (dimensions[1:], flux, "1", "flux"),
        "direction": (("direction",), np.arange(1, 3), "1", "direction"),
        "cartesian": (("cartesian",), np.arange(1, 3), "1", "Cartesian direction"),
        "current": ((*dimensions, "direction"), current, "energy", "particle current per site"),
        "current_cartesian": ((*dimensions, "cartesian"), current, "energy", "particle current per cell"),
        "status": (dimensions, np.ones((len(energies), count), np.uint8), "1", "status"),
        "error": (dimensions, np.full((len(energies), count), "", dtype=h5py.string_dtype()), "1", "error"),
    }, resolved_input=resolved_input(30))
