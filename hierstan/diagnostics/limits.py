"""The checks every reported quantity has to pass, as a table."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from hierstan.design import Floats
from hierstan.draws import reported
from hierstan.naming import parameter_name

# Vehtari et al. 2021 (doi:10.1214/20-BA1221) for R-hat and ESS; Betancourt 2016
# (arXiv:1604.00695) for E-BFMI.
RHAT_LIMIT = 1.01
# Chance takes the largest of hundreds of group coefficients past 1.01 at a few hundred
# effective draws; for them Stan's own limit holds. ESS is asked of all alike.
RHAT_LIMIT_GROUPS = 1.05
ESS_PER_CHAIN = 100
EBFMI_LIMIT = 0.3

POPULATION = ("beta", "tau", "rho", "sigma")


def population_series(draws: xr.Dataset) -> dict[str, Floats]:
    """Return the draws of every population parameter.

    Parameters
    ----------
    draws : xarray.Dataset
        Named draws.

    Returns
    -------
    dict of str to ndarray, shape (chains, draws)
        By the names that tables give them, coefficients first.
    """
    return {
        name: values
        for variable in POPULATION
        if variable in draws
        for name, values in zip(
            _names(variable, draws[variable].isel(chain=0, draw=0)),
            np.moveaxis(
                draws[variable].to_numpy().reshape(*draws["sigma"].shape, -1), 2, 0
            ),
            strict=True,
        )
    }


def parameter_table(
    draws: xr.Dataset, statistics: Mapping[str, xr.Dataset]
) -> pd.DataFrame:
    """Hold every reported quantity against the limits.

    Parameters
    ----------
    draws : xarray.Dataset
        Named draws.
    statistics : mapping of str to xarray.Dataset
        `hierstan.arviz_stats.convergence` of the reported ones.

    Returns
    -------
    pandas.DataFrame
        A row per element, by the name that tables give it. Columns: ``variable`` (the
        variable of the draws that it is an element of), ``rhat``, ``ess_bulk``,
        ``ess_tail`` (effective draws), ``mcse_over_sd`` (standard error of the mean in
        posterior sds, nan for a constant) and ``failing``: the checks it fails, separated
        by commas, of ``R-hat`` (above 1.01, or 1.05 for group effects and coefficients),
        ``bulk ESS`` and ``tail ESS`` (below 100 for each chain); empty when none. A
        statistic that is nan fails.
    """
    results = reported(draws)
    spread = results.std(("chain", "draw"), ddof=1)
    blocks = []
    for name, array in spread.data_vars.items():
        block = pd.DataFrame(
            {
                "variable": str(name),
                "rhat": statistics["rhat"][name].to_numpy().ravel(),
                "ess_bulk": statistics["ess_bulk"][name].to_numpy().ravel(),
                "ess_tail": statistics["ess_tail"][name].to_numpy().ravel(),
            },
            index=pd.Index(list(_names(str(name), array)), name="parameter"),
        )
        sd = array.to_numpy().ravel()
        mcse = statistics["mcse_mean"][name].to_numpy().ravel()
        block["mcse_over_sd"] = np.divide(
            mcse, sd, out=np.full(len(sd), np.nan), where=sd > 0
        )
        blocks.append(block)
    table = pd.concat(blocks)
    table["failing"] = _failing(table, ESS_PER_CHAIN * draws.sizes["chain"])
    return table


def failed_checks(table: pd.DataFrame, least: int) -> list[str]:
    """Say the worst value of every check that some quantity fails, and whose it is.

    Parameters
    ----------
    table : pandas.DataFrame
        From `parameter_table`.
    least : int
        Effective draws asked for.
    """
    told = []
    population = table["variable"].isin(POPULATION)
    for rows, limit in ((population, RHAT_LIMIT), (~population, RHAT_LIMIT_GROUPS)):
        found = table[rows]
        if len(found) and not found["rhat"].max(skipna=False) <= limit:
            name, value = _worst(found["rhat"], largest=True)
            told.append(f"R-hat is {_beyond(value, limit)} (limit {limit}) for {name}")
    for column, title in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        if not table[column].min(skipna=False) >= least:
            name, value = _worst(table[column], largest=False)
            told.append(f"{title} ESS is {value:.0f} (wanted {least}) for {name}")
    return told


def _names(variable: str, array: xr.DataArray) -> Iterator[str]:
    """Name the elements of a variable in order."""
    labels = [[str(label) for label in array[dim].to_numpy()] for dim in array.dims]
    for index in np.ndindex(array.shape):
        chosen = tuple(labels[d][k] for d, k in enumerate(index))
        yield parameter_name(variable, chosen)


def _failing(table: pd.DataFrame, least: int) -> list[str]:
    limit = np.where(table["variable"].isin(POPULATION), RHAT_LIMIT, RHAT_LIMIT_GROUPS)
    checks = {
        "R-hat": ~(table["rhat"].to_numpy() <= limit),
        "bulk ESS": ~(table["ess_bulk"].to_numpy() >= least),
        "tail ESS": ~(table["ess_tail"].to_numpy() >= least),
    }
    failed = np.column_stack(list(checks.values()))
    return [
        ", ".join(name for name, bad in zip(checks, row, strict=True) if bad)
        for row in failed
    ]


def _worst(values: "pd.Series[float]", largest: bool) -> tuple[str, float]:
    """Return the worst value with its parameter; nan is worst."""
    array = values.to_numpy()
    missing = np.flatnonzero(np.isnan(array))
    if len(missing):
        position = int(missing[0])
    else:
        position = int(np.argmax(array) if largest else np.argmin(array))
    return str(values.index[position]), float(array[position])


def _beyond(rhat: float, limit: float) -> str:
    """Give an R-hat with the digits that show it above its limit."""
    if not rhat <= 100:
        return "over 100" if rhat > 100 else "nan"
    return next(t for n in range(3, 18) if float(t := f"{rhat:.{n}f}") > limit)
