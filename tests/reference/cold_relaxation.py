#!/usr/bin/env python3
"""Cold relaxations in long arithmetic, for tests/data/tgge_cold_relaxation.json.

Independent of the program in everything but the equations (docs/physics.md, Eqs. 1-11): it integrates dn/dt (Eq. 7) in time as
it is, with dense hop weights, by Radau's collocation at 7 points of a step (order 13), checked in every step by that at 5
points. Numbers have 50 digits more than what lies between the largest rate and the smallest occupation, so that no
difference has to be looked after. A step is taken if the two methods differ by 1e-10 or less in every multiplier; the error
of the better one is then below 1e-14.

Needs mpmath, and runs ten times faster with gmpy2: python3 cold_relaxation.py [CASE...], then tests/data/make_headers.py.
"""

import json
import pathlib
import sys

from mpmath import mp, mpf, matrix

TARGET = pathlib.Path(__file__).resolve().parents[1] / "data" / "tgge_cold_relaxation.json"


def momenta(sites):
    return [2 * mp.pi * m / sites for m in range(-(sites // 2), (sites + 1) // 2)]


def chain(case):
    """Energies, and hop weights w[to][from] of the Raman bath."""
    k = momenta(case["sites"])
    delta, prime = mp.mpc(*case["delta"]), mp.mpc(*case["delta_prime"])
    taken = [abs(1 - prime * mp.expj(x)) ** 2 for x in k]
    given = [abs(1 + delta * mp.expj(-x)) ** 2 for x in k]
    energy = [-2 * case["hopping"] * mp.cos(x) for x in k]
    return energy, [[i * o for o in taken] for i in given]


def rashba(case):
    """The same of two bands with dephasing, the band + first."""
    energy, up = [], []
    for band in (1, -1):
        for x in momenta(case["sites"]):
            a = 2 * mpf(case["rashba_y"]) * mp.sin(x) + mpf(case["zeeman_field"])
            b = 2 * mpf(case["rashba_z"]) * mp.sin(x)
            r = mp.sqrt(a * a + b * b)
            energy.append(-2 * case["hopping"] * mp.cos(x) + band * r)
            up.append((1 + band * a / r) / 2)
    gamma_up, gamma_down = mpf(case["dephasing_up"]), mpf(case["dephasing_down"])
    return energy, [[gamma_up * s * t + gamma_down * (1 - s) * (1 - t) for t in up] for s in up]


class Rates:
    """dn/dt = gain (1-n) - loss n, and its Jacobian."""

    def __init__(self, case):
        energy, weight = (rashba if "rashba_y" in case else chain)(case)
        scale = mpf(case["coupling"]) * mpf(case["hopping"]) / case["sites"]
        half_beta = mpf(case["inverse_temperature"]) / 2
        eq, neq = mpf(case["gamma_eq"]), mpf(case["gamma_neq"])
        size = self.size = len(energy)
        self.hop = [[scale * (eq * mp.exp(half_beta * (energy[j] - energy[s])) + neq * weight[s][j])
                     for j in range(size)] for s in range(size)]
        self.back = [[self.hop[j][s] for j in range(size)] for s in range(size)]

    def __call__(self, n, jacobian=False):
        size = self.size
        h = [1 - x for x in n]
        gain, loss = [mp.fdot(row, n) for row in self.hop], [mp.fdot(row, h) for row in self.back]
        if not jacobian:
            return [gain[s] * h[s] - loss[s] * n[s] for s in range(size)]
        return [[h[s] * self.hop[s][j] + n[s] * self.back[s][j] - (gain[s] + loss[s] if s == j else 0)
                 for j in range(size)] for s in range(size)]


def factorise(a):
    """LU without pivots: the matrices are diagonally dominant by columns."""
    a, size = [row[:] for row in a], len(a)
    for k in range(size):
        for i in range(k + 1, size):
            factor = a[i][k] = a[i][k] / a[k][k]
            for j in range(k + 1, size):
                a[i][j] -= factor * a[k][j]
    return a


def solve(lu, b):
    b, size = b[:], len(b)
    for i in range(size):
        for j in range(i):
            b[i] -= lu[i][j] * b[j]
    for i in reversed(range(size)):
        for j in range(i + 1, size):
            b[i] -= lu[i][j] * b[j]
        b[i] /= lu[i][i]
    return b


class Radau:
    """Collocation at `stages` points; the linear systems are taken apart by the eigenvectors of the method's matrix."""

    def __init__(self, stages):
        self.stages = stages
        points = self.zeros(stages) + [mpf(1)]
        vandermonde = matrix(stages, stages)
        integrals = matrix(stages, stages)
        for i, c in enumerate(points):
            for k in range(stages):
                vandermonde[i, k] = c ** k
                integrals[i, k] = c ** (k + 1) / (k + 1)
        inverse = mp.inverse(integrals * mp.inverse(vandermonde))
        self.values, vectors = mp.eig(inverse)
        self.inverse, self.vectors, self.inverse_vectors = (m.tolist() for m in (inverse, vectors, mp.inverse(vectors)))

    @staticmethod
    def zeros(stages):
        """Of P_s - P_{s-1} inside (0, 1)."""
        f = lambda x: mp.legendre(stages, 2 * x - 1) - mp.legendre(stages - 1, 2 * x - 1)
        grid = [mpf(i) / 400 for i in range(400)]
        return [mp.findroot(f, pair, solver="anderson", tol=mpf(10) ** (5 - 2 * mp.dps), maxsteps=200)
                for pair in zip(grid, grid[1:]) if f(pair[0]) * f(pair[1]) < 0]

    def step(self, rates, n, h, jacobian):
        """n after a step, or None if Newton's iteration does not converge."""
        size, stages = rates.size, self.stages
        factors = [factorise([[(value / h if i == j else 0) - jacobian[i][j] for j in range(size)] for i in range(size)])
                   for value in self.values]
        z = [[mpf(0)] * size for _ in range(stages)]  # n at the points, minus the one at the start
        for iteration in range(20):
            f = [rates([x + d for x, d in zip(n, row)]) for row in z]
            columns = list(zip(*z))
            residual = [[f[i][s] - mp.fdot(self.inverse[i], columns[s]) / h for s in range(size)] for i in range(stages)]
            columns = list(zip(*residual))
            apart = [[mp.fdot(row, column) for column in columns] for row in self.inverse_vectors]
            columns = list(zip(*[solve(lu, row) for lu, row in zip(factors, apart)]))
            worst = mpf(0)
            for i in range(stages):
                for s in range(size):
                    d = mp.re(mp.fdot(self.vectors[i], columns[s]))
                    z[i][s] += d
                    x = n[s] + z[i][s]
                    if not 0 < x < 1:
                        return None
                    worst = max(worst, abs(d) / (x * (1 - x)))
            if worst < mpf(10) ** -20:
                return [x + d for x, d in zip(n, z[-1])]
            if iteration > 2 and worst > 1:
                return None
        return None


def trajectory(case):
    """Multipliers at the times of the case."""
    mp.dps = 60 + int(4 * case["extent"] * case["inverse_temperature"] / 2.3)
    fine, coarse = (Radau(stages) for stages in (7, 5))
    rates = Rates(case)
    state = [1 / (1 + mp.exp(mpf(value))) for value in case["start"]]
    now, rows, steps = mpf(0), [], 0
    h = mpf(1) / 100 / max(abs(rates(state, True)[s][s]) for s in range(rates.size))
    for time in case["times"]:
        while now < time:
            taken = min(h, mpf(time) - now)
            jacobian = rates(state, True)
            a = fine.step(rates, state, taken, jacobian)
            b = a and coarse.step(rates, state, taken, jacobian)
            steps += 1
            if not b:
                h = taken / 2
                continue
            error = max(abs(x - y) / (x * (1 - x)) for x, y in zip(a, b))
            factor = (mpf(10) ** -10 / error) ** (mpf(1) / 10) if error else mpf(4)
            if factor >= mpf(3) / 4:
                state, now = a, (mpf(time) if taken == mpf(time) - now else now + taken)
            if taken == h or factor < 1:
                h = taken * min(3, max(mpf(1) / 5, factor * mpf(9) / 10))
        rows.append([float(mp.log((1 - x) / x)) for x in state])
    print(case["name"], steps, "steps,", mp.dps, "digits", flush=True)
    return rows


def cases():
    raman = {"delta": [1.0, 1.0], "delta_prime": [1.0, 0.5]}
    dephasing = {"zeeman_field": 0.8, "rashba_y": 0.6, "rashba_z": 0.5, "dephasing_up": 0.9, "dephasing_down": 0.2}
    for beta in (1.0, 10.0, 100.0, 300.0):
        # Times at which the fastest modes, the others, and the slowest ones move.
        times = [float(mp.exp(-x * beta)) for x in (2, 1.5, 1, 0.5)] + [1.0, 30.0]
        kinds = [("chain", raman, 3, 0.5, "steep"), ("rashba", dephasing, 2, 0.5, "flat")]
        if beta <= 100.0:  # beyond, more modes than these take hours
            kinds += [("chain", raman, 5, 0.5, "flat"), ("rashba", dephasing, 3, 0.5, "flat"),
                      ("chain", raman, 6, 0.0, "flat")]
        if beta <= 10.0:
            kinds += [("chain", raman, 6, 0.5, "steep")]
        for name, kind, sites, neq, start in kinds:
            modes = sites if kind is raman else 2 * sites
            lambdas = [0.0] * modes if start == "flat" else [1.5 * (-1) ** s * (1 + s / 4) for s in range(modes)]
            extent = 2.0 if kind is raman else 3.5
            yield {"name": f"{name} {sites} {neq} {start} {beta}", "sites": sites, "hopping": 1.0,
                   "inverse_temperature": beta, "coupling": 0.3, "gamma_eq": 1.0 - neq, "gamma_neq": neq, **kind,
                   "extent": extent, "start": lambdas, "times": times}


def main():
    wanted = sys.argv[1:]
    chains, two_bands = [], []
    for case in cases():
        if wanted and not any(word in case["name"] for word in wanted):
            continue
        case["lagrange_multiplier"] = trajectory(case)
        del case["extent"]
        (two_bands if "rashba_y" in case else chains).append(case)
        TARGET.write_text(json.dumps({
            "about": "Relaxation down to low temperature, one row of lagrange_multiplier for each time; good to the last "
                     "digit or two. Written by tests/reference/cold_relaxation.py. modes ascend in momentum, the band + "
                     "first; complex numbers are [re, im]; energies in units in which hbar = 1",
            "chains": chains, "two_bands": two_bands}, indent=1) + "\n")


main()
