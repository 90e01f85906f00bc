"""Mean responses of the groups beside those of replicated data."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from hierstan.design import Factor, Floats, Integers
from hierstan.prediction.new_data import Rows
from hierstan.prediction.simulate import Posterior

_STREAM = 2  # of random numbers under the seed; 0 and 1 are the simulator's


def group_means(posterior: Posterior, factor: Factor, *, seed: int) -> pd.DataFrame:
    """Compare each level's mean with replications; see `hierstan.fit.Fit.group_means`."""
    sizes = factor.sizes
    # The mean of n_j errors is one normal number with sd sigma / sqrt(n_j).
    noise = np.random.default_rng([seed, _STREAM]).standard_normal((factor.J, posterior.S))
    means = _expected(posterior, posterior.rows, factor)
    means += noise * posterior.sigma / np.sqrt(sizes)[:, None]
    observed = np.bincount(factor.index, posterior.observed, factor.J) / sizes
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    return pd.DataFrame(
        {
            "n": sizes,
            "observed": observed,
            "mean": means.mean(axis=1),
            "low": low,
            "high": high,
            "inside": (low <= observed) & (observed <= high),
            "p_value": (means >= observed[:, None]).mean(axis=1),
        },
        pd.Index(factor.levels, name=factor.name),
    )


def _expected(posterior: Posterior, rows: Rows, factor: Factor) -> Floats:
    """Average the expected values of each level's rows, (J, S), without a number per row.

    Their sum is linear in the coefficients: its weights are sums of columns.
    """
    share = 1.0 / factor.sizes[factor.index]
    each = np.arange(len(rows))

    def averages(values: Floats, columns: Integers, width: int) -> csr_array:
        shape = (factor.J, width)
        return csr_array((share * values, (factor.index, columns)), shape=shape)

    mean = averages(np.ones(len(rows)), each, len(rows))
    means = (mean @ rows.X) @ posterior.beta + (mean @ rows.offset)[:, None]
    for group in rows.groups:
        effects = posterior.effects(group.factor)
        for q in range(group.factor.Q):
            weights = averages(group.Z[:, q], group.level, group.factor.J)
            means += weights @ effects[:, q].T
    return np.asarray(means)
