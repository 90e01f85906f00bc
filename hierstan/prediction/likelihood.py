"""Log likelihood of the fitted rows, draw by draw.

Stan could print it, but a column per row in every draw costs more than the sampling. No
array of rows times draws is made here either, unless it is what was asked for.
"""

from typing import Any

import numpy as np
import xarray as xr

from hierstan.errors import InputError
from hierstan.prediction.predict import KEPT_CELLS
from hierstan.prediction.simulate import Posterior, expected


def log_likelihood(posterior: Posterior, *, pointwise: bool = False) -> xr.DataArray:
    """Return the log density of y given coefficients, group effects and sigma.

    Parameters
    ----------
    posterior : Posterior
        All draws of a fit.
    pointwise : bool
        Row by row instead of their sum.

    Returns
    -------
    xarray.DataArray
        Over ``chain`` and ``draw``, and with `pointwise` over ``row of data``: the sum of
        log N(y_i; mu_i, sigma^2), constants included, or its terms.

    Raises
    ------
    InputError
        When rows times draws are more than 2**27, and not only the sum is wanted.
    """
    draws, sigma, N = posterior.draws, posterior.sigma, posterior.design.N
    dims = ("chain", "draw", "row of data")
    coords: dict[str, Any] = {name: draws[name] for name in dims[:2]}
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    if pointwise and N * posterior.S > KEPT_CELLS:
        raise InputError(
            f"The log likelihood of {N} rows in {posterior.S} draws is too large to keep; "
            f"sample at most {KEPT_CELLS // N} draws, or ask for the sum."
        )
    terms = np.empty((N if pointwise else 0, posterior.S))
    squares = np.zeros(posterior.S)
    constant = -np.log(sigma) - 0.5 * np.log(2 * np.pi)
    for part, mu in expected(posterior, posterior.rows):
        np.subtract(posterior.observed[part, None], mu, out=mu)
        np.square(mu, out=mu)
        if pointwise:
            terms[part] = constant - 0.5 * mu / sigma**2
        else:
            squares += mu.sum(axis=0)
    if pointwise:
        coords[dims[2]] = np.arange(N)
        return xr.DataArray(terms.T.reshape(*shape, N), coords, dims)
    total = N * constant - 0.5 * squares / sigma**2
    return xr.DataArray(total.reshape(shape), coords, dims[:2])
