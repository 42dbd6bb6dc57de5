"""Ticks of logarithmic scales. Those of matplotlib have labels at powers of ten only, or none within one decade."""

import numpy as np
from matplotlib.ticker import Locator, MaxNLocator, ScalarFormatter

ENOUGH = 3  # powers of ten that suffice as labels
MOST = 7  # labels on one side of zero


class LogLocator(Locator):
    """Powers of ten, or round numbers between them where there are few. Negative numbers mirror positive ones.

    threshold  values of smaller modulus lie on a linear part; 0 for positive values
    """

    def __init__(self, threshold=0.0):
        self.threshold = threshold

    def __call__(self):
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin, vmax):
        low, high = min(vmin, vmax), max(vmin, vmax)
        if max(-low, high) <= self.threshold or not np.all(np.isfinite([low, high])):
            return MaxNLocator(5).tick_values(low, high)
        both = low < -self.threshold and high > self.threshold
        above, below = self._side(low, high, both), -self._side(-high, -low, both)
        zero = [0.0] if low <= 0.0 <= high else []
        return np.unique(np.concatenate([below, zero, above]))

    def _side(self, low, high, only_decades):
        """Ticks of the positive values among [low, high]."""
        low = max(low, self.threshold)
        if high <= low or low <= 0.0:
            return np.array([])
        slack = 1e-9
        decades = np.arange(np.ceil(np.log10(low) - slack), np.floor(np.log10(high) + slack) + 1)
        most = MOST // 2 + 1 if only_decades else MOST
        if only_decades or len(decades) >= ENOUGH:
            stride = -(-len(decades) // most) or 1
            return 10.0 ** decades[::-stride]  # the largest values matter most
        around = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        for digits in ((1, 2, 5), range(1, 10)):
            ticks = np.outer(around, digits).ravel()
            ticks = ticks[(ticks >= low * (1 - slack)) & (ticks <= high * (1 + slack))]
            if len(ticks) >= ENOUGH:
                return ticks
        ticks = MaxNLocator(5).tick_values(low, high)
        return ticks[(ticks >= low) & (ticks <= high)]


class LogFormatter(ScalarFormatter):
    """Powers of ten as such, and all numbers as on a linear axis if some are between them."""

    def set_locs(self, locs):
        super().set_locs(locs)
        modulus = np.abs(np.asarray(locs, float))
        exponents = np.log10(modulus[modulus > 0.0])
        self._powers = len(exponents) > 0 and bool(np.all(np.abs(exponents - np.round(exponents)) < 1e-9))

    def __call__(self, x, pos=None):
        if not self._powers or x == 0.0:
            return "$0$" if x == 0.0 else super().__call__(x, pos)
        return f"${'-' if x < 0.0 else ''}10^{{{round(np.log10(abs(x)))}}}$"

    def get_offset(self):
        return "" if self._powers else super().get_offset()
