"""How much each result owes to the prior and how much to the data."""

import pandas as pd
import xarray as xr

from hierstan.arviz_stats import power_scaling

# The limit that Kallioinen et al. 2024 suggest, in section 3.2.
THRESHOLD = 0.05

_DIAGNOSES = {
    (False, True): "the data decide",
    (True, True): "prior and data both pull: they may disagree",
    (True, False): "the prior decides: it is strong, or the data say little",
    (False, False): "neither moves it",
}


def sensitivity(
    draws: xr.Dataset, names: list[str], log_prior: xr.DataArray, log_lik: xr.DataArray
) -> pd.DataFrame:
    """Power-scale prior and likelihood, and say how much each parameter moves.

    The prior is raised to a power near 1 by reweighting the draws, and the distance between
    the old and the new distribution function of each parameter (square root of the
    cumulative Jensen-Shannon divergence) is taken per doubling of the power; the same with
    the likelihood (Kallioinen, Paananen, Bürkner and Vehtari 2024,
    doi:10.1007/s11222-023-10366-5). ArviZ computes it.

    Parameters
    ----------
    draws : xarray.Dataset
        The parameters, over ``chain`` and ``draw``.
    names : list of str
        A name for each element of each of them, in order.
    log_prior : xarray.DataArray
        Log prior of each draw: the top-level one of coefficients, standard deviations and
        correlations. The distribution of group effects given those is neither prior nor
        likelihood here. For more than two correlated effects it is the density of their
        partial correlations.
    log_lik : xarray.DataArray
        Log likelihood of each draw, given its group effects, summed over the rows.

    Returns
    -------
    pandas.DataFrame
        A row per parameter: ``prior`` and ``likelihood`` sensitivity, 0 for none, and
        ``diagnosis`` in words, which takes 0.05 for the limit of what counts.
    """
    table = pd.DataFrame(index=pd.Index(names, name="parameter"))
    for component, log_density in (("prior", log_prior), ("likelihood", log_lik)):
        found = power_scaling(draws, log_density, component)
        table[component] = [
            float(value) for name in draws for value in found[name].to_numpy().ravel()
        ]
    table["diagnosis"] = [
        _DIAGNOSES[prior >= THRESHOLD, likelihood >= THRESHOLD]
        for prior, likelihood in zip(table["prior"], table["likelihood"], strict=True)
    ]
    return table
