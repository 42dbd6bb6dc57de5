r"""
A current that turns: two dimensions
====================================

Beyond the papers: a square lattice whose jump operators hop along a direction that we rotate. The current follows it, but not exactly, because
the lattice has only a fourfold axis.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

angles = np.linspace(0.0, 2.0 * np.pi, 25)
currents = []
for angle in angles:
    terms = [(0, 0, 0, 0, 0, 0, 1.0), (1, 0, 0, 0, 0, 0, 1j * np.cos(angle)), (0, 1, 0, 0, 0, 0, 1j * np.sin(angle))]
    lattice = ld.TggeLattice(cells=[24, 24], preset="square", jump=ld.JumpOperators([terms]),
                             bath=ld.ThermalBath(nonequilibrium_fraction=0.5))
    currents.append(ld.steady_state(lattice, filling=0.5).current)
currents = np.array(currents)
plt.plot(np.degrees(angles), currents[:, 0], label="$I_1$")
plt.plot(np.degrees(angles), currents[:, 1], label="$I_2$")
plt.xlabel("direction of the jump operators (degrees)")
plt.ylabel("current per cell")
plt.legend()
plt.show()
