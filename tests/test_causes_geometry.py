"""Causes in the geometry: funnels, strong data, ridges."""

import numpy as np
import pytest
from causes import crawling_sd, fit_of, grouped, kinds, named
from synthetic import ar1, normal

from hierstan.design import Floats


def test_a_crawling_sd_of_effects_without_data_is_a_funnel() -> None:
    """Ten rows a group and sd about 0.1 sigma: reliability 0.1, less at the low end."""
    fit = fit_of(crawling_sd(0.1), "centered")
    found = named(fit)["funnel"]
    assert found.parameter == "sd(Intercept | g)"
    assert found.evidence["reliability_low"] < 0.05
    assert found.evidence["ess_bulk"] < 150
    assert fit.diagnostics.programs == ("marginal", "noncentered")


@pytest.mark.parametrize(
    ("program", "center"), [("noncentered", 0.1), ("marginal", 0.1), ("centered", 30.0)]
)
def test_no_funnel_in_other_programs_or_where_data_are_strong(
    program: str, center: float
) -> None:
    fit = fit_of(crawling_sd(center), program)
    assert not fit.diagnostics.sound
    assert "funnel" not in kinds(fit)
    assert "noncentered" not in fit.diagnostics.programs


def test_an_sd_that_mixes_is_no_funnel() -> None:
    """Small sds, and a fit that fails for another reason."""

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"] *= 0.1
        v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)

    assert kinds(fit_of(change, "centered")) == ["too few draws"]


def test_a_short_run_of_a_sd_is_no_funnel() -> None:
    """300 effective of 2,000 draws: fewer than wanted, and not few of those there are."""

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = 0.1 * np.exp(0.8 * ar1(0.74, (4, 500), seed=8))

    assert kinds(fit_of(change, "centered", draws=500)) == ["too few draws"]


def test_divergences_below_make_a_funnel_of_a_sd_that_mixes() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = 0.1 * np.exp(0.8 * normal((4, 1000), seed=9))
        s["diverging"] = (v["tau"][:, :, 0] < 0.02).astype(float)

    fit = fit_of(change, "centered")
    found = named(fit)["funnel"]
    logs = np.log(fit.draws["tau"].to_numpy()[..., 0])
    there = fit.samples.sampler["diverging"] > 0
    exact = np.exp(logs[~there].mean() - logs[there].mean())
    assert found.evidence["times_lower"] == pytest.approx(exact)
    assert found.evidence["score"] < -2
    assert f"{exact:.2g} times lower where the sampler diverges" in found.text


def test_crossed_factors_are_never_told_to_use_marginal() -> None:
    """Marginal cannot take them."""
    formula = "y ~ x + (1 | g) + (1 | h)"
    fit = fit_of(crawling_sd(0.1), "centered", formula)
    assert fit.diagnostics.programs == ("noncentered",)
    assert "marginal" not in fit.diagnostics.advice
    scattered = fit_of(lambda v, s: s["diverging"].__setitem__((0, 7), 1.0), "centered",
                       formula)  # fmt: skip
    assert scattered.diagnostics.programs == ()
    assert "No clear cause: raise adapt_delta (0.99)" in scattered.diagnostics.advice


def slow_intercept(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    """Effects of sd 3, 40 rows a group: beta and the mean of u make up for each other."""
    v["tau"] *= 4
    creep = 3 / np.sqrt(20) * ar1(0.99, (4, 1000), seed=10)
    u = v["u"] - v["u"].mean(axis=2, keepdims=True)
    v["u"] = 3 * u - creep[..., None]
    v["beta"][:, :, 0] = creep + 0.03 * normal((4, 1000), seed=11)


def test_strong_data_speak_against_noncentered_only() -> None:
    data = grouped(20, 40)
    fit = fit_of(slow_intercept, "noncentered", data=data)
    assert fit.diagnostics.programs == ("marginal",)
    assert "centered" not in fit.diagnostics.advice
    assert named(fit)["strong data"].evidence["reliability_low"] > 0.95
    ridge = named(fit)["ridge"]
    assert ridge.parameter == "Intercept"
    assert ridge.evidence["correlation"] < -0.99
    assert ridge.evidence["sd_of_sum"] == pytest.approx(0.03, rel=0.1)
    other = fit_of(slow_intercept, "centered", data=data)
    assert other.diagnostics.programs == ("marginal",)
    assert "ridge" in kinds(other)
    assert "noncentered" not in other.diagnostics.advice


def slow_sd(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    """Make the first sd slow about where it is, far from zero."""
    v["tau"][:, :, 0] = 1.2 * np.exp(0.1 * ar1(0.95, (4, 1000), seed=5))


def test_strong_data_of_crossed_factors_speak_for_centered() -> None:
    formula, data = "y ~ x + (1 | g) + (1 | h)", grouped(20, 40)
    fit = fit_of(slow_sd, "noncentered", formula, data)
    assert fit.diagnostics.programs == ("centered",)
    assert 'hs.advise(fit) tries program="centered"' in fit.diagnostics.advice
    assert fit_of(slow_sd, "centered", formula, data).diagnostics.programs == ()


@pytest.mark.parametrize(("levels", "rows"), [(3, 40), (20, 2)])
def test_few_levels_or_little_data_are_not_strong(levels: int, rows: int) -> None:
    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["sigma"] *= 1.0 if levels == 3 else 2.0
        slow_sd(v, s)

    fit = fit_of(slow, "noncentered", data=grouped(levels, rows))
    assert kinds(fit) == ["too few draws"]
