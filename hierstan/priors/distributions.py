"""The distributions that priors have, and the one way in which they are written."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from hierstan.design import Floats
from hierstan.errors import PriorError


@dataclass(frozen=True)
class Normal:
    """Normal prior of a coefficient; an infinite scale is flat.

    Attributes
    ----------
    location, scale : float
        Mean and standard deviation, in units of y per unit of the column.
    """

    location: float
    scale: float

    def text(self, digits: int | None = None) -> str:
        """Write it, with all digits or rounded to some."""
        if math.isinf(self.scale):
            return "flat"
        return f"normal({_number(self.location, digits)}, {_number(self.scale, digits)})"


@dataclass(frozen=True)
class HalfStudentT:
    """Half-Student-t prior of a standard deviation; an infinite scale is flat.

    Attributes
    ----------
    df : float
        Degrees of freedom: 1 is the half-Cauchy, infinity the half-normal.
    scale : float
        The scale, not the standard deviation, of the whole Student-t.
    """

    df: float
    scale: float

    def text(self, digits: int | None = None) -> str:
        """Write it, the scale with all digits or rounded to some.

        The degrees of freedom are never rounded: 1.25 would become the half-Cauchy.
        """
        if math.isinf(self.scale):
            return "flat"
        scale = _number(self.scale, digits)
        if math.isinf(self.df):
            return f"half-normal({scale})"
        if self.df == 1:
            return f"half-cauchy({scale})"
        return f"half-student-t({_number(self.df, None)}, {scale})"

    def log_density(self, values: Floats) -> Floats:
        """Return the log density at some standard deviations, for a finite scale."""
        return np.asarray(np.log(2) + self._whole().logpdf(values))

    def above(self, value: float) -> float:
        """Return the probability of a standard deviation above a value."""
        return float(2 * self._whole().sf(value))

    def slope(self, value: float) -> float:
        """Return how fast the log density falls at a value, -d log p / d value."""
        if math.isinf(self.df):
            return value / self.scale**2
        return (self.df + 1) * value / (self.df * self.scale**2 + value**2)

    def _whole(self) -> Any:
        """Return the distribution that this is the upper half of."""
        from scipy import stats  # here, as nobody needs it to read or write priors

        if math.isinf(self.df):
            return stats.norm(0, self.scale)
        return stats.t(self.df, 0, self.scale)


@dataclass(frozen=True)
class LKJ:
    """LKJ prior of a correlation matrix, of density proportional to det(R)^(eta - 1).

    Attributes
    ----------
    eta : float
        1 is uniform over the matrices; more favours small correlations, less large ones
        (Lewandowski, Kurowicka and Joe 2009, doi:10.1016/j.jmva.2009.04.008).
    """

    eta: float

    def text(self, digits: int | None = None) -> str:
        """Write it, with all digits or rounded to some."""
        return f"lkj({_number(self.eta, digits)})"


Distribution = Normal | HalfStudentT | LKJ

# What each kind of parameter may have: how to write it, by name without "half", hyphens
# and blanks.
_FORMS = {
    "coefficient": "normal(location, scale) or flat",
    "standard deviation": (
        "half-normal(scale), half-cauchy(scale), half-student-t(df, scale) or flat"
    ),
    "correlation matrix": "lkj(eta)",
}


def read_distribution(text: str, kind: str, name: str) -> Distribution:
    """Read the prior of one parameter.

    Parameters
    ----------
    text : str
        ``normal(location, scale)``, ``half-normal(scale)``, ``half-cauchy(scale)``,
        ``half-student-t(df, scale)``, ``lkj(eta)`` or ``flat``. Case, blanks, hyphens and
        underscores in the name do not matter, and the half distributions may name their
        location 0 as well: ``half-student-t(df, 0, scale)``. On a correlation matrix,
        ``flat`` is ``lkj(1)``.
    kind : {"coefficient", "standard deviation", "correlation matrix"}
        What the parameter is.
    name : str
        The parameter, for messages.

    Returns
    -------
    Normal, HalfStudentT or LKJ
        What was read; its `text` reads back as the same.

    Raises
    ------
    PriorError
        When the text is none of these, its family is not one for the kind, or a number is
        missing, too many, not finite or not positive where it must be.

    Examples
    --------
    >>> read_distribution("Half-Cauchy(0, 5)", "standard deviation", "sigma").text()
    'half-cauchy(5)'
    """
    if not isinstance(text, str):
        raise PriorError(
            f"The prior of {name!r} is {text!r}; it must be a text: {_FORMS[kind]}."
        )
    found = re.fullmatch(r"\s*([A-Za-z][A-Za-z _-]*?)\s*(?:\(([^()]*)\))?\s*", text)
    if not found:
        raise PriorError(f"The prior of {name!r}, {text!r}, is not of form {_FORMS[kind]}.")
    family = re.sub(r"[ _-]", "", found[1].lower())
    if found[2] is None:
        if family != "flat":
            raise _unfit(text, kind, name)
        return _FLAT[kind]
    values = [_value(part, text, name) for part in found[2].split(",")]
    if kind == "coefficient" and family == "normal":
        _expect(values, 2, text, kind, name)
        return Normal(values[0], _positive(values[1], "scale", text, name))
    if kind == "standard deviation" and family in _HALF:
        count = 2 if family == "halfstudentt" else 1
        if len(values) == count + 1 and values[-2] == 0:
            del values[-2]  # the location, which is always zero
        _expect(values, count, text, kind, name)
        df = values[0] if family == "halfstudentt" else _HALF[family]
        if not df > 0:
            raise PriorError(
                f"The prior of {name!r}, {text!r}, has {df:g} degrees of freedom; they "
                "must be above 0."
            )
        scale = _positive(values[-1], "scale", text, name)
        return HalfStudentT(df, scale)
    if kind == "correlation matrix" and family == "lkj":
        _expect(values, 1, text, kind, name)
        return LKJ(_positive(values[0], "shape", text, name))
    raise _unfit(text, kind, name)


_HALF = {"halfnormal": math.inf, "halfcauchy": 1.0, "halfstudentt": math.nan}
_FLAT: dict[str, Distribution] = {
    "coefficient": Normal(0.0, math.inf),
    "standard deviation": HalfStudentT(math.inf, math.inf),
    "correlation matrix": LKJ(1.0),
}


def _unfit(text: str, kind: str, name: str) -> PriorError:
    return PriorError(
        f"The prior of {name!r} cannot be {text!r}: it is a {kind}, which takes "
        f"{_FORMS[kind]}."
    )


def _expect(values: list[float], count: int, text: str, kind: str, name: str) -> None:
    if len(values) != count:
        raise PriorError(
            f"The prior of {name!r}, {text!r}, has {len(values)} number(s) in its "
            f"brackets; write {_FORMS[kind]}."
        )


def _value(part: str, text: str, name: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PriorError(
            f"The prior of {name!r}, {text!r}, has {part.strip()!r} where a finite number "
            "must be (a prior without a scale is written flat)."
        )
    return value


def _positive(value: float, what: str, text: str, name: str) -> float:
    if not value > 0:
        raise PriorError(
            f"The prior of {name!r}, {text!r}, has {what} {value:g}; it must be above 0."
        )
    return value


def _number(value: float, digits: int | None) -> str:
    """Shortest decimal that reads back as the value, or as the value rounded."""
    if digits is not None:
        value = float(f"{value:.{digits}g}")
    short = f"{value:.15g}"
    return short if float(short) == value else repr(value)
