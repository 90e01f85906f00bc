"""Causes in the model and its data, and fits without any."""

import json

import numpy as np
import pandas as pd
import pytest
from causes import crawling_sd, fit_of, grouped, kinds, named
from synthetic import Change, ar1, normal

import hierstan as hs
from hierstan.design import Floats
from hierstan.diagnostics.coefficients import find_far_from_zero
from hierstan.evaluate import build_design


def test_independent_draws_have_no_cause() -> None:
    fit = fit_of()
    assert fit.diagnostics.verdict == "sound"
    assert fit.diagnostics.causes == ()
    assert fit.diagnostics.programs == ()


def test_coefficients_known_only_together() -> None:
    noise = normal((240,), seed=18)
    data = grouped(20, 12).assign(z=lambda d: d["x"] + 0.01 * noise)

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = ar1(0.95, (4, 1000), seed=14)
        rest = 0.05 * normal((4, 1000), seed=15)
        v["beta"][:, :, 2] = 2.0 - v["beta"][:, :, 1] + rest

    fit = fit_of(change, "marginal", "y ~ x + z + (1 | g)", data)
    found = next(c for c in fit.diagnostics.causes if c.parameter == "x, z")
    assert found.kind == "weak identification"
    assert found.explains
    assert found.evidence["correlation"] < -0.99
    assert "Leave one of x and z out" in fit.diagnostics.advice


def test_coefficients_that_are_clear_of_zero_may_depend_on_each_other() -> None:
    """As those of x and its square far from zero, of which neither can be left out."""

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = 3.0 + 0.1 * normal((4, 1000), seed=14)
        v["beta"][:, :, 2] = -v["beta"][:, :, 1] + 0.005 * normal((4, 1000), seed=15)

    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        change(v, s)
        v["beta"][:, :, 1] = 3.0 + 0.1 * ar1(0.97, (4, 1000), seed=16)
        v["beta"][:, :, 2] = -v["beta"][:, :, 1]

    formula = "y ~ x + I(x**2) + (1 | g)"
    sound = fit_of(change, "marginal", formula)
    assert np.corrcoef(sound.draws["beta"].to_numpy().reshape(-1, 3).T)[1, 2] < -0.99
    assert sound.diagnostics.causes == ()
    failed = fit_of(slow, "marginal", formula)
    assert "Write center( ) around the predictor" in failed.diagnostics.advice
    assert "Leave one" not in failed.diagnostics.advice


def test_a_response_without_noise_fails_however_it_was_sampled() -> None:
    def nothing(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["sigma"] *= 1e-15

    data = grouped(20, 12)
    data["y"] = data.groupby("g")["y"].transform("mean")
    for program in ("marginal", "noncentered"):
        fit = fit_of(nothing, program, "y ~ 1 + (1 | g)", data)
        assert not fit.diagnostics.sound
        assert "rounding error beside a sd of" in fit.diagnostics.verdict
        assert kinds(fit) == ["exact fit"]
        assert "no program or setting helps" in fit.diagnostics.advice
    assert fit_of(data=data).diagnostics.sound  # an ordinary sigma is an ordinary sigma


def test_a_coefficient_as_wide_as_its_prior() -> None:
    priors = {"x": "normal(0.4, 0.5)"}

    def change(width: float) -> Change:
        def apply(v: dict[str, Floats], s: dict[str, Floats]) -> None:
            v["beta"][:, :, 1] = 0.4 + width * normal((4, 1000), seed=16)

        return apply

    wide, narrow = (
        fit_of(change(width), "marginal", priors=priors) for width in (0.49, 0.2)
    )
    found = named(wide)["weak identification"]
    assert found.parameter == "x"
    assert found.evidence["share_of_prior_variance"] == pytest.approx(0.96, rel=0.05)
    assert not found.explains
    assert wide.diagnostics.verdict == "sound"
    assert narrow.diagnostics.causes == ()


def test_a_predictor_far_from_zero_is_named() -> None:
    """Years: group intercepts in the year 0 correlate with slopes to six digits."""
    data = hs.data.sleepstudy().assign(year=lambda d: 2010 + d["Days"])
    for predictor, told in (("year", True), ("center(year)", False), ("Days", False)):
        formula = f"Reaction ~ {predictor} + ({predictor} | Subject)"
        found = find_far_from_zero(build_design(formula, data))
        assert any("Write center(year)" in cause.advice for cause in found) == told


def test_there_are_data_at_zero_of_a_column_of_zeros_and_ones() -> None:
    data = grouped(20, 12).assign(treated=np.r_[np.zeros(9), np.ones(231)])
    assert data["treated"].mean() > 3 * data["treated"].std()
    design = build_design("y ~ treated + (treated | g)", data)
    assert list(find_far_from_zero(design)) == []


def test_a_funnel_shows_beside_data_that_are_not_very_far_from_zero() -> None:
    data = grouped(20, 12).assign(x=lambda d: d["x"] + 4)
    fit = fit_of(crawling_sd(0.1), "centered", "y ~ x + (x | g)", data)
    assert kinds(fit)[:2] == ["far from zero", "funnel"]


def test_data_far_from_zero_come_before_any_program() -> None:
    """The geometry that they make goes away with them: no funnel is named."""
    data = grouped(20, 12).assign(x=lambda d: d["x"] + 30)
    formula = "y ~ x + (x | g)"
    fit = fit_of(crawling_sd(0.1), "centered", formula, data)
    assert kinds(fit)[0] == "far from zero"
    assert "funnel" not in kinds(fit)
    assert fit.diagnostics.advice.startswith("Write center(x) in the formula.")
    assert fit.diagnostics.programs == ("marginal",)


def test_programs_without_group_sds_are_checked_too() -> None:
    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)

    for program in ("pooled", "unpooled"):
        assert named(fit_of(program=program)) == {}
    fit = fit_of(slow, "pooled")
    assert kinds(fit) == ["too few draws"]
    assert fit.diagnostics.programs == ()


def test_draws_from_the_prior_only_have_no_causes_in_the_data() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = np.abs(normal((4, 1000), seed=12))

    fit = fit_of(change, "centered", data=grouped(3, 12), prior_only=True)
    assert fit.diagnostics.causes == ()


def test_causes_are_written_as_json() -> None:
    entry = fit_of(crawling_sd(0.1), "centered").diagnostics.to_dict()
    read = json.loads(json.dumps(entry, allow_nan=False))
    assert read["causes"][0]["kind"] == "funnel"
    assert read["causes"][0]["explains"] is True
    assert read["causes"][0]["evidence"]["reliability_low"] < 0.05


def numbered(levels: int, rows: int) -> pd.DataFrame:
    """Give a response that is one number per group, and nothing else."""
    data = grouped(levels, rows)
    level = data["g"].str[1:].astype(float)
    return data.assign(y=1e3 + 0.37 * level**2)


def diverging(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    s["diverging"][0, 7] = 1


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (x | g) + (1 | h)"])
def test_a_response_that_groups_determine_has_no_sigma(formula: str) -> None:
    fit = fit_of(diverging, "noncentered", formula, numbered(20, 12))
    (found,) = fit.diagnostics.causes
    assert (found.kind, found.parameter) == ("exact fit", "sigma")
    names = "g and h (with x) determine" if "h)" in formula else "g (with x) determines"
    assert found.text.startswith(f"{names} y exactly")
    assert "sigma is zero" in found.text
    assert found.evidence["residual_share"] < 1e-10
    assert "adapt_delta" not in fit.diagnostics.advice
    assert fit.diagnostics.programs == ()


def test_noise_of_any_size_and_rows_to_spare_are_no_exact_fit() -> None:
    data = numbered(20, 12)
    data["y"] += 1e-5 * normal((240,), seed=19)
    few = numbered(120, 2)
    for formula, rows in (("y ~ x + (1 | g)", data), ("y ~ 1 + (x | g)", few)):
        assert "exact fit" not in kinds(fit_of(diverging, "centered", formula, rows))


def test_a_response_that_predictors_determine_has_no_sigma() -> None:
    data = grouped(20, 12).assign(y=lambda d: 2.4 - 0.3 * d["x"])
    fit = fit_of(diverging, "pooled", data=data)
    assert named(fit)["exact fit"].text.startswith("x determines y exactly")
