"""Mean responses of the groups beside those of replicated data."""

import numpy as np
import pandas as pd

from hierstan.design import Factor
from hierstan.prediction.averages import averages
from hierstan.prediction.simulate import Posterior, require_seed

_STREAM = 2  # of random numbers under the seed; 0 and 1 are the simulator's


def group_means(posterior: Posterior, factor: Factor, *, seed: int) -> pd.DataFrame:
    """Compare each level's mean with replications; see `hierstan.fit.Fit.group_means`."""
    require_seed(seed)
    sizes = factor.sizes
    # The mean of n_j errors is one normal number with sd sigma / sqrt(n_j).
    noise = np.random.default_rng([seed, _STREAM]).standard_normal((factor.J, posterior.S))
    means = averages(posterior, posterior.rows, factor.index, factor.J)
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
