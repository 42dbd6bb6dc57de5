#!/usr/bin/env python3
"""What the Python module costs compared with the program: a call, a sweep and an optimisation.

    PYTHONPATH=build/python benchmarks/python_module.py [--program build/bin/lindrift] [--threads N] [-o FILE.json]

Prints one line for each measurement; times are medians.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np

import lindrift as ld


def chain(sites, **bath):
    return ld.TggeChain(sites=sites, bath=ld.ThermalBath(**{"inverse_temperature": 2.0, "nonequilibrium_fraction": 0.5, **bath}))


def median(call, repetitions):
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def call():
    """A steady state of 16 sites, including the library's own work."""
    model = chain(16)
    return {"call_us": 1e3 * median(lambda: [ld.steady_state(model, threads=1) for _ in range(1000)], 9)}


def sweep(program, threads, points=100_000):
    """Steady states of 100 sites in one process, and the program's time for them."""
    fractions = np.linspace(0.0, 1.0, points)
    own = median(lambda: ld.sweep(ld.steady_state, chain(100), {"bath.nonequilibrium_fraction": fractions}, threads=threads), 3)
    found = {"sweep_s": own, "sweep_points": points, "threads": threads}
    if program:
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            tables = {"task": {"kind": "steady_state"}, "output": {"fields": ["current"]},
                      "sweep": {"bath.nonequilibrium_fraction": {"start": 0.0, "stop": 1.0, "count": points}}}
            (place / "sweep.toml").write_text(chain(100).to_toml(**tables))

            def run():
                said = subprocess.run([program, "run", "sweep.toml", "--overwrite", "--threads", str(threads), "--progress", "never"],
                                      cwd=folder, check=True, capture_output=True, text=True).stdout
                return float(said.rpartition(" done in ")[2].split()[0])
            found["program_sweep_s"] = statistics.median(run() for _ in range(3))
            found["ratio"] = own / found["program_sweep_s"]
    return found


def optimisation(program, evaluations=300):
    """A search over three parameters of the bath at 100 sites, by SciPy if installed, otherwise at random points."""
    calls = 0

    def current(x):
        nonlocal calls
        calls += 1
        bath = {"inverse_temperature": float(1.0 + x[0] ** 2), "nonequilibrium_fraction": float(1.0 / (1.0 + np.exp(-x[1])))}
        return -abs(ld.steady_state(chain(100, **bath, coupling=float(0.05 + x[2] ** 2)), threads=1).current)

    def search():
        nonlocal calls
        calls = 0
        try:
            from scipy.optimize import minimize
        except ImportError:
            for x in np.random.default_rng(1).normal(size=(evaluations, 3)):
                current(x)
        else:
            minimize(current, [0.5, 0.1, 0.3], method="Nelder-Mead", options={"maxfev": evaluations, "xatol": 0, "fatol": 0})
    found = {"optimisation_s": median(search, 5), "evaluations": calls}
    if program:
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "one.toml").write_text(chain(100).to_toml(task={"kind": "steady_state"}))
            one = median(lambda: subprocess.run([program, "run", "one.toml", "--overwrite", "--threads", "1"], cwd=folder, check=True,
                                                capture_output=True), 9)
            found["by_processes_s"] = one * calls
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="the program, to compare with")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", dest="output", help="JSON file")
    options = parser.parse_args()
    program = options.program and str(pathlib.Path(options.program).resolve())
    found = {"version": ld.__version__, "simd": ld.simd_level(), **call(), **sweep(program, options.threads),
             **optimisation(program)}
    for name, value in found.items():
        print(f"{name:24} {value:.4g}" if isinstance(value, float) else f"{name:24} {value}")
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
