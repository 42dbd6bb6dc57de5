#!/usr/bin/env python3
"""Steady states of cold degenerate bands in long arithmetic, for tests/data/tgge_cold_matrices.json.

Independent of the program in everything but the equations (docs/physics.md, Eqs. 90-92): a chain of two orbitals with the same
energy -2 cos k, so that every momentum has a 2 x 2 matrix n. dn/dt = 0 is solved as it is by Newton's method, from warmer baths to
colder ones, with 50 digits more than what lies between the largest rate and the smallest occupation. dn/dt is quadratic in n, so
that (f(n+d) - f(n-d))/2 is its derivative.

Needs mpmath, and runs faster with gmpy2: python3 cold_matrices.py, then tests/data/make_headers.py.
"""

import json
import pathlib

from mpmath import matrix, mp, mpc, mpf

TARGET = pathlib.Path(__file__).resolve().parents[1] / "data" / "tgge_cold_matrices.json"
ZERO, ONE = matrix([[0, 0], [0, 0]]), matrix([[1, 0], [0, 1]])
BASIS = [matrix([[1, 0], [0, 0]]), matrix([[0, 0], [0, 1]]), matrix([[0, 1], [1, 0]]), matrix([[0, mpc(0, 1)], [mpc(0, -1), 0]])]


def exact(x):
    """A number as it is written: rounded to doubles, an operator that couples to one state also couples weakly to the other."""
    return mpf(repr(x))


class Chain:
    def __init__(self, case, beta):
        self.cells, self.neq, self.eq = case["cells"], mpf(case["gamma_neq"]), mpf(case["gamma_eq"])
        self.k = [2 * mp.pi * m / self.cells for m in range(-(self.cells // 2), (self.cells + 1) // 2)]
        self.energy = [-2 * mp.cos(k) for k in self.k]
        self.spectrum = [[mp.exp(beta * (there - here) / 2) for there in self.energy] for here in self.energy]
        self.hops = []  # D(q, k) of each channel
        for terms in case["channels"]:
            rows = [[ZERO.copy() for _ in self.k] for _ in self.k]
            for to, a, frm, b, re, im in terms:
                for q, momentum in enumerate(self.k):
                    for k, other in enumerate(self.k):
                        rows[q][k][a, b] += mpc(exact(re), exact(im)) * mp.expj(other * frm - momentum * to)
            self.hops.append(rows)

    def rates(self, n, h, thermal=True, driven=True):
        """Gain, loss and mean field; linear in n and h."""
        traces = [(x[0, 0] + x[1, 1]).real for x in n], [(x[0, 0] + x[1, 1]).real for x in h]
        means = [sum((d[k][k] * n[k])[i, i] for k in range(self.cells) for i in range(2)) / self.cells for d in self.hops]
        gains, losses, fields = [], [], []
        for s in range(self.cells):
            gain, loss, field = ZERO.copy(), ZERO.copy(), ZERO.copy()
            for j in range(self.cells):
                if thermal:
                    gain += ONE * (self.eq / self.cells * self.spectrum[s][j] * traces[0][j])
                    loss += ONE * (self.eq / self.cells * self.spectrum[j][s] * traces[1][j])
                if driven:
                    for d in self.hops:
                        gain += self.neq / self.cells * d[s][j] * n[j] * d[s][j].H
                        loss += self.neq / self.cells * d[j][s].H * h[j] * d[j][s]
            for d, mean in zip(self.hops, means):
                if driven:
                    field += self.neq * mpc(0, 0.5) * (mp.conj(mean) * d[s][s] - mean * d[s][s].H)
            gains.append(gain), losses.append(loss), fields.append(field)
        return gains, losses, fields

    def flow(self, n, **parts):
        """dn/dt in units of epsilon J."""
        h = [ONE - x for x in n]
        return [(g * y + y * g) / 2 - (l * x + x * l) / 2 - mpc(0, 1) * (f * x - x * f)
                for g, l, f, x, y in zip(*self.rates(n, h, **parts), n, h)]


def pack(matrices):
    return [value for x in matrices for value in (x[0, 0].real, x[1, 1].real, x[0, 1].real, x[0, 1].imag)]


def unpack(values):
    return [sum((b * v for b, v in zip(BASIS, values[i:i + 4])), ZERO.copy()) for i in range(0, len(values), 4)]


def eigen(x):
    """Eigenvalues, ascending, and projectors of a Hermitian 2 x 2 matrix."""
    middle, half = (x[0, 0] + x[1, 1]).real / 2, (x[0, 0] - x[1, 1]).real / 2
    radius = mp.sqrt(half ** 2 + abs(x[0, 1]) ** 2)
    if radius == 0:
        return [middle, middle], [BASIS[0], BASIS[1]]
    upper = (x - ONE * (middle - radius)) / (2 * radius)
    low, high = middle - radius, middle + radius
    return [low, high], [ONE - upper, upper]


def of_matrix(function, x):
    values, projectors = eigen(x)
    return sum((p * function(v) for p, v in zip(projectors, values)), ZERO.copy())


def is_allowed(n):
    return all(0 < v < 1 for x in n for v in eigen(x)[0])


def solve(chain, n, filling):
    size = 4 * chain.cells
    number = 2 * chain.cells * mpf(filling)

    def residual(n):
        excess = (number - sum((x[0, 0] + x[1, 1]).real for x in n)) / (2 * chain.cells)
        return pack([f + ONE * excess for f in chain.flow(n)])

    for iteration in range(200):
        jacobian = matrix(size, size)
        for c in range(size):
            d = unpack([mpf(c == i) for i in range(size)])
            up, down = (residual([x + sign * y for x, y in zip(n, d)]) for sign in (1, -1))
            for r in range(size):
                jacobian[r, c] = (up[r] - down[r]) / 2
        step = unpack(list(mp.lu_solve(jacobian, matrix([-v for v in residual(n)]))))
        length = mpf(1)
        while not is_allowed([x + length * d for x, d in zip(n, step)]):
            length /= 2
        n = [x + length * d for x, d in zip(n, step)]
        # Relative to the smallest eigenvalue of n and 1 - n.
        change = max(abs(v) / min(min(eigen(x)[0]), 1 - max(eigen(x)[0]))
                     for x, d in zip(n, step) for v in (d[0, 0], d[1, 1], d[0, 1]))
        if length == 1 and change < mpf(10) ** -30:
            return n
    raise RuntimeError("Newton's method did not converge")


def number(x):
    """A double, or zero where it would be denormal."""
    return float(x) if abs(x) > 1e-290 else 0.0


def results(case):
    """The steady states at the inverse temperatures of the case."""
    before, n = mpf(0), None
    rows = []
    for target in case["inverse_temperatures"]:
        while before < target:
            beta = min(mpf(target), max(before * mpf("1.15"), before + 1))
            mp.dps = 60 + int(8 * beta / mpf("2.3"))
            chain = Chain(case, beta)
            if n is None:
                n = [ONE * case["filling"] for _ in chain.k]
            else:  # multipliers grow in proportion
                n = [of_matrix(lambda v: 1 / (1 + ((1 - v) / v) ** (beta / before)), x) for x in n]
            n = solve(chain, n, case["filling"])
            before = beta
        multipliers = [of_matrix(lambda v: mp.log((1 - v) / v), x) for x in n]
        thermal = chain.flow(n, driven=False)
        trace = lambda a, b: (a[0, 0] * b[0, 0] + a[0, 1] * b[1, 0] + a[1, 0] * b[0, 1] + a[1, 1] * b[1, 1]).real
        rows.append({
            "inverse_temperature": target,
            "lagrange_multiplier": [number(v) for x in multipliers for v in eigen(x)[0]],
            "density_matrix": [number(part) for x in n for v in (x[0, 0], x[0, 1], x[1, 0], x[1, 1]) for part in (v.real, v.imag)],
            "current": number(sum(2 * mp.sin(k) * (x[0, 0] + x[1, 1]).real for k, x in zip(chain.k, n)) / chain.cells),
            "heat_to_bath": number(-sum(trace(ONE, f) * e for e, f in zip(chain.energy, thermal)) / chain.cells),
            "entropy_rate_thermal": number(sum(trace(x, f) for x, f in zip(multipliers, thermal)) / chain.cells)})
        print(case["name"], target, flush=True)
    return rows


def cases():
    one_target = [[[0, 0, 0, 0, 1.0, 0.0], [0, 0, 1, 1, 0.0, 1.0]]]
    # c+ (1, 0.6 i)/N times another combination: neither is a state of the basis.
    oblique = [[[0, 0, 0, 0, 0.8, 0.0], [0, 1, 0, 0, 0.0, 0.48], [0, 0, 1, 1, 0.3, 0.5], [0, 1, 1, 1, -0.3, 0.18]]]
    two = [[[0, 0, 0, 1, 1.0, 0.0]], [[1, 1, 0, 1, 0.7, 0.0], [0, 1, 0, 0, 0.2, 0.4]]]
    betas = [5.0, 20.0, 50.0, 75.0, 100.0, 145.0]
    for name, channels, cells, filling, fraction in (("one target", one_target, 3, 0.4, 0.35), ("one target", one_target, 4, 0.3, 0.6),
                                                     ("oblique", oblique, 3, 0.45, 0.5), ("two channels", two, 4, 0.4, 0.35)):
        yield {"name": f"{name} {cells}", "cells": cells, "gamma_eq": 1.0 - fraction, "gamma_neq": fraction, "filling": filling,
               "channels": channels, "inverse_temperatures": betas}


def main():
    found = []
    for case in cases():
        case["steady_states"] = results(case)
        found.append(case)
        TARGET.write_text(json.dumps({
            "about": "Steady states of a chain of two degenerate orbitals, energy -2 cos k, good to the last digit or two. Written "
                     "by tests/reference/cold_matrices.py. channels: lists of [R, a, R', b, re, im], x c+_{j+R,a} c_{j+R',b}; "
                     "multipliers: momentum, then ascending eigenvalues; density_matrix: momentum, (a, b) row-major, [re, im]; "
                     "rates in units of the coupling", "chains": found}, indent=1) + "\n")


main()
