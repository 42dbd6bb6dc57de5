#!/usr/bin/python3
"""G(j,t) of the Hatsugai-Kohmoto chain as a user of NumPy would write it: residues, one inverse transform a time.

  hatsugai_kohmoto.py [--quick]    prints JSON: ns per site and time, of drift and norm for each size, and of the density of a particle
"""

import json
import statistics
import sys
import time

import numpy as np

HOPPING, INTERACTION, GAIN, BONDS = 1.0, 4.0, 1.5, 0.5


class Chain:
    def __init__(self, sites):
        self.sites = sites
        k = 2.0 * np.pi * np.fft.fftfreq(sites)
        rate = GAIN + 2.0 * BONDS * (1.0 - np.sin(k))
        n = GAIN / rate
        root = np.sqrt((rate + 1j * INTERACTION) ** 2 - 4j * INTERACTION * GAIN)
        part = (rate + 1j * INTERACTION * (1.0 - 2.0 * n)) / root
        middle = -1j * (-2.0 * HOPPING * np.cos(k) + INTERACTION / 2) - rate / 2
        self.residues = (1 + part) / 2, (1 - part) / 2
        self.eigenvalues = middle + root / 2, middle - root / 2
        self.site = np.arange(sites) - sites // 2

    def square(self, t):
        g = self.residues[0] * np.exp(self.eigenvalues[0] * t) + self.residues[1] * np.exp(self.eigenvalues[1] * t)
        return np.fft.fftshift(np.abs(np.fft.ifft(g)) ** 2)

    def sums(self, t):
        square = self.square(t)
        norm = square.sum()
        return norm, (self.site * square).sum() / norm

    def density(self, t):
        square = self.square(t)
        return square + (1.0 - square.sum()) / self.sites


def ns_per_site(function, sites, times, repetitions):
    """Processor time of this thread, so that other programs on the machine do not count."""
    function(times[0])
    samples = []
    for _ in range(repetitions):
        start = time.thread_time()
        for t in times:
            function(t)
        samples.append(1e9 * (time.thread_time() - start) / len(times) / sites)
    return {"median": statistics.median(samples), "minimum": min(samples), "maximum": max(samples), "samples": repetitions}


def main():
    repetitions = 3 if "--quick" in sys.argv else 7
    results = []
    for sites in (128, 512, 2048, 8192, 32768, 131072, 524288, 1048576):
        chain = Chain(sites)
        count = int(np.clip(2**20 // sites, 2, 400))
        times = 0.25 * sites * (1 + np.arange(count)) / count
        functions = {"green_sums": chain.sums}
        if sites == 131072:
            functions["density_of_one_particle"] = chain.density
        for name, function in functions.items():
            results.append({"rival": "numpy", "benchmark": name, "L": sites,
                            "ns_per_site": ns_per_site(function, sites, times, repetitions)})
    # The same numbers as lindrift's, at parameters far from an exceptional point.
    norm, drift = Chain(128).sums(20.0)
    assert abs(norm - 0.0667326832717499) < 1e-12 and abs(drift - 39.44104489959943) < 1e-9
    json.dump({"numpy": np.__version__, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
