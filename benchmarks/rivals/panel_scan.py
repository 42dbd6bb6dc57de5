#!/usr/bin/python3
"""Gain and loss of random levels with a lorentzian or ohmic bath by panels, in NumPy and Numba, on one thread: the
algorithm of docs/physics.md, Eqs. 12a and 12b, without boxes. Prints JSON: per size ns per level.

  panel_scan.py [--quick]
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import json

import numba
import numpy as np
from chain import seconds_per_call, summary

BETA, WIDTH, ORDER = 2.0, 1.0, 10


class Panels:
    """Random energies in [-4, 4] as in benchmarks/panel_scan_benchmark.cpp, sorted once, and the cores."""

    def __init__(self, levels, spectrum):
        self.energy = np.random.default_rng(7).uniform(-4.0, 4.0, levels)
        self.order = np.argsort(self.energy)
        ascending = self.energy[self.order]
        if spectrum == "lorentzian":
            self.slope, radius = 0.0, WIDTH
            k = lambda x: 1.0 / (1.0 + (x / WIDTH) ** 2)
        else:
            self.slope, radius = 0.5 * BETA + 1.0 / WIDTH, 2.0 * np.pi / BETA
            k = lambda x: np.where(x == 0.0, 1.0 / BETA, -x / np.expm1(-BETA * np.where(x == 0.0, 1.0, x)))
        self.width = min(radius / 8.0, 2.0 / self.slope if self.slope else np.inf)
        self.count = int((ascending[-1] - ascending[0]) / self.width) + 1
        panel = np.minimum(((ascending - ascending[0]) / self.width).astype(np.int64), self.count - 1)
        self.first = np.searchsorted(panel, np.arange(self.count + 1))
        inside = ascending - ascending[0] - panel * self.width
        self.position = 2.0 * inside / self.width - 1.0
        self.rise = np.exp(self.slope * inside)
        nodes = np.cos(np.pi * (np.arange(ORDER) + 0.5) / ORDER)
        transform = np.cos(np.outer(np.arange(ORDER), np.arccos(nodes))) * 2.0 / ORDER
        transform[0] *= 0.5
        difference = 0.5 * self.width * (nodes[:, None] - nodes[None, :])
        self.core = np.array([transform @ k(g * self.width + difference) @ transform.T for g in range(self.count)])
        self.thermal_out, self.thermal_in = np.exp(0.5 * BETA * self.energy), np.exp(-0.5 * BETA * self.energy)


@numba.njit(fastmath=True)
def scan(order, position, rise, first, core, decay, source, result):
    panels, p = first.size - 1, core.shape[1]
    up, down = np.zeros((panels, p)), np.zeros((panels, p))
    below, above = np.zeros((panels, p)), np.zeros((panels, p))
    t, r = np.empty(p), np.empty(p)
    edge = np.exp(-decay)
    for m in range(panels):
        for i in range(first[m], first[m + 1]):
            f, previous, now = source[order[i]], 1.0, position[i]
            fu, fd = f * rise[i] * edge, f / rise[i]
            up[m, 0] += fu
            down[m, 0] += fd
            for a in range(1, p):
                up[m, a] += fu * now
                down[m, a] += fd * now
                previous, now = now, 2.0 * position[i] * now - previous
    for m in range(panels):
        for q in range(panels):
            if q == m:
                continue
            g = abs(m - q)
            factor = np.exp(-decay * (g - 1))
            for a in range(p):
                for b in range(p):
                    if q < m:
                        below[m, a] += factor * core[g, a, b] * up[q, b]
                    else:
                        above[m, a] += factor * core[g, b, a] * down[q, b]
    for m in range(panels):
        r[:] = 0.0
        for i in range(first[m], first[m + 1]):
            t[0], t[1] = 1.0, position[i]
            for a in range(2, p):
                t[a] = 2.0 * position[i] * t[a - 1] - t[a - 2]
            f, total = source[order[i]] * rise[i], 0.0
            for b in range(p):
                r[b] += f * t[b]
                k = 0.0
                for a in range(p):
                    k += core[0, a, b] * t[a]
                total += k * r[b] + below[m, b] * t[b]
            result[order[i]] = total / rise[i]
        r[:] = 0.0
        for i in range(first[m + 1] - 1, first[m] - 1, -1):
            t[0], t[1] = 1.0, position[i]
            for a in range(2, p):
                t[a] = 2.0 * position[i] * t[a - 1] - t[a - 2]
            f, total = source[order[i]] / rise[i], 0.0
            for b in range(p):
                k = 0.0
                for a in range(p):
                    k += core[0, b, a] * t[a]
                total += k * r[b] + edge * above[m, b] * t[b]
                r[b] += f * t[b]
            result[order[i]] += total * rise[i]


def gain_and_loss(panels, particles, holes):
    gain, loss = np.empty_like(particles), np.empty_like(holes)
    common = (panels.order, panels.position, panels.rise, panels.first, panels.core, panels.slope * panels.width)
    scan(*common, panels.thermal_out * particles, gain)
    scan(*common, panels.thermal_in * holes, loss)
    return panels.thermal_in * gain, panels.thermal_out * loss


def largest_error(panels, spectrum, particles):
    """Largest relative error of the gains of a few levels, compared with sums over every pair."""
    gain, _ = gain_and_loss(panels, particles, 1.0 - particles)
    worst = 0.0
    for i in range(0, particles.size, max(1, particles.size // 20)):
        x = panels.energy - panels.energy[i]
        if spectrum == "lorentzian":
            rate = np.exp(0.5 * BETA * x) / (1.0 + (x / WIDTH) ** 2)
        else:
            rate = np.where(x == 0.0, 1.0 / BETA, -x / np.expm1(-BETA * np.where(x == 0.0, 1.0, x))) * np.exp(
                -np.abs(x) / WIDTH
            )
        worst = max(worst, abs(gain[i] / (rate @ particles) - 1.0))
    return float(worst)


def main():
    quick = "--quick" in sys.argv
    results = []
    for spectrum in ("lorentzian", "ohmic"):
        for levels in (10000, 1 << 20) if quick else (10000, 100000, 1 << 20, 10000000):
            panels = Panels(levels, spectrum)
            particles = np.random.default_rng(8).uniform(0.05, 0.95, levels)
            holes = 1.0 - particles
            error = largest_error(panels, spectrum, particles)
            samples = seconds_per_call(
                lambda: gain_and_loss(panels, particles, holes), 0.1 if quick else 0.5, 3 if quick else 7
            )
            results.append(
                {
                    "rival": "numba",
                    "benchmark": f"{spectrum}_panels",
                    "L": levels,
                    "difference": error,
                    "ns_per_mode": summary(samples, levels),
                }
            )
            print(
                f"numba {spectrum:10} levels = {levels:8}  {results[-1]['ns_per_mode']['median']:8.2f} ns/level",
                file=sys.stderr,
            )
    json.dump({"numpy": np.__version__, "numba": numba.__version__, "results": results}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
