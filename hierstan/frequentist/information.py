"""Standard errors of standard deviations and correlations."""

from collections.abc import Callable

import numpy as np
from statsmodels.tools.numdiff import approx_fprime, approx_hess

from hierstan.design import Design, Floats
from hierstan.frequentist.boundary import SINGULAR, without_effects
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import (
    Packing,
    Parameter,
    Variances,
    lower_roots,
    parameters_of,
)


def observed_information(
    design: Design, variances: Variances, zeroed: list[tuple[int, int]], *, reml: bool
) -> tuple[dict[str, float], float]:
    """Return standard errors of all parameters, and what is left to gain.

    The model is that without the effects whose standard deviation is zero. Its likelihood
    is differentiated in the roots of the blocks of Sigma (only in their columns that are
    not zero, for a singular block) and log sigma of the standard units, where its
    curvature is even, and the errors are carried over to the data's units by the delta
    method.

    Parameters
    ----------
    design : Design
        The model.
    variances : Variances
        The optimum in the data's units.
    zeroed : list of (int, int)
        Factor and effect of standard deviations at zero.
    reml : bool
        Which likelihood.

    Returns
    -------
    dict of str to float
        Errors in the data's units by the parameter's name; none for a parameter at its
        bound, and for none where the likelihood does not curve downwards.
    float
        Log likelihood that one Newton step would gain; infinite where it does not curve
        downwards.
    """
    standard, inside = _reduced(design, variances, zeroed)
    factors, packing = standard.factors, Packing(standard.factors)
    roots = lower_roots(factors, inside.Sigmas)
    tiny = SINGULAR * inside.sigma
    columns = {
        (f, column)
        for f, root in enumerate(roots)
        for column in range(len(root))
        if np.abs(root[:, column]).max() > tiny
    }
    free = np.array([(f, column) in columns for f, _, column in packing.entries], bool)
    entries = packing.pack(roots)

    def at(theta: Floats) -> Variances:
        moved = entries.copy()
        moved[free] = theta[:-1]
        Sigmas = tuple(root @ root.T for root in packing.unpack(moved))
        return Variances(Sigmas, float(np.exp(theta[-1])))

    def loglik(theta: Floats) -> float:
        return standard.loglik(at(theta), reml=reml)

    inner = [p for p in parameters_of(factors) if not _at_bound(p, standard, inside)]

    def reported(theta: Floats) -> Floats:
        outside = standard.outward(at(theta))
        return np.array([parameter.value(outside) for parameter in inner])

    theta = np.append(entries[free], np.log(inside.sigma))
    gradient = approx_fprime(theta, loglik, centered=True).ravel()
    information = -np.atleast_2d(approx_hess(theta, loglik))
    if np.linalg.eigvalsh(information)[0] <= 0:
        return {}, np.inf
    slopes = _jacobian(reported, theta)
    errors = np.sqrt(np.diag(slopes @ np.linalg.inv(information) @ slopes.T))
    named = {p.name: float(se) for p, se in zip(inner, errors, strict=True)}
    return named, 0.5 * float(gradient @ np.linalg.solve(information, gradient))


def _reduced(
    design: Design, variances: Variances, zeroed: list[tuple[int, int]]
) -> tuple[Standard, Variances]:
    """Return the model without some effects, and its variances in its standard units."""
    factors, Sigmas = [], []
    for f, factor in enumerate(design.factors):
        left_out = {q for position, q in zeroed if position == f}
        rest = without_effects(factor, left_out)
        if rest is not None:
            kept = [q for q in range(factor.Q) if q not in left_out]
            factors.append(rest)
            Sigmas.append(variances.Sigmas[f][np.ix_(kept, kept)])
    standard = Standard.of(design, factors)
    return standard, standard.inward(Variances(tuple(Sigmas), variances.sigma))


def _at_bound(parameter: Parameter, standard: Standard, inside: Variances) -> bool:
    """Tell whether it is a correlation of one: its effects vary in one direction only.

    Asked in the standard units' plane of the two effects, because an intercept far from
    the data has a correlation near one by its place alone.
    """
    if parameter.kind != "corr":
        return False
    plane, _ = np.linalg.qr(standard.T[parameter.factor][list(parameter.effects)].T)
    spread = plane.T @ inside.Sigmas[parameter.factor] @ plane
    return bool(np.linalg.eigvalsh(spread)[0] < (SINGULAR * inside.sigma) ** 2)


def _jacobian(function: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Differentiate a vector function by central differences."""
    step = 1e-5
    columns = [
        (function(at + h) - function(at - h)) / (2 * step) for h in step * np.eye(len(at))
    ]
    return np.array(columns).T
