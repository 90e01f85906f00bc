"""Standard deviations that may be zero, and such as the prior decides on."""

import warnings
from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy import stats

from hierstan.arviz_stats import convergence, power_scaling
from hierstan.design import Floats
from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.conflict import held_by
from hierstan.diagnostics.limits import RHAT_LIMIT_GROUPS
from hierstan.diagnostics.mixing import FEWEST
from hierstan.errors import InputError
from hierstan.priors.distributions import HalfStudentT

# A density at zero above this share of its peak leaves zero within what would be the 95 %
# likelihood-ratio interval: exp(-1.92), half the 95 % point of chi-squared with 1 degree.
AT_ZERO = 0.147
# Twice the limit of `hierstan.prediction.sensitivity`: not merely felt, but deciding. Of
# the 77 sds tried, those of 3 levels had 0.04 to 0.25 and those of 12 or more below 0.06.
DECIDES = 0.1


def find_boundary(evidence: Evidence) -> Iterator[Cause]:
    """Find sds for which zero is a likely value.

    A sd's posterior density at zero is compared with its highest, both by a kernel estimate
    reflected at zero; it must be above 15 % of it by two Monte Carlo standard errors, from
    40 effective draws or more. A mixed model may estimate such a sd as exactly zero (lme4's
    "singular fit"); the posterior says how far from zero it may be instead.
    """
    if evidence.prior_only:
        return
    for k, name, factor in evidence.deviations:
        chains = evidence.draws["tau"].isel(effect=k).to_numpy()
        values = chains.ravel()
        share, error = density_at_zero(values), error_at_zero(chains)
        few = not evidence.parameters["ess_bulk"][name] >= FEWEST
        if few or not share - 2 * error > AT_ZERO:
            continue
        high = float(np.quantile(values, 0.95))
        below = evidence.diverges_below(name)
        text = (
            f"{name} may be zero: its posterior density there is {share:.0%} of its "
            f"highest, and 95 % of it lies below {high:.3g}."
        )
        advice = f"Report {name} as an interval from zero"
        # Against a prior that holds the sd down, its draws say nothing of the effect.
        held = held_by(_prior(evidence, k), values)
        advice += (
            "." if held else "; leave the effect out if it is not part of the question."
        )
        if evidence.failed and below:
            text += " Transitions diverge where it is small."
        numbers = {"density_at_zero": share, "quantile_95": high, "levels": float(factor.J)}
        yield Cause("boundary", name, evidence.failed and below, numbers, text, advice)


def density_at_zero(values: Floats) -> float:
    """Return the density at zero over the highest, of draws of something positive.

    Parameters
    ----------
    values : ndarray
        Draws, all at least 0.

    Returns
    -------
    float
        From a normal kernel estimate with the draws reflected at zero and Silverman's
        bandwidth of the draws as they are; between 0 and 1. nan for a constant.
    """
    width = _width(values)
    if not width > 0:
        return float("nan")
    return float(np.mean(_kernel(values, 0.0, width)) / _highest(values, width))


def error_at_zero(chains: Floats) -> float:
    """Return the Monte Carlo standard error of `density_at_zero`.

    Parameters
    ----------
    chains : ndarray, shape (chains, draws)
        Draws, all at least 0.

    Returns
    -------
    float
        That of the density at zero, a mean over the draws; the highest density, which is
        known better, counts as known. nan for a constant.
    """
    values = chains.ravel()
    width = _width(values)
    if not width > 0:
        return float("nan")
    at_zero = _kernel(chains, 0.0, width)
    if not np.ptp(at_zero) > 0:
        return 0.0
    found = convergence(xr.Dataset({"at_zero": (("chain", "draw"), at_zero)}))
    return float(found["mcse_mean"]["at_zero"]) / _highest(values, width)


def _width(values: Floats) -> float:
    """Silverman's bandwidth."""
    quartiles = np.quantile(values, [0.25, 0.75])
    spread = min(float(np.std(values)), float(np.ptp(quartiles)) / 1.349)
    return float(0.9 * spread * len(values) ** -0.2)


def _kernel(values: Floats, at: float, width: float) -> Floats:
    """Share of every draw, and of its reflection, in the density at a point."""
    below, above = (at - values) / width, (at + values) / width
    return np.asarray(stats.norm.pdf(below) + stats.norm.pdf(above))


def _highest(values: Floats, width: float) -> float:
    """Highest density at zero and at quantiles."""
    at = np.append(0.0, np.quantile(values, np.linspace(0.01, 0.8, 60)))
    return max(float(np.mean(_kernel(values, t, width))) for t in at)


def find_prior_dominated(evidence: Evidence) -> Iterator[Cause]:
    """Find sds about which their prior decides, as it does with few levels.

    The sensitivity is that of `Fit.sensitivity`, with respect to the sd's own prior alone
    (Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5). What a prior of half the scale
    would do is computed by reweighting the draws, whose weights are bounded by two.
    """
    if evidence.prior_only:
        return
    names = evidence.priors.describe(evidence.design)
    for k, name, factor in evidence.deviations:
        prior = _prior(evidence, k)
        tau = evidence.draws["tau"].isel(effect=k, drop=True)
        # Chains that are not together yet cannot be reweighted; nan is a chain that stands.
        mixed = evidence.parameters["rhat"][name] <= RHAT_LIMIT_GROUPS
        if np.isinf(prior.scale) or not mixed:
            continue
        log_prior = tau.copy(data=prior.log_density(tau.to_numpy()))
        with warnings.catch_warnings():
            # Weights at a power of 1.01 are all but equal, whatever shape their tail has.
            warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto")
            try:
                found = power_scaling(tau.to_dataset(name="sd"), log_prior, "prior")["sd"]
            except InputError:  # too many equal draws, which has a finding of its own
                continue
        if not float(found) >= DECIDES:
            continue
        half = HalfStudentT(prior.df, prior.scale / 2)
        weights = np.exp(half.log_density(tau.to_numpy()) - log_prior.to_numpy())
        mean, moved = float(tau.mean()), float(np.average(tau, weights=weights))
        text = (
            f"{name}, of {factor.J} levels, owes much to its prior {names[name]}: with one "
            f"of half the scale its posterior mean would be {moved:.3g} instead of "
            f"{mean:.3g}."
        )
        advice = (
            f'Say which sds are plausible: priors={{"{name}": "half-normal(s)"}} keeps it '
            "below 2 s with 95 % probability; and report how the answer depends on s."
        )
        numbers = {
            "sensitivity": float(found), "levels": float(factor.J), "mean": mean,
            "mean_at_half_scale": moved,
        }  # fmt: skip
        yield Cause("prior-dominated sd", name, False, numbers, text, advice)


def _prior(evidence: Evidence, k: int) -> HalfStudentT:
    """Prior of a group sd, by its position in tau."""
    priors = evidence.priors
    return HalfStudentT(float(priors.tau_df[k]), float(priors.tau_scale[k]))
