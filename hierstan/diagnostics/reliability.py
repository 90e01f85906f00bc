"""How much the data of each level say about its effects: what decides the geometry."""

import numpy as np
import xarray as xr

from hierstan.correlations import symmetric_roots
from hierstan.design import Design, Factor, Floats
from hierstan.naming import effect_labels, pair_labels
from hierstan.thinning import evenly

# How many draws it is computed for: enough for a mean and a 5 % quantile.
_DRAWS = 200


def reliabilities(design: Design, draws: xr.Dataset) -> xr.DataArray:
    """Return the reliability of every effect, draw by draw, averaged over its levels.

    With tau_q the sd of effect q and Sigma the covariance of the effects of a factor, the
    rows of level j leave effect q a conditional variance V_qq, V being the inverse of
    ``Z_j' Z_j / sigma^2 + Sigma^-1``. The reliability is ``1 - V_qq / tau_q^2``: 0 where
    the level's rows say nothing, 1 where they settle the effect. The other coefficients
    and factors count as known, so with crossed factors it is an upper bound.

    It decides which parameterization suits: with little data an effect moves with its sd
    (the centered funnel), with much data it does not and its standardized form must
    (Papaspiliopoulos, Roberts and Sköld 2007, doi:10.1214/088342307000000014; Betancourt
    and Girolami 2015, doi:10.1201/b18502-5). For one effect of a balanced factor with
    flat priors, Gibbs samplers of the two forget their past at the rates ``1 - r`` and
    ``r``.

    Parameters
    ----------
    design : Design
        Has the rows of each level.
    draws : xarray.Dataset
        Named draws with ``tau``, ``sigma`` and, for correlated effects, ``rho``.

    Returns
    -------
    xarray.DataArray
        Mean reliability over the levels, over ``draw`` (at most 200, spread evenly)
        and ``effect`` as in `draws`.
    """
    flat = draws[[name for name in ("tau", "rho", "sigma") if name in draws]].stack(
        sample=("chain", "draw"), create_index=False
    )
    some = flat.isel(sample=evenly(flat.sizes["sample"], _DRAWS))
    values = np.hstack([_over_levels(factor, some) for factor in design.factors])
    return xr.DataArray(values, {"effect": draws["effect"]}, ("draw", "effect"))


def _over_levels(factor: Factor, draws: xr.Dataset) -> Floats:
    """Mean over the levels in every draw, shape (draws, Q)."""
    roots = _roots(factor, draws) / draws["sigma"].to_numpy()[:, None, None]
    # Levels with the same Z'Z have the same reliability.
    products, counts = np.unique(factor.crossproducts(), axis=0, return_counts=True)
    found = np.empty((len(roots), factor.Q))
    for row, root in zip(found, roots, strict=True):
        inner = np.linalg.inv(np.eye(factor.Q) + root.T @ products @ root)
        left = np.einsum("qa,jab,qb->jq", root, inner, root) / np.sum(root**2, axis=1)
        row[:] = 1.0 - np.average(left, axis=0, weights=counts)
    return found


def _roots(factor: Factor, draws: xr.Dataset) -> Floats:
    """Symmetric root of Sigma in every draw, shape (draws, Q, Q)."""
    effects, pairs = effect_labels(factor), pair_labels(factor)
    tau = draws["tau"].sel(effect=effects).transpose("sample", "effect").to_numpy()
    rho = np.empty((len(tau), 0))
    if pairs:
        rho = draws["rho"].sel(pair=pairs).transpose("sample", "pair").to_numpy()
    return symmetric_roots(tau, rho, factor.pairs)
