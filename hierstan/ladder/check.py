"""Stan beside MixedLM: one likelihood, one optimum, and why means differ from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from hierstan.digits import to_text
from hierstan.engines import SamplerSettings
from hierstan.estimates import Estimates
from hierstan.fit import Fit
from hierstan.frequentist import MixedFit
from hierstan.frequentist.profile import Profile
from hierstan.ladder.rungs import ENGINE, MONTE_CARLO, Rung, to_frame
from hierstan.model import Model

if TYPE_CHECKING:  # curves are drawn from a check, so they import it
    from hierstan.ladder.curves import Panel

# Rungs 1 and 2: relative difference of densities, and of two log likelihoods.
SAME_DENSITY = 1e-8
SAME_OPTIMUM = 1e-6
# What is printed of the ladder, without sampling and with it.
_OPTIMA = ("estimate", "se", "mode", "engine")
_SUM = ("estimate", "engine", "mode_to_mean", "prior", "mean", "monte_carlo")


@dataclass(frozen=True, eq=False)
class CrossCheck:
    """Every rung of the comparison, for one model.

    Attributes
    ----------
    model : Model
        Formula, data and priors.
    mixed : MixedFit
        MixedLM, refitted from Stan's mode (`rescued`) when it was short of it.
    mode : MixedFit
        The mode of Stan's flat-prior marginal density, as a REML (or ML) fit.
    density_gap : float
        Largest relative difference of Stan's log density and ``MixedLM.loglike`` at
        several points.
    loglik_gap : float
        Log likelihood by which Stan's optimum is above the point where MixedLM stopped by
        itself. Where MixedLM cannot take the model, both gaps are to our own likelihood.
    flat, posterior : Fit or None
        Posteriors under flat priors and under the model's; None without sampling.
    stopped : str
        Why the ladder ends before its last rung; empty when it does not.
    rungs : tuple of Rung
        A row per parameter.
    profile : Profile or None
        Profile-likelihood intervals around the mode; None where they were not asked for.
    settings : SamplerSettings
        Seed of the optimizer's start, and of the flat-prior posterior with its chains and
        draws.
    """

    model: Model
    mixed: MixedFit
    mode: MixedFit
    density_gap: float
    loglik_gap: float
    flat: Fit | None
    posterior: Fit | None
    stopped: str
    rungs: tuple[Rung, ...]
    profile: Profile | None
    settings: SamplerSettings

    def stan_mode(self) -> Estimates:
        """Return Stan's mode as a REML (or ML) fit, with profile intervals if there are."""
        estimates = self.mode.estimates()
        if self.profile is None:
            return estimates
        curves = self.profile.curves
        return estimates.with_intervals({n: (c.low, c.high) for n, c in curves.items()})

    @property
    def agrees(self) -> bool:
        """Whether Stan and `mixed` have one likelihood and one optimum.

        A fit that MixedLM left short counts as it is reported: refitted.
        """
        gap = self.mode.solution.loglik - self.mixed.solution.loglik
        return (
            self.density_gap < SAME_DENSITY
            and abs(gap) < SAME_OPTIMUM
            and self.mode.converged
        )

    @property
    def verdict(self) -> str:
        """The state of the comparison in a few sentences."""
        told = [self._density(), self._optimum()]
        if self.mode.singular:
            told.append(f"The optimum is {self.mode.verdict}.")
        told += self._sampling()
        return " ".join(sentence for sentence in told if sentence)

    @property
    def unit(self) -> str:
        """What the parts of the ladder are measured in, in words; see `Rung.unit`."""
        if self.posterior is None:
            return "standard errors"
        if self.flat is None:
            return "posterior sds"
        return "sds of the wider of the two posteriors (flat priors, yours)"

    @property
    def _other(self) -> str:
        return "MixedLM" if self.mixed.substitute is None else "our own code"

    def _density(self) -> str:
        stands_in = ""
        if self.mixed.substitute is not None:
            stands_in = f"{self.mixed.substitute}; our own code stands in for it. "
        if self.density_gap < SAME_DENSITY:
            return f"{stands_in}Stan and {self._other} compute the same likelihood."
        return (
            f"{stands_in}Stan and {self._other} compute different likelihoods (by "
            f"{self.density_gap:.1e} of their size): do not compare their results."
        )

    def _optimum(self) -> str:
        criterion, top = self.mode.criterion, self.mode.solution.loglik
        if not self.mode.converged:
            return f"Stan's optimizer did not arrive (log likelihood {top:.4f})."
        reached, gap = top - self.loglik_gap, self.loglik_gap
        if gap < -SAME_OPTIMUM:
            return (
                f"Stan's optimizer stopped at {top:.4f}, {-gap:.2g} short of the "
                f"{criterion} optimum of {self._other}, {reached:.4f}."
            )
        if gap <= SAME_OPTIMUM:
            return f"Both find the same {criterion} optimum, log likelihood {top:.4f}."
        how = " (its default optimizer, on standardized data)" * self.mixed.rescued
        told = (
            f"{self._other[0].upper()}{self._other[1:]}{how} stops at {reached:.4f}, "
            f"{gap:.2g} short of Stan's {criterion} optimum of {top:.4f}"
        )
        if self.mixed.rescued:
            told += ", and was refitted from there (rescued)"
        return f"{told}."

    def _sampling(self) -> list[str]:
        told = [self.stopped] if self.stopped else []
        for name, fit in (
            ("flat-prior posterior", self.flat),
            ("posterior", self.posterior),
        ):
            if fit is not None and not fit.diagnostics.sound:
                told.append(f"The {name} {fit.diagnostics.verdict}")
        gaps = {
            rung.name: (rung.mean - rung.estimate) / rung.unit
            for rung in self.rungs
            if rung.mean is not None and rung.unit
        }
        if gaps:
            widest = max(gaps, key=lambda name: abs(gaps[name]))
            told.append(
                f"Posterior means differ from {self.mode.criterion} by at most "
                f"{abs(gaps[widest]):.2f} {self.unit}, for {widest}."
            )
        noisy = [r.name for r in self.rungs if (r.in_sd(r.monte_carlo) or 0) > MONTE_CARLO]
        if noisy:
            told.append(
                f"Take more draws: Monte Carlo error is above {MONTE_CARLO} sd for "
                f"{noisy[0]}."
            )
        return told

    def to_frame(self) -> pd.DataFrame:
        """Return the ladder as a table.

        Returns
        -------
        pandas.DataFrame
            A row per parameter, by name: what `Rung` holds, each part in the parameter's
            unit and, under its name with ``_sd``, divided by the larger of ``sd`` and
            ``flat_sd``: in sds of the wider of the two posteriors (flat priors, the
            user's). Without a flat posterior that is ``sd``, without sampling ``se``.
        """
        return to_frame(self.rungs)

    def panels(self) -> "list[Panel]":
        """Return likelihood and posteriors as curves, for `hierstan.plot.ladder`."""
        from hierstan.ladder.curves import panels

        return panels(self)

    def to_dict(self) -> dict[str, Any]:
        """Return ``crosscheck`` of ``results.json``."""
        return {
            "criterion": self.mode.criterion,
            "loglik_gap": self.loglik_gap,
            "density_gap": self.density_gap,
            "rescued": self.mixed.rescued,
            "verdict": self.verdict,
            "rows": [rung.to_dict() for rung in self.rungs],
        }

    def __str__(self) -> str:
        """Return the ladder under the verdict: the sum, and what it is a sum of.

        Less than 0.0001 of the unit between two optimizers is shown as 0.
        """
        table = self.to_frame().dropna(axis=1, how="all")
        table["engine"] = [
            0.0 if abs(rung.in_sd(rung.engine) or 0.0) < ENGINE else rung.engine
            for rung in self.rungs
        ]
        columns = _OPTIMA if self.posterior is None else _SUM
        text = to_text(table[[name for name in columns if name in table]])
        lines = [f"{name}: {told}" for name, told in table["verdict"].items() if told]
        if self.posterior is not None:
            lines.insert(0, f"In words, in {self.unit}:")
        return "\n".join(
            [self.model.design.formula.text, self.verdict, "", text, "", *lines]
        )

    __repr__ = __str__
