#!/usr/bin/python3
"""What a NumPy script takes for the problems of open_lattice_benchmark.cpp: JSON on standard output.

lattice_kernel    four transforms a time
ladder_green      equal steps with Gregory's corrections: both integral equations then are triangular Toeplitz systems, which
                  series solve that are inverted by transforms, all momenta together and without a loop over times
two_driven_spins  one evaluation of the collisions by sums over frequencies, a block of pairs of momenta at a time

Each is compared with a plain sum or with stored values before it is timed. One thread.
"""

import json
import pathlib
import statistics
import sys
import time

import numpy as np

U = 2.0
TIMES = 625
DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"


def timed(function, repetitions, scale=1.0):
    samples = []
    for _ in range(repetitions):
        start = time.thread_time()
        function()
        samples.append(scale * (time.thread_time() - start))
    return {"median": statistics.median(samples), "minimum": min(samples), "maximum": max(samples), "samples": repetitions}


class Lattice:
    def __init__(self, cells):
        k = 2.0 * np.pi * np.arange(cells) / cells
        self.size = cells**2
        self.energy = -2.0 * np.cos(k)[:, None] - 2.0 * np.cos(k)
        loss = 4.0 * (1.0 - np.sin(k))[:, None] + (1.0 - np.sin(k))
        self.rate = 0.2 + loss
        self.n, self.h = 0.2 / self.rate, loss / self.rate

    def kernel(self, t):
        """K(k,t) of every momentum."""
        phase, decay = np.exp(1j * self.energy * t), np.exp(-0.5 * self.rate * t)
        a = np.fft.fft2(self.n * phase * decay) / self.size
        b = np.fft.ifft2(self.h * phase.conj() * decay)
        c = np.fft.ifft2(phase.conj())
        return U**2 * np.fft.fft2(a * b * c)

    def plain(self, k1, k2, t):
        """The same for one momentum, by the double sum over p and q."""
        sites = len(self.energy)
        a, b, c = self.n * np.exp((1j * self.energy - 0.5 * self.rate) * t), self.h * np.exp((-1j * self.energy - 0.5 * self.rate) * t), np.exp(-1j * self.energy * t)
        total = 0.0
        for q1 in range(sites):
            for q2 in range(sites):
                up = c[(k1 + q1) % sites, (k2 + q2) % sites]
                total += up * np.sum(a * np.roll(b, (q1, q2), axis=(0, 1)))
        return U**2 * total / self.size**2


ORDER = 10  # corrections at each end of an integral over equal steps
START = 2 * ORDER  # first values, which are found together: later the corrections of both ends lie apart


def gregory_corrections():
    """What the weights of the first and of the last points of an integral have less than 1."""
    a = [1.0]  # coefficients of differences: those of -x / log(1 - x)
    for n in range(1, ORDER + 1):
        a.append(-sum(a[k] / (n + 1 - k) for k in range(n)))
    missing = np.zeros(ORDER)
    missing[0] = 0.5
    for m in range(1, ORDER):
        binomial = 1.0
        for j in range(m + 1):
            missing[j] -= a[m + 1] * (binomial if j % 2 == 0 else -binomial)
            binomial = binomial * (m - j) / (j + 1)
    return missing


def starting_weights():
    """Integrals over [0, n] of the polynomials l_j through START points, and of l_i(n - s) l_j(s)."""
    def legendre(x):
        return np.polynomial.legendre.legvander(2.0 * x / (START - 1.0) - 1.0, START - 1)

    coefficients = np.linalg.inv(legendre(np.arange(START)))
    node, weight = np.polynomial.legendre.leggauss(START)
    integrals, convolutions = np.zeros((START, START)), np.zeros((START, START, START))
    for n in range(1, START):
        s, w = 0.5 * n * (1.0 + node), 0.5 * n * weight
        there, here = legendre(n - s) @ coefficients, legendre(s) @ coefficients
        integrals[n], convolutions[n] = w @ here, np.einsum("s,si,sj->ij", w, there, here)
    return integrals, convolutions


MISSING = gregory_corrections()
INTEGRALS, CONVOLUTIONS = starting_weights()


def product_of_series(a, b, length):
    size = 1 << int(np.ceil(np.log2(a.shape[1] + b.shape[1] - 1)))
    return np.fft.ifft(np.fft.fft(a, size) * np.fft.fft(b, size))[:, :length]


def inverse_series(a):
    """1 / a by Newton's iteration, which doubles the coefficients that are known."""
    length, inverse = a.shape[1], 1.0 / a[:, :1]
    while inverse.shape[1] < length:
        known = min(2 * inverse.shape[1], length)
        rest = -product_of_series(a[:, :known], inverse, known)
        rest[:, 0] += 2.0
        inverse = product_of_series(inverse, rest, known)
    return inverse


def volterra(source, kernel, step):
    """y(t) = source(t) + int_0^t kernel(t - s) y(s) ds, for every row."""
    weighted, later = step * kernel, source.shape[1] - START
    matrix = np.eye(START) - np.einsum("nij,qi->qnj", CONVOLUTIONS, weighted[:, :START])
    first = np.linalg.solve(matrix, source[:, :START, None])[..., 0]
    weighted[:, :ORDER] *= 1.0 - MISSING
    early = first.copy()
    early[:, :ORDER] *= 1.0 - MISSING
    right = source[:, START:] + product_of_series(weighted, early, source.shape[1])[:, START:]
    toeplitz = -weighted[:, :later]
    toeplitz[:, 0] += 1.0
    return np.concatenate((first, product_of_series(inverse_series(toeplitz), right, later)), axis=1)


def integral(values, step):
    """int_0^t of every row."""
    sums = np.cumsum(values, axis=1)
    sums -= (values[:, :ORDER] @ MISSING)[:, None]
    for i, missing in enumerate(MISSING):
        sums[:, i:] -= missing * values[:, : values.shape[1] - i]
    sums[:, :START] = values[:, :START] @ INTEGRALS.T
    return step * sums


class Ladder:
    """The probe on a chain, by the ladder of particles."""

    STEP = 1.0 / 30.0  # the longest with errors below 1e-10

    def __init__(self, sites):
        k = 2.0 * np.pi * np.arange(sites) / sites
        self.sites, self.energy = sites, -2.0 * np.cos(k)
        self.rate = 0.2 + 4.0 * (1.0 - np.sin(k))
        self.n = 0.2 / self.rate

    def green(self, last, step=STEP):
        """G(k,t) at equal steps up to a time, (momenta, times)."""
        t = step * np.arange(int(np.ceil(last / step - 1e-9)) + 1)
        phase, decay = np.exp(-1j * np.outer(self.energy, t)), np.exp(-0.5 * np.outer(self.rate, t))
        particle = np.fft.fft(self.n[:, None] * phase.conj() * decay, axis=0) / self.sites
        hole = np.fft.ifft((1.0 - self.n)[:, None] * phase * decay, axis=0)
        pair = np.fft.fft(hole * np.fft.ifft(phase, axis=0), axis=0)
        collided = volterra(U**2 * pair, -1j * U * pair, step)
        kernel = np.fft.fft(particle * np.fft.ifft(collided, axis=0), axis=0)
        turned = np.exp(1j * np.outer(self.energy + U * self.n.mean(), t))
        return volterra(np.full(kernel.shape, -1j), -integral(kernel * turned, step), step) / turned

    def norm_and_drift(self, last):
        profile = np.abs(np.fft.ifft(self.green(last)[:, -1])) ** 2
        label = (np.arange(self.sites) + self.sites // 2) % self.sites - self.sites // 2
        return profile.sum(), label @ profile / profile.sum()


class TwoSpins:
    """Collisions of both ladders from sums over frequencies w = R tan(x/2).

    energy, gain and rate are pairs, of spin up and spin down."""

    def __init__(self, energy, gain, rate, interaction, nodes):
        self.sites, self.energy, self.gain, self.rate, self.interaction = len(gain[0]), energy, gain, rate, interaction
        x = 2.0 * np.pi * (np.arange(nodes) + 0.5) / nodes - np.pi
        self.w, self.weight = 2.0 * np.tan(x / 2.0), 2.0 / (2.0 * nodes * np.cos(x / 2.0) ** 2)

    @staticmethod
    def of_chain(sites, nodes):
        """The chain of the benchmark, at U = 1."""
        k = 2.0 * np.pi * np.arange(sites) / sites
        energy = -2.0 * np.cos(k)
        return TwoSpins((energy, energy), (np.full(sites, 0.02), np.full(sites, 0.2)),
                        (np.full(sites, 0.1), 0.2 + 4.0 * (1.0 - np.sin(k))), 1.0, nodes)

    @staticmethod
    def of_stored(ring, nodes):
        """A ring of tests/data/hubbard_two_spins.json with its collisions of spin up and spin down."""
        def sums(terms):
            return sum((re + 1j * im) * np.exp(1j * k * shift) for shift, re, im in terms)

        k = 2.0 * np.pi * np.arange(ring["cells"][0]) / ring["cells"][0]
        gains = [np.abs(sums([(-shift, re, im) for shift, re, im in ring[f"gain_{spin}"]])) ** 2 for spin in ("up", "down")]
        losses = [np.abs(sums(ring[f"loss_{spin}"])) ** 2 for spin in ("up", "down")]
        return TwoSpins([2.0 * sums(ring[f"hopping_{spin}"]).real for spin in ("up", "down")], gains,
                        [gain + loss for gain, loss in zip(gains, losses)], ring["interaction"], nodes)

    def flows(self, sign):
        """sum over the partner of r and its share of second order, for spin up and spin down (Eq. 142)."""
        n_up, n_down = (gain / rate for gain, rate in zip(self.gain, self.rate))
        into = [np.zeros(self.sites), np.zeros(self.sites)]
        second = [np.zeros(self.sites), np.zeros(self.sites)]
        k = np.arange(self.sites)
        for pair in range(self.sites):
            p = sign * (pair - k) % self.sites
            other = n_down[p] if sign > 0 else 1.0 - n_down[p]
            less, more = n_up * other, (1.0 - n_up) * (1.0 - other)
            width = 0.5 * (self.rate[0] + self.rate[1][p])
            detuning = self.w - (self.energy[0] + sign * self.energy[1][p])[:, None]
            pole = 1.0 / (detuning + 1j * width[:, None])
            line = -2.0 * pole.imag
            phi_less, phi_more = (weight @ line / self.sites for weight in (less, more))
            square = 1.0 / np.abs(1.0 - sign * self.interaction * ((more - less) @ pole) / self.sites) ** 2
            rows = line * (phi_less * more[:, None] - phi_more * less[:, None]) * (self.interaction**2 * self.weight)
            for target, values in ((into, rows @ square), (second, rows.sum(axis=1))):
                target[0] += values / self.sites
                target[1][p] += sign * values / self.sites
        return into, second

    def integrals(self):
        """I of spin up and spin down (Eq. 143)."""
        particle, second = self.flows(1)
        hole, _ = self.flows(-1)
        return [particle[s] + hole[s] - second[s] for s in (0, 1)]


def main():
    quick = "--quick" in sys.argv
    repetitions, results = (2, []) if quick else (5, [])
    small = Lattice(6)
    assert abs(small.kernel(0.7)[1, 2] - small.plain(1, 2, 0.7)) < 1e-14
    for cells in (64, 128, 256):
        lattice, some = Lattice(cells), 10
        lattice.kernel(0.1)
        seconds = timed(lambda: [lattice.kernel(0.03 * t) for t in range(some)], repetitions, TIMES / some)
        results.append({"rival": "numpy_fft", "benchmark": "lattice_kernel", "L": cells, "seconds": seconds})
    for last, norm, drift, *_ in json.loads((DATA / "hubbard_ladder.json").read_text())["propagation"]:
        found = Ladder(128).norm_and_drift(last)
        assert abs(found[0] - norm) < 1e-7 and abs(found[1] - drift) < 1e-6, (last, found)  # stored to 1e-7
    halved = Ladder(32).green(10.0)[:, -1] - Ladder(32).green(10.0, 0.5 * Ladder.STEP)[:, -1]
    assert np.abs(halved).max() < 1e-10, np.abs(halved).max()  # as accurate as lindrift promises to be
    for sites in ((128,) if quick else (128, 1024)):
        ladder = Ladder(sites)
        results.append({"rival": "numpy_fft", "benchmark": "ladder_green", "L": sites,
                        "seconds": timed(lambda: ladder.green(10.0), repetitions)})
    for ring in json.loads((DATA / "hubbard_two_spins.json").read_text())["small"]:
        if len(ring["cells"]) == 1:
            found = TwoSpins.of_stored(ring, 800).integrals()
            assert np.abs(np.array(found) - ring["both_collisions"]).max() < 1e-12, found
    for sites, nodes in (((64, 800),) if quick else ((64, 800), (128, 800), (256, 800))):
        spins = TwoSpins.of_chain(sites, nodes)
        up, down = spins.integrals()
        assert abs(up.sum()) < 1e-12 and abs(down.sum()) < 1e-12  # collisions keep particles
        seconds = timed(spins.integrals, 2)
        results.append({"rival": "numpy", "benchmark": "two_driven_spins", "L": sites, "seconds": seconds})
    json.dump({"numpy": np.__version__, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
