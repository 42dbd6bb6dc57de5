r"""
Spectral function
=================

Two bands, :math:`U` apart, in the Hatsugai-Kohmoto chain. The occupation of spin down at each momentum sets their weights.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

chain = ld.HatsugaiKohmoto(sites=128, interaction=4.0, up=ld.OpenBath(loss=0.4), down=ld.OpenBath(gain=0.5, two_site_loss=0.5))
frequencies = np.linspace(-4.0, 8.0, 241)
found = ld.spectral(chain, frequencies=frequencies)
plt.pcolormesh(found.coordinates["momentum"], frequencies, found.spectral_function.T, shading="nearest")
plt.colorbar(label=r"$A_k(\omega)$")
plt.xlabel("momentum $k$")
plt.ylabel(r"frequency $\omega$")
plt.show()
