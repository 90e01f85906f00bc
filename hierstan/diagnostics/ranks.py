"""Ranks of each chain's draws among those of all chains."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from hierstan.design import Floats


def rank_table(values: Floats, bins: int = 20) -> pd.DataFrame:
    """Count how often each chain has ranks of every size.

    Chains that sample the same distribution have ranks of all sizes alike (Vehtari et al.
    2021, section 4, doi:10.1214/20-BA1221).

    Parameters
    ----------
    values : ndarray, shape (chains, draws)
        Draws of one parameter; draws that are equal share their mean rank.
    bins : int
        Bins of equal width from the smallest rank to the largest, no more than a chain
        has draws.

    Returns
    -------
    pandas.DataFrame
        A row per bin. Columns: ``left`` and ``right``, the bin's ends as shares of all
        ranks in 0 to 1; a column for each chain, counted from 0, its share of draws in the
        bin over that of all chains together (1 when they agree, nan in an empty bin); and
        ``error``, the standard error of that ratio for independent draws of chains that
        agree: sqrt((1 / p - 1) / draws), p being the bin's share of all draws. Draws that
        are autocorrelated stray further.
    """
    chains, draws = values.shape
    bins = max(1, min(bins, draws))
    ranks = (rankdata(values).reshape(values.shape) - 0.5) / values.size
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = np.stack([np.histogram(row, edges)[0] for row in ranks], axis=1)
    share = counts.sum(axis=1) / values.size
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(share[:, None] > 0, counts / draws / share[:, None], np.nan)
        error = np.sqrt((1 / share - 1) / draws)
    table = pd.DataFrame({"left": edges[:-1], "right": edges[1:]})
    table[list(range(chains))] = relative
    return table.assign(error=np.where(share > 0, error, np.nan))
