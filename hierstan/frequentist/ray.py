"""Follow the likelihood along one parameter, all others at their best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

from hierstan.design import Floats
from hierstan.frequentist.climb import climb
from hierstan.frequentist.section import Section
from hierstan.frequentist.variances import Variances

_STRIDES = 4  # points of the curve between the estimate and an end of the interval
_MOST_STRIDES = 60
_PRECISION = 1e-6  # of an end of the interval, relative to the way there
_STEEP = 1e-3  # a slope left that means the other parameters are not at their best
_HIGHER = 1e-5  # log likelihood above the fit's that is no rounding
_DIP = 1e-3  # a fall of zeta that is no rounding


@dataclass(frozen=True, eq=False)
class Curve:
    """The profile of one parameter.

    Attributes
    ----------
    estimate : float
        Where the likelihood is highest.
    low, high : float
        The interval. Its end is that of the parameter's range (0, -1 and 1, infinity)
        where the likelihood ratio does not reach the cut-off within it.
    low_at_bound, high_at_bound : bool
        Whether that is so.
    value, zeta : ndarray
        The curve, by increasing value: zeta is the signed square root of twice the log
        likelihood ratio, a straight line where the normal interval is good.
    notes : tuple of str
        What to know about it: searches that failed, a curve that is not monotone.
    """

    estimate: float
    low: float
    high: float
    low_at_bound: bool
    high_at_bound: bool
    value: Floats
    zeta: Floats
    notes: tuple[str, ...]


@dataclass(eq=False)
class Ray:
    """One parameter and the likelihood along it.

    Attributes
    ----------
    section : callable
        Returns the likelihood with the parameter held at a value.
    estimate : float
        Where to start.
    step : float
        About its standard error.
    ends : (float, float)
        Its range.
    closed : bool
        Whether it may have the values at the ends of its range.
    top : float
        Log likelihood at the estimate, in standard units.
    starts : sequence of Variances
        The fit's own and others, for searches that fail from next door.
    """

    section: Callable[[float], Section]
    estimate: float
    step: float
    ends: tuple[float, float]
    closed: bool
    top: float
    starts: Sequence[Variances]
    notes: dict[str, None] = field(default_factory=dict)

    def trace(self, cut: float) -> Curve:
        """Follow the likelihood both ways until zeta passes a cut-off."""
        low, down = self._walk(-1, cut)
        high, up = self._walk(1, cut)
        points = sorted({**down, self.estimate: 0.0, **up}.items())
        value, zeta = np.array(points).T
        for k in np.flatnonzero(np.diff(zeta) < -_DIP):
            self._note(
                f"not monotone between {value[k]:.4g} and {value[k + 1]:.4g}: values "
                "beyond may be as likely as some within"
            )
        return Curve(
            self.estimate, low, high,
            low_at_bound=low == self.ends[0],
            high_at_bound=high == self.ends[1],
            value=value, zeta=zeta, notes=tuple(self.notes),
        )  # fmt: skip

    def _walk(self, direction: int, cut: float) -> tuple[float, dict[float, float]]:
        """Return where zeta passes the cut-off, and all points visited with their zeta."""
        end = self.ends[0] if direction < 0 else self.ends[1]
        points: dict[float, float] = {}
        at, zeta, near = self.estimate, 0.0, self.starts[0]
        stride = self.step * cut / _STRIDES

        def beyond(value: float) -> float:
            nonlocal near
            points[value], near = self._zeta(value, near)
            return abs(points[value]) - cut

        for _ in range(_MOST_STRIDES):
            if at == end:
                return end, points
            value = self._next(at, direction * stride, end)
            if beyond(value) > 0:
                precision = _PRECISION * abs(value - self.estimate)
                return float(brentq(beyond, at, value, xtol=precision)), points
            rise = abs(points[value]) - abs(zeta)
            wanted = cut / _STRIDES * abs(value - at) / rise if rise > 0 else np.inf
            stride = float(np.clip(wanted, stride / 2, 3 * stride))
            at, zeta = value, points[value]
        return end, points

    def _next(self, at: float, move: float, end: float) -> float:
        """Take a step, but not past the end; sigma never gets to its own, which is zero."""
        if abs(move) < abs(end - at):
            return at + move
        return end if self.closed else 0.5 * (at + end)

    def _zeta(self, value: float, near: Variances) -> tuple[float, Variances]:
        section = self.section(value)
        peak = climb(section, [near, self.starts[0]])
        if peak.slope > _STEEP:
            peak = max(peak, climb(section, self.starts), key=lambda p: p.loglik)
        if peak.slope > _STEEP:
            self._note(f"the search at {value:.4g} did not end at an optimum")
        if peak.loglik > self.top + _HIGHER:
            self._note(
                f"at {value:.4g} the log likelihood is {peak.loglik - self.top:.2g} higher "
                "than the fit's, which is not at its optimum"
            )
        zeta = np.sqrt(2 * max(0.0, self.top - peak.loglik))
        return float(np.copysign(zeta, value - self.estimate)), peak.inside

    def _note(self, text: str) -> None:
        self.notes[text] = None
