"""Climb the likelihood ourselves."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from hierstan.design import Floats
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Packing, Variances, lower_roots

# Stop at a gradient of 1e-6 or where rounding hides any gain.
PRECISE = {"gtol": 1e-6, "ftol": 1e-13}
# Relative sds to start from where no better point is known.
STARTS = (1.0, 0.1)
# A relative sd at zero cannot leave it by its slope, which is zero; it starts from here.
_OFF_ZERO = 0.01
_STEP = 1e-5  # central differences of a smooth function of order one


def climb(
    standard: Standard,
    starts: Sequence[Variances | float],
    *,
    reml: bool,
) -> Variances:
    """Climb from several points and keep the highest.

    A quasi-Newton climb in the Cholesky factors of the blocks of Sigma / sigma^2, where
    singular matrices are interior points; the best sigma for them is known. The
    likelihood costs O(J) and has few parameters, so its slopes are taken by differences.

    Parameters
    ----------
    standard : Standard
        The model in standard units.
    starts : sequence of Variances or float
        Points in standard units, or one size for all relative standard deviations.
    reml : bool
        Which likelihood.

    Returns
    -------
    Variances
        The highest of the points arrived at, in standard units.
    """
    packing = Packing(standard.factors)

    def descend(theta: Floats) -> float:
        criterion = standard.criterion(packing.unpack(theta), reml=reml)
        loglik = criterion.loglik(criterion.best_sigma)
        return -loglik if np.isfinite(loglik) else 1e300

    best, lowest = np.empty(0), np.inf
    for start in starts:
        theta = packing.pack(_relative(standard, start))
        for _ in range(2):  # again, for a search that lost its way
            found = minimize(
                descend, theta, jac=slopes(descend), method="L-BFGS-B", options=PRECISE
            )
            theta = found.x
            if found.success:
                break
        if found.fun < lowest:
            best, lowest = found.x, found.fun
    Lambdas = packing.unpack(best)
    sigma = standard.criterion(Lambdas, reml=reml).best_sigma
    return Variances(tuple(sigma**2 * L @ L.T for L in Lambdas), sigma)


def slopes(function: Callable[[Floats], float]) -> Callable[[Floats], Floats]:
    """Return the gradient of a function by central differences."""

    def gradient(at: Floats) -> Floats:
        moves = _STEP * np.maximum(np.abs(at), 1.0)[:, None] * np.eye(len(at))
        return np.array(
            [(function(at + h) - function(at - h)) / (2 * h.sum()) for h in moves]
        )

    return gradient


def _relative(standard: Standard, start: Variances | float) -> list[Floats]:
    if not isinstance(start, Variances):
        return [start * np.eye(factor.Q) for factor in standard.factors]
    roots = [root / start.sigma for root in lower_roots(standard.factors, start.Sigmas)]
    for root in roots:
        diagonal = np.diagonal(root)
        off = np.where(diagonal < 0, -_OFF_ZERO, _OFF_ZERO)
        np.fill_diagonal(root, np.where(np.abs(diagonal) < _OFF_ZERO, off, diagonal))
    return roots
