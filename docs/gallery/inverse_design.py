r"""
Inverse design: the jump operator that drives the largest current
=================================================================

Beyond the papers: we optimise the four complex amplitudes of :math:`L_j = \sum_{ab} A_{ab} c^\dagger_{j+a} c_{j+b}`, :math:`a, b = 0, 1`, at a fixed total
rate :math:`\sum |A|^2`. One linear system gives the derivatives of the current with respect to any number of amplitudes.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

TOTAL_RATE = 6.75  # of the operator of the paper
history = []


def minus_current(x):
    """-I and its derivative by the direction x of (Re A, Im A), whose length is fixed by the total rate."""
    length = np.linalg.norm(x)
    amplitudes = (x[:4] + 1j * x[4:]) * np.sqrt(TOTAL_RATE) / length
    terms = [(a, b, z) for (a, b), z in np.ndenumerate(amplitudes.reshape(2, 2))]
    chain = ld.TggeChain(sites=40, bath=ld.ThermalBath(nonequilibrium_fraction=0.5), jump=ld.JumpOperators([terms]))
    state = ld.steady_state(chain, filling=0.5)
    by_amplitude = ld.gradient(state, of="current", with_respect_to="bath.jump_operator")["bath.jump_operator"]
    slope = np.concatenate([by_amplitude.real, by_amplitude.imag]) * np.sqrt(TOTAL_RATE) / length
    history.append(state.current)
    return -state.current, -(slope - x * (slope @ x) / length**2)


x = np.random.default_rng(2).normal(size=8)
try:
    from scipy.optimize import minimize
except ImportError:  # plain ascent along the gradient
    for _ in range(150):
        x = x / np.linalg.norm(x) - 2.0 * minus_current(x)[1]
else:
    minimize(minus_current, x, jac=True, method="L-BFGS-B")
print(f"largest current {max(history):.6f} after {len(history)} evaluations")
plt.plot(np.maximum.accumulate(history))
plt.axhline(ld.steady_state(ld.TggeChain(sites=40, bath=ld.ThermalBath(nonequilibrium_fraction=0.5))).current, color="grey",
            linestyle="--", label="the operator of the paper")
plt.xlabel("evaluations")
plt.ylabel("largest current so far")
plt.legend()
plt.show()
