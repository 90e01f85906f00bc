"""The likelihood at given points, by MixedLM where it can, to hold Stan's against."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hierstan.design import Design, Floats
from hierstan.frequentist.search import beyond_mixedlm, logliks
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances, lower_roots

# A relative sd that is zero, where MixedLM has no likelihood, is tried at this value.
_OFF_ZERO = 0.1


@dataclass(frozen=True, eq=False)
class Density:
    """A point, and its log likelihood.

    Attributes
    ----------
    variances : Variances
        In the data's units.
    beta : ndarray, shape (P,)
        The best coefficients for them.
    loglik : float
        In the data's units, constants included.
    """

    variances: Variances
    beta: Floats
    loglik: float


def densities(
    design: Design, around: Variances, shares: Sequence[float], *, reml: bool
) -> list[Density]:
    """Evaluate the likelihood at several points.

    Parameters
    ----------
    design : Design
        The model.
    around : Variances
        In the data's units.
    shares : sequence of float
        What its relative standard deviations are multiplied by; sigma is the best one for
        each, as MixedLM profiles it out.
    reml : bool
        Which likelihood.

    Returns
    -------
    list of Density
        One per share: ``MixedLM.loglike``, or our own likelihood where MixedLM cannot take
        the design.
    """
    standard = Standard.of(design)
    inside = standard.inward(around)
    points = []
    for share in shares:
        roots = [
            share * _off_zero(root / inside.sigma)
            for root in lower_roots(standard.factors, inside.Sigmas)
        ]
        sigma = standard.criterion(roots, reml=reml).best_sigma
        points.append(Variances(tuple(sigma**2 * r @ r.T for r in roots), sigma))
    if beyond_mixedlm(standard) is None:
        values = logliks(standard, points, reml=reml).tolist()
    else:
        values = [standard.loglik(point, reml=reml) for point in points]
    found = []
    for point, value in zip(points, values, strict=True):
        beta = standard.solution(point, reml=reml).beta
        loglik = standard.outward_loglik(value, reml=reml)
        found.append(Density(standard.outward(point), beta, loglik))
    return found


def _off_zero(root: Floats) -> Floats:
    """Fill up the zeros on the diagonal of a root."""
    filled = root.copy()
    diagonal = np.diagonal(root)
    np.fill_diagonal(
        filled, np.where(np.abs(diagonal) < _OFF_ZERO / 10, _OFF_ZERO, diagonal)
    )
    return filled
