"""The Gaussian marginal likelihood and its predictions, from sums over levels.

With all u integrated out, y ~ N(X beta, V). For given variances all else follows exactly,
and for given relative covariances Sigma / sigma^2 so does the best sigma.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hierstan.design import Floats
from hierstan.frequentist.elimination import Eliminated, eliminate
from hierstan.frequentist.prediction import predict
from hierstan.sums import Sums


@dataclass(frozen=True, eq=False)
class Solution:
    """What follows exactly once all Sigma and sigma are given.

    Attributes
    ----------
    loglik : float
        Log likelihood, or restricted log likelihood, at its maximum over beta; constants
        included, as lme4 and statsmodels report it.
    beta : ndarray, shape (P,)
        Generalized least squares coefficients.
    beta_covariance : ndarray, shape (P, P)
        (X' V^-1 X)^-1.
    u : tuple of ndarray, shape (J, Q)
        Best linear unbiased predictions of the effects of each factor.
    u_covariance : tuple of ndarray, shape (J, Q, Q)
        Their conditional variances given beta and the variances, which lme4 calls
        ``condVar``.
    """

    loglik: float
    beta: Floats
    beta_covariance: Floats
    u: tuple[Floats, ...]
    u_covariance: tuple[Floats, ...]


@dataclass(frozen=True)
class Criterion:
    """The (restricted) log likelihood as a function of sigma, at given Sigma / sigma^2.

    Attributes
    ----------
    freedom : int
        N, or N - P for the restricted likelihood.
    logdet : float
        log|V / sigma^2|, plus log|sigma^2 X' V^-1 X| for the restricted likelihood.
    squares : float
        Generalized residual sum of squares: sigma^2 (y - X beta)' V^-1 (y - X beta).
    """

    freedom: int
    logdet: float
    squares: float

    @property
    def best_sigma(self) -> float:
        """Where it is highest."""
        return float(np.sqrt(self.squares / self.freedom))

    def loglik(self, sigma: float) -> float:
        """Its value, constants included."""
        constant = self.freedom * np.log(2 * np.pi * sigma**2)
        return -0.5 * float(constant + self.logdet + self.squares / sigma**2)


def criterion(sums: Sums, Lambdas: Sequence[Floats], *, reml: bool) -> Criterion:
    """Evaluate all of the likelihood that does not depend on sigma.

    Parameters
    ----------
    sums : Sums
        The data.
    Lambdas : sequence of ndarray, shape (Q, Q)
        A root of each Sigma / sigma^2, factors of the chain first.
    reml : bool
        Restricted likelihood (Harville 1974, doi:10.1093/biomet/61.2.383) if true.
    """
    return _criterion(sums, eliminate(sums, Lambdas), reml)


def _criterion(sums: Sums, left: Eliminated, reml: bool) -> Criterion:
    P = sums.P
    root = np.linalg.cholesky(left.total[:P, :P])
    explained = np.linalg.solve(root, left.total[:P, P])
    logdet = left.logdet + (2 * float(np.sum(np.log(np.diag(root)))) if reml else 0.0)
    squares = float(left.total[P, P] - explained @ explained)
    return Criterion(sums.N - (P if reml else 0), logdet, squares)


def loglik(sums: Sums, Sigmas: Sequence[Floats], sigma: float, *, reml: bool) -> float:
    """Return the log likelihood alone; see `solve`."""
    return criterion(sums, _relative_roots(Sigmas, sigma), reml=reml).loglik(sigma)


def solve(sums: Sums, Sigmas: Sequence[Floats], sigma: float, *, reml: bool) -> Solution:
    """Solve the mixed-model equations for given variances.

    Written in a root Lambda of Sigma / sigma^2, so that a singular Sigma is an ordinary
    value and not a limit. For one factor, with A_j = I + Lambda' Z_j'Z_j Lambda,

        log|V| = N log sigma^2 + sum_j log|A_j|,
        X'V^-1 X = (X'X - sum_j (Lambda' Z_j'X)' A_j^-1 (Lambda' Z_j'X)) / sigma^2

    and for a further factor the same again, with its products so reduced in place of X'X.

    Parameters
    ----------
    sums : Sums
        The data.
    Sigmas : sequence of ndarray, shape (Q, Q)
        Covariance of the effects of each factor, positive semi-definite: those of the
        chain in the order of `sums.levels`, then those of `sums.crossed`.
    sigma : float
        Residual standard deviation, positive.
    reml : bool
        Restricted likelihood (Harville 1974, doi:10.1093/biomet/61.2.383) if true.

    Returns
    -------
    Solution
        Likelihood, coefficients and predictions, factors in the order of `Sigmas`.
    """
    left = eliminate(sums, _relative_roots(Sigmas, sigma), keep_steps=True)
    beta, unscaled = _coefficients(left.total)
    u, covariances = predict(sums, left, beta)
    return Solution(
        loglik=_criterion(sums, left, reml).loglik(sigma),
        beta=beta,
        beta_covariance=sigma**2 * unscaled,
        u=u,
        u_covariance=tuple(sigma**2 * covariance for covariance in covariances),
    )


def coefficients(sums: Sums, Sigmas: Sequence[Floats], sigma: float) -> Floats:
    """Return the generalized least squares coefficients alone; see `solve`."""
    return _coefficients(eliminate(sums, _relative_roots(Sigmas, sigma)).total)[0]


def _coefficients(total: Floats) -> tuple[Floats, Floats]:
    """Solve for beta; return it with its covariance over sigma^2."""
    unscaled = np.asarray(np.linalg.inv(total[:-1, :-1]), dtype=np.float64)
    return unscaled @ total[:-1, -1], unscaled


def _relative_roots(Sigmas: Sequence[Floats], sigma: float) -> list[Floats]:
    """Return square roots R with R R' = Sigma / sigma^2, also where Sigma is singular."""
    roots = []
    for Sigma in Sigmas:
        values, vectors = np.linalg.eigh(Sigma)
        roots.append(vectors * np.sqrt(np.clip(values, 0.0, None)) / sigma)
    return roots
