r"""
One half of a light cone
========================

Spin up is not driven but interacts with spin down, which is. In the open Hatsugai-Kohmoto chain its propagator then follows only one front
(Fig. 1 of Borchia, Knolle, Nunnenkamp).
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

times = np.linspace(0.0, 20.0, 81)
figure, panels = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for axes, interaction in zip(panels, (0.0, 4.0)):
    chain = ld.HatsugaiKohmoto(sites=128, interaction=interaction, down=ld.OpenBath(gain=1.5, two_site_loss=0.5))
    found = ld.green(chain, times=times)
    axes.pcolormesh(found.coordinates["site"], times, np.abs(found.green_retarded), shading="nearest", vmax=0.5)
    axes.set_title(f"$U = {interaction:g}J$")
    axes.set_xlabel("site $j$")
panels[0].set_ylabel("time $tJ$")
plt.show()
