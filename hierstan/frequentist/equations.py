"""The Gaussian marginal likelihood of one grouping factor, from sums over its levels.

With u integrated out, y ~ N(X beta, V), where V has a block Z_j Sigma Z_j' + sigma^2 I per
level j. Only the sums Z'Z, Z'X and Z'y of each level enter, so an evaluation costs O(J)
whatever N is.
"""

from dataclasses import dataclass

import numpy as np

from hierstan.design import Factor, Floats


@dataclass(frozen=True, eq=False)
class Sums:
    """Everything the likelihood needs to know about the data.

    Attributes
    ----------
    N : int
        Rows.
    ZZ, ZX, Zy : ndarray, shapes (J, Q, Q), (J, Q, P), (J, Q)
        Products summed over the rows of each level.
    XX, Xy, yy : ndarray (P, P), ndarray (P,), float
        Products summed over all rows.
    """

    N: int
    ZZ: Floats
    ZX: Floats
    Zy: Floats
    XX: Floats
    Xy: Floats
    yy: float

    @classmethod
    def of(cls, y: Floats, X: Floats, factor: Factor) -> "Sums":
        """Sum over the rows of response, population columns and effect columns."""
        return cls(
            N=len(y),
            ZZ=factor.crossproducts(),
            ZX=_products(factor, X),
            Zy=_products(factor, y[:, None])[:, :, 0],
            XX=X.T @ X,
            Xy=X.T @ y,
            yy=float(y @ y),
        )


@dataclass(frozen=True, eq=False)
class Solution:
    """What follows exactly once Sigma and sigma are given.

    Attributes
    ----------
    loglik : float
        Log likelihood, or restricted log likelihood, at its maximum over beta; constants
        included, as lme4 and statsmodels report it.
    beta : ndarray, shape (P,)
        Generalized least squares coefficients.
    beta_covariance : ndarray, shape (P, P)
        (X' V^-1 X)^-1.
    u : ndarray, shape (J, Q)
        Best linear unbiased predictions of the group effects.
    u_covariance : ndarray, shape (J, Q, Q)
        Their conditional variances given beta and the variances, which lme4 calls
        ``condVar``.
    """

    loglik: float
    beta: Floats
    beta_covariance: Floats
    u: Floats
    u_covariance: Floats


def solve(sums: Sums, Sigma: Floats, sigma: float, *, reml: bool) -> Solution:
    """Solve the mixed-model equations for given variances.

    Written in the Cholesky factor Lambda of Sigma, so that a singular Sigma is an
    ordinary value and not a limit: with A_j = I + Lambda' Z_j'Z_j Lambda / sigma^2,

        log|V| = N log sigma^2 + sum_j log|A_j|,
        X'V^-1 X = (X'X - sum_j (Lambda' Z_j'X)' A_j^-1 (Lambda' Z_j'X) / sigma^2) / sigma^2

    Parameters
    ----------
    sums : Sums
        The data.
    Sigma : ndarray, shape (Q, Q)
        Covariance of the effects of a level; positive semi-definite.
    sigma : float
        Residual standard deviation, positive.
    reml : bool
        Restricted likelihood (Harville 1974, doi:10.1093/biomet/61.2.383) if true.

    Returns
    -------
    Solution
        Likelihood, coefficients and predictions.
    """
    variance = sigma**2
    Lambda = _semidefinite_root(Sigma)
    A = np.eye(len(Sigma)) + Lambda.T @ sums.ZZ @ Lambda / variance
    root = np.linalg.cholesky(A)
    RX = np.linalg.solve(root, Lambda.T @ sums.ZX)
    Ry = np.linalg.solve(root, (sums.Zy @ Lambda)[:, :, None])[:, :, 0]
    XVX = (sums.XX - np.einsum("jqp,jqr->pr", RX, RX) / variance) / variance
    XVy = (sums.Xy - np.einsum("jqp,jq->p", RX, Ry) / variance) / variance
    yVy = (sums.yy - float(np.sum(Ry**2)) / variance) / variance
    beta_covariance = np.linalg.inv(XVX)
    beta = beta_covariance @ XVy
    logdet_V = sums.N * np.log(variance) + 2 * np.sum(
        np.log(np.diagonal(root, axis1=1, axis2=2))
    )
    freedom = sums.N - (len(beta) if reml else 0)
    deviance = freedom * np.log(2 * np.pi) + logdet_V + yVy - beta @ XVy
    if reml:
        deviance += np.linalg.slogdet(XVX)[1]
    shrunk = Lambda @ np.linalg.solve(A, Lambda.T)
    residual = sums.Zy - sums.ZX @ beta
    return Solution(
        loglik=-0.5 * float(deviance),
        beta=beta,
        beta_covariance=beta_covariance,
        u=np.einsum("jqr,jr->jq", shrunk, residual) / variance,
        u_covariance=shrunk,
    )


def _products(factor: Factor, columns: Floats) -> Floats:
    """Z' times some columns, summed within each level, shape (J, Q, columns)."""
    out = np.empty((factor.J, factor.Q, columns.shape[1]))
    for q in range(factor.Q):
        for p in range(columns.shape[1]):
            weights = factor.Z[:, q] * columns[:, p]
            out[:, q, p] = np.bincount(factor.index, weights, factor.J)
    return out


def _semidefinite_root(Sigma: Floats) -> Floats:
    """Return a square root R with R R' = Sigma, also where Sigma is singular."""
    values, vectors = np.linalg.eigh(Sigma)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))
