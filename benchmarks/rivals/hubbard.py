#!/usr/bin/python3
"""The self-energy of the driven Hubbard chain in NumPy and Numba, on one thread: what else one could have written.

  hubbard.py [--quick]

direct, a term of the double sum over momenta, at a few frequencies and momenta
  numpy           complex arrays of all pairs, summed
  numba_complex   the formula as it is written, in a loop over pairs
  numba_real      real and imaginary part apart, one real division, the inner loop vectorised: the best we know to write
fft
  numpy_fft       kernel in time on an equal grid with corrected ends, numpy's transforms over all times at once, then a
                  product of matrices with all frequencies: a careful script, at the same 1e-12
Prints JSON. Times are processor time of this thread.
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import statistics
import time

import numba
import numpy as np

U, KAPPA, GAMMA = 2.0, 0.2, 2.0
# One entry of the published figure: L = 128, m = 0, w = -2 J.
CHECK = -0.02778961259601652 - 0.1493555012092250j
CORRECTION = (0.08036566134581083, -0.03261397807027541, 0.01365243887004996, -0.005160102022805384, 0.001657567565141616,
              -0.0004325816968527443, 8.73576956723557e-05, -1.275061020655204e-05, 1.193747238089644e-06,
              -5.374153101848776e-08)


class Chain:
    def __init__(self, sites):
        self.sites = sites
        p = 2.0 * np.pi * np.arange(sites) / sites
        self.energy = -2.0 * np.cos(p)
        self.rate = KAPPA + 4.0 * GAMMA * np.sin(0.5 * (p - 0.5 * np.pi)) ** 2
        self.n = KAPPA / self.rate
        self.h = 1.0 - self.n
        q = np.arange(sites)[:, None]
        self.other = (np.arange(sites)[None, :] - q) % sites

    def numpy(self, k, w):
        o = self.other
        shifted = self.energy[(k + np.arange(self.sites)) % self.sites][:, None]
        denominator = w - shifted + self.energy - self.energy[o] + 0.5j * (self.rate + self.rate[o])
        return U**2 / self.sites**2 * np.sum(self.n * self.h[o] / denominator)

    def numba_complex(self, k, w):
        return U**2 / self.sites**2 * loop_complex(k, w, self.energy, self.rate, self.n, self.h)

    def numba_real(self, k, w):
        twice = [np.concatenate((a, a)) for a in (self.energy, self.rate, self.h)]
        re, im = loop_real(k, w, self.energy, self.rate, self.n, *twice)
        return U**2 / self.sites**2 * (re + 1j * im)


@numba.njit(fastmath=True)
def loop_complex(k, w, energy, rate, n, h):
    sites, total = len(energy), 0.0j
    for q in range(sites):
        for p in range(sites):
            o = (p - q) % sites
            total += n[p] * h[o] / (w - energy[(k + q) % sites] + energy[p] - energy[o] + 0.5j * (rate[p] + rate[o]))
    return total


@numba.njit(fastmath=True)
def row_real(x, energy, rate, n, energy2, rate2, h2):
    re, im = 0.0, 0.0
    for p in range(len(energy)):
        d = x + energy[p] - energy2[p]
        g = 0.5 * (rate[p] + rate2[p])
        r = n[p] * h2[p] / (d * d + g * g)
        re += d * r
        im -= g * r
    return re, im


@numba.njit(fastmath=True)
def loop_real(k, w, energy, rate, n, energy2, rate2, h2):
    sites, re, im = len(energy), 0.0, 0.0
    for q in range(sites):
        s = sites - q
        a, b = row_real(w - energy[(k + q) % sites], energy, rate, n, energy2[s : s + sites], rate2[s : s + sites], h2[s : s + sites])
        re += a
        im += b
    return re, im


def fft_script(chain, frequencies, step=0.05, end=112.0):
    """All momenta (rows) and frequencies."""
    m, nodes = len(CORRECTION), int(np.ceil(end / step)) + 1
    t = step * np.arange(-m, nodes)
    weight = np.ones(len(t))
    weight[m] = 0.5
    for j, c in enumerate(CORRECTION, 1):
        weight[m + j] += c
        weight[m - j] = -c
    phase = np.exp(1j * np.outer(t, chain.energy))
    decay = np.exp(-0.5 * np.outer(t, chain.rate))
    a = np.fft.fft(chain.n * phase * decay, axis=1) / chain.sites
    b = np.fft.ifft(chain.h * phase.conj() * decay, axis=1)
    c = np.fft.ifft(phase.conj(), axis=1)
    kernel = U**2 * np.fft.fft(a * b * c, axis=1)
    return -1j * step * (kernel * weight[:, None]).T @ np.exp(1j * np.outer(t, frequencies))


def timed(function, repetitions):
    samples = []
    for _ in range(repetitions):
        start = time.thread_time()
        function()
        samples.append(time.thread_time() - start)
    return {"median": statistics.median(samples), "minimum": min(samples), "maximum": max(samples), "samples": repetitions}


def main():
    repetitions = 3 if "--quick" in sys.argv else 7
    results = []
    for sites in (64, 128, 256, 512):
        chain = Chain(sites)
        for name in ("numpy", "numba_complex", "numba_real"):
            function, points = getattr(chain, name), 8 if name == "numba_real" else 2
            if sites == 128:
                assert abs(function(0, -2.0) - CHECK) < 1e-13, name
            function(1, 0.3)
            seconds = timed(lambda: [function(k, 0.3 * k - 1.0) for k in range(points)], repetitions)
            rate = {key: points * sites**2 / value for key, value in seconds.items() if key != "samples"}
            results.append({"rival": name, "benchmark": "hubbard_direct", "L": sites, "terms_per_second": rate})
    frequencies = np.linspace(-8.0, 8.0, 4096)
    for sites in (128, 1024):
        chain = Chain(sites)
        if sites == 128:
            value = fft_script(chain, np.array([-2.0]))[0, 0]
            assert abs(value - CHECK) < 1e-12, value
        results.append({"rival": "numpy_fft", "benchmark": "hubbard_fft", "L": sites,
                        "seconds": timed(lambda: fft_script(chain, frequencies), 3)})
    json.dump({"numpy": np.__version__, "numba": numba.__version__, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
