#!/usr/bin/python3
"""What a NumPy script takes for the problems of open_lattice_benchmark.cpp: JSON on standard output.

The kernel of a lattice by four transforms of SciPy or NumPy a time, and one evaluation of the collisions of two driven spins
by sums over frequencies, a block of pairs of momenta at a time. One thread.
"""

import json
import statistics
import sys
import time

import numpy as np

U = 2.0
TIMES = 625


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


class TwoSpins:
    """Collisions of both ladders at U = 1 from sums over frequencies w = R tan(x/2)."""

    def __init__(self, sites, nodes):
        k = 2.0 * np.pi * np.arange(sites) / sites
        self.sites, self.energy = sites, -2.0 * np.cos(k)
        self.gain = (np.full(sites, 0.02), np.full(sites, 0.2))
        self.rate = (np.full(sites, 0.1), 0.2 + 4.0 * (1.0 - np.sin(k)))
        x = 2.0 * np.pi * (np.arange(nodes) + 0.5) / nodes - np.pi
        self.w, self.weight = 2.0 * np.tan(x / 2.0), 2.0 / (2.0 * nodes * np.cos(x / 2.0) ** 2)

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
            detuning = self.w - (self.energy + sign * self.energy[p])[:, None]
            pole = 1.0 / (detuning + 1j * width[:, None])
            line = -2.0 * pole.imag
            phi_less, phi_more = (weight @ line / self.sites for weight in (less, more))
            square = 1.0 / np.abs(1.0 - sign * ((more - less) @ pole) / self.sites) ** 2
            rows = line * (phi_less * more[:, None] - phi_more * less[:, None]) * self.weight
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
    for sites, nodes in (((64, 800),) if quick else ((64, 800), (128, 800))):
        spins = TwoSpins(sites, nodes)
        up, down = spins.integrals()
        assert abs(up.sum()) < 1e-12 and abs(down.sum()) < 1e-12  # collisions keep particles
        seconds = timed(spins.integrals, 2)
        results.append({"rival": "numpy", "benchmark": "two_driven_spins", "L": sites, "seconds": seconds})
    json.dump({"numpy": np.__version__, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
