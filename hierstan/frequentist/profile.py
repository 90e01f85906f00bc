"""Profile-likelihood intervals."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from hierstan.digits import to_text
from hierstan.errors import DataError
from hierstan.frequentist.climb import even_starts
from hierstan.frequentist.mixedfit import MixedFit
from hierstan.frequentist.ray import Curve, Ray
from hierstan.frequentist.section import hold, hold_coefficient
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import parameters_of
from hierstan.progress import SILENT, Progress
from hierstan.threads import one_thread

_RANGES = {"sd": (0.0, np.inf), "corr": (-1.0, 1.0), "sigma": (0.0, np.inf)}


@dataclass(frozen=True, eq=False)
class Profile:
    """Profile-likelihood intervals of several parameters.

    Attributes
    ----------
    level : float
        Coverage aimed at.
    criterion : str
        ``"REML"`` or ``"ML"``, the likelihood that was profiled.
    curves : dict of str to Curve
        By the parameter's name.
    """

    level: float
    criterion: str
    curves: dict[str, Curve]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per parameter: estimate, low, high and note."""
        rows = {}
        for name, curve in self.curves.items():
            told = list(curve.notes)
            if curve.low_at_bound:
                told.insert(0, "low is the end of the range")
            if curve.high_at_bound:
                told.insert(0, "high is the end of the range")
            rows[name] = (curve.estimate, curve.low, curve.high, "; ".join(told))
        columns = ["estimate", "low", "high", "note"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def __str__(self) -> str:
        """Return the table under a heading."""
        table = to_text(self.to_frame())
        return f"{self.level:.0%} profile-likelihood intervals ({self.criterion})\n{table}"

    __repr__ = __str__


@one_thread
def profile_likelihood(
    fit: MixedFit,
    level: float = 0.95,
    parameters: Iterable[str] | None = None,
    progress: Progress = SILENT,
) -> Profile:
    """Find where the likelihood ratio of one parameter after the other reaches a cut-off.

    With the parameter held, all others are at their best. The interval is what a
    likelihood-ratio test does not reject: -c < zeta < c, with c the normal quantile
    (Bates et al. 2015, doi:10.18637/jss.v067.i01, section 5.1).

    Parameters
    ----------
    fit : MixedFit
        A converged fit. The restricted likelihood of a REML fit is profiled for standard
        deviations and correlations; it cannot compare values of coefficients, so these
        take an ML fit.
    level : float
        Coverage aimed at.
    parameters : iterable of str or str, optional
        Names, or one name, as in ``fit.estimates().to_frame()``; by default all standard
        deviations, correlations and sigma, and the coefficients of an ML fit.
    progress : Progress
        Who is told how far it is.

    Returns
    -------
    Profile
        Intervals and curves.

    Raises
    ------
    DataError
        When the fit did not converge, `level` is not between 0 and 1, or a parameter is
        not one of those.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> from hierstan.frequentist import fit_mixedlm
    >>> design = build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())
    >>> print(fit_mixedlm(design).profile().to_frame()[["low", "high"]].round(1))
                            low   high
    sd(Intercept | Batch)  15.7  101.1
    sigma                  38.2   67.7
    """
    if not fit.converged:
        raise DataError("The fit did not converge, so there is no optimum to profile from.")
    if not 0 < level < 1:
        raise DataError(f"The level is a share between 0 and 1, not {level!r}.")
    standard = Standard.of(fit.design)
    known = _rays(fit, standard)
    if isinstance(parameters, str):
        parameters = [parameters]
    names = list(known) if parameters is None else list(parameters)
    for name in names:
        if name not in known:
            raise DataError(
                f"There is no parameter {name!r} to profile; there are "
                f"{', '.join(map(repr, known))}. Coefficients take a fit with reml=False."
            )
    cut = float(stats.norm.ppf(0.5 + level / 2))
    curves: dict[str, Curve] = {}
    with progress.task("Profiling the likelihood", len(names)) as advance:
        for done, name in enumerate(names, 1):
            curves[name] = known[name].trace(cut)
            advance(done)
    return Profile(level, fit.criterion, curves)


def _rays(fit: MixedFit, standard: Standard) -> dict[str, Ray]:
    """Everything that can be profiled, by name."""
    inside = standard.inward(fit.variances)
    top = standard.loglik(inside, reml=fit.reml)
    starts = (inside, *even_starts(standard))
    rows = dict(fit.estimates().rows())
    rays = {}
    for parameter in parameters_of(fit.design.factors):
        section = partial(hold, standard, parameter, reml=fit.reml)
        unit = 1.0
        if parameter.kind == "sd":
            row = standard.T[parameter.factor][parameter.effects[0]]
            unit = standard.s * float(np.linalg.norm(row)) * inside.sigma
        value = rows[parameter.name]
        step = value.spread or 0.2 * unit
        ends, closed = _RANGES[parameter.kind], parameter.kind != "sigma"
        rays[parameter.name] = Ray(section, value.center, step, ends, closed, top, starts)
    if not fit.reml:
        ends = (-np.inf, np.inf)
        for term, (name, value) in zip(range(fit.design.P), rows.items(), strict=False):
            section, step = partial(hold_coefficient, standard, term), value.spread or 1.0
            rays[name] = Ray(section, value.center, step, ends, True, top, starts)
    return rays
