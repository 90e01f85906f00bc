"""The Gaussian marginal likelihood of nested grouping factors, from sums over their levels.

With all u integrated out, y ~ N(X beta, V). One factor after the other is eliminated, the
finest first: its levels are independent given the coarser ones, so each step is a batch of
small systems, and what it leaves behind is again a sum over levels. An evaluation costs
O(J) whatever N is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from hierstan.design import Floats, Integers
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


@dataclass(frozen=True, eq=False)
class _Step:
    """One factor eliminated: E[u | rest] = weights (y - X beta - Z u of the coarser).

    `spread` (J, Q, Q) is the conditional covariance; `slopes` (J, Q, M - Q) is `spread`
    times the scaled products with the columns of everything that follows.
    """

    spread: Floats
    slopes: Floats


def solve(sums: Sums, Sigmas: Sequence[Floats], sigma: float, *, reml: bool) -> Solution:
    """Solve the mixed-model equations for given variances.

    Written in a root Lambda of Sigma, so that a singular Sigma is an ordinary value and
    not a limit. For one factor, with A_j = I + Lambda' Z_j'Z_j Lambda / sigma^2,

        log|V| = N log sigma^2 + sum_j log|A_j|,
        X'V^-1 X = (X'X - sum_j (Lambda' Z_j'X)' A_j^-1 (Lambda' Z_j'X) / sigma^2) / sigma^2

    and for a coarser factor the same again, with its products so reduced in place of X'X.

    Parameters
    ----------
    sums : Sums
        The data.
    Sigmas : sequence of ndarray, shape (Q, Q)
        Covariance of the effects of each factor, in the order of `sums.levels`; positive
        semi-definite.
    sigma : float
        Residual standard deviation, positive.
    reml : bool
        Restricted likelihood (Harville 1974, doi:10.1093/biomet/61.2.383) if true.

    Returns
    -------
    Solution
        Likelihood, coefficients and predictions.
    """
    steps, logdet_V, rest = _eliminate(sums, Sigmas, sigma)
    P = sums.P
    XVX, XVy, yVy = rest[:P, :P], rest[:P, P], rest[P, P]
    beta_covariance = np.asarray(np.linalg.inv(XVX), dtype=float)
    beta = beta_covariance @ XVy
    freedom = sums.N - (P if reml else 0)
    deviance = freedom * np.log(2 * np.pi) + logdet_V + yVy - beta @ XVy
    if reml:
        deviance += np.linalg.slogdet(XVX)[1]
    u, u_covariance = _predict(sums, steps, beta)
    return Solution(-0.5 * float(deviance), beta, beta_covariance, u, u_covariance)


def _eliminate(
    sums: Sums, Sigmas: Sequence[Floats], sigma: float
) -> tuple[list[_Step], float, Floats]:
    """Return the steps, log|V| and [X, y]' V^-1 [X, y]."""
    scaled = [level.products / sigma**2 for level in sums.levels]
    total = sums.total / sigma**2
    logdet = 2.0 * sums.N * np.log(sigma)
    steps = []
    for position, level in enumerate(sums.levels):
        Q = level.Q
        Lambda = _semidefinite_root(Sigmas[position])
        own, rest = scaled[position][:, :, :Q], scaled[position][:, :, Q:]
        A = np.eye(Q) + Lambda.T @ own @ Lambda
        root = np.linalg.cholesky(A)
        logdet += 2 * np.sum(np.log(np.diagonal(root, axis1=1, axis2=2)))
        half = np.linalg.solve(root, Lambda.T @ rest)
        start = 0
        for further, parent in enumerate(level.parents, position + 1):
            width = sums.levels[further].Q
            known = np.swapaxes(half[:, :, start : start + width], 1, 2)
            taken = known @ half[:, :, start:]
            scaled[further] = scaled[further] - _gather(
                taken, parent, sums.levels[further].J
            )
            start += width
        common = half[:, :, start:].reshape(-1, len(total))
        total = total - common.T @ common
        spread = Lambda @ np.linalg.solve(A, Lambda.T)
        steps.append(_Step(spread, spread @ rest))
    return steps, float(logdet), total


def _predict(
    sums: Sums, steps: list[_Step], beta: Floats
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Go back from the coarsest factor to the finest.

    `joint` is the covariance of a level's effects together with those of the coarser
    levels it lies in.
    """
    u: list[Floats] = []
    joints: list[Floats] = []
    residual = np.append(-beta, 1.0)
    for level, step in zip(sums.levels[::-1], steps[::-1], strict=True):
        effects = step.slopes[:, :, -len(residual) :] @ residual
        outer = step.slopes[:, :, : step.slopes.shape[2] - len(residual)]
        start = 0
        for parent, coarser in zip(level.parents, u, strict=True):
            width = coarser.shape[1]
            part = outer[:, :, start : start + width]
            effects = effects - np.einsum("jqr,jr->jq", part, coarser[parent])
            start += width
        joint = step.spread
        if level.parents:
            given = joints[0][level.parents[0]]
            carried = -outer @ given
            spread = step.spread - carried @ np.swapaxes(outer, 1, 2)
            joint = np.block([[spread, carried], [np.swapaxes(carried, 1, 2), given]])
        u.insert(0, effects)
        joints.insert(0, joint)
    covariances = tuple(
        joint[:, : level.Q, : level.Q]
        for level, joint in zip(sums.levels, joints, strict=True)
    )
    return tuple(u), covariances


def _gather(values: Floats, parent: Integers, J: int) -> Floats:
    """Sum an array over the levels that lie in each of J parents."""
    children = len(parent)
    member = csr_array((np.ones(children), (parent, np.arange(children))), (J, children))
    return np.asarray((member @ values.reshape(children, -1)).reshape(J, *values.shape[1:]))


def _semidefinite_root(Sigma: Floats) -> Floats:
    """Return a square root R with R R' = Sigma, also where Sigma is singular."""
    values, vectors = np.linalg.eigh(Sigma)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))
