r"""
Noise of the rectified current
==============================

Beyond the papers: the linear system of the gradients also gives the zero-frequency noise.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

fractions = np.linspace(0.02, 0.98, 49)
states = [ld.steady_state(ld.TggeChain(sites=64, bath=ld.ThermalBath(nonequilibrium_fraction=float(one)))) for one in fractions]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(fractions, [state.current for state in states])
left.set_ylabel("current $I$")
right.plot(fractions, [ld.noise(state) for state in states])
right.set_ylabel(r"noise $\epsilon N S(0)$")
for axes in (left, right):
    axes.set_xlabel(r"$\gamma_\mathrm{neq}$")
plt.show()
