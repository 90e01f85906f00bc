"""Pareto smoothed importance sampling."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from hierstan.arviz_stats import smoothed_weights
from hierstan.design import Floats
from hierstan.errors import InputError

# Draws below which the largest fifth of the weights says nothing about their tail.
_FEWEST = 100


def log_weights(log_density: Floats, r_eff: float = 1.0) -> tuple[Floats, Floats]:
    """Weigh draws as if some data had not been there.

    Draws from p(theta | y) become draws from p(theta | y_-i) with weights in proportion to
    1 / p(y_i | y_-i, theta), the largest of which are replaced by order statistics of a
    generalized Pareto distribution fitted to them (Vehtari, Simpson, Gelman, Yao and Gabry
    2024, Journal of Machine Learning Research 25(72)).

    Parameters
    ----------
    log_density : ndarray, shape (n, S)
        Log density of each of n parts of the data at every draw.
    r_eff : float
        Effective draws per draw, which decides how many weights count as the largest.

    Returns
    -------
    logs : ndarray, shape (n, S)
        Logarithms of the smoothed weights, which add up to one over the draws.
    khat : ndarray, shape (n,)
        Shape of the Pareto distribution; -inf where the largest weights are all the same,
        so that there is no tail.

    Raises
    ------
    InputError
        With fewer than 100 draws.
    """
    S = log_density.shape[1]
    if S < _FEWEST:
        raise InputError(
            f"{S} draws are too few to leave data out by importance sampling; it takes "
            f"{_FEWEST} at least, better 2000."
        )
    tail = int(np.ceil(min(S / 5, 3 * np.sqrt(S / r_eff))))
    largest = np.partition(log_density, tail, axis=1)[:, :tail]
    flat = np.ptp(largest, axis=1) <= 1e-12 * np.abs(largest).max(axis=1)
    logs, khat = -log_density, np.full(len(flat), -np.inf)
    if not flat.all():
        logs[~flat], khat[~flat] = smoothed_weights(log_density[~flat], r_eff)
    return np.asarray(logs - logsumexp(logs, axis=1, keepdims=True)), khat


def khat_limit(draws: int) -> float:
    """Return the largest k-hat at which so many draws give an estimate to trust.

    min(1 - 1 / log10(S), 0.7), of the same paper: 0.5 for 100 draws, 0.7 from 2155 on.
    """
    return float(min(1.0 - 1.0 / np.log10(draws), 0.7))


def relative_efficiency(ess: Mapping[str, xr.DataArray], draws: int) -> float:
    """Average effective draws over draws, of everything that has draws; at most one."""
    values = np.concatenate([np.ravel(array.to_numpy()) for array in ess.values()])
    known = values[np.isfinite(values)]
    return float(min(1.0, known.mean() / draws)) if known.size else 1.0
