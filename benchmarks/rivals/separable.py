#!/usr/bin/python3
"""The O(L) right-hand side of the chain in NumPy and Numba, on one thread. Prints JSON: per size ns per mode.

  separable.py [--quick]
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import json

import numba
import numpy as np
from chain import COUPLING, GAMMA_EQ, GAMMA_NEQ, Chain, seconds_per_call, summary


def numpy_separable(c, particles, holes):
    gain = GAMMA_EQ * (c.thermal_out @ particles) * c.thermal_in + GAMMA_NEQ * (c.weight_out @ particles) * c.weight_in
    loss = GAMMA_EQ * (c.thermal_in @ holes) * c.thermal_out + GAMMA_NEQ * (c.weight_in @ holes) * c.weight_out
    return COUPLING / c.sites * (gain * holes - loss * particles)


@numba.njit(fastmath=True)
def numba_loops(weight_in, weight_out, thermal_in, thermal_out, particles, holes, rate):
    sites = rate.size
    thermal_gain, gain, thermal_loss, loss = 0.0, 0.0, 0.0, 0.0
    for p in range(sites):
        thermal_gain += thermal_out[p] * particles[p]
        gain += weight_out[p] * particles[p]
        thermal_loss += thermal_in[p] * holes[p]
        loss += weight_in[p] * holes[p]
    for q in range(sites):
        total_gain = GAMMA_EQ * thermal_in[q] * thermal_gain + GAMMA_NEQ * weight_in[q] * gain
        total_loss = GAMMA_EQ * thermal_out[q] * thermal_loss + GAMMA_NEQ * weight_out[q] * loss
        rate[q] = COUPLING / sites * (total_gain * holes[q] - total_loss * particles[q])


def numba_separable(c, particles, holes):
    rate = np.empty(c.sites)
    numba_loops(c.weight_in, c.weight_out, c.thermal_in, c.thermal_out, particles, holes, rate)
    return rate


def main():
    quick = "--quick" in sys.argv
    results = []
    for sites in (1000000,) if quick else (1000000, 10000000):
        chain = Chain(sites)
        particles = np.random.default_rng(7).uniform(0.05, 0.95, sites)
        holes = 1.0 - particles
        expected = numpy_separable(chain, particles, holes)
        for name, rival in (("numpy", numpy_separable), ("numba", numba_separable)):
            difference = float(np.max(np.abs(rival(chain, particles, holes) - expected)) / np.max(np.abs(expected)))
            samples = seconds_per_call(lambda: rival(chain, particles, holes), 0.2 if quick else 0.5, 3 if quick else 7)
            results.append(
                {"rival": name, "L": sites, "difference": difference, "ns_per_mode": summary(samples, sites)}
            )
            print(f"{name:14} L = {sites:8}  {results[-1]['ns_per_mode']['median']:8.3f} ns/mode", file=sys.stderr)
    json.dump({"numpy": np.__version__, "numba": numba.__version__, "results": results}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
