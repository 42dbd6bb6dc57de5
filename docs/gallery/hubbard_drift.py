r"""
Drift among driven partners, in two approximations
==================================================

The probe of a Hubbard chain drifts because its partners are driven. To second order in :math:`U` it drifts more than with all repeated
collisions with one partner (the ladder).
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

times = np.linspace(0.5, 12.0, 24)
for interaction in (1.0, 2.0):
    for approximation, line in (("second_order", "--"), ("ladder", "-")):
        chain = ld.HubbardChain(sites=64, interaction=[interaction], approximation=approximation,
                                down=ld.OpenBath(gain=0.2, two_site_loss=2.0))
        found = ld.green(chain, times=times, tolerance=1e-8, keep_sites=False, keep_momenta=False)
        plt.plot(times, found.drift, line, label=f"$U = {interaction:g}J$, {approximation.replace('_', ' ')}")
plt.xlabel("time $tJ$")
plt.ylabel("drift $X_G$")
plt.legend()
plt.show()
