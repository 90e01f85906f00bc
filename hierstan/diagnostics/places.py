"""Where divergences sit: which standard deviation is small, or large, when they happen."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from hierstan.arviz_stats import convergence
from hierstan.design import Design, Floats
from hierstan.naming import parameter_name, sd_names

# With fewer divergences than this no place is clear, and with a score below this neither.
FEWEST = 5
CLEAR = 2.0


def divergence_places(
    design: Design, draws: xr.Dataset, diverging: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Compare every standard deviation where transitions diverge with elsewhere.

    Parameters
    ----------
    design : Design
        Has the factors.
    draws : xarray.Dataset
        Named draws.
    diverging : ndarray of bool, shape (chains, draws)
        Which transitions diverged; the draw is where they ended.

    Returns
    -------
    pandas.DataFrame
        A row per group sd, then ``sigma``, then per factor of several effects ``all sds of
        <factor>``, the geometric mean of its sds. Columns:

        ``at``, ``elsewhere``
            Mean log sd over the diverging transitions, and over the others (natural log of
            the units of the response per unit of the effect's column).
        ``se``
            Standard error of their difference if divergences had nothing to do with the
            sd: the Monte Carlo error of the mean of ``(d / p - (1 - d) / (1 - p)) (log sd -
            its mean)``, d being 1 where a transition diverged and p the share that did. So
            the draws' autocorrelation counts.
        ``times_lower``
            ``exp(elsewhere - at)``: 3 where the sd is three times smaller at divergences.
        ``score``
            ``(at - elsewhere) / se``; below -2 the divergences sit at small values, above 2
            at large ones. nan with fewer than five divergences.

        No rows when nothing diverged, or everything did, or there is no sd.
    """
    columns = ["at", "elsewhere", "se", "times_lower", "score"]
    logs = _logs(design, draws)
    share = diverging.mean()
    if not logs or not 0 < share < 1:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="parameter"))
    weight = np.where(diverging, 1 / share, -1 / (1 - share))
    influence = {name: weight * (values - values.mean()) for name, values in logs.items()}
    errors = convergence(
        xr.Dataset({name: (("chain", "draw"), v) for name, v in influence.items()})
    )["mcse_mean"]
    rows = {}
    for name, values in logs.items():
        at, elsewhere = values[diverging].mean(), values[~diverging].mean()
        se = float(errors[name])
        clear = diverging.sum() >= FEWEST and se > 0
        score = (at - elsewhere) / se if clear else np.nan
        rows[name] = [at, elsewhere, se, np.exp(elsewhere - at), score]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return found.rename_axis("parameter")


def _logs(design: Design, draws: xr.Dataset) -> dict[str, Floats]:
    """Logarithm of every sd by name, shape (chains, draws); {} without group sds."""
    if "tau" not in draws:
        return {}
    logs = {
        parameter_name("tau", (str(label),)): np.log(draws["tau"].sel(effect=label).values)
        for label in draws["effect"].to_numpy()
    }
    together = {
        f"all sds of {factor.name}": np.mean(
            [logs[name] for name in sd_names(factor)],
            axis=0,
        )
        for factor in design.factors
        if factor.Q > 1
    }
    return {**logs, "sigma": np.log(draws["sigma"].to_numpy()), **together}
