#!/usr/bin/python3
"""The direct sum dn/dt of the chain in NumPy and Numba, on one thread: what else one could have written.

  pair_sum.py FOLDER [--quick]    FOLDER holds the files of `pair_sum_benchmark --write-rates FOLDER`

NumPy
  literal   the forces of the rate equation as published, one exponential per pair, in blocks of rows
  blocked   factors per mode, weights by broadcasting in blocks of rows, summed by a matrix product with the occupations
  matvec    the matrix of weights kept between calls (8 L^2 bytes), two products with BLAS
Numba, fastmath
  literal   the published forces, exponentials inside the loop
  hoisted   factors per mode computed before, two nested loops: the same arithmetic as lindrift's
  rows      the same with the inner loop in a function of its own, which LLVM then vectorises: the best we know to write
The thermal spectrum is the exponential one; the Lorentzian rivals at the end have 1 / (1 + x^2) in every pair.
  apart     only those go over pairs, the sums over hop weights through their moments, as in lindrift
  folded    and k and -k, which have the same energy, are one: lindrift's pairs
Prints JSON: per size and rival ns per pair, and the largest difference from lindrift over the largest rate.
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import pathlib

import numba
import numpy as np
from chain import BETA, COUPLING, DELTA, DELTA_PRIME, GAMMA_EQ, GAMMA_NEQ, Chain, seconds_per_call, summary

BLOCK = 128  # rows at a time: the blocks of the largest size still fit the last cache


def rows(sites):
    return [slice(first, min(first + BLOCK, sites)) for first in range(0, sites, BLOCK)]


class NumpyLiteral:
    def __init__(self, chain):
        self.chain = chain

    def __call__(self, particles, holes):
        c = self.chain
        x = particles / holes  # e^{-lambda}
        over = holes  # 1 / (1 + e^{-lambda})
        rate = np.empty(c.sites)
        for block in rows(c.sites):
            half = 0.5 * BETA * (c.energy[None, :] - c.energy[block, None])
            thermal = ((np.exp(half) * x[None, :] - np.exp(-half) * x[block, None]) * over[None, :]).sum(axis=1)
            there = c.weight_in[block, None] * c.weight_out[None, :]
            back = c.weight_in[None, :] * c.weight_out[block, None]
            driven = ((there * x[None, :] - back * x[block, None]) * over[None, :]).sum(axis=1)
            rate[block] = COUPLING / c.sites * holes[block] * (GAMMA_EQ * thermal + GAMMA_NEQ * driven)
        return rate


class NumpyBlocked:
    def __init__(self, chain):
        self.chain = chain

    def __call__(self, particles, holes):
        c = self.chain
        rate = np.empty(c.sites)
        for block in rows(c.sites):
            there = GAMMA_EQ * c.thermal_in[block, None] * c.thermal_out + GAMMA_NEQ * c.weight_in[block, None] * c.weight_out
            back = GAMMA_EQ * c.thermal_out[block, None] * c.thermal_in + GAMMA_NEQ * c.weight_out[block, None] * c.weight_in
            rate[block] = COUPLING / c.sites * ((there @ particles) * holes[block] - (back @ holes) * particles[block])
        return rate


class NumpyMatvec:
    def __init__(self, chain):
        self.chain = chain
        self.weight = np.outer(chain.thermal_in, GAMMA_EQ * chain.thermal_out)
        for block in rows(chain.sites):
            self.weight[block] += GAMMA_NEQ * chain.weight_in[block, None] * chain.weight_out

    def __call__(self, particles, holes):
        gain, loss = self.weight @ particles, holes @ self.weight
        return COUPLING / self.chain.sites * (gain * holes - loss * particles)


@numba.njit(fastmath=True)
def numba_literal(k, energy, particles, holes, rate):
    sites = k.size
    for q in range(sites):
        thermal, driven = 0.0, 0.0
        x_q = particles[q] / holes[q]
        for p in range(sites):
            x_p = particles[p] / holes[p]
            half = 0.5 * BETA * (energy[p] - energy[q])
            thermal += (np.exp(half) * x_p - np.exp(-half) * x_q) / (1.0 + x_p)
            there = abs((1.0 + DELTA * np.exp(-1j * k[q])) * (1.0 - DELTA_PRIME * np.exp(1j * k[p]))) ** 2
            back = abs((1.0 + DELTA * np.exp(-1j * k[p])) * (1.0 - DELTA_PRIME * np.exp(1j * k[q]))) ** 2
            driven += (there * x_p - back * x_q) / (1.0 + x_p)
        rate[q] = COUPLING / sites * holes[q] * (GAMMA_EQ * thermal + GAMMA_NEQ * driven)


class NumbaLiteral:
    def __init__(self, chain):
        sites = chain.sites
        self.k = 2.0 * np.pi * np.arange(-(sites // 2), sites - sites // 2) / sites
        self.energy = chain.energy
        self.rate = np.empty(sites)

    def __call__(self, particles, holes):
        numba_literal(self.k, self.energy, particles, holes, self.rate)
        return self.rate


@numba.njit(fastmath=True)
def numba_hoisted(weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    for q in range(sites):
        thermal_gain, gain, thermal_loss, loss = 0.0, 0.0, 0.0, 0.0
        in_q, out_q = weight_in[q], weight_out[q]
        for p in range(sites):
            thermal_gain += thermal_out[p] * particles[p]
            gain += in_q * weight_out[p] * particles[p]
            thermal_loss += thermal_in[p] * holes[p]
            loss += weight_in[p] * out_q * holes[p]
        total_gain = GAMMA_EQ * thermal_in[q] * thermal_gain + GAMMA_NEQ * gain
        total_loss = GAMMA_EQ * thermal_out[q] * thermal_loss + GAMMA_NEQ * loss
        rate[q] = COUPLING / sites * (total_gain * holes[q] - total_loss * particles[q])


@numba.njit(fastmath=True)
def numba_row(in_q, out_q, weight_in, weight_out, thermal_in, thermal_out, particles, holes):
    thermal_gain, gain, thermal_loss, loss = 0.0, 0.0, 0.0, 0.0
    for p in range(particles.size):
        thermal_gain += thermal_out[p] * particles[p]
        gain += in_q * weight_out[p] * particles[p]
        thermal_loss += thermal_in[p] * holes[p]
        loss += weight_in[p] * out_q * holes[p]
    return thermal_gain, gain, thermal_loss, loss


@numba.njit(fastmath=True)
def numba_rows(weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    for q in range(sites):
        thermal_gain, gain, thermal_loss, loss = numba_row(
            weight_in[q], weight_out[q], weight_in, weight_out, thermal_in, thermal_out, particles, holes
        )
        total_gain = GAMMA_EQ * thermal_in[q] * thermal_gain + GAMMA_NEQ * gain
        total_loss = GAMMA_EQ * thermal_out[q] * thermal_loss + GAMMA_NEQ * loss
        rate[q] = COUPLING / sites * (total_gain * holes[q] - total_loss * particles[q])


class NumbaHoisted:
    kernel = staticmethod(numba_hoisted)

    def __init__(self, chain):
        self.chain = chain
        self.rate = np.empty(chain.sites)

    def __call__(self, particles, holes):
        c = self.chain
        self.kernel(c.weight_in, c.weight_out, c.thermal_in, c.thermal_out, particles, holes, self.rate)
        return self.rate


class NumbaRows(NumbaHoisted):
    kernel = staticmethod(numba_rows)


@numba.njit(fastmath=True)
def lorentzian_hoisted(energy, weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    for q in range(sites):
        thermal_gain, gain, thermal_loss, loss = 0.0, 0.0, 0.0, 0.0
        in_q, out_q, energy_q = weight_in[q], weight_out[q], energy[q]
        for p in range(sites):
            x = energy[p] - energy_q
            sigma = 1.0 / (1.0 + x * x)
            thermal_gain += sigma * thermal_out[p] * particles[p]
            gain += in_q * weight_out[p] * particles[p]
            thermal_loss += sigma * thermal_in[p] * holes[p]
            loss += weight_in[p] * out_q * holes[p]
        total_gain = GAMMA_EQ * thermal_in[q] * thermal_gain + GAMMA_NEQ * gain
        total_loss = GAMMA_EQ * thermal_out[q] * thermal_loss + GAMMA_NEQ * loss
        rate[q] = COUPLING / sites * (total_gain * holes[q] - total_loss * particles[q])


@numba.njit(fastmath=True)
def lorentzian_row(energy_q, in_q, out_q, energy, weight_in, weight_out, thermal_in, thermal_out, particles, holes):
    thermal_gain, gain, thermal_loss, loss = 0.0, 0.0, 0.0, 0.0
    for p in range(particles.size):
        x = energy[p] - energy_q
        sigma = 1.0 / (1.0 + x * x)
        thermal_gain += sigma * thermal_out[p] * particles[p]
        gain += in_q * weight_out[p] * particles[p]
        thermal_loss += sigma * thermal_in[p] * holes[p]
        loss += weight_in[p] * out_q * holes[p]
    return thermal_gain, gain, thermal_loss, loss


@numba.njit(fastmath=True)
def lorentzian_rows(energy, weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    for q in range(sites):
        thermal_gain, gain, thermal_loss, loss = lorentzian_row(
            energy[q], weight_in[q], weight_out[q], energy, weight_in, weight_out, thermal_in, thermal_out, particles, holes
        )
        total_gain = GAMMA_EQ * thermal_in[q] * thermal_gain + GAMMA_NEQ * gain
        total_loss = GAMMA_EQ * thermal_out[q] * thermal_loss + GAMMA_NEQ * loss
        rate[q] = COUPLING / sites * (total_gain * holes[q] - total_loss * particles[q])


class LorentzianHoisted(NumbaHoisted):
    kernel = staticmethod(lorentzian_hoisted)

    def __call__(self, particles, holes):
        c = self.chain
        arrays = (c.energy, c.weight_in, c.weight_out, c.thermal_in, c.thermal_out)
        self.kernel(*arrays, particles, holes, self.rate)
        return self.rate


class LorentzianRows(LorentzianHoisted):
    kernel = staticmethod(lorentzian_rows)


@numba.njit(fastmath=True)
def thermal_row(energy_q, energy, thermal_particle, thermal_hole):
    gain, loss = 0.0, 0.0
    for p in range(energy.size):
        x = energy[p] - energy_q
        sigma = 1.0 / (1.0 + x * x)
        gain += sigma * thermal_particle[p]
        loss += sigma * thermal_hole[p]
    return gain, loss


@numba.njit(fastmath=True)
def lorentzian_apart(energy, weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    thermal_particle, thermal_hole = thermal_out * particles, thermal_in * holes
    gain, loss = (weight_out * particles).sum(), (weight_in * holes).sum()
    for q in range(sites):
        thermal_gain, thermal_loss = thermal_row(energy[q], energy, thermal_particle, thermal_hole)
        total_gain = GAMMA_EQ * thermal_in[q] * thermal_gain + GAMMA_NEQ * weight_in[q] * gain
        total_loss = GAMMA_EQ * thermal_out[q] * thermal_loss + GAMMA_NEQ * weight_out[q] * loss
        rate[q] = COUPLING / sites * (total_gain * holes[q] - total_loss * particles[q])


class LorentzianApart(LorentzianHoisted):
    kernel = staticmethod(lorentzian_apart)


@numba.njit(fastmath=True)
def lorentzian_folded(energy, weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    half = sites // 2
    # k = 2 pi (m - half) / L: m and 2 half - m are k and -k, and m = 0 is alone where L is even.
    levels = half + 1
    level_energy, particle, hole = np.zeros(levels), np.zeros(levels), np.zeros(levels)
    for m in range(sites):
        level = abs(m - half)
        level_energy[level] = energy[m]
        particle[level] += thermal_out[m] * particles[m]
        hole[level] += thermal_in[m] * holes[m]
    gain, loss = (weight_out * particles).sum(), (weight_in * holes).sum()
    level_gain, level_loss = np.empty(levels), np.empty(levels)
    for level in range(levels):
        level_gain[level], level_loss[level] = thermal_row(level_energy[level], level_energy, particle, hole)
    for m in range(sites):
        level = abs(m - half)
        total_gain = GAMMA_EQ * thermal_in[m] * level_gain[level] + GAMMA_NEQ * weight_in[m] * gain
        total_loss = GAMMA_EQ * thermal_out[m] * level_loss[level] + GAMMA_NEQ * weight_out[m] * loss
        rate[m] = COUPLING / sites * (total_gain * holes[m] - total_loss * particles[m])


class LorentzianFolded(LorentzianHoisted):
    kernel = staticmethod(lorentzian_folded)


class LorentzianBlocked:
    def __init__(self, chain):
        self.chain = chain

    def __call__(self, particles, holes):
        c = self.chain
        rate = np.empty(c.sites)
        for block in rows(c.sites):
            sigma = 1.0 / (1.0 + (c.energy - c.energy[block, None]) ** 2)
            thermal = GAMMA_EQ * sigma
            there = thermal * c.thermal_in[block, None] * c.thermal_out + GAMMA_NEQ * c.weight_in[block, None] * c.weight_out
            back = thermal * c.thermal_out[block, None] * c.thermal_in + GAMMA_NEQ * c.weight_out[block, None] * c.weight_in
            rate[block] = COUPLING / c.sites * ((there @ particles) * holes[block] - (back @ holes) * particles[block])
        return rate


RIVALS = {
    "numpy_literal": (NumpyLiteral, 16384),
    "numpy_blocked": (NumpyBlocked, 16384),
    "numpy_matvec": (NumpyMatvec, 16384),
    "numba_literal": (NumbaLiteral, 4096),  # half a minute per call beyond
    "numba_hoisted": (NumbaHoisted, 16384),
    "numba_rows": (NumbaRows, 16384),
}
LORENTZIAN_RIVALS = {
    "numpy_blocked": (LorentzianBlocked, 4096),
    "numba_hoisted": (LorentzianHoisted, 4096),
    "numba_rows": (LorentzianRows, 4096),
    "numba_apart": (LorentzianApart, 4096),
    "numba_folded": (LorentzianFolded, 4096),
}


def main():
    folder, quick = pathlib.Path(sys.argv[1]), "--quick" in sys.argv
    results = []
    for benchmark, prefix, rivals in (("pair_sum", "", RIVALS), ("pair_sum_lorentzian", "lorentzian_", LORENTZIAN_RIVALS)):
        results += measure(benchmark, folder / f"{prefix}rates", rivals, quick)
    json.dump({"numpy": np.__version__, "numba": numba.__version__, "results": results}, sys.stdout, indent=1)


def measure(benchmark, rates, rivals, quick):
    results = []
    for sites in (1024, 4096, 16384):
        particles, holes, expected = np.fromfile(f"{rates}_{sites}.bin").reshape(3, sites)
        chain = Chain(sites)
        for name, (make, largest) in rivals.items():
            if sites > largest or (quick and sites > 4096):
                continue
            rival = make(chain)
            difference = float(np.max(np.abs(rival(particles, holes) - expected)) / np.max(np.abs(expected)))
            if not difference <= 1e-12:
                sys.exit(f"{name} at L = {sites} differs from lindrift by {difference:.1e} of the largest rate")
            samples = seconds_per_call(lambda: rival(particles, holes), 0.1 if quick else 0.4, 3 if quick else 7)
            results.append(
                {"benchmark": benchmark, "rival": name, "L": sites, "difference": difference, "ns_per_pair": summary(samples, sites**2)}
            )
            print(f"{benchmark} {name:14} L = {sites:5}  {results[-1]['ns_per_pair']['median']:8.3f} ns/pair", file=sys.stderr)
    return results


if __name__ == "__main__":
    main()
