"""Whether probability integral transforms are uniform, as calibrated ones are."""

import numpy as np
import pandas as pd
from scipy.stats import binom

from hierstan.design import Floats
from hierstan.errors import InputError

_CELLS = 100  # between points of the distribution function
_SAMPLES = 10_000  # of uniform values, for the width of the band


def ecdf_difference(pit: Floats, interval: float = 0.95, seed: int = 1) -> pd.DataFrame:
    """Compare the distribution function of some values with that of uniform ones.

    Parameters
    ----------
    pit : ndarray, shape (N,)
        Values between 0 and 1.
    interval : float
        Probability that all of N independent uniform values' distribution function lies
        in the band, at all points at once.
    seed : int
        Of the simulation of the band's width.

    Returns
    -------
    pandas.DataFrame
        By ``at``, points that part (0, 1) into as many equal cells as there are values,
        but at most 100, so one point fewer (of one value, a half): ``difference`` of the
        share of values up to the point and the point itself; ``low`` and ``high`` of the
        band; ``inside``. A hump, above zero throughout, says that values are too low, so
        the data lie below the predictions; one below zero, above them. An S that starts
        above says that predictions are too narrow, one that starts below that they are
        too wide.

    Raises
    ------
    InputError
        When there are no values, or `interval` is not between 0 and 1.

    Notes
    -----
    At each point the number of values below is binomial. The band is made of equal-tailed
    intervals of it with one probability, so much above `interval` that all hold at once in
    that share of simulated samples (Säilynoja, Bürkner and Vehtari 2022,
    doi:10.1007/s11222-022-10090-6).
    """
    if not len(pit):
        raise InputError("There are no values to compare with uniform ones.")
    if not 0 < interval < 1:
        raise InputError(f"interval is {interval}; it must lie between 0 and 1.")
    N, K = len(pit), min(len(pit), _CELLS)
    at = np.arange(1, K) / K if K > 1 else np.array([0.5])
    cells = np.diff([0.0, *at, 1.0])
    counts = np.random.default_rng(seed).multinomial(N, cells, _SAMPLES)
    below = counts.cumsum(axis=1)[:, :-1]
    # P(count <= c) of c = -1, ..., N at each point: samples look up theirs.
    share = binom.cdf(np.arange(-1, N + 1)[:, None], N, at)
    point = np.arange(len(at))
    tail = np.minimum(share[below + 1, point], 1.0 - share[below, point])
    # A count at the edge is inside, whatever its rounding.
    half = (1.0 - 1e-9) * float(
        np.quantile(tail.min(axis=1), 1.0 - interval, method="lower")
    )
    low, high = binom.ppf(half, N, at) / N - at, binom.isf(half, N, at) / N - at
    difference = np.searchsorted(np.sort(pit), at, side="right") / N - at
    inside = (low <= difference) & (difference <= high)
    return pd.DataFrame(
        {"difference": difference, "low": low, "high": high, "inside": inside},
        pd.Index(at, name="at"),
    )
