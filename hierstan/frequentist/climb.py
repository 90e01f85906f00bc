"""Climb the likelihood ourselves."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from hierstan.design import Floats
from hierstan.frequentist.section import Section
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances

# Stop at a gradient of 1e-6 or where rounding hides any gain.
_PRECISE = {"gtol": 1e-6, "ftol": 1e-13}
_STEP = 1e-5  # central differences of a smooth function of order one


@dataclass(frozen=True, eq=False)
class Peak:
    """Where a climb ended.

    Attributes
    ----------
    inside : Variances
        In standard units.
    loglik : float
        There, in standard units.
    slope : float
        Largest slope left, in log likelihood per relative standard deviation.
    """

    inside: Variances
    loglik: float
    slope: float


def climb(section: Section, starts: Iterable[Variances]) -> Peak:
    """Climb from several points and keep the highest place arrived at.

    The likelihood costs O(J) and has few parameters, so a quasi-Newton climb takes its
    slopes by differences.

    Parameters
    ----------
    section : Section
        The likelihood.
    starts : iterable of Variances
        Points in standard units.

    Returns
    -------
    Peak
        The highest.
    """

    def loss(theta: Floats) -> float:
        return min(-section.loglik(theta), 1e300)

    def slopes(theta: Floats) -> Floats:
        moves = _STEP * np.maximum(np.abs(theta), 1.0)[:, None] * np.eye(len(theta))
        rises = [(loss(theta + h) - loss(theta - h)) / (2 * h.sum()) for h in moves]
        return np.array(rises)

    peaks = []
    for start in starts:
        found = minimize(
            loss, section.pack(start), jac=slopes, method="L-BFGS-B",
            bounds=section.bounds or None, options=_PRECISE,
        )  # fmt: skip
        slope = np.abs(found.jac)
        if section.bounds:
            low = np.array([-np.inf if a is None else a for a, _ in section.bounds])
            slope = slope[(found.x > low) | (found.jac < 0)]
        steepest = float(slope.max(initial=0.0))
        peaks.append(Peak(section.variances(found.x), -float(found.fun), steepest))
    return max(peaks, key=lambda peak: peak.loglik)


def even_starts(standard: Standard) -> tuple[Variances, ...]:
    """Points to start from where no better is known: large and small relative sds."""
    return tuple(
        Variances(tuple(size**2 * np.eye(factor.Q) for factor in standard.factors), 1.0)
        for size in (1.0, 0.1)
    )
