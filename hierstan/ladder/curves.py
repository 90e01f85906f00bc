"""What the data and the priors say about each parameter, as curves on one axis."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import gaussian_kde

from hierstan.design import Floats
from hierstan.estimates import Value
from hierstan.frequentist.ray import Curve as ProfileCurve
from hierstan.ladder.check import CrossCheck
from hierstan.naming import Kind

_POINTS = 200
_BOUNDS: dict[Kind, tuple[float, float]] = {
    "coefficient": (-np.inf, np.inf),
    "sd": (0.0, np.inf),
    "corr": (-1.0, 1.0),
    "sigma": (0.0, np.inf),
}


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve to be drawn, its highest point at one.

    Attributes
    ----------
    x, height : ndarray
        Where, and how high.
    """

    x: Floats
    height: Floats


@dataclass(frozen=True, eq=False)
class Panel:
    """One parameter, seen by likelihood and posteriors.

    Attributes
    ----------
    name : str
        The parameter.
    estimate, low, high : float, float or None
        REML (or ML) with its 95 % interval.
    likelihood : Curve or None
        Profile of the same criterion, or its normal approximation for a coefficient.
    flat, posterior : Curve or None
        Marginal posterior densities under flat priors and under the user's.
    """

    name: str
    estimate: float
    low: float | None
    high: float | None
    likelihood: Curve | None
    flat: Curve | None
    posterior: Curve | None


def normal(estimate: float, se: float | None) -> Curve | None:
    """Return the likelihood of a coefficient, which is normal given the variances."""
    if not se:
        return None
    x = np.linspace(estimate - 4 * se, estimate + 4 * se, _POINTS)
    return Curve(x, np.exp(-0.5 * ((x - estimate) / se) ** 2))


def density(draws: Floats, lower: float = -np.inf, upper: float = np.inf) -> Curve | None:
    """Estimate a density from draws of a quantity with known bounds.

    Draws are reflected at the bounds, so that the curve does not fall to zero where the
    density does not.

    Parameters
    ----------
    draws : ndarray
        Any shape.
    lower, upper : float
        Bounds of the quantity: 0 for a standard deviation, -1 and 1 for a correlation.

    Returns
    -------
    Curve or None
        From the 0.1 % to the 99.9 % quantile; None for a constant.
    """
    values = np.ravel(draws)
    if np.ptp(values) == 0:
        return None
    kernel = gaussian_kde(values)
    low, high = np.quantile(values, [0.001, 0.999])
    # A bound within reach of the kernel is part of the picture.
    reach = 3 * float(np.sqrt(kernel.covariance[0, 0]))
    low = lower if low - lower < reach else low
    high = upper if upper - high < reach else high
    x = np.linspace(low, high, _POINTS)
    height = kernel(x)
    for bound in (lower, upper):
        if np.isfinite(bound):
            height = height + kernel(2 * bound - x)
    return Curve(x, height / height.max())


def profiled(curve: ProfileCurve) -> Curve:
    """Return a profile as relative likelihood, smoothed between the points visited."""
    x = np.linspace(curve.value[0], curve.value[-1], _POINTS)
    zeta = PchipInterpolator(curve.value, curve.zeta)(x)
    return Curve(x, np.exp(-0.5 * zeta**2))


def panels(check: CrossCheck) -> list[Panel]:
    """Collect what the data and the priors say about each parameter.

    Parameters
    ----------
    check : CrossCheck
        With posteriors, or without: then the likelihood stands alone.

    Returns
    -------
    list of Panel
        In the order of the tables. The likelihood of a standard deviation or correlation
        is its profile, where `check` has one: the other variances are at their best for
        each of its values.
    """
    fits = [None if fit is None else fit.series() for fit in (check.flat, check.posterior)]
    profiles = check.profile.curves if check.profile else {}
    found = []
    for kind, name, value in check.stan_mode().parameters():
        lower, upper = _BOUNDS[kind]
        if kind == "coefficient":
            likelihood = normal(value.center, value.spread)
        else:
            likelihood = profiled(profiles[name]) if name in profiles else None
        curves = [None if f is None else density(f[name], lower, upper) for f in fits]
        ends = (value.low, value.high) if isinstance(value, Value) else (None, None)
        found.append(Panel(name, value.center, *ends, likelihood, *curves))
    return found
