"""Estimates in one shape, whoever made them, so that they can stand side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from hierstan.naming import SIGMA, Kind, coefficient_name, corr_name, sd_name


@dataclass(frozen=True)
class Value:
    """A frequentist estimate.

    Attributes
    ----------
    estimate : float
        On the scale of the quantity: a standard deviation, never a variance.
    se : float or None
        Standard error; None where theory gives none (a variance at its boundary).
    low, high : float or None
        95 % interval.
    """

    estimate: float
    se: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def center(self) -> float:
        """The number to show when there is room for one."""
        return self.estimate

    @property
    def spread(self) -> float | None:
        """Its uncertainty on the same scale."""
        return self.se


@dataclass(frozen=True)
class PosteriorValue:
    """A posterior in numbers.

    Attributes
    ----------
    mean, sd, median : float
        Of the draws of all chains together.
    low, high : float
        2.5 % and 97.5 % quantiles.
    mcse_mean : float
        Monte Carlo standard error of `mean`.
    rhat : float
        Rank-normalized split R-hat; nan for a constant.
    ess_bulk, ess_tail : float
        Effective draws in the bulk and for the 5 % and 95 % quantiles.
    """

    mean: float
    sd: float
    median: float
    low: float
    high: float
    mcse_mean: float
    rhat: float
    ess_bulk: float
    ess_tail: float

    @property
    def center(self) -> float:
        """The number to show when there is room for one."""
        return self.mean

    @property
    def spread(self) -> float:
        """Its uncertainty on the same scale."""
        return self.sd


AnyValue = Value | PosteriorValue


@dataclass(frozen=True)
class Correlation:
    """A correlation of two effects `a` and `b` of one factor."""

    a: str
    b: str
    value: AnyValue


@dataclass(frozen=True)
class Estimates:
    """All parameters of one fit, by the user's names.

    Attributes
    ----------
    criterion : {"REML", "ML", None}
        What was maximized; None for a posterior and for least squares.
    loglik : float or None
        The criterion at the estimates, constants included.
    converged, singular, rescued : bool
        Whether it can be trusted; whether a standard deviation is at zero or a
        correlation at one; whether a first attempt had to be repaired.
    fixed : mapping of str to value
        Population coefficients.
    sd : mapping of str to mapping of str to value
        Group standard deviations, by factor and effect.
    corr : mapping of str to tuple of Correlation
        By factor; empty for independent effects.
    sigma : value
        Residual standard deviation.
    """

    criterion: str | None
    loglik: float | None
    converged: bool
    singular: bool
    rescued: bool
    fixed: Mapping[str, AnyValue]
    sd: Mapping[str, Mapping[str, AnyValue]]
    corr: Mapping[str, tuple[Correlation, ...]]
    sigma: AnyValue

    def rows(self) -> Iterator[tuple[str, AnyValue]]:
        """Yield every parameter with the name tables give it, coefficients first."""
        for _, name, value in self.parameters():
            yield name, value

    def parameters(self) -> Iterator[tuple[Kind, str, AnyValue]]:
        """Yield what every parameter is, beside its name and value, in the same order.

        A name does not tell: a predictor may have any.
        """
        for term, value in self.fixed.items():
            yield "coefficient", coefficient_name(term), value
        for factor, effects in self.sd.items():
            for effect, value in effects.items():
                yield "sd", sd_name(factor, effect), value
        for factor, pairs in self.corr.items():
            for pair in pairs:
                yield "corr", corr_name(factor, pair.a, pair.b), pair.value
        yield "sigma", SIGMA, self.sigma

    def with_intervals(self, ends: Mapping[str, tuple[float, float]]) -> "Estimates":
        """Return the same estimates with other intervals.

        Parameters
        ----------
        ends : mapping of str to (float, float)
            Lower and upper end of those to replace, by the parameter's name in `rows`.
        """

        def moved(name: str, value: AnyValue) -> AnyValue:
            if name not in ends:
                return value
            return replace(value, low=ends[name][0], high=ends[name][1])

        return replace(
            self,
            sd={
                factor: {e: moved(sd_name(factor, e), v) for e, v in effects.items()}
                for factor, effects in self.sd.items()
            },
            corr={
                factor: tuple(
                    replace(p, value=moved(corr_name(factor, p.a, p.b), p.value))
                    for p in pairs
                )
                for factor, pairs in self.corr.items()
            },
            sigma=moved(SIGMA, self.sigma),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row per parameter and a column per number."""
        return pd.DataFrame.from_dict(
            {name: asdict(value) for name, value in self.rows()}, orient="index"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the `Estimates` object of ``results.json``."""
        return {
            "criterion": self.criterion,
            "loglik": self.loglik,
            "converged": self.converged,
            "singular": self.singular,
            "rescued": self.rescued,
            "fixed": {name: asdict(value) for name, value in self.fixed.items()},
            "sd": {
                factor: {effect: asdict(value) for effect, value in effects.items()}
                for factor, effects in self.sd.items()
            },
            "corr": {
                factor: [{"a": p.a, "b": p.b, **asdict(p.value)} for p in pairs]
                for factor, pairs in self.corr.items()
            },
            "sigma": asdict(self.sigma),
        }


def compare(columns: Mapping[str, Estimates]) -> pd.DataFrame:
    """Put several fits side by side.

    Parameters
    ----------
    columns : mapping of str to Estimates
        Fits by the name their columns get; one that failed its checks or did not converge
        has that said in the name.

    Returns
    -------
    pandas.DataFrame
        A row per parameter that any of them has, in order; under each fit's name the
        columns ``estimate`` and ``uncertainty`` (posterior mean and sd, or estimate and
        standard error). nan where a fit has no such parameter.
    """
    order: dict[str, None] = {}
    for estimates in columns.values():
        order.update((name, None) for name, _ in estimates.rows())
    table: dict[tuple[str, str], list[float]] = {}
    for name, estimates in columns.items():
        label = name if estimates.converged else f"{name} (failed)"
        values = dict(estimates.rows())
        found = [values.get(name) for name in _parameters_in_order(order)]
        table[label, "estimate"] = [float("nan") if v is None else v.center for v in found]
        table[label, "uncertainty"] = [
            float("nan") if v is None or v.spread is None else v.spread for v in found
        ]
    return pd.DataFrame(table, index=_parameters_in_order(order))


def _parameters_in_order(names: Mapping[str, None]) -> list[str]:
    """Sigma last, whatever order the fits brought."""
    return [name for name in names if name != SIGMA] + [SIGMA]
