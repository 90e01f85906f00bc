"""Complete pooling by ordinary least squares."""

from dataclasses import dataclass

import numpy as np

from hierstan.design import Design, Floats
from hierstan.errors import DataError
from hierstan.estimates import Estimates, Value


@dataclass(frozen=True, eq=False)
class Regression:
    """One regression of all rows.

    Attributes
    ----------
    beta : ndarray, shape (P,)
        Coefficients of the design's columns.
    root : ndarray, shape (P, P)
        ``sigma^2 root root'`` is the covariance of `beta`, so that a combination ``a'beta``
        has the standard error ``sigma |a'root|``. The covariance itself would cancel: far
        from x = 0 it has nothing left of the error of a fitted value.
    sigma : float
        Residual standard deviation, with `freedom` degrees of freedom.
    freedom : int
        N - P.
    """

    beta: Floats
    root: Floats
    sigma: float
    freedom: int


def regression(design: Design) -> Regression:
    """Fit one regression to all rows, by QR.

    statsmodels takes a pseudo-inverse, for which a predictor of 1e8 with sd 1 is an
    intercept: its sigma is then 29 % off.

    Parameters
    ----------
    design : Design
        Its factors play no part.

    Returns
    -------
    Regression
        In units of y per unit of each column.

    Raises
    ------
    DataError
        When there are no more rows than coefficients.
    """
    freedom = design.N - design.P
    if freedom < 1:
        raise DataError(f"{design.N} rows are too few for {design.P} coefficients.")
    Q, R = np.linalg.qr(design.X)
    root = np.linalg.inv(R)
    beta = np.linalg.solve(R, Q.T @ design.y)
    sigma = float(np.linalg.norm(design.y - design.X @ beta) / np.sqrt(freedom))
    return Regression(beta, root, sigma, freedom)


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

    found = regression(design)
    sigma, freedom = found.sigma, found.freedom
    errors = sigma * np.linalg.norm(found.root, axis=1)
    reach = errors * stats.t.ppf(0.975, freedom)
    fixed = {
        name: Value(float(b), float(se), float(b - half), float(b + half))
        for name, b, se, half in zip(design.terms, found.beta, errors, reach, strict=True)
    }
    low, high = sigma * np.sqrt(freedom / stats.chi2.ppf([0.975, 0.025], freedom))
    variance = sigma**2 * freedom / design.N  # that of the maximum
    return Estimates(
        criterion=None,
        loglik=float(-0.5 * design.N * (np.log(2 * np.pi * variance) + 1)),
        converged=True,
        singular=False,
        rescued=False,
        fixed=fixed,
        sd={},
        corr={},
        sigma=Value(sigma, sigma / np.sqrt(2 * freedom), float(low), float(high)),
    )
