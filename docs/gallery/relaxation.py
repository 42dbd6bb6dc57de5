r"""
Relaxation to the steady state
==============================

Starting from infinite temperature, :math:`\lambda_k = 0`, every Lagrange multiplier relaxes. The current settles long before they do.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

chain = ld.TggeChain(sites=20, bath=ld.ThermalBath(nonequilibrium_fraction=0.5))
times = np.linspace(0.0, 150.0, 151)
path = ld.relax(chain, times=times, lagrange_multiplier=np.zeros(20))

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(times, path.lagrange_multiplier)
left.set_xlabel("time $tJ$")
left.set_ylabel(r"$\lambda_k$")
right.plot(times, path.current)
right.axhline(ld.steady_state(chain, filling=0.5).current, color="grey", linestyle="--")
right.set_xlabel("time $tJ$")
right.set_ylabel("current $I$")
plt.show()
