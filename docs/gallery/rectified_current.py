r"""
Current against the weight of the nonequilibrium bath
=====================================================

Fermions on a chain with a thermal bath and Raman-assisted hopping carry a current. It vanishes at :math:`\gamma_\mathrm{neq} = 0` and no longer
depends on the temperature at :math:`\gamma_\mathrm{neq} = 1` (Fig. 3b of Yamamoto, Ashida, Kawakami).
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

raman = ld.RamanJump(delta=1 + 1j, delta_prime=1 + 0.5j)
fractions = np.linspace(0.0, 1.0, 101)
for beta in (0.5, 2.0, 8.0):
    chain = ld.TggeChain(sites=100, bath=ld.ThermalBath(inverse_temperature=beta), jump=raman)
    data = ld.sweep(ld.steady_state, chain, {"bath.nonequilibrium_fraction": fractions})
    plt.plot(fractions, data["current"], label=rf"$\beta J = {beta}$")
plt.xlabel(r"$\gamma_\mathrm{neq}$")
plt.ylabel("current $I$")
plt.legend()
plt.show()
