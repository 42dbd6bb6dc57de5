r"""
A displaced Fermi sea comes to rest
===================================

Beyond the papers: a cold, displaced Fermi sea coupled to both baths. It loses its momentum to them within a few :math:`1/(\epsilon J)`;
the rectified current remains.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

times = np.linspace(0.0, 60.0, 121)
sea = ld.InitialState("thermal", inverse_temperature=20.0, momentum_shift=6)
for fraction in (0.0, 0.5, 0.9):
    chain = ld.TggeChain(sites=64, bath=ld.ThermalBath(nonequilibrium_fraction=fraction))
    path = ld.relax(chain, times=times, filling=0.5, initial=sea)
    plt.plot(times, path.current, label=rf"$\gamma_\mathrm{{neq}} = {fraction}$")
plt.xlabel("time $tJ$")
plt.ylabel("current $I$")
plt.legend()
plt.show()
