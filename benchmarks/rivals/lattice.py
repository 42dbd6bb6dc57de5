#!/usr/bin/python3
"""A whole steady state of the tGGE on a square lattice in NumPy and Numba, on one thread: the same algorithm as lindrift's.

  lattice.py [--quick]

Newton's method in the Lagrange multipliers with the fugacity as an extra unknown, its equations solved by GMRES. Hop weights
are sums over the matrices sum_s f_s v_s v_s^+ of the orbitals that the jump operators touch, the exponential bath is two moments,
the lorentzian one Chebyshev polynomials on panels of the energy axis (docs/physics.md, sections 3 and 12). Lattices, filling and
output are those of `lattice/...` in benchmarks/steady_state_benchmark.cpp. The bands are made before the clock starts, as for
lindrift. Prints JSON: per lattice and size the seconds of one solution, processor time of this thread, its residual, and how far its
current is from the known one.
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import statistics

import numba
import numpy as np
from chain import seconds_per_call

BETA, WIDTH, GAMMA_EQ, GAMMA_NEQ, FILLING, TOLERANCE = 2.0, 1.0, 0.5, 0.5, 0.5, 1e-12
DELTA, DELTA_PRIME = 1.0 + 1.0j, 1.0 + 0.5j
RASHBA, FIELD = 0.8, (np.cos(np.pi / 6), np.sin(np.pi / 6), 0.7)
ORDER = 10


class Square:
    """Modes with energies, velocities and the vectors v_s that the amplitudes of the jump operators stand between."""

    def __init__(self, along):
        k = 2.0 * np.pi * np.arange(-(along // 2), along - along // 2) / along
        self.cells = along * along
        self.k = [part.ravel() for part in np.meshgrid(k, k, indexing="ij")]


class OneBand(Square):
    def __init__(self, along):
        super().__init__(along)
        self.energy = -2.0 * (np.cos(self.k[0]) + np.cos(self.k[1]))
        self.velocity = [2.0 * np.sin(k) for k in self.k]
        self.vectors = np.array([np.ones(self.cells, complex), np.exp(1j * self.k[0]), np.exp(1j * self.k[1])])
        self.amplitude = np.array([[1.0, 0.0, -DELTA_PRIME], [DELTA, 0.0, -DELTA * DELTA_PRIME], [0.0, 0.0, 0.0]], complex)


class TwoBands(Square):
    """Rashba coupling and a magnetic field, spin up dephased."""

    def __init__(self, along):
        super().__init__(along)
        x, y = self.k
        scalar = -2.0 * (np.cos(x) + np.cos(y))
        field = np.array([FIELD[0] - 2.0 * RASHBA * np.sin(y), FIELD[1] + 2.0 * RASHBA * np.sin(x), FIELD[2] + 0.0 * x])
        slopes = [np.array([0.0 * x, 2.0 * RASHBA * np.cos(x), 0.0 * x]), np.array([-2.0 * RASHBA * np.cos(y), 0.0 * x, 0.0 * x])]
        size = np.sqrt((field**2).sum(axis=0))
        band = np.array([[-1.0], [1.0]])
        self.energy = (scalar + band * size).ravel()
        self.velocity = [(2.0 * np.sin(k) + band * (field * slope).sum(axis=0) / size).ravel() for k, slope in zip(self.k, slopes)]
        self.vectors = np.sqrt(0.5 * (1.0 + band * field[2] / size)).ravel()[None, :].astype(complex)
        self.amplitude = np.array([[1.0]], complex)


@numba.njit(fastmath=True)
def gram(vectors, f):
    d, modes = vectors.shape
    result = np.zeros((d, d), np.complex128)
    for a in range(d):
        for b in range(a, d):
            re = im = 0.0
            for s in range(modes):
                x, y = vectors[a, s], vectors[b, s]
                re += f[s] * (x.real * y.real + x.imag * y.imag)
                im += f[s] * (x.imag * y.real - x.real * y.imag)
            result[a, b] = re + 1j * im
            result[b, a] = re - 1j * im
    return result


@numba.njit(fastmath=True)
def quadratic(vectors, matrix, result):
    """v^+ M v of every mode, M Hermitian."""
    d, modes = vectors.shape
    for s in range(modes):
        total = 0.0
        for a in range(d):
            x = vectors[a, s]
            total += matrix[a, a].real * (x.real * x.real + x.imag * x.imag)
            for b in range(a + 1, d):
                y, m = vectors[b, s], matrix[a, b]
                total += 2.0 * (m.real * (x.real * y.real + x.imag * y.imag) - m.imag * (x.real * y.imag - x.imag * y.real))
        result[s] = total


class Exponential:
    """S = e^{beta x / 2}: every mode sees one number."""

    def __init__(self, energy):
        self.out, self.into = np.exp(0.5 * BETA * energy), np.exp(-0.5 * BETA * energy)

    def sums(self, particles, holes):
        return self.into * (self.out @ particles), self.out * (self.into @ holes)


@numba.njit(fastmath=True)
def panel_moments(panel, position, source, moments):
    p = moments.shape[1]
    for s in range(panel.size):
        row, x, f = moments[panel[s]], position[s], source[s]
        before, now = 1.0, x
        row[0] += f
        for a in range(1, p):
            row[a] += f * now
            before, now = now, 2.0 * x * now - before


@numba.njit(fastmath=True)
def panel_values(panel, position, expansion, factor, result):
    p = expansion.shape[1]
    for s in range(panel.size):
        row, x = expansion[panel[s]], position[s]
        total, before, now = row[0], 1.0, x
        for a in range(1, p):
            total += row[a] * now
            before, now = now, 2.0 * x * now - before
        result[s] = factor[s] * total


class Lorentzian(Exponential):
    """S = e^{beta x / 2} / (1 + (x / width)^2), whose second factor is smooth on panels of an eighth of the width."""

    def __init__(self, energy):
        super().__init__(energy)
        width, low = WIDTH / 8.0, energy.min()
        self.panel = ((energy - low) / width).astype(np.int64)
        self.position = 2.0 * ((energy - low) / width - self.panel) - 1.0
        self.count = int(self.panel.max()) + 1
        nodes = np.cos(np.pi * (np.arange(ORDER) + 0.5) / ORDER)
        transform = np.cos(np.outer(np.arange(ORDER), np.arccos(nodes))) * 2.0 / ORDER
        transform[0] *= 0.5
        apart = width * (np.arange(self.count)[:, None] - np.arange(self.count)[None, :])
        inside = 0.5 * width * (nodes[:, None] - nodes[None, :])
        core = 1.0 / (1.0 + ((apart[:, :, None, None] + inside) / WIDTH) ** 2)
        self.core = np.einsum("ai,mnij,bj->manb", transform, core, transform).reshape(self.count * ORDER, self.count * ORDER)

    def sum(self, source, factor):
        moments, result = np.zeros((self.count, ORDER)), np.empty_like(source)
        panel_moments(self.panel, self.position, source, moments)
        expansion = (self.core @ moments.ravel()).reshape(self.count, ORDER)
        panel_values(self.panel, self.position, expansion, factor, result)
        return result

    def sums(self, particles, holes):
        return self.sum(self.out * particles, self.into), self.sum(self.into * holes, self.out)


class Equation:
    def __init__(self, lattice, bath):
        self.lattice, self.bath, self.modes = lattice, bath, lattice.energy.size

    def sums(self, particles, holes):
        """W particles and W^T holes."""
        lattice, a = self.lattice, self.lattice.amplitude
        gain, loss = self.bath.sums(particles, holes)
        hop = np.empty(self.modes)
        quadratic(lattice.vectors, a @ gram(lattice.vectors, particles) @ a.conj().T, hop)
        gain = (GAMMA_EQ * gain + GAMMA_NEQ * hop) / lattice.cells
        quadratic(lattice.vectors, a.conj().T @ gram(lattice.vectors, holes) @ a, hop)
        return gain, (GAMMA_EQ * loss + GAMMA_NEQ * hop) / lattice.cells

    def evaluate(self, multiplier, log_fugacity):
        small = np.exp(-np.abs(multiplier))
        larger = 1.0 / (1.0 + small)
        n = np.where(multiplier > 0.0, small * larger, larger)
        h = np.where(multiplier > 0.0, larger, small * larger)
        gain, loss = self.sums(n, h)
        balance = multiplier + np.log(gain) - np.log(loss)
        excess = n.sum() - FILLING * self.modes
        return {"n": n, "h": h, "gain": gain, "loss": loss, "balance": balance + log_fugacity, "excess": excess,
                "size": max(np.max(np.abs(balance + log_fugacity)), abs(excess) / self.modes),
                "residual": np.tanh(0.5 * np.max(np.abs(balance)))}  # fmt: skip

    def derivative(self, point, x):
        """Of balance and number by multipliers and fugacity, along x."""
        chi = point["n"] * point["h"] * x[:-1]
        gain, loss = self.sums(chi, chi)
        result = np.empty_like(x)
        result[:-1] = x[:-1] - gain / point["gain"] - loss / point["loss"] + x[-1]
        result[-1] = chi.sum() / self.modes
        return result

    def gmres(self, point, right, tolerance, most=60):
        scale = np.linalg.norm(right)
        basis, h = [right / scale], np.zeros((most + 1, most))
        for j in range(most):
            w = self.derivative(point, basis[j])
            for i in range(j + 1):
                h[i, j] = basis[i] @ w
                w -= h[i, j] * basis[i]
            h[j + 1, j] = np.linalg.norm(w)
            target = np.zeros(j + 2)
            target[0] = scale
            y, *_ = np.linalg.lstsq(h[: j + 2, : j + 1], target, rcond=None)
            if np.linalg.norm(h[: j + 2, : j + 1] @ y - target) <= tolerance * scale:
                break
            basis.append(w / h[j + 1, j])
        return sum(one * vector for one, vector in zip(y, basis))

    def __call__(self):
        energy = self.lattice.energy
        multiplier, log_fugacity, steps = BETA * (energy - energy.mean()), 0.0, 0
        point = self.evaluate(multiplier, log_fugacity)
        while point["size"] > 0.1 * TOLERANCE and steps < 30:
            right = -np.append(point["balance"], -point["excess"] / self.modes)
            change = self.gmres(point, right, max(min(0.1 * point["size"], 1e-2), 1e-12))
            fraction, before = 1.0, point["size"]
            for _ in range(7):
                trial = multiplier + fraction * change[:-1], log_fugacity + fraction * change[-1]
                point = self.evaluate(*trial)
                if point["size"] < before:
                    break
                fraction *= 0.5
            else:
                break
            (multiplier, log_fugacity), steps = trial, steps + 1
            if before < 1e-11:
                break
        current = [velocity @ point["n"] / self.lattice.cells for velocity in self.lattice.velocity]
        return {"multiplier": multiplier, "occupation": point["n"], "current": np.array(current),
                "residual": point["residual"], "steps": steps}  # fmt: skip


# Currents of the infinite lattices, which those of 128 x 128 cells have reached.
LATTICES = {
    "lattice/square_exponential": (OneBand, Exponential, (0.097457378147, -0.074148938608)),
    "lattice/square_lorentzian": (OneBand, Lorentzian, (0.141268080175, -0.106402992967)),
    "lattice/two_orbitals": (TwoBands, Exponential, (-0.003691713651, 0.005500791176)),
}


def main():
    quick = "--quick" in sys.argv
    results = []
    for benchmark, (lattice, bath, current) in LATTICES.items():
        for along in (128,) if quick else (128, 1024):
            bands = lattice(along)
            solve = Equation(bands, bath(bands.energy))
            state = solve()
            difference = float(np.max(np.abs(state["current"] - current)))
            if not (difference <= 2e-12 and state["residual"] <= TOLERANCE):
                sys.exit(f"{benchmark} at {along} x {along}: the current differs by {difference:.1e} from the known one, "
                         f"the residual is {state['residual']:.1e}")  # fmt: skip
            samples = seconds_per_call(solve, 0.05 if quick else 0.3, 3)
            seconds = {"median": statistics.median(samples), "minimum": min(samples), "maximum": max(samples)}
            results.append({"benchmark": benchmark, "rival": "numba", "L": along * along, "difference": difference,
                            "residual": float(state["residual"]), "steps": state["steps"], "solver_seconds": seconds})  # fmt: skip
            print(f"{benchmark:28} {along:5} x {along:<5} {seconds['median']:8.3f} s  {state['steps']} steps, "
                  f"residual {state['residual']:.1e}, current off by {difference:.1e}", file=sys.stderr)  # fmt: skip
    json.dump({"numpy": np.__version__, "numba": numba.__version__, "results": results}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
