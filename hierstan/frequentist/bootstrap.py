"""Parametric-bootstrap intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierstan.design import Floats
from hierstan.digits import to_text
from hierstan.errors import DataError
from hierstan.frequentist.boundary import gain_off_the_edge, is_singular, put_at_zero
from hierstan.frequentist.climb import Peak, climb, even_starts
from hierstan.frequentist.mixedfit import MixedFit
from hierstan.frequentist.mixedlm import SHORTFALL
from hierstan.frequentist.section import Section
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import (
    Parameter,
    Variances,
    lower_roots,
    parameters_of,
)
from hierstan.progress import SILENT, Progress
from hierstan.threads import one_thread

_STEEP = 1e-3  # a slope left that means there is no optimum


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Estimates from data simulated from a fit.

    Attributes
    ----------
    estimates : dict of str to float
        The fit's own, by parameter.
    refits : pandas.DataFrame
        A row per refit that succeeded, a column per parameter: coefficients, standard
        deviations, correlations, sigma. A correlation with a standard deviation of zero
        has no value (nan) and takes no part in its interval.
    criterion : str
        ``"REML"`` or ``"ML"``, as the fit.
    level : float
        Coverage aimed at.
    singular : int
        Refits with a standard deviation of zero or a correlation of one.
    failed : int
        Refits that found no optimum; they are left out.
    """

    estimates: dict[str, float]
    refits: pd.DataFrame
    criterion: str
    level: float
    singular: int
    failed: int

    def to_frame(self) -> pd.DataFrame:
        """Return estimate, bias, sd of the refits, and percentile interval.

        Near a boundary the interval is rough, as the refits pile up at zero.
        """
        tail = 0.5 - self.level / 2
        rows = {
            name: (estimate, drawn.mean() - estimate, drawn.std(),
                   drawn.quantile(tail), drawn.quantile(1 - tail))
            for name, estimate in self.estimates.items()
            for drawn in [self.refits[name]]
        }  # fmt: skip
        columns = ["estimate", "bias", "sd", "low", "high"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def __str__(self) -> str:
        """Return the table under a heading."""
        table = to_text(self.to_frame())
        return (
            f"{self.level:.0%} percentile intervals of {len(self.refits)} parametric "
            f"bootstrap refits ({self.criterion}); {self.singular} singular, "
            f"{self.failed} failed and left out\n{table}"
        )

    __repr__ = __str__


@one_thread
def bootstrap(
    fit: MixedFit,
    n: int = 500,
    seed: int = 1,
    level: float = 0.95,
    progress: Progress = SILENT,
) -> Bootstrap:
    """Simulate responses from a fit and fit each as the data were.

    New effects and errors are drawn from the estimated normal distributions. Refits are
    climbs of the likelihood from the fit's variances, not MixedLM's, which takes 6 to
    16 times as long and may stop short (measured on sleepstudy and radon).

    Parameters
    ----------
    fit : MixedFit
        A converged fit.
    n : int
        Refits, at least 2; an end of a 95 % interval rests on n / 40 of them.
    seed : int
        The same seed gives the same result.
    level : float
        Coverage aimed at.
    progress : Progress
        Who is told how far it is.

    Returns
    -------
    Bootstrap
        All estimates, and percentile intervals from them.

    Raises
    ------
    DataError
        When the fit did not converge, `n` is below 2, `seed` is no whole number from 0
        on, or `level` is not between 0 and 1.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> from hierstan.frequentist import fit_mixedlm
    >>> design = build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())
    >>> found = fit_mixedlm(design).bootstrap(200)
    >>> found.refits.columns.tolist()
    ['Intercept', 'sd(Intercept | Batch)', 'sigma']
    >>> found.failed
    0
    """
    if not fit.converged:
        raise DataError("The fit did not converge, so there is nothing to simulate from.")
    if n < 2:
        raise DataError(f"A bootstrap takes 2 refits or more, not {n}.")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise DataError(f"seed is {seed!r}; it must be a whole number from 0 on.")
    if not 0 < level < 1:
        raise DataError(f"The level is a share between 0 and 1, not {level!r}.")
    standard = Standard.of(fit.design)
    inside = standard.inward(fit.variances)
    truth = standard.R @ (fit.solution.beta - standard.b) / standard.s
    parameters = parameters_of(fit.design.factors)
    rng = np.random.default_rng(seed)
    rows, singular = [], 0
    with progress.task("Refitting simulated data", n) as advance:
        for done in range(n):
            drawn = standard.with_response(simulate(standard, inside, truth, rng))
            peak = _refit(drawn, inside, reml=fit.reml)
            advance(done + 1)
            if peak is None:
                continue
            found = peak.inside
            singular += any(is_singular(Sigma, found.sigma) for Sigma in found.Sigmas)
            outside, _ = put_at_zero(drawn, standard.outward(found), reml=fit.reml)
            values = [_value(parameter, outside) for parameter in parameters]
            rows.append([*drawn.coefficients(found), *values])
    estimates = {name: value.center for name, value in fit.estimates().rows()}
    return Bootstrap(
        estimates=estimates,
        refits=pd.DataFrame(rows, columns=list(estimates)),
        criterion=fit.criterion,
        level=level,
        singular=singular,
        failed=n - len(rows),
    )


def _value(parameter: Parameter, outside: Variances) -> float:
    value = parameter.value(outside)
    if parameter.kind == "corr":
        Sigma = outside.Sigmas[parameter.factor]
        return value if all(Sigma[q, q] > 0 for q in parameter.effects) else np.nan
    return value


def simulate(
    standard: Standard, inside: Variances, beta: Floats, rng: np.random.Generator
) -> Floats:
    """Draw a response, in standard units, shape (N,)."""
    y = standard.X @ beta + inside.sigma * rng.normal(size=len(standard.y))
    roots = lower_roots(standard.factors, inside.Sigmas)
    for factor, root in zip(standard.factors, roots, strict=True):
        u = rng.normal(size=(factor.J, factor.Q)) @ root.T
        y += np.sum(factor.Z * u[factor.index], axis=1)
    return y


def _refit(drawn: Standard, near: Variances, *, reml: bool) -> Peak | None:
    """Climb from the fit's variances; from elsewhere too if that ends at no optimum."""
    section = Section(drawn, reml=reml)
    peak = climb(section, [near])
    if not _is_optimum(drawn, peak, reml):
        peak = climb(section, [peak.inside, *even_starts(drawn)])
    return peak if _is_optimum(drawn, peak, reml) else None


def _is_optimum(drawn: Standard, peak: Peak, reml: bool) -> bool:
    return (
        peak.slope < _STEEP and gain_off_the_edge(drawn, peak.inside, reml=reml) < SHORTFALL
    )
