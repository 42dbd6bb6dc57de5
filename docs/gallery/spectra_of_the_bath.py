r"""
Other spectra of the thermal bath
=================================

Beyond the papers: the rates of the thermal bath may fall off with the energy of a hop. A narrow thermal bath competes less with the
nonequilibrium bath.
"""

import matplotlib.pyplot as plt
import numpy as np

import lindrift as ld

widths = np.geomspace(0.05, 20.0, 40)
for spectrum in ("lorentzian", "ohmic"):
    chain = ld.TggeChain(sites=128, bath=ld.ThermalBath(nonequilibrium_fraction=0.5, spectrum=spectrum))
    data = ld.sweep(ld.steady_state, chain, {"bath.spectrum_width": widths})
    plt.semilogx(widths, data["current"], label=spectrum)
flat = ld.steady_state(ld.TggeChain(sites=128, bath=ld.ThermalBath(nonequilibrium_fraction=0.5)))
plt.axhline(flat.current, color="grey", linestyle="--", label="exponential, as published")
plt.xlabel("width of the spectrum $/J$")
plt.ylabel("current $I$")
plt.legend()
plt.show()
