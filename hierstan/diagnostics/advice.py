"""Advice on one fit, in words and put to the test."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hierstan.diagnostics.cause import Cause
from hierstan.diagnostics.findings import general_step, mend_first
from hierstan.diagnostics.limits import RHAT_LIMIT_GROUPS
from hierstan.diagnostics.trial import Trial, largest_rhat, smallest_ess, try_program
from hierstan.engines.base import SamplerSettings
from hierstan.errors import InputError, kind_of
from hierstan.fit import Fit
from hierstan.model import Model
from hierstan.progress import SILENT, Progress


@dataclass(frozen=True, eq=False)
class Advice:
    """What to do about a fit, and what a trial says of it.

    Attributes
    ----------
    fit : Fit
        The fit.
    causes : tuple of Cause
        What explains its failures, then remarks.
    proposals : tuple of str
        Programs that the causes speak for.
    trials : tuple of Trial
        One per proposal; empty without a trial.
    """

    fit: Fit
    causes: tuple[Cause, ...]
    proposals: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def program(self) -> str:
        """The program to use: the fastest that the trials show to be better.

        Without trials, the first proposal. Empty when the fit is sound, nothing is
        proposed, or no proposal proved better.
        """
        if not self.trials:
            return self.proposals[0] if self.proposals else ""
        better = [trial for trial in self.trials if trial.verdict == "better"]
        return max(better, key=lambda trial: trial.faster).program if better else ""

    def to_frame(self) -> pd.DataFrame:
        """Return the fit and its trials as a table.

        Returns
        -------
        pandas.DataFrame
            A row for the fit and one per trial, by program. Columns: ``run`` (``fit`` or
            ``trial``), ``chains``, ``warmup``, ``draws``, ``seed``, ``slowest`` (the
            population parameter of least bulk ESS), ``ess``, ``ess_per_second``,
            ``ess_per_gradient``, ``divergences``, ``rhat`` (largest of the population
            parameters), ``gap`` and ``gap_at`` (largest distance of a mean from the fit's
            in standard errors, and where), ``faster`` (ratio of effective draws a second)
            and ``verdict``; the last four are empty for the fit.
        """
        state, settings = self.fit.diagnostics, self.fit.samples.settings
        rows = [
            {
                "program": self.fit.program.name, "run": "fit", **_run(settings),
                "slowest": state.slowest, "ess": smallest_ess(self.fit),
                "ess_per_second": state.ess_per_second,
                "ess_per_gradient": state.ess_per_gradient,
                "divergences": state.divergences, "rhat": largest_rhat(self.fit),
                "gap": np.nan, "gap_at": "", "faster": np.nan, "verdict": "",
            }
        ]  # fmt: skip
        for trial in self.trials:
            source = {"program": trial.program, "run": "trial", **_run(trial.settings)}
            rows.append(source | {name: getattr(trial, name) for name in _NUMBERS})
        return pd.DataFrame(rows).set_index("program")

    def __str__(self) -> str:
        """Say it in words, a line per finding."""
        state, name = self.fit.diagnostics, self.fit.program.name
        remarks = [f"Remark: {c.text} {c.advice}" for c in self.causes if not c.explains]
        if state.max_treedepth_hits and all(c.kind != "cut off" for c in self.causes):
            remarks.append(f"Remark: {state.remarks[0]}.")
        if state.sound and remarks:
            told = "the sampler did its work; about the model, there is more to say."
            return "\n".join([f"{name} is sound: {told}", *remarks])
        if state.sound:
            return f"{name} is sound: there is nothing to change."
        lines = [f"{name} {state.verdict}", f"Advice: {state.advice}"]
        if self.trials:
            one = self.trials[0].settings
            lines.append(
                f"Trial ({one.chains} x {one.draws} draws after {one.warmup}, seed "
                f"{one.seed}), beside {name} with {_rough(state.ess_per_second)} effective "
                f"draws a second for {state.slowest} and {state.divergences} divergences:"
            )
            lines += [f"- {self._told(trial)}" for trial in self.trials]
            lines.append(self._conclusion())
        return "\n".join([*lines, *remarks])

    __repr__ = __str__

    def _told(self, trial: Trial) -> str:
        """One trial in a line."""
        ratio = trial.faster
        speed = f"{_rough(ratio)} times" if ratio >= 1 else f"1/{_rough(1 / ratio)} of"
        same = "Means agree" if trial.agrees else "Means differ"
        doubt = "" if trial.agrees else "; those of a failed fit are not to be trusted"
        if not trial.rhat <= RHAT_LIMIT_GROUPS:
            doubt += f"; its chains do not agree, R-hat is {trial.rhat:.2f}"
        return (
            f"{trial.program}: {trial.verdict}. {_rough(trial.ess_per_second)} effective "
            f"draws a second for {trial.slowest} ({speed} the fit's), "
            f"{trial.divergences} divergences. {same} (largest difference {trial.gap:.1f} "
            f"standard errors, for {trial.gap_at}{doubt})."
        )

    def _conclusion(self) -> str:
        model = mend_first(self.causes)
        first = f"{model} For the model as it is: " if model else ""
        if self.program:
            return f'{first}{"u" if first else "U"}se program="{self.program}".'
        proposed = " and ".join(self.proposals)
        proved = "neither proved" if len(self.proposals) > 1 else "it did not prove"
        settings = self.fit.samples.settings
        step = general_step(self.fit.diagnostics.divergences, settings.adapt_delta)
        return (
            f"{first}{'t' if first else 'T'}he causes speak for {proposed}, but {proved} "
            f"better in the trial: keep {self.fit.program.name}; {step}"
        )


def advise(
    fit: Fit,
    *,
    trial: bool = True,
    warmup: int = 300,
    draws: int = 300,
    seed: int | None = None,
    progress: Progress = SILENT,
) -> Advice:
    """Say what is wrong with a fit and what to do, and try the program that is proposed.

    Parameters
    ----------
    fit : Fit
        Any fit; a sound one needs no advice and nothing is run.
    trial : bool
        Sample each proposed program for a short while, through the engine of the fit and
        with its number of chains. Without, the advice is in words only.
    warmup, draws : int
        Iterations per chain of the trial. Only a comparison is taken from it, not results.
    seed : int, optional
        Of the trial; by default that of the fit.
    progress : Progress
        Who is told how far it is.

    Returns
    -------
    Advice
        Causes with their evidence, proposals, and for each the effective draws per second
        and per gradient, and the divergences, beside those of the fit. A switch that the
        trial does not show to be better is not advised.

    Raises
    ------
    InputError
        When `fit` is none.
    EngineError
        When there is no usable CmdStan or compiler, or Stan stops.
    """
    if not isinstance(fit, Fit):
        raise InputError(
            f"advise takes a fit, as Model.sample returns it; {kind_of(fit)} was given."
        )
    state = fit.diagnostics
    trials: tuple[Trial, ...] = ()
    if trial and state.programs:
        settings = replace(
            fit.samples.settings,
            warmup=warmup,
            draws=draws,
            seed=fit.samples.settings.seed if seed is None else seed,
        )
        model = Model.of(fit)
        trials = tuple(
            try_program(model, fit, name, settings, progress) for name in state.programs
        )
    return Advice(fit, state.causes, state.programs, trials)


def _rough(value: float) -> str:
    """Give two digits, which is more than times of two runs keep."""
    return f"{float(f'{value:.2g}'):,.15g}"


_NUMBERS = (
    "slowest", "ess", "ess_per_second", "ess_per_gradient", "divergences", "rhat", "gap",
    "gap_at", "faster", "verdict",
)  # fmt: skip


def _run(settings: SamplerSettings) -> dict[str, int]:
    names = ("chains", "warmup", "draws", "seed")
    return {name: int(getattr(settings, name)) for name in names}
