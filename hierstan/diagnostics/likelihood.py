"""What the data say by themselves, to hold priors against."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hierstan.design import Design, Floats
from hierstan.errors import DataError
from hierstan.naming import SIGMA, coef_name
from hierstan.programs import Program
from hierstan.structure import chain

# Effects of crossed factors up to which a mixed model takes a second or two at most.
_MOST_CROSSED = 500


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Estimates without any prior.

    Attributes
    ----------
    method : str
        How they were made, for words: ``"REML"`` or ``"least squares"``.
    beta, beta_covariance : ndarray, shapes (P,), (P, P)
        Coefficients of the design's columns.
    deviations : mapping of str to (float, float)
        Standard deviations with their standard errors, by name; without those that are
        estimated as zero, which have none.
    groups : mapping of str to (ndarray, ndarray)
        Without pooling: coefficients of the levels that determine them, and their standard
        errors, by name.
    """

    method: str
    beta: Floats
    beta_covariance: Floats
    deviations: Mapping[str, tuple[float, float]]
    groups: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)


def likelihood_of(program: Program, design: Design) -> Likelihood | None:
    """Estimate a program's model without its priors.

    Parameters
    ----------
    program : Program
        Partial pooling is estimated by REML, complete pooling by least squares, and no
        pooling of one factor by least squares with coefficients for every level.
    design : Design
        Formula and data.

    Returns
    -------
    Likelihood or None
        None without pooling of several factors, for crossed factors of more than 500
        effects (they take too long), and where there is no converged fit.
    """
    from hierstan.frequentist import fit_mixedlm

    if program.pooling == "complete":
        return _least_squares(design)
    if program.pooling == "none":
        return _by_group(design)
    effects = sum(factor.J * factor.Q for factor in design.factors)
    crossed = chain(design.factors) is None
    if crossed and effects > _MOST_CROSSED:
        return None
    try:
        fit = fit_mixedlm(design)
    except (DataError, np.linalg.LinAlgError):
        return None
    if not fit.converged:
        return None
    deviations = {
        name: (value.center, value.spread)
        for kind, name, value in fit.estimates().parameters()
        if kind in ("sd", "sigma")
        and value.spread is not None
        and np.isfinite(value.spread)
    }
    solution = fit.solution
    return Likelihood("REML", solution.beta, solution.beta_covariance, deviations)


def _least_squares(design: Design) -> Likelihood | None:
    from hierstan.frequentist import regression

    try:
        found = regression(design)
    except DataError:
        return None
    covariance = found.sigma**2 * found.root @ found.root.T
    deviations = {SIGMA: (found.sigma, found.sigma / np.sqrt(2 * found.freedom))}
    return Likelihood("least squares", found.beta, covariance, deviations)


def _by_group(design: Design) -> Likelihood | None:
    """Take a coefficient of every level, without what levels have in common."""
    from hierstan.frequentist import fit_by_group

    if len(design.factors) > 1:
        return None
    (factor,) = design.factors
    found = fit_by_group(design, factor)
    if found.freedom < 1:
        return None
    groups = {}
    for q, effect in enumerate(factor.effects):
        told = found.determined[:, q]
        if told.any():
            own = found.coefficients[told, q], found.se[told, q]
            groups[coef_name(factor.name, effect)] = own
    unknown = np.full(design.P, np.nan)
    deviations = {SIGMA: (found.sigma, found.sigma / np.sqrt(2 * found.freedom))}
    method = "least squares by group"
    return Likelihood(method, unknown, np.diag(unknown), deviations, groups)
