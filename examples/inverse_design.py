#!/usr/bin/env python3
"""Which jump operator drives the largest current? Inverse design with the gradient of the program.

L_j = sum_ab A_ab c+_{j+a} c_{j+b} with a, b = 0, 1 has four complex amplitudes. This script maximises the steady current of a
chain over all of them at a fixed total rate, sum |A|^2 = 6.75, that of the operator in Yamamoto, Ashida, Kawakami. Each step is one
call of `lindrift run` with task gradient, which gives the current and its derivatives by all amplitudes at once, and one step of
BFGS. It prints the operator as the terms of an input file; examples/inverse_design.toml holds the best one.

    python3 examples/inverse_design.py build/bin/lindrift --starts 3
"""

import argparse
import pathlib
import subprocess
import tempfile

import h5py
import numpy as np

TOTAL_RATE = 6.75
INPUT = """
[model]
kind = "tgge_chain"
sites = 40

[bath]
inverse_temperature = 2.0
nonequilibrium_fraction = 0.5
jump = "operators"

[[bath.jump_operator]]
terms = {terms}

[task]
kind = "gradient"
of = "current"
with_respect_to = ["bath.jump_operator"]
"""


def terms_of(amplitudes):
    """[[a, b, Re A_ab, Im A_ab], ...]"""
    return [[a, b, float(z.real), float(z.imag)] for (a, b), z in np.ndenumerate(amplitudes.reshape(2, 2))]


class Current:
    """The current as a function of the direction of (Re A, Im A); its length is fixed by the total rate."""

    def __init__(self, program, folder):
        self.program, self.folder, self.calls = program, pathlib.Path(folder), 0

    def amplitudes(self, x):
        return (x[:4] + 1j * x[4:]) * np.sqrt(TOTAL_RATE) / np.linalg.norm(x)

    def __call__(self, x):
        amplitudes = self.amplitudes(x)
        (self.folder / "design.toml").write_text(INPUT.format(terms=terms_of(amplitudes)))
        command = [self.program, "run", "design.toml", "--overwrite", "--log", "error", "--progress", "never"]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        self.calls += 1
        with h5py.File(self.folder / "design.h5") as file:
            current = file["value"][0]
            by_amplitude = file["gradient_bath.jump_operator"][0]  # d/dRe + i d/dIm, term by term
        by = np.concatenate([by_amplitude.real, by_amplitude.imag]) * np.sqrt(TOTAL_RATE) / np.linalg.norm(x)
        return current, by - x * (x @ by) / (x @ x)  # along x nothing changes


def maximise(function, x, accuracy=1e-9, most_steps=80):
    """BFGS with halved steps. Returns the maximum, where it is, and the length of its gradient."""
    value, slope = function(x)
    inverse_hessian = np.eye(len(x))
    for _ in range(most_steps):
        if np.linalg.norm(slope) < accuracy:
            break
        step = inverse_hessian @ slope
        while True:
            new_value, new_slope = function(x + step)
            if new_value > value + 1e-4 * (step @ slope) or np.linalg.norm(step) < 1e-12:
                break
            step = 0.5 * step
        change = slope - new_slope
        if new_value <= value:
            break
        if (curvature := step @ change) > 0.0:
            left = np.eye(len(x)) - np.outer(step, change) / curvature
            inverse_hessian = left @ inverse_hessian @ left.T + np.outer(step, step) / curvature
        x, value, slope = x + step, new_value, new_slope
    return value, x, np.linalg.norm(slope)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the program lindrift")
    parser.add_argument("--starts", type=int, default=3, help="random operators to start from")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        current = Current(str(pathlib.Path(options.program).resolve()), folder)
        found = []
        for start in range(options.starts):
            before = current.calls
            found.append(maximise(current, random.normal(size=8)))
            print(f"start {start}: current {found[-1][0]:.10f}, gradient {found[-1][2]:.1e}, {current.calls - before} calls",
                  flush=True)
        value, x, _ = max(found, key=lambda one: one[0])
        amplitudes = current.amplitudes(x)
        amplitudes *= np.exp(-1j * np.angle(amplitudes[0]))  # a global phase means nothing
        print(f"best current {value:.10f} with\nterms = {terms_of(amplitudes)}")


if __name__ == "__main__":
    main()
