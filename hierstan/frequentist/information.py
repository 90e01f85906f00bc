"""Standard errors of variances, and whether an optimum is one."""

from collections.abc import Callable

import numpy as np
from statsmodels.tools.numdiff import approx_fprime, approx_hess

from hierstan.design import Factor, Floats
from hierstan.frequentist.standard import Standard

# A relative sd below this is zero: lme4's limit.
SINGULAR = 1e-4


def is_singular(Sigma: Floats, sigma: float) -> bool:
    """Tell whether some combination of effects does not vary, in standard units."""
    smallest = float(np.linalg.eigvalsh(Sigma)[0])
    return max(smallest, 0.0) < (SINGULAR * sigma) ** 2


def observed_information(
    standard: Standard, Sigma: Floats, sigma: float, *, reml: bool
) -> tuple[Floats, float]:
    """Return standard errors of (tau, correlations, sigma), and what is left to gain.

    The likelihood is differentiated in log tau, atanh of the correlations and log sigma
    of the standard units, where its curvature is even, and the errors carried over to the
    data's units by the delta method.

    Parameters
    ----------
    standard : Standard
        The model.
    Sigma, sigma : ndarray (Q, Q), float
        The optimum in standard units, no standard deviation at zero.
    reml : bool
        Which likelihood.

    Returns
    -------
    ndarray
        Errors in the data's units; nan for correlations at their bound.
    float
        Log likelihood that one Newton step would gain; infinite where the likelihood does
        not curve downwards.
    """
    factor = standard.factor
    bound = is_singular(Sigma, sigma)
    tau = np.sqrt(np.diag(Sigma))
    rho = np.array([Sigma[a, b] / (tau[a] * tau[b]) for a, b in factor.pairs])
    moving = np.arctanh(rho) if not bound else np.empty(0)
    at = np.concatenate([np.log(tau), moving, [np.log(sigma)]])

    def unpack(theta: Floats) -> tuple[Floats, float]:
        spread = np.exp(theta[: factor.Q])
        Omega = np.eye(factor.Q)
        correlations = rho if bound else np.tanh(theta[factor.Q : -1])
        for (a, b), value in zip(factor.pairs, correlations, strict=True):
            Omega[a, b] = Omega[b, a] = value
        return Omega * np.outer(spread, spread), float(np.exp(theta[-1]))

    def loglik(theta: Floats) -> float:
        return standard.loglik(*unpack(theta), reml=reml)

    def reported(theta: Floats) -> Floats:
        outer, residual = standard.outward(*unpack(theta))
        return natural(outer, residual, factor)

    gradient = approx_fprime(at, loglik, centered=True).ravel()
    information = -np.atleast_2d(approx_hess(at, loglik))
    errors = np.full(factor.Q + len(rho) + 1, np.nan)
    if np.linalg.eigvalsh(information)[0] <= 0:
        return errors, np.inf
    slopes = _jacobian(reported, at)
    errors[:] = np.sqrt(np.diag(slopes @ np.linalg.inv(information) @ slopes.T))
    if bound:
        errors[factor.Q : -1] = np.nan
    return errors, 0.5 * float(gradient @ np.linalg.solve(information, gradient))


def natural(Sigma: Floats, sigma: float, factor: Factor) -> Floats:
    """Return (tau, correlations, sigma); a correlation with a zero sd is zero."""
    tau = np.sqrt(np.diag(Sigma))
    scale = np.where(tau > 0, tau, 1.0)
    rho = [Sigma[a, b] / (scale[a] * scale[b]) for a, b in factor.pairs]
    return np.concatenate([tau, np.clip(rho, -1.0, 1.0), [sigma]])


def gain_off_zero(
    standard: Standard, Sigma: Floats, sigma: float, effect: int, *, reml: bool
) -> float:
    """Return what the log likelihood gains when a sd at zero is not.

    Parameters
    ----------
    standard : Standard
        The model.
    Sigma, sigma : ndarray (Q, Q), float
        In the data's units, with the effect's row and column at zero.
    effect : int
        Position of the effect.
    reml : bool
        Which likelihood.

    Returns
    -------
    float
        Largest gain over a few values between 0.03 and 1 residual sd.
    """
    at_zero = standard.loglik(*standard.inward(Sigma, sigma), reml=reml)
    unit = standard.s * np.linalg.norm(standard.T[effect])
    gains = []
    for share in (0.03, 0.1, 0.3, 1.0):
        tried = Sigma.copy()
        tried[effect, effect] = (share * unit) ** 2
        found = standard.loglik(*standard.inward(tried, sigma), reml=reml)
        gains.append(found - at_zero)
    return max(gains)


def _jacobian(function: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Differentiate a vector function by central differences."""
    step = 1e-5
    columns = [
        (function(at + h) - function(at - h)) / (2 * step) for h in step * np.eye(len(at))
    ]
    return np.array(columns).T
