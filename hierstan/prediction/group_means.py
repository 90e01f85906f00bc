"""Mean responses of the groups beside those of replicated data."""

import numpy as np
import pandas as pd

from hierstan.design import Factor
from hierstan.prediction.predict import posterior_rows
from hierstan.prediction.simulate import Posterior, Simulator


def group_means(posterior: Posterior, factor: Factor, *, seed: int) -> pd.DataFrame:
    """Compare each level's mean with replications; see `hierstan.fit.Fit.group_means`."""
    rows, _ = posterior_rows(posterior, None, None)
    y = posterior.design.y + rows.offset
    sizes = factor.sizes
    sums = np.zeros((factor.J, posterior.S))
    for part, _, again in Simulator(posterior, rows, seed).chunks():
        levels, own = np.unique(factor.index[part], return_inverse=True)
        sums[levels] += (own == np.arange(len(levels))[:, None]).astype(float) @ again
    means = sums / sizes[:, None]
    observed = np.bincount(factor.index, y, factor.J) / sizes
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
