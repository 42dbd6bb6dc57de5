#!/usr/bin/python3
"""A whole steady state of the tGGE at large L in NumPy, on one thread: what else one could have written.

  steady_state.py [--quick]

Gain and loss of every mode follow from a few moments (docs/physics.md, section 4): Newton's method for their logarithms
and that of the fugacity, with the exact Jacobian and step halving, from the thermal state. Models, filling and output
(multipliers, occupations, current, residual) are those of benchmarks/steady_state_benchmark.cpp. The number is one of
Newton's equations, not solved for in every step, and channels of rate zero are left out: lindrift does neither.
  numpy           rates as they are, n = gain / (gain + loss), arrays of all modes: a Newton step takes no logarithm or
                  exponential of a mode, but e^{beta E / 2} and its products have to stay in the range of a double
  numpy_blocked   the same in blocks of modes whose arrays stay in the cache: the best we know to write
  numpy_log       logarithms of the rates with the largest exponent taken out, safe at any temperature like lindrift
What does not depend on the state is made before the clock starts, for lindrift as well. Prints JSON: per model, size and
rival the seconds of one solution, processor time of this thread, its residual, and how far its current is from lindrift's.
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import statistics

import numpy as np
from chain import BETA, GAMMA_EQ, GAMMA_NEQ, Chain, seconds_per_call

FILLING, TOLERANCE = 0.5, 1e-12
RASHBA_Y, RASHBA_Z, ZEEMAN_FIELD = 1.1, 0.9, 1.0
DEPHASING_UP, DEPHASING_DOWN = 1.0, 0.0
BLOCK = 16384  # modes: the fastest power of two from 2048 to 32768, by a little


class Model:
    """gain = into^T X and loss = out^T Y with the means X = <out n>, Y = <into (1 - n)>; bath weights are in `into`."""

    def __init__(self, sites, energy, velocity, products):
        self.sites, self.energy, self.velocity = sites, energy, velocity
        with np.errstate(divide="ignore"):  # a weight may be zero
            self.log_into = np.array([np.log(GAMMA_EQ) - 0.5 * BETA * energy] + [np.log(GAMMA_NEQ * w) for w, _ in products])
            self.log_out = np.array([0.5 * BETA * energy] + [np.log(w) for _, w in products])


def one_band(sites):
    c = Chain(sites)
    return Model(sites, c.energy, 2.0 * np.sin(c.momentum), [(c.weight_in, c.weight_out)])


def two_bands(sites):
    k = Chain(sites).momentum
    a, b = 2.0 * RASHBA_Y * np.sin(k) + ZEEMAN_FIELD, 2.0 * RASHBA_Z * np.sin(k)
    gap = np.hypot(a, b)
    band = np.array([[1.0], [-1.0]])
    energy = (-2.0 * np.cos(k) + band * gap).ravel()
    velocity = (2.0 * np.sin(k) + band * 2.0 * np.cos(k) * (RASHBA_Y * a + RASHBA_Z * b) / gap).ravel()
    up = (0.5 * (1.0 + band * a / gap)).ravel()
    spins = ((DEPHASING_UP, up), (DEPHASING_DOWN, 1.0 - up))
    return Model(sites, energy, velocity, [(rate * weight, weight) for rate, weight in spins if rate > 0.0])


def occupations(multiplier):
    """n and 1 - n, neither computed by subtraction."""
    small = np.exp(-np.abs(multiplier))
    larger = 1.0 / (1.0 + small)
    smaller, empty = small * larger, multiplier > 0.0
    return np.where(empty, smaller, larger), np.where(empty, larger, smaller)


class Rates:
    """Rates as they are. Unknowns: the logarithms of X, then of Y, and of the fugacity."""

    def __init__(self, model):
        self.terms = len(model.log_into)
        self.into, self.out = np.exp(model.log_into), np.exp(model.log_out)
        self.log_scale = np.zeros(2 * self.terms)  # of moments taken with `out` and `into`

    def balance(self, unknowns, block):
        """Occupations that balance given moments, and what change() and multiplier() need."""
        gain = np.exp(unknowns[: self.terms] + unknowns[-1]) @ self.into[:, block]
        loss = np.exp(unknowns[self.terms : -1]) @ self.out[:, block]
        over = 1.0 / (gain + loss)
        return gain * over, loss * over, (gain, loss)

    def change(self, rates, variance, block):
        """dn over the logarithm of each unknown, up to the factors of change_scale()."""
        gain, loss = rates
        return np.concatenate((self.into[:, block] * (variance / gain), self.out[:, block] * (variance / loss), [variance]))

    def change_scale(self, unknowns):
        moments = np.exp(unknowns[:-1])
        return np.concatenate((np.exp(unknowns[-1]) * moments[: self.terms], -moments[self.terms :], [1.0]))

    def multiplier(self, rates):
        gain, loss = rates
        return np.log(loss / gain)


class LogRates:
    """Logarithms of the rates: nothing overflows, however cold."""

    def __init__(self, model):
        self.terms = len(model.log_into)
        self.log_into, self.log_out = model.log_into, model.log_out
        largest_into, largest_out = model.log_into.max(axis=1), model.log_out.max(axis=1)
        self.into = np.exp(model.log_into - largest_into[:, None])
        self.out = np.exp(model.log_out - largest_out[:, None])
        self.log_scale = np.concatenate((largest_out, largest_into))

    @staticmethod
    def log_sum(log_terms):
        """The logarithm of a sum, and the share of each term."""
        largest = log_terms.max(axis=0)
        terms = np.exp(log_terms - largest)
        total = terms.sum(axis=0)
        terms /= total
        return largest + np.log(total), terms

    def balance(self, unknowns, block):
        log_gain, gain_shares = self.log_sum(unknowns[: self.terms, None] + self.log_into[:, block])
        log_loss, loss_shares = self.log_sum(unknowns[self.terms : -1, None] + self.log_out[:, block])
        multiplier = log_loss - log_gain - unknowns[-1]
        return *occupations(multiplier), (gain_shares, loss_shares, multiplier)

    def change(self, rates, variance, block):
        return np.concatenate((rates[0] * variance, rates[1] * variance, [variance]))

    def change_scale(self, unknowns):
        return np.concatenate((np.ones(self.terms), -np.ones(self.terms), [1.0]))

    def multiplier(self, rates):
        return rates[2]


class Solver:
    def __init__(self, model, rates, block=None):
        self.model, self.rates, self.modes = model, rates, model.energy.size
        block = block or self.modes
        self.blocks = [slice(first, min(first + block, self.modes)) for first in range(0, self.modes, block)]

    def moments(self, particles, holes, block):
        return np.concatenate((self.rates.out[:, block] @ particles, self.rates.into[:, block] @ holes, [particles.sum()]))

    def log_moments(self, moments):
        return np.log(moments[:-1] / self.modes) + self.rates.log_scale

    def thermal(self):
        """Logarithms of the moments of the thermal state."""
        log_fugacity = 0.0
        for _ in range(50):
            moments, slope = 0.0, 0.0
            for block in self.blocks:
                particles, holes = occupations(BETA * self.model.energy[block] - log_fugacity)
                moments = moments + self.moments(particles, holes, block)
                slope += particles @ holes
            change = (FILLING * self.modes - moments[-1]) / slope
            if abs(change) < 1e-3:  # it is a start, no more
                break
            log_fugacity += change
        return self.log_moments(moments)

    def evaluate(self, unknowns):
        """By how much the moments of balanced occupations differ from the given ones, and the filling, and the Jacobian."""
        moments, jacobian = 0.0, 0.0
        for block in self.blocks:
            particles, holes, rates = self.rates.balance(unknowns, block)
            moments = moments + self.moments(particles, holes, block)
            change = self.rates.change(rates, particles * holes, block)
            jacobian = jacobian + np.concatenate(
                (self.rates.out[:, block] @ change.T, -self.rates.into[:, block] @ change.T, [change.sum(axis=1)])
            )
        number = FILLING * self.modes
        jacobian *= self.rates.change_scale(unknowns) / np.append(moments[:-1], number)[:, None]
        jacobian[:-1, :-1] -= np.eye(len(moments) - 1)
        difference = np.append(self.log_moments(moments) - unknowns[:-1], moments[-1] / number - 1.0)
        return difference, jacobian, np.max(np.abs(difference))

    def __call__(self):
        unknowns, steps = np.append(self.thermal(), 0.0), 0
        difference, jacobian, size = self.evaluate(unknowns)
        while size > 0.1 * TOLERANCE and steps < 50:
            direction, before, fraction = np.linalg.solve(jacobian, -difference), size, 1.0
            for _ in range(7):
                trial = unknowns + fraction * direction
                difference, jacobian, size = self.evaluate(trial)
                if size < before:
                    break
                fraction *= 0.5
            unknowns, steps = trial, steps + 1
        return self.finish(unknowns, steps)

    def finish(self, unknowns, steps):
        """Occupations, multipliers and current, and the residual of the rates of these occupations."""
        occupation, multiplier, hole = (np.empty(self.modes) for _ in range(3))
        moments, current = 0.0, 0.0
        for block in self.blocks:
            occupation[block], hole[block], rates = self.rates.balance(unknowns, block)
            multiplier[block] = self.rates.multiplier(rates)
            moments = moments + self.moments(occupation[block], hole[block], block)
            current += self.model.velocity[block] @ occupation[block]
        # What balances the moments of these occupations is gain / (gain + loss), of their own rates.
        own = np.append(self.log_moments(moments), 0.0)
        residual = 0.0
        for block in self.blocks:
            gain, loss, _ = self.rates.balance(own, block)
            gained, lost = gain * hole[block], loss * occupation[block]
            residual = max(residual, np.max(np.abs(gained - lost) / (gained + lost)))
        return {"occupation": occupation, "lagrange_multiplier": multiplier, "current": current / self.model.sites,
                "residual": residual, "steps": steps}  # fmt: skip


# The currents of lindrift, at every L from 10^4 to 10^6 the infinite chain's to rounding.
MODELS = {"steady/one_band": (one_band, 0.0351936624472004), "steady/two_bands": (two_bands, 0.0373611943939431)}
RIVALS = {
    "numpy": lambda model: Solver(model, Rates(model)),
    "numpy_blocked": lambda model: Solver(model, Rates(model), BLOCK),
    "numpy_log": lambda model: Solver(model, LogRates(model)),
}


def main():
    quick = "--quick" in sys.argv
    # Once an array of this size has been freed, malloc keeps smaller ones for the next operation instead of handing them
    # back to the kernel, for any order of the sizes.
    np.empty(30 << 17)
    results = []
    for benchmark, (make, current) in MODELS.items():
        for sites in (10000, 100000) if quick else (10000, 100000, 1000000):
            model = make(sites)
            for name, rival in RIVALS.items():
                solve = rival(model)
                state = solve()
                difference = abs(state["current"] - current)
                if not (difference <= 1e-13 and state["residual"] <= TOLERANCE):
                    sys.exit(f"{benchmark} {name} at L = {sites}: the current differs from lindrift's by {difference:.1e}, "
                             f"the residual is {state['residual']:.1e}")  # fmt: skip
                samples = seconds_per_call(solve, 0.05 if quick else 0.3, 3)
                seconds = {"median": statistics.median(samples), "minimum": min(samples), "maximum": max(samples)}
                results.append(
                    {"benchmark": benchmark, "rival": name, "L": sites, "difference": difference,
                     "residual": state["residual"], "steps": state["steps"], "solver_seconds": seconds}
                )  # fmt: skip
                print(f"{benchmark:16} {name:14} L = {sites:8}  {seconds['median']:8.4f} s  {state['steps']} steps, "
                      f"residual {state['residual']:.1e}, current off by {difference:.1e}", file=sys.stderr)  # fmt: skip
    json.dump({"numpy": np.__version__, "results": results}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
