"""The chain of the benchmarks (benchmarks/support.hpp), its equation from the same formulas, and how rivals are timed."""

import statistics
import time

import numpy as np

BETA, COUPLING, GAMMA_NEQ = 2.0, 0.05, 0.5
GAMMA_EQ = 1.0 - GAMMA_NEQ
DELTA, DELTA_PRIME = 1.0 + 1.0j, 1.0 + 0.5j


class Chain:
    """Per-mode factors of the hop weight gamma_eq e^{-beta (E_s - E_s')/2} + gamma_neq in_s out_s'."""

    def __init__(self, sites):
        k = 2.0 * np.pi * np.arange(-(sites // 2), sites - sites // 2) / sites
        self.sites = sites
        self.momentum = k
        self.energy = -2.0 * np.cos(k)
        self.weight_in = np.abs(1.0 + DELTA * np.exp(-1j * k)) ** 2
        self.weight_out = np.abs(1.0 - DELTA_PRIME * np.exp(1j * k)) ** 2
        self.thermal_in = np.exp(-0.5 * BETA * self.energy)
        self.thermal_out = np.exp(0.5 * BETA * self.energy)


def seconds_per_call(function, minimum, repetitions):
    """Processor time of this thread per call, once per repetition, as in benchmarks/ceiling.hpp. Warms up first."""
    function()
    calls = 0
    start = time.thread_time()
    while time.thread_time() - start < 0.2 * minimum or calls == 0:
        function()
        calls += 1
    calls = max(1, round(calls * minimum / (time.thread_time() - start)))
    samples = []
    for _ in range(repetitions):
        start = time.thread_time()
        for _ in range(calls):
            function()
        samples.append((time.thread_time() - start) / calls)
    return samples


def summary(samples, scale):
    scaled = [1e9 * sample / scale for sample in samples]
    return {"median": statistics.median(scaled), "minimum": min(scaled), "maximum": max(scaled)}
