"""Means and standard deviations of all group coefficients, without a draw of them."""

import numpy as np
import xarray as xr

from hierstan.fit import Fit
from hierstan.marginal.data import elimination_order, marginal_data, require_partial
from hierstan.marginal.recover import effect_moments, flatten


def group_moments(fit: Fit) -> dict[str, xr.Dataset]:
    """Average the exact conditional moments of the group effects over a fit's draws.

    Only its draws of standard deviations, correlations and sigma are used; beta and u are
    integrated out at each of them (Rao-Blackwell). So the Monte Carlo error is smaller than
    that of drawn effects, and memory does not grow with draws times groups.

    Parameters
    ----------
    fit : Fit
        Partial pooling by any program; factors nested in one another.

    Returns
    -------
    dict of str to xarray.Dataset
        For each factor ``u_mean`` and ``u_sd``, of the deviations, and ``coef_mean`` and
        ``coef_sd``, of deviation plus the population coefficient of the same name, effects
        by levels, in units of y per unit of the effect's column.

    Raises
    ------
    InputError
        For a fit without partial pooling, and for draws from the prior only.
    DataError
        When factors are crossed.
    """
    require_partial(fit, "group_moments")
    design = fit.design
    order = elimination_order(design)
    shares = {
        i: np.array(
            [[float(name == term) for term in design.terms] for name in factor.effects]
        ).reshape(factor.Q, design.P)
        for i, factor in enumerate(design.factors[k] for k in order)
    }
    data = marginal_data(design, fit.priors)
    found = effect_moments(data, flatten(fit.samples.variables), shares)
    tables = {}
    for k, factor in enumerate(design.factors):
        moments = found[order.index(k)]
        dims = (f"effect of {factor.name}", f"level of {factor.name}")
        columns = {
            "u_mean": moments.mean,
            "u_sd": moments.sd,
            "coef_mean": moments.coef_mean,
            "coef_sd": moments.coef_sd,
        }
        tables[factor.name] = xr.Dataset(
            {name: (dims, values) for name, values in columns.items()},
            {dims[0]: list(factor.effects), dims[1]: list(factor.levels)},
        )
    return tables
