"""Let statsmodels' MixedLM find the variances, in standard units."""

import warnings
from typing import Any

import numpy as np
from scipy.linalg import block_diag
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

from hierstan.design import Factor, Floats
from hierstan.errors import DataError
from hierstan.frequentist.standard import Standard

# bfgs stops at 1e-5 by default, which leaves up to 4e-4 relative error in an sd of radon.
_TOLERANCES: dict[str, dict[str, float]] = {
    "bfgs": {"gtol": 1e-7},
    "cg": {"gtol": 1e-7},
    "powell": {},
}
# Two log likelihoods closer than this are one as far as the optimizer can tell.
_SAME_LIKELIHOOD = 1e-6


def search(
    standard: Standard, formula: str, *, reml: bool
) -> tuple[Floats, float, list[str]]:
    """Search by several routes and keep the highest point.

    Parameters
    ----------
    standard : Standard
        The model in standard units.
    formula : str
        For the message when there is no fit.
    reml : bool
        Which likelihood.

    Returns
    -------
    ndarray, shape (Q, Q)
        Sigma in standard units.
    float
        sigma in standard units.
    list of str
        What was warned about on the way.

    Raises
    ------
    DataError
        When no route ends at a finite likelihood.
    """
    factor = standard.factor
    model = MixedLM(standard.y, standard.X, factor.index, exog_re=factor.Z)
    free, methods = None, ["bfgs", "powell"]
    if len(factor.blocks) > 1:
        may_differ = block_diag(*(np.ones((size, size)) for size in factor.blocks))
        free = MixedLMParams.from_components(
            fe_params=np.ones(standard.X.shape[1]), cov_re=may_differ
        )
        methods = ["bfgs", "cg"]  # Powell's moves all parameters, fixed ones too
    best: Any = None
    log: list[str] = []
    for method in methods:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")  # all of them, for the log
            try:
                found = model.fit(
                    reml=reml, free=free, method=method, **_TOLERANCES[method]
                )
            except (ArithmeticError, np.linalg.LinAlgError, ValueError) as error:
                log.append(f"{method}: {error}")
                continue
        log.extend(dict.fromkeys(f"{method}: {warning.message}" for warning in caught))
        if np.isfinite(found.llf) and (best is None or found.llf > best.llf):
            best = found
        if found.converged and np.isfinite(found.llf) and not caught:
            break
    if best is None:
        raise DataError(f"MixedLM finds no fit for {formula!r}: {'; '.join(log)}.")
    return np.atleast_2d(best.cov_re), float(np.sqrt(best.scale)), log


def put_at_zero(
    standard: Standard, Sigma: Floats, sigma: float, *, reml: bool
) -> tuple[Floats, list[int]]:
    """Put standard deviations at zero that the optimizer can only creep towards.

    It works on a root of Sigma, where zero is a point like any other but the likelihood
    around it is flat, so it stops somewhere near. A standard deviation is zero when the
    likelihood there is as high.

    Parameters
    ----------
    standard : Standard
        The model in standard units.
    Sigma, sigma : ndarray (Q, Q), float
        In the data's units, in which effects have their names.
    reml : bool
        Which likelihood.

    Returns
    -------
    ndarray, shape (Q, Q)
        Sigma with some rows and columns at zero.
    list of int
        Which.
    """
    zeroed = []
    highest = standard.loglik(*standard.inward(Sigma, sigma), reml=reml)
    for q in range(len(Sigma)):
        without = Sigma.copy()
        without[q, :] = without[:, q] = 0.0
        loglik = standard.loglik(*standard.inward(without, sigma), reml=reml)
        if loglik > highest - _SAME_LIKELIHOOD:
            Sigma, highest = without, max(loglik, highest)
            zeroed.append(q)
    return Sigma, zeroed


def without_effects(factor: Factor, left_out: list[int]) -> Factor | None:
    """Return a factor without some of its effects, or None when none is left."""
    kept = [q for q in range(factor.Q) if q not in left_out]
    if not kept:
        return None
    blocks = [
        sum(start <= q < start + size for q in kept)
        for start, size in zip(factor.starts, factor.blocks, strict=True)
    ]
    return Factor(
        factor.name,
        factor.levels,
        factor.index,
        tuple(factor.effects[q] for q in kept),
        factor.Z[:, kept],
        tuple(size for size in blocks if size),
    )
