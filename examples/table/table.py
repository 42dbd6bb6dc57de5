"""Writes rates.h5, the table of hop weights that table.toml reads: every kick adds a momentum of about pi/3."""

import os

import h5py
import numpy as np

SITES, KICK, SPREAD = 64, np.pi / 3, 0.5

momentum = 2.0 * np.pi * (np.arange(SITES) - SITES // 2) / SITES
gained = momentum[:, np.newaxis] - momentum[np.newaxis, :]  # row: to, column: from
weights = np.exp((np.cos(gained - KICK) - 1.0) / SPREAD**2)

with h5py.File(os.path.join(os.path.dirname(os.path.abspath(__file__)), "rates.h5"), "w") as file:
    file["kicks"] = weights
