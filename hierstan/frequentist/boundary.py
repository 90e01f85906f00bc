"""Variances at the edge of what is possible: a sd of zero, a correlation of one."""

from collections.abc import Iterator

import numpy as np

from hierstan.design import Factor, Floats
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances

# A relative sd below this is zero: lme4's limit.
SINGULAR = 1e-4
# Two log likelihoods closer than this are one as far as the optimizer can tell.
_SAME_LIKELIHOOD = 1e-6
# How far off the edge to look, in residual sds.
_SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)


def is_singular(Sigma: Floats, sigma: float) -> bool:
    """Tell whether some combination of effects does not vary, in standard units."""
    smallest = float(np.linalg.eigvalsh(Sigma)[0])
    return max(smallest, 0.0) < (SINGULAR * sigma) ** 2


def put_at_zero(
    standard: Standard, variances: Variances, *, reml: bool
) -> tuple[Variances, list[tuple[int, int]]]:
    """Put standard deviations at zero that the optimizer can only creep towards.

    It works on a root of Sigma, where zero is a point like any other but the likelihood
    around it is flat, so it stops somewhere near. A standard deviation is zero when the
    likelihood there is as high.

    Parameters
    ----------
    standard : Standard
        The model in standard units.
    variances : Variances
        In the data's units, in which effects have their names.
    reml : bool
        Which likelihood.

    Returns
    -------
    Variances
        With some rows and columns of the Sigmas at zero.
    list of (int, int)
        Which: factor and effect.
    """
    zeroed = []
    highest = standard.loglik(standard.inward(variances), reml=reml)
    for f, factor in enumerate(standard.factors):
        for q in range(factor.Q):
            without = [Sigma.copy() for Sigma in variances.Sigmas]
            without[f][q, :] = without[f][:, q] = 0.0
            tried = Variances(tuple(without), variances.sigma)
            loglik = standard.loglik(standard.inward(tried), reml=reml)
            if loglik > highest - _SAME_LIKELIHOOD:
                variances, highest = tried, max(loglik, highest)
                zeroed.append((f, q))
    return variances, zeroed


def gain_off_the_edge(standard: Standard, inside: Variances, *, reml: bool) -> float:
    """Return what the log likelihood gains by leaving the edge.

    On the edge the slope may point outwards, so it says nothing; steps inwards do.

    Parameters
    ----------
    standard : Standard
        The model.
    inside : Variances
        In standard units.
    reml : bool
        Which likelihood.

    Returns
    -------
    float
        Largest gain over steps of 0.01 to 1 residual sd; zero where no Sigma is singular.
    """
    here = standard.loglik(inside, reml=reml)
    gain = 0.0
    for f, factor in enumerate(standard.factors):
        for moved in _inwards(factor, inside.Sigmas[f], inside.sigma):
            Sigmas = (*inside.Sigmas[:f], moved, *inside.Sigmas[f + 1 :])
            tried = Variances(Sigmas, inside.sigma)
            gain = max(gain, standard.loglik(tried, reml=reml) - here)
    return gain


def _inwards(factor: Factor, Sigma: Floats, sigma: float) -> Iterator[Floats]:
    """Yield Sigma with a direction that does not vary made to vary a little.

    By itself, together with another such direction, or tied to one that does vary.
    """
    for start, size in zip(factor.starts, factor.blocks, strict=True):
        own = slice(start, start + size)
        values, vectors = np.linalg.eigh(Sigma[own, own])
        fixed = values < (SINGULAR * sigma) ** 2
        null, roots = vectors[:, fixed].T, (vectors * np.sqrt(np.clip(values, 0, None))).T
        moves = []
        for share in _SHARES:
            step = share * sigma * null
            moves += [np.outer(d, d) for d in step]
            for a in range(len(step)):
                for d in (*step[:a] + step[a], *step[:a] - step[a]):
                    moves.append(np.outer(d, d))
                for root in roots[~fixed]:
                    for d in (root + step[a], root - step[a]):
                        moves.append(np.outer(d, d) - np.outer(root, root))
        for move in moves:
            moved = Sigma.copy()
            moved[own, own] += move
            yield moved


def without_effects(factor: Factor, left_out: set[int]) -> Factor | None:
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
