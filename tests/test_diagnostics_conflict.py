"""Priors that contradict the data, on draws of what such a prior makes of them."""

import numpy as np
import pandas as pd
import pytest
from synthetic import Change, ar1, normal, synthetic_fit

import hierstan as hs
from hierstan.design import Floats
from hierstan.fit import Fit
from hierstan.frequentist import fit_by_group, fit_mixedlm, fit_ols

FORMULA = "y ~ x + (1 | site)"


def sites(scale: float = 1.0, levels: int = 24) -> pd.DataFrame:
    """Twelve rows a site; slope 1.3, sd of the sites 1.1, sigma 0.9, times a scale."""
    rng = np.random.default_rng(6)
    site = np.repeat(np.arange(levels), 12)
    data = pd.DataFrame({"x": rng.normal(size=site.size)})
    level = 2.4 + 1.1 * rng.normal(size=levels)[site]
    noise = 0.9 * rng.normal(size=site.size)
    return data.assign(
        y=scale * (level + 1.3 * data["x"] + noise), site=[f"s{k:02d}" for k in site]
    )


def fit_of(change: Change, data: pd.DataFrame, priors: dict[str, str]) -> Fit:
    return synthetic_fit(
        FORMULA, data, "marginal", chains=4, draws=1000, change=change, priors=priors
    )


def slope(mean: float, sd: float) -> Change:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = mean + sd * normal((4, 1000), seed=16)

    return change


def spread(scale: float) -> Change:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = scale * np.abs(normal((4, 1000), seed=12))

    return change


def test_a_slope_that_the_prior_moved_is_a_conflict() -> None:
    """Normal(50, 0.01) beside data that say 1.3: the posterior is the prior."""
    data = sites()
    fit = fit_of(slope(50.0, 0.01), data, {"x": "normal(50, 0.01)"})
    (found,) = fit.diagnostics.causes
    reml = dict(fit_mixedlm(fit.design).estimates().rows())["x"]
    assert (found.kind, found.parameter) == ("prior conflict", "x")
    assert not found.explains
    assert found.evidence["estimate"] == pytest.approx(reml.center)
    assert found.evidence["se"] == pytest.approx(reml.spread)
    apart = (50 - reml.center) / np.hypot(0.01, reml.spread)
    assert found.evidence["sds_apart"] == pytest.approx(apart)
    assert found.text.startswith("Your prior contradicts the data for x: ")
    assert "normal(50, 0.01)" in found.text
    assert "leave" not in f"{found.text} {found.advice}"
    assert fit.diagnostics.sound
    assert fit.diagnostics.contradicted == ("x",)
    assert "contradict each other for x" in fit.diagnostics.verdict
    assert "leave" not in str(hs.advise(fit))


def test_a_prior_that_lets_the_data_decide_is_no_conflict() -> None:
    """Four prior sds from the estimate, which it moves by a tenth of its standard error."""
    design = fit_of(slope(1.3, 0.1), sites(), {}).design
    reml = dict(fit_mixedlm(design).estimates().rows())["x"]
    e = float(reml.spread or 0.0)
    wide = 40 * e
    posterior = reml.center + (4 / 40) * e
    prior = f"normal({reml.center + 4 * wide}, {wide})"
    assert fit_of(slope(posterior, e), sites(), {"x": prior}).diagnostics.causes == ()


def test_a_precise_prior_that_the_data_bear_out_keeps_its_coefficient() -> None:
    """The prior says more than the data, which still say that the slope is not zero."""
    fit = fit_of(slope(1.31, 0.001), sites(), {"x": "normal(1.31, 0.001)"})
    (found,) = fit.diagnostics.causes
    assert found.kind == "weak identification"
    assert "leave x out" not in found.advice
    idle = sites().assign(x=lambda d: d["x"].sample(frac=1, random_state=3).to_numpy())
    fit = fit_of(slope(0.0, 0.001), idle, {"x": "normal(0, 0.001)"})
    (found,) = fit.diagnostics.causes
    assert "or leave x out." in found.advice


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-5])
def test_an_intercept_is_held_against_its_prior_where_that_is(scale: float) -> None:
    """At average predictors: the data say 2.4 there, and 30 less at zero."""
    data = sites(scale).assign(x=lambda d: d["x"] + 30)

    def at(mean: float) -> Change:
        def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
            v["beta"][:, :, 1] = 1.3 * scale * (1 + 0.01 * normal((4, 1000), seed=3))
            there = scale * (mean + 0.01 * normal((4, 1000), seed=4))
            v["beta"][:, :, 0] = there - 30 * v["beta"][:, :, 1]

        return change

    far = {"Intercept": f"normal({-30 * scale}, {0.01 * scale})"}
    assert fit_of(at(-30.0), data, far).diagnostics.contradicted == ("Intercept",)
    near = {"Intercept": f"normal({2.4 * scale}, {0.01 * scale})"}
    assert fit_of(at(2.4), data, near).diagnostics.causes == ()


def test_a_sd_that_its_prior_holds_down_is_a_conflict() -> None:
    fit = fit_of(spread(0.01), sites(), {"sd(Intercept | site)": "half-normal(0.01)"})
    (found,) = fit.diagnostics.causes
    assert (found.kind, found.parameter) == ("prior conflict", "sd(Intercept | site)")
    reml = dict(fit_mixedlm(fit.design).estimates().rows())["sd(Intercept | site)"]
    assert found.evidence["estimate"] == pytest.approx(reml.center)
    assert found.evidence["prior_probability"] < 1e-12
    assert "leave" not in str(hs.advise(fit))


def test_a_small_sd_of_groups_that_hardly_differ_may_be_zero() -> None:
    """The same draws and prior, and data that do not speak against them."""
    data = sites().assign(y=lambda d: np.random.default_rng(2).normal(size=len(d)))
    fit = fit_of(spread(0.01), data, {"sd(Intercept | site)": "half-normal(0.01)"})
    assert fit.diagnostics.contradicted == ()
    found = next(c for c in fit.diagnostics.causes if c.kind == "boundary")
    # The density at zero is the prior's own: it says nothing against the effect.
    assert "leave" not in found.advice


def test_a_heavy_tail_yields_to_the_data() -> None:
    """A half-Cauchy(5) beside a sd of a million: improbable, and harmless."""

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"] *= 1e6
        v["sigma"] *= 1e6
        v["beta"] *= 1e6

    priors = {"sd(Intercept | site)": "half-cauchy(5)", "sigma": "half-cauchy(5)"}
    assert fit_of(change, sites(1e6), priors).diagnostics.contradicted == ()


def test_a_failed_fit_hears_of_its_prior_first() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        slope(50.0, 0.01)(v, s)
        v["tau"][:, :, 0] = np.exp(0.2 * ar1(0.9, (4, 1000), seed=5))

    fit = fit_of(change, sites(), {"x": "normal(50, 0.01)"})
    assert not fit.diagnostics.sound
    assert fit.diagnostics.causes[0].kind == "prior conflict"
    assert fit.diagnostics.advice.startswith("Check the units of the data and of the prior")


def test_least_squares_is_what_complete_pooling_is_held_against() -> None:
    priors = {"x": "normal(50, 0.01)"}
    fit = synthetic_fit(
        FORMULA, sites(), "pooled", draws=1000, change=slope(50.0, 0.01), priors=priors,
        chains=4,
    )  # fmt: skip
    (found,) = fit.diagnostics.causes
    ols = dict(fit_ols(fit.design).rows())["x"]
    assert found.evidence["estimate"] == pytest.approx(ols.center)
    assert found.evidence["se"] == pytest.approx(ols.spread)
    assert "(least squares)" in found.text


def test_priors_of_group_coefficients_and_sigma_are_held_against_the_data() -> None:
    """Without pooling: all sites' slopes are about 1.3, sigma is 0.9."""

    def prior_alone(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["gamma"][:, :, 24:] = -5 + 0.1 * normal((4, 1000, 24), seed=3)

    def fit_with(priors: dict[str, str], change: Change = prior_alone) -> Fit:
        return synthetic_fit(
            "y ~ x + (x | site)", sites(), "unpooled", chains=4, draws=1000, priors=priors,
            change=change,
        )  # fmt: skip

    fit = fit_with({"coef(x | site)": "normal(-5, 0.1)"})
    (found,) = fit.diagnostics.causes
    assert (found.kind, found.parameter) == ("prior conflict", "coef(x | site)")
    own = fit_by_group(fit.design, fit.design.factors[0])
    b, e = own.coefficients[:, 1], own.se[:, 1]
    assert found.evidence["estimate"] == pytest.approx(b.mean())
    apart = np.sqrt(np.mean((b + 5) ** 2 / (0.1**2 + e**2)))
    assert found.evidence["sds_apart"] == pytest.approx(apart)
    assert f"rows of 24 levels by themselves say {b.mean():.4g} on average" in found.text
    assert fit.diagnostics.contradicted == ("coef(x | site)",)
    assert fit_with({"coef(x | site)": "normal(1, 0.5)"}).diagnostics.causes == ()
    assert fit_with({"coef(x | site)": "normal(-5, 5)"}).diagnostics.causes == ()
    assert fit_with({}).diagnostics.causes == ()

    def small(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["sigma"] *= 0.05

    tight = synthetic_fit(
        "y ~ x + (x | site)", sites(), "unpooled", chains=4, draws=1000, change=small,
        priors={"sigma": "half-normal(0.01)"},
    )  # fmt: skip
    assert tight.diagnostics.contradicted == ("sigma",)
