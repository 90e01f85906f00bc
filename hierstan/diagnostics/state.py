"""Can a fit be trusted, and if not, why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hierstan.design import Design
from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.chains import chain_table
from hierstan.diagnostics.conflict import KIND as CONFLICT
from hierstan.diagnostics.findings import advise_in_words, find_causes
from hierstan.diagnostics.limits import (
    EBFMI_LIMIT,
    ESS_PER_CHAIN,
    POPULATION,
    failed_checks,
    parameter_table,
)
from hierstan.diagnostics.places import divergence_places
from hierstan.engines.base import Samples
from hierstan.noise import ROUNDING
from hierstan.priors import Priors
from hierstan.programs import Program

# What a table of programs shows of each, and its entry in results.json.
NUMBERS = (
    "rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "max_treedepth_hits",
    "ebfmi", "seconds", "compile_seconds", "ess_per_second",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """The state of one fit.

    Attributes
    ----------
    divergences : int
        Transitions whose simulation left the true trajectory; any is too many.
    max_treedepth_hits : int
        Transitions cut off at the depth limit: slow, not wrong.
    ebfmi : float
        Smallest E-BFMI of the chains.
    rhat_max, ess_bulk_min, ess_tail_min : float
        Worst over all reported quantities, group coefficients included.
    mcse_over_sd_max : float
        Largest Monte Carlo standard error of a mean, in posterior sds, among coefficients,
        sds, correlations and sigma; nan where one of them is constant.
    seconds, compile_seconds : float
        Wall time of sampling, draws read back; and of compiling, 0 from the cache.
    ess_per_second : float
        Smallest bulk ESS among coefficients, sds, correlations and sigma over `seconds`.
    ess_per_gradient : float
        The same ESS over the leapfrog steps of the kept draws, warm-up not counted; nan
        where the engine did not record them.
    slowest : str
        The parameter whose ESS that is.
    failures : tuple of str
        Every check that failed, with its number and the parameter; empty when sound.
    remarks : tuple of str
        What is worth knowing but does not spoil the numbers.
    causes : tuple of Cause
        What explains the failures, by name and with its evidence, and what is true of the
        model besides (a prior-dominated sd, one that may be zero).
    advice : str
        What to do next; empty when sound.
    programs : tuple of str
        Programs that the causes speak for, to be tried in this order.
    parameters : pandas.DataFrame
        Every reported quantity held against the limits; see
        `hierstan.diagnostics.limits.parameter_table`.
    chains : pandas.DataFrame
        The sampler's record; see `hierstan.diagnostics.chains.chain_table`.
    places : pandas.DataFrame
        Where divergences sit; see `hierstan.diagnostics.places.divergence_places`.
    """

    divergences: int
    max_treedepth_hits: int
    ebfmi: float
    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    mcse_over_sd_max: float
    seconds: float
    compile_seconds: float
    ess_per_second: float
    ess_per_gradient: float
    slowest: str
    failures: tuple[str, ...]
    remarks: tuple[str, ...]
    causes: tuple[Cause, ...]
    advice: str
    programs: tuple[str, ...]
    parameters: pd.DataFrame = field(repr=False)
    chains: pd.DataFrame = field(repr=False)
    places: pd.DataFrame = field(repr=False)

    @property
    def sound(self) -> bool:
        """Whether every check passed."""
        return not self.failures

    @property
    def contradicted(self) -> tuple[str, ...]:
        """Parameters whose prior contradicts the data; see `find_conflicts`."""
        return _contradicted(self.causes)

    @property
    def cause(self) -> str:
        """Where it fails and what the evidence is; empty when sound or unknown."""
        return " ".join(cause.text for cause in self.causes if cause.explains)

    @property
    def verdict(self) -> str:
        """One sentence: sound, or what failed and where."""
        if self.sound:
            return "sound" + "".join(f"; {remark}" for remark in self.remarks)
        told = "; ".join(self.failures)
        return f"failed: {told}." + (f" {self.cause}" if self.cause else "")

    def failing(self) -> pd.DataFrame:
        """Return the rows of `parameters` that fail a check, worst bulk ESS first."""
        rows = self.parameters[self.parameters["failing"] != ""]
        return rows.sort_values("ess_bulk", na_position="first", kind="stable")

    def to_dict(self) -> dict[str, Any]:
        """Return this program's entry under ``diagnostics`` in ``results.json``."""
        return {
            **{name: getattr(self, name) for name in NUMBERS},
            "verdict": self.verdict,
            "advice": self.advice,
            "causes": [cause.to_dict() for cause in self.causes],
        }


def _contradicted(causes: tuple[Cause, ...]) -> tuple[str, ...]:
    return tuple(cause.parameter for cause in causes if cause.kind == CONFLICT)


def diagnose(
    program: Program,
    design: Design,
    priors: Priors,
    draws: xr.Dataset,
    samples: Samples,
    statistics: Mapping[str, xr.Dataset],
    *,
    prior_only: bool = False,
) -> Diagnostics:
    """Check a run.

    Parameters
    ----------
    program, design, priors : Program, Design, Priors
        Decide what can be advised.
    draws : xarray.Dataset
        Named draws (`hierstan.naming.name_draws`).
    samples : Samples
        The run they came from, with the sampler's own record.
    statistics : mapping of str to xarray.Dataset
        `hierstan.arviz_stats.convergence` of the reported draws.
    prior_only : bool
        Whether the likelihood was left out.

    Returns
    -------
    Diagnostics
        Numbers, failures, the causes as far as one fit can show them, and advice.
    """
    parameters, chains = parameter_table(draws, statistics), chain_table(samples)
    settings = samples.settings
    total = settings.chains * settings.draws
    divergences, hits = (int(chains[c].sum()) for c in ("divergences", "treedepth_hits"))
    fraction = float(chains["ebfmi"].min(skipna=False))
    failures = [f"{divergences} of {total} transitions diverged"] if divergences else []
    failures += failed_checks(parameters, ESS_PER_CHAIN * settings.chains)
    if not fraction >= EBFMI_LIMIT:
        failures.append(f"E-BFMI is {fraction:.2f} (wanted {EBFMI_LIMIT})")
    if not prior_only and (zero := _rounding(design, draws)):
        failures.append(zero)
    evidence = Evidence(
        program=program,
        design=design,
        priors=priors,
        draws=draws,
        samples=samples,
        parameters=parameters,
        chains=chains,
        places=divergence_places(design, draws, samples.sampler["diverging"].astype(bool)),
        failed=bool(failures),
        prior_only=prior_only,
    )
    causes = find_causes(evidence)
    advice, programs = advise_in_words(evidence, causes)
    remarks = []
    if hits:
        depth = settings.max_treedepth
        remarks.append(
            f"{hits} of {total} trajectories were cut off at depth {depth} (slow)"
        )
    if against := _contradicted(causes):
        remarks.append(
            f"prior and data contradict each other for {', '.join(against)}: with care"
        )
    population = parameters[parameters["variable"].isin(POPULATION)]
    ess = population["ess_bulk"]
    smallest = float(ess.min(skipna=False))
    leapfrogs = float(chains["leapfrogs"].sum(skipna=False))
    return Diagnostics(
        divergences=divergences,
        max_treedepth_hits=hits,
        ebfmi=fraction,
        rhat_max=float(parameters["rhat"].max(skipna=False)),
        ess_bulk_min=float(parameters["ess_bulk"].min(skipna=False)),
        ess_tail_min=float(parameters["ess_tail"].min(skipna=False)),
        mcse_over_sd_max=float(population["mcse_over_sd"].max(skipna=False)),
        seconds=samples.seconds,
        compile_seconds=samples.compile_seconds,
        ess_per_second=smallest / samples.seconds,
        ess_per_gradient=smallest / leapfrogs if leapfrogs > 0 else np.nan,
        slowest=str(ess.index[int(np.argmin(ess.to_numpy()))]),
        failures=tuple(failures),
        remarks=tuple(remarks),
        causes=causes,
        advice=advice,
        programs=programs,
        parameters=parameters,
        chains=chains,
        places=evidence.places,
    )


def _rounding(design: Design, draws: xr.Dataset) -> str:
    """Say that sigma is rounding error, if it is: a sampler may not mind."""
    sigma, size = float(draws["sigma"].mean()), float(np.std(design.y))
    if not sigma < ROUNDING * size:
        return ""
    return f"sigma is {sigma:.1g}, rounding error beside a sd of {size:.3g} of the response"
