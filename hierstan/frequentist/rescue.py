"""Go on where MixedLM stopped too early."""

import numpy as np
from scipy.optimize import minimize

from hierstan.design import Factor, Floats
from hierstan.frequentist.standard import Standard

_STARTS = (1.0, 0.1, 0.01)  # relative sds to start from, beside the point at hand


def climb(
    standard: Standard, Sigma: Floats, sigma: float, *, reml: bool
) -> tuple[Floats, float]:
    """Climb the same likelihood from MixedLM's point and from a few others.

    The likelihood is a function of few parameters and costs O(J), so a quasi-Newton climb
    in Cholesky factors of the blocks, where singular matrices are interior points, is
    cheap enough to be tried from several places.

    Parameters
    ----------
    standard : Standard
        The model in standard units.
    Sigma, sigma : ndarray (Q, Q), float
        Where MixedLM stopped, in standard units.
    reml : bool
        Which likelihood.

    Returns
    -------
    ndarray, shape (Q, Q), and float
        The highest point found, in standard units; never below the start.
    """
    factor = standard.factor

    def descend(theta: Floats) -> float:
        L = _unpack(theta[:-1], factor)
        noise = float(np.exp(np.clip(theta[-1], -50.0, 50.0)))
        loglik = standard.loglik(L @ L.T, noise, reml=reml)
        return -loglik if np.isfinite(loglik) else 1e300

    starts = [_pack(Sigma, sigma, factor)]
    starts += [_pack(np.eye(factor.Q) * size**2, 1.0, factor) for size in _STARTS]
    best = starts[0]
    for start in starts:
        found = minimize(descend, start, method="BFGS", options={"gtol": 1e-7})
        found = minimize(
            descend, found.x, method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 2000 * len(start)},
        )  # fmt: skip
        if descend(found.x) < descend(best):
            best = found.x
    L = _unpack(best[:-1], factor)
    return L @ L.T, float(np.exp(best[-1]))


def _pack(Sigma: Floats, sigma: float, factor: Factor) -> Floats:
    """Write Sigma as Cholesky factors of its blocks, and sigma as its logarithm."""
    parts = []
    for start, size in zip(factor.starts, factor.blocks, strict=True):
        block = Sigma[start : start + size, start : start + size]
        # A little on the diagonal, for blocks that are singular where MixedLM stopped.
        root = np.linalg.cholesky(block + 1e-12 * np.eye(size) * (1 + np.trace(block)))
        parts.append(root[np.tril_indices(size)])
    return np.concatenate([*parts, [np.log(sigma)]])


def _unpack(entries: Floats, factor: Factor) -> Floats:
    L = np.zeros((factor.Q, factor.Q))
    used = 0
    for start, size in zip(factor.starts, factor.blocks, strict=True):
        rows, columns = np.tril_indices(size)
        L[start + rows, start + columns] = entries[used : used + len(rows)]
        used += len(rows)
    return L
