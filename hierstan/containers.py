"""Draws and data as the groups of ArviZ's container."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from hierstan.arviz_stats import to_arviz
from hierstan.design import Floats

if TYPE_CHECKING:
    from hierstan.fit import Fit


def fit_container(fit: "Fit", *, log_likelihood: bool) -> Any:
    """Put a fit into ArviZ's container; see `hierstan.fit.Fit.to_arviz`."""
    response = fit.design.formula.response
    stats = {
        name: (
            ("chain", "draw"),
            values.astype(bool) if name == "diverging" else values,
        )
        for name, values in fit.samples.sampler.items()
    }
    coords = {name: fit.draws[name] for name in ("chain", "draw")}
    names = (
        ("prior", "sample_stats_prior") if fit.prior_only else ("posterior", "sample_stats")
    )
    groups = {
        names[0]: fit.draws,
        names[1]: xr.Dataset(stats, coords),
        "observed_data": observed_data(response, fit.posterior.observed),
    }
    if log_likelihood:
        terms = fit.log_likelihood(pointwise=True)
        groups["log_likelihood"] = terms.to_dataset(name=response)
        groups["log_prior"] = fit.draws[["lprior"]]
    return to_arviz(groups)


def observed_data(response: str, y: Floats) -> xr.Dataset:
    """Name a response, as the data have it, over ``row of data``."""
    row = "row of data"
    return xr.Dataset({response: ((row,), y)}, {row: np.arange(len(y))})
