"""Can a fit be trusted, and if not, why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hierstan.arviz_stats import ebfmi
from hierstan.design import Design
from hierstan.engines.base import Samples
from hierstan.programs import Program
from hierstan.structure import chain

# Vehtari et al. 2021 (doi:10.1214/20-BA1221) for R-hat and ESS; Betancourt 2016
# (arXiv:1604.00695) for E-BFMI.
RHAT_LIMIT = 1.01
# Chance takes the largest of hundreds of group coefficients past 1.01 at a few hundred
# effective draws; for them Stan's own limit holds. ESS is asked of all alike.
RHAT_LIMIT_GROUPS = 1.05
ESS_PER_CHAIN = 100
EBFMI_LIMIT = 0.3
# A sd whose 5 % quantile is below this share of its median comes near zero: a funnel.
NEAR_ZERO = 0.5
# A predictor whose mean is this many sds from zero has its intercepts outside of the data.
FAR_FROM_ZERO = 3.0
_MARGINAL = 'Use program="marginal": the same posterior, the group effects integrated out.'


@dataclass(frozen=True)
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
    seconds, compile_seconds : float
        Wall time of sampling, draws read back; and of compiling, 0 from the cache.
    ess_per_second : float
        Smallest bulk ESS among coefficients, sds, correlations and sigma over `seconds`.
    failures : tuple of str
        Every check that failed, with its number and the parameter; empty when sound.
    remarks : tuple of str
        What is worth knowing but does not spoil the numbers.
    cause : str
        Where it fails and what the evidence is; empty when sound or unknown.
    advice : str
        What to do next; empty when sound.
    """

    divergences: int
    max_treedepth_hits: int
    ebfmi: float
    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    seconds: float
    compile_seconds: float
    ess_per_second: float
    failures: tuple[str, ...]
    remarks: tuple[str, ...]
    cause: str
    advice: str

    @property
    def sound(self) -> bool:
        """Whether every check passed."""
        return not self.failures

    @property
    def verdict(self) -> str:
        """One sentence: sound, or what failed and where."""
        if self.sound:
            return "sound" + "".join(f"; {remark}" for remark in self.remarks)
        told = "; ".join(self.failures)
        return f"failed: {told}." + (f" {self.cause}" if self.cause else "")

    def to_dict(self) -> dict[str, Any]:
        """Return this program's entry under ``diagnostics`` in ``results.json``."""
        numbers = (
            "divergences", "max_treedepth_hits", "ebfmi", "rhat_max", "ess_bulk_min",
            "ess_tail_min", "seconds", "compile_seconds", "ess_per_second",
        )  # fmt: skip
        return {
            **{name: getattr(self, name) for name in numbers},
            "verdict": self.verdict,
            "advice": self.advice,
        }


def reported(draws: xr.Dataset) -> xr.Dataset:
    """Drop what is not a result: the log prior."""
    return draws.drop_vars("lprior", errors="ignore")


def diagnose(
    program: Program,
    design: Design,
    draws: xr.Dataset,
    samples: Samples,
    statistics: Mapping[str, xr.Dataset],
) -> Diagnostics:
    """Check a run.

    Parameters
    ----------
    program, design : Program, Design
        Decide what can be advised.
    draws : xarray.Dataset
        Named draws (`hierstan.naming.name_draws`).
    samples : Samples
        The run they came from, with the sampler's own record.
    statistics : mapping of str to xarray.Dataset
        `hierstan.arviz_stats.convergence` of the reported draws.

    Returns
    -------
    Diagnostics
        Numbers, failures, the cause as far as one fit can show it, and advice.
    """
    worst = {
        "rhat": _extreme(statistics["rhat"], largest=True),
        "ess_bulk": _extreme(statistics["ess_bulk"], largest=False),
        "ess_tail": _extreme(statistics["ess_tail"], largest=False),
    }
    divergences = int(samples.sampler["diverging"].sum())
    hits = int((samples.sampler["tree_depth"] >= samples.settings.max_treedepth).sum())
    fraction = float(np.min(ebfmi(samples.sampler["energy"])))
    total = samples.settings.chains * samples.settings.draws
    least = ESS_PER_CHAIN * samples.settings.chains
    failures = []
    if divergences:
        failures.append(f"{divergences} of {total} transitions diverged")
    population = [name for name in ("beta", "tau", "rho", "sigma") if name in draws]
    groups = [name for name in statistics["rhat"].data_vars if name not in population]
    for names, limit in ((population, RHAT_LIMIT), (groups, RHAT_LIMIT_GROUPS)):
        rhat, where = _extreme(statistics["rhat"][names], largest=True)
        if names and not rhat <= limit:
            failures.append(f"R-hat is {_short(rhat)} (limit {limit}) for {where}")
    for name, title in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        if not worst[name][0] >= least:
            failures.append(
                f"{title} ESS is {worst[name][0]:.0f} (wanted {least}) for {worst[name][1]}"
            )
    if not fraction >= EBFMI_LIMIT:
        failures.append(f"E-BFMI is {fraction:.2f} (wanted {EBFMI_LIMIT})")
    remarks: tuple[str, ...] = ()
    if hits:
        depth = samples.settings.max_treedepth
        remarks = (f"{hits} of {total} trajectories were cut off at depth {depth} (slow)",)
    cause, advice = ("", "")
    if failures:
        cause, advice = _explain(program, draws, samples, statistics, least)
        if program.name in ("centered", "noncentered") and chain(design.factors):
            advice = (
                f"{_MARGINAL} With them as parameters: {advice[:1].lower()}{advice[1:]}"
            )
        advice = " ".join([*_far_from_zero(design), advice])
    smallest, _ = _extreme(statistics["ess_bulk"][population], largest=False)
    return Diagnostics(
        divergences=divergences,
        max_treedepth_hits=hits,
        ebfmi=fraction,
        rhat_max=worst["rhat"][0],
        ess_bulk_min=worst["ess_bulk"][0],
        ess_tail_min=worst["ess_tail"][0],
        seconds=samples.seconds,
        compile_seconds=samples.compile_seconds,
        ess_per_second=smallest / samples.seconds,
        failures=tuple(failures),
        remarks=remarks,
        cause=cause,
        advice=advice,
    )


def parameter_name(variable: str, labels: tuple[str, ...]) -> str:
    """Name one element of a variable of named draws as tables do."""
    if variable == "tau":
        return f"sd({labels[0]})"
    if variable == "rho":
        return f"corr({labels[0]})"
    if variable == "beta":
        return "sigma (coefficient)" if labels[0] == "sigma" else labels[0]
    if labels:
        kind = "effect" if variable.startswith("u[") else "coefficient"
        return f"the {kind} {labels[0]} of {labels[1]}"
    return variable


def _short(rhat: float) -> str:
    return f"{rhat:.3f}" if not rhat > 100 else "over 100"


def _extreme(values: xr.Dataset, largest: bool) -> tuple[float, str]:
    """Worst value with its parameter's name; nan counts as worst."""
    best, where = (-np.inf if largest else np.inf), ""
    for name, array in values.data_vars.items():
        flat = array.values.ravel()
        if not flat.size:
            continue
        if np.isnan(flat).any():
            position = int(np.flatnonzero(np.isnan(flat))[0])
        else:
            position = int(np.argmax(flat) if largest else np.argmin(flat))
        value = float(flat[position])
        if np.isnan(value) or (value > best if largest else value < best):
            index = np.unravel_index(position, array.shape)
            labels = tuple(
                str(array.coords[dim].values[k])
                for dim, k in zip(array.dims, index, strict=True)
            )
            best, where = value, parameter_name(str(name), labels)
            if np.isnan(value):
                break
    return best, where


def _explain(
    program: Program,
    draws: xr.Dataset,
    samples: Samples,
    statistics: Mapping[str, xr.Dataset],
    least: float,
) -> tuple[str, str]:
    """Find the standard deviation at fault, if one is, and say what the evidence is."""
    more = "Take more draws (and as long a warm-up); look at the trace picture."
    if "tau" not in draws:
        return "", more
    diverging = samples.sampler["diverging"].astype(bool)
    effect, located = _where_divergences_sit(draws["tau"], diverging)
    if not effect:
        slowest = int(np.argmin(statistics["ess_bulk"]["tau"].to_numpy()))
        effect = str(draws["effect"].to_numpy()[slowest])
    tau = draws["tau"].sel(effect=effect)
    ess = float(statistics["ess_bulk"]["tau"].sel(effect=effect))
    slow = not (ess >= least and statistics["rhat"]["tau"].sel(effect=effect) <= RHAT_LIMIT)
    if not (slow or located):
        return "", more if not diverging.any() else f"Raise adapt_delta (0.99). {more}"
    evidence = f"it has {ess:.0f} effective of {tau.size} draws"
    if located:
        values = tau.to_numpy()
        evidence += (
            f", and averages {values[diverging].mean():.3g} where the sampler diverges "
            f"against {values[~diverging].mean():.3g} elsewhere"
        )
    low, middle = np.quantile(tau, [0.05, 0.5])
    if program.name == "centered" and (located or low < NEAR_ZERO * middle):
        return (
            f"The culprit is sd({effect}): {evidence}, and comes down to {low:.3g} from a "
            f"median of {middle:.3g}. This is the funnel: when the sd is small all its "
            "group effects are squeezed together, too narrow for the step size that suits "
            "the rest.",
            'Use program="noncentered": the same posterior without the funnel.',
        )
    return (
        f"The slowest standard deviation is sd({effect}): {evidence}.",
        "Raise adapt_delta (0.99) when transitions diverge, take more draws otherwise.",
    )


def _far_from_zero(design: Design) -> list[str]:
    """Name a predictor whose group intercepts lie far outside of its data."""
    for factor in design.factors:
        for name, column in zip(factor.effects, factor.Z.T, strict=True):
            mean, sd = float(column.mean()), float(column.std())
            if "Intercept" in factor.effects and 0 < FAR_FROM_ZERO * sd < abs(mean):
                return [
                    f"Write center({name}): at {name} = 0, where the intercepts of "
                    f"{factor.name} are, there are no data (mean {mean:.4g}, sd {sd:.2g})."
                ]
    return []


def _where_divergences_sit(tau: xr.DataArray, diverging: Any) -> tuple[str, bool]:
    """Return the effect whose sd is most clearly smaller where transitions diverge.

    Clear means that the mean log sd there is lower by more than two standard errors of a
    mean over the diverging draws; with fewer than five of them nothing is clear.
    """
    if diverging.sum() < 5 or diverging.all():
        return "", False
    logs = np.log(tau.values)
    gap = logs[diverging].mean(axis=0) - logs[~diverging].mean(axis=0)
    score = gap / (logs.std(axis=(0, 1)) / np.sqrt(diverging.sum()))
    lowest = int(np.argmin(score))
    if score[lowest] > -2.0:
        return "", False
    return str(tau["effect"].values[lowest]), True
