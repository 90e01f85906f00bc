"""Complete and no pooling by ordinary least squares."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import statsmodels.api as sm

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError
from hierstan.estimates import Estimates, Value
from hierstan.programs import PROGRAMS, population_columns
from hierstan.sums import Sums


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

    freedom = design.N - design.P
    if freedom < 1:
        raise DataError(f"{design.N} rows are too few for {design.P} coefficients.")
    result = sm.OLS(design.y, design.X).fit()
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


@dataclass(frozen=True, eq=False)
class GroupFit:
    """A regression with coefficients of its own for every level (no pooling).

    Attributes
    ----------
    coefficients, se : ndarray, shape (J, Q)
        Least squares estimates; nan where the level's rows cannot tell the effect.
    common : dict of str to float
        Coefficients of the columns shared by all levels.
    sigma : float
        Residual sd, shared by all levels; nan when no degree of freedom is left.
    determined : ndarray of bool, shape (J, Q)
        Which coefficients the level's own rows determine.
    """

    coefficients: Floats
    se: Floats
    common: dict[str, float]
    sigma: float
    determined: npt.NDArray[np.bool_]


def fit_by_group(design: Design, factor: Factor) -> GroupFit:
    """Fit no pooling by least squares.

    The model is that of the unpooled program: a coefficient per level for each effect,
    one for each column without effect. When every column has an effect, these are
    separate regressions with a common sigma.

    Parameters
    ----------
    design : Design
        The model.
    factor : Factor
        The factor whose levels get coefficients.

    Returns
    -------
    GroupFit
        Estimates, with nan for what the data do not determine.
    """
    if len(design.factors) != 1:
        raise DataError(
            f"Least squares by group takes one grouping factor; this formula has "
            f"{len(design.factors)}."
        )
    keep = population_columns(PROGRAMS["unpooled"], design)
    sums = Sums.of(design.y, design.X[:, keep], [factor])
    XX, Xy = sums.total[:-1, :-1], sums.total[:-1, -1]
    products = sums.levels[0].products
    ZZ, ZX, Zy = (
        products[:, :, : factor.Q],
        products[:, :, factor.Q : -1],
        products[:, :, -1],
    )
    inverse = np.linalg.pinv(ZZ, rcond=1e-10, hermitian=True)
    within = inverse @ ZX
    information = XX - np.einsum("jqp,jqr->pr", ZX, within)
    common_covariance = np.linalg.pinv(information, hermitian=True)
    common = common_covariance @ (Xy - np.einsum("jqp,jq->p", within, Zy))
    gamma = np.einsum("jqr,jr->jq", inverse, Zy - ZX @ common)
    fitted = np.sum(factor.Z * gamma[factor.index], axis=1) + design.X[:, keep] @ common
    ranks = np.linalg.matrix_rank(ZZ, hermitian=True)
    freedom = design.N - int(ranks.sum()) - len(keep)
    sigma = float("nan")
    if freedom > 0:
        sigma = float(np.sqrt(np.sum((design.y - fitted) ** 2) / freedom))
    covariance = inverse + within @ common_covariance @ np.swapaxes(within, 1, 2)
    se = sigma * np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    determined = factor.determined()
    return GroupFit(
        coefficients=np.where(determined, gamma, np.nan),
        se=np.where(determined, se, np.nan),
        common={design.terms[p]: float(b) for p, b in zip(keep, common, strict=True)},
        sigma=sigma,
        determined=determined,
    )
