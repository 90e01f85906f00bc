"""A proposed program on a short run, beside the fit that it may replace."""

from dataclasses import dataclass, replace

import numpy as np

from hierstan.diagnostics.limits import RHAT_LIMIT_GROUPS
from hierstan.engines.base import SamplerSettings
from hierstan.errors import unwarned
from hierstan.fit import Fit
from hierstan.model import Model
from hierstan.progress import Progress

# A ratio of effective draws a second within this factor shows nothing: ESS of a few hundred
# draws is known to a fifth, and so is the time of a run on a machine with other work.
CLEAR = 1.5
# Means of one posterior agree within so many standard errors of their difference: of ten
# parameters one is beyond in 1 of 1,600 cases.
AGREE = 4.0
# With fewer divergences expected of a run as short as the trial, none proves nothing.
CURED = 3.0


@dataclass(frozen=True)
class Trial:
    """One program on a short run, beside the fit that it may replace.

    Attributes
    ----------
    program : str
        What was tried.
    settings : SamplerSettings
        Chains, warm-up, draws and seed of the run; the rest is as for the fit.
    slowest : str
        Its population parameter with the smallest bulk ESS.
    ess : float
        That ESS.
    ess_per_second : float
        Over the wall time of the whole run, warm-up and draws read back included.
    ess_per_gradient : float
        Over the leapfrog steps of the kept draws; nan where they were not recorded. A
        gradient costs each program a different time.
    divergences : int
        Transitions that diverged.
    rhat : float
        Largest R-hat of the population parameters.
    gap : float
        Largest distance of a posterior mean from the fit's, in standard errors of the
        difference, over the population parameters.
    gap_at : str
        The parameter where it is.
    faster : float
        Its `ess_per_second` over the fit's.
    verdict : {"better", "no clear difference", "worse"}
        Better: 1.5 times the fit's effective draws a second or more, and no larger share
        of transitions diverging; or none diverging where the fit would have some, however
        fast the fit is in missing a part of the posterior. Worse: fewer than 1 / 1.5 of
        them, a larger share diverging (by more than two standard errors), or chains that
        do not agree (R-hat above 1.05). For means that differ while the fit is sound,
        worse as well.
    """

    program: str
    settings: SamplerSettings
    slowest: str
    ess: float
    ess_per_second: float
    ess_per_gradient: float
    divergences: int
    rhat: float
    gap: float
    gap_at: str
    faster: float
    verdict: str

    @property
    def agrees(self) -> bool:
        """Whether all means are within four standard errors of the fit's."""
        return self.gap <= AGREE


def try_program(
    model: Model, fit: Fit, program: str, settings: SamplerSettings, progress: Progress
) -> Trial:
    """Sample one program for a short while and hold it against the fit."""
    with unwarned():
        # A short run has too few draws to be sound, and is not meant to be.
        short = model.sample(
            program, chains=settings.chains, warmup=settings.warmup, draws=settings.draws,
            seed=settings.seed, adapt_delta=settings.adapt_delta,
            max_treedepth=settings.max_treedepth, prior_only=fit.prior_only,
            progress=progress,
        )  # fmt: skip
    gap, where = largest_gap(fit, short)
    state = short.diagnostics
    found = Trial(
        program=program,
        settings=short.samples.settings,
        slowest=state.slowest,
        ess=smallest_ess(short),
        ess_per_second=state.ess_per_second,
        ess_per_gradient=state.ess_per_gradient,
        divergences=state.divergences,
        rhat=largest_rhat(short),
        gap=gap,
        gap_at=where,
        faster=state.ess_per_second / fit.diagnostics.ess_per_second,
        verdict="",
    )
    return replace(found, verdict=_verdict(found, fit))


def _verdict(trial: Trial, fit: Fit) -> str:
    """Weigh a trial against the fit, as `Trial` says."""
    before = fit.diagnostics.divergences / fit.draws["sigma"].size
    total = trial.settings.chains * trial.settings.draws
    after = trial.divergences / total
    noise = 2 * np.sqrt(max(before, 1 / total) * (1 / total + 1 / fit.draws["sigma"].size))
    diverges_more = after > before + noise
    if (
        diverges_more
        or not trial.rhat <= RHAT_LIMIT_GROUPS
        or (fit.diagnostics.sound and not trial.agrees)
    ):
        return "worse"
    cured = trial.divergences == 0 and before * total >= CURED
    if cured or trial.faster >= CLEAR:
        return "better"
    return "worse" if trial.faster < 1 / CLEAR else "no clear difference"


def largest_gap(one: Fit, other: Fit) -> tuple[float, str]:
    """Return the largest distance of two fits' posterior means, in standard errors.

    Parameters
    ----------
    one, other : Fit
        Of the same model.

    Returns
    -------
    float
        |difference| over the root of the sum of squared MCSEs, over the population
        parameters that both have; 0 when none has a standard error.
    str
        The parameter where it is; empty when there is none.
    """
    gaps = {"": 0.0}
    theirs = _means(other)
    for name, (mean, error) in _means(one).items():
        if name in theirs:
            both = float(np.hypot(error, theirs[name][1]))
            if both > 0:
                gaps[name] = abs(mean - theirs[name][0]) / both
    where = max(gaps, key=gaps.__getitem__)
    return gaps[where], where


def _means(fit: Fit) -> dict[str, tuple[float, float]]:
    """Mean and its standard error of every population parameter."""
    shares = fit.diagnostics.parameters["mcse_over_sd"].to_dict()
    return {
        name: (float(values.mean()), float(shares[name] * values.std(ddof=1)))
        for name, values in fit.series().items()
    }


def smallest_ess(fit: Fit) -> float:
    """Smallest bulk ESS of the population parameters."""
    return float(fit.diagnostics.parameters["ess_bulk"][fit.diagnostics.slowest])


def largest_rhat(fit: Fit) -> float:
    """Largest R-hat of the population parameters."""
    rows = fit.diagnostics.parameters
    return float(rows["rhat"].loc[list(fit.series())].max(skipna=False))
