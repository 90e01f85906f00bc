"""The split of a gap into its parts, on made-up estimates."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hierstan as hs
from hierstan.design import Design
from hierstan.estimates import Estimates, PosteriorValue, Value
from hierstan.ladder.curves import density, profiled
from hierstan.ladder.evidence import evidence
from hierstan.ladder.rungs import Rung, climb_ladder


def point(slope: float, tau: float) -> Estimates:
    """A fit by maximum likelihood."""
    return hs.Estimates(
        criterion="REML", loglik=-12.5, converged=True, singular=False, rescued=False,
        fixed={"x": Value(slope, 0.2)}, sd={"g": {"Intercept": Value(tau, 0.1)}}, corr={},
        sigma=Value(0.7, 0.05),
    )  # fmt: skip


def posterior(slope: float, tau: float, mcse: float = 0.002) -> Estimates:
    """Draws, summarized."""

    def value(mean: float, sd: float) -> PosteriorValue:
        return PosteriorValue(mean, sd, mean, mean - sd, mean + sd, mcse, 1.0, 900.0, 900.0)

    fitted = point(slope, tau)
    return replace(
        fitted, criterion=None, loglik=None, fixed={"x": value(slope, 0.25)},
        sd={"g": {"Intercept": value(tau, 0.125)}}, sigma=value(0.7, 0.05),
    )  # fmt: skip


def by_name(rungs: tuple[Rung, ...]) -> dict[str, Rung]:
    return {rung.name: rung for rung in rungs}


def test_parts_add_up_and_the_largest_comes_first() -> None:
    rungs = climb_ladder(
        point(1.2, 0.30), point(1.2, 0.30), posterior(1.21, 0.35), posterior(1.2, 0.45),
        {"sd(Intercept | g)": "it rests on 5 levels of g"},
    )  # fmt: skip
    assert [rung.name for rung in rungs] == ["x", "sd(Intercept | g)", "sigma"]
    tau = by_name(rungs)["sd(Intercept | g)"]
    assert tau.mean is not None
    assert tau.mode_to_mean is not None
    assert tau.prior is not None
    parts = tau.engine + tau.mode_to_mean + tau.prior
    assert parts == pytest.approx(tau.mean - tau.estimate, abs=1e-15)
    assert tau.in_sd(tau.prior) == pytest.approx(0.8)
    assert tau.verdict.startswith(
        "the prior pulls sd(Intercept | g) up by 0.8 sd; it rests on 5 levels of g; "
        "averaging puts the mean 0.4 sd above the most likely value, already under flat"
    )
    assert by_name(rungs)["x"].verdict == "agree"
    assert tau.to_dict()["prior_sd"] == pytest.approx(0.8)


def test_an_optimizer_that_stopped_short_is_named() -> None:
    rungs = climb_ladder(point(1.19, 0.30), point(1.2, 0.30), None, None, {})
    assert by_name(rungs)["x"].verdict == (
        "the mixed-model fit stops 0.05 se below the optimum that Stan finds"
    )
    assert by_name(rungs)["sigma"].verdict == "same optimum"
    assert by_name(rungs)["sigma"].mean is None


def test_a_strong_prior_does_not_make_the_other_parts_look_large() -> None:
    """The wider posterior is the unit: here the flat one, five times as wide."""
    narrow = posterior(1.2, 0.45)
    narrow.sd["g"]["Intercept"] = replace(narrow.sd["g"]["Intercept"], sd=0.025)
    rungs = climb_ladder(point(1.2, 0.3), point(1.2, 0.3), posterior(1.2, 0.35), narrow, {})
    tau = by_name(rungs)["sd(Intercept | g)"]
    assert tau.in_sd(tau.mode_to_mean) == pytest.approx(0.4)
    assert "0.4 sd above" in tau.verdict
    assert "up by 0.8 sd" in tau.verdict


def test_noise_is_said() -> None:
    noisy = posterior(1.2, 0.30, mcse=0.02)
    rungs = climb_ladder(point(1.2, 0.30), point(1.2, 0.30), noisy, noisy, {})
    assert by_name(rungs)["x"].verdict == "the draws leave 0.1 sd open: take more"


def test_without_a_flat_posterior_the_gap_stays_whole() -> None:
    rungs = climb_ladder(point(1.2, 0.3), point(1.2, 0.3), None, posterior(1.2, 0.4), {})
    tau = by_name(rungs)["sd(Intercept | g)"]
    assert tau.prior is None
    assert tau.verdict == "the posterior mean is 0.8 sd above the estimate"


def test_evidence_counts_the_counties_with_both_floors(radon_design: Design) -> None:
    told = evidence(radon_design)
    (county,) = radon_design.factors
    floor = radon_design.X[:, 1]
    both = sum(np.ptp(floor[county.index == j]) > 0 for j in range(county.J))
    assert told["sd(floor | county)"] == (f"it rests on {both} of 85 levels of county")
    assert told["sd(Intercept | county)"] == "it rests on 85 levels of county"


def test_a_correlation_rests_on_levels_that_tell_both_effects() -> None:
    """Level a has x = 0 throughout, b and c have w = 0: three of six tell both."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"g": list("abcdef") * 6, "y": rng.normal(size=36)})
    data["x"] = np.where(data["g"] == "a", 0.0, rng.normal(3.0, 1.0, 36))
    data["w"] = np.where(data["g"].isin(["b", "c"]), 0.0, rng.normal(-2.0, 1.0, 36))
    told = evidence(hs.Model("y ~ x + w + (0 + x + w | g)", data).design)
    assert told == {
        "sd(x | g)": "it rests on 5 of 6 levels of g",
        "sd(w | g)": "it rests on 4 of 6 levels of g",
        "corr(x, w | g)": "it rests on 3 of 6 levels of g",
    }


def test_a_profile_is_as_high_as_its_interval_says() -> None:
    """At the ends of a 95 % interval the log likelihood is 1.92 below its maximum."""
    fitted = hs.Model("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff()).mixedlm()
    (found,) = [c for n, c in fitted.profile().curves.items() if n.startswith("sd(")]
    curve = profiled(found)
    ends = np.interp([found.low, found.estimate, found.high], curve.x, curve.height)
    lowest = np.exp(-0.5 * stats.chi2(1).ppf(0.95))
    np.testing.assert_allclose(ends, [lowest, 1.0, lowest], rtol=2e-3)


def test_a_density_does_not_fall_at_a_bound() -> None:
    """Half-normal draws: the highest point is at zero, which a plain kernel misses."""
    draws = np.abs(np.random.default_rng(3).normal(size=4000))
    curve = density(draws, lower=0.0)
    assert curve is not None
    assert curve.x[0] == 0.0
    assert curve.height[0] > 0.95
    assert density(np.full(7, 1.3)) is None
