"""Complete pooling by ordinary least squares."""

from typing import Any

import numpy as np
import statsmodels.api as sm

from hierstan.design import Design
from hierstan.errors import DataError
from hierstan.estimates import Estimates, Value


def least_squares(design: Design) -> Any:
    """Fit one regression to all rows.

    Returns
    -------
    statsmodels.regression.linear_model.RegressionResults
        With ``params``, ``cov_params()`` and ``scale``, the residual variance.

    Raises
    ------
    DataError
        When there are no more rows than coefficients.
    """
    if design.N <= design.P:
        raise DataError(f"{design.N} rows are too few for {design.P} coefficients.")
    return sm.OLS(design.y, design.X).fit()


def fit_ols(design: Design) -> Estimates:
    """Fit one regression to all rows (complete pooling).

    Parameters
    ----------
    design : Design
        Its factors play no part.

    Returns
    -------
    Estimates
        Coefficients with 95 % t intervals, the maximum of the likelihood, and sigma with
        N - P degrees of freedom and its chi-square interval.

    Raises
    ------
    DataError
        When there are no more rows than coefficients.
    """
    from scipy import stats

    result = least_squares(design)
    freedom = design.N - design.P
    intervals = result.conf_int() if design.P else np.empty((0, 2))
    fixed = {
        name: Value(float(b), float(se), float(low), float(high))
        for name, b, se, (low, high) in zip(
            design.terms, result.params, result.bse, intervals, strict=True
        )
    }
    sigma = float(np.sqrt(result.scale))
    low, high = sigma * np.sqrt(freedom / stats.chi2.ppf([0.975, 0.025], freedom))
    return Estimates(
        criterion=None,
        loglik=float(result.llf),
        converged=True,
        singular=False,
        rescued=False,
        fixed=fixed,
        sd={},
        corr={},
        sigma=Value(sigma, sigma / np.sqrt(2 * freedom), float(low), float(high)),
    )
