"""Kernel densities for pictures."""

import numpy as np
from scipy.stats import gaussian_kde

from hierstan.design import Floats

_POINTS = 4000  # values that a density is made from; more would look the same


def density_curve(values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Return the kernel density of values within a window, on a grid of its own.

    On a common grid, narrow data beside wide ones would fall between two points.

    Parameters
    ----------
    values : ndarray
        Any number of values.
    low, high : float
        The window.

    Returns
    -------
    at, height : ndarray
        Height integrates to the share of values inside; a constant is a line of height
        one, and nothing inside gives empty arrays.
    """
    inside = values[(values >= low) & (values <= high)]
    share = len(inside) / max(1, len(values))
    inside = inside[:: max(1, len(inside) // _POINTS)]
    if len(inside) < 2 or np.ptp(inside) == 0:
        return inside[:1].repeat(2), np.array([0.0, 1.0])[: 2 * len(inside)]
    kernel = gaussian_kde(inside)
    margin = 3 * float(np.sqrt(kernel.covariance[0, 0]))
    at = np.linspace(max(low, inside.min() - margin), min(high, inside.max() + margin), 300)
    return at, np.asarray(share * kernel(at))
