"""Prior scales: presets, priors by name, and files."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.errors import PriorError
from hierstan.evaluate import build_design
from hierstan.priors import (
    PRESETS,
    default_priors,
    flat_priors,
    read_priors,
    resolve_priors,
    seeds_priors,
)


@pytest.fixture(scope="module")
def correlated() -> Design:
    """Three correlated effects and a lone one on a factor, two on another."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame(rng.normal(size=(60, 5)), columns=["y", "x", "w", "v", "sigma"])
    data["g"], data["h"] = rng.integers(0, 5, 60), rng.integers(0, 4, 60)
    return build_design("y ~ x + sigma + (x + w | g) + (0 + v | g) + (x | h)", data)


def test_default_scales_follow_their_formulas(radon_design: Design) -> None:
    priors = default_priors(radon_design)
    s = np.std(radon_design.y, ddof=1)
    x = np.std(radon_design.X[:, 1], ddof=1)
    np.testing.assert_allclose(priors.beta_location, [radon_design.y.mean(), 0.0])
    np.testing.assert_allclose(priors.beta_scale, [2.5 * s, 2.5 * s / x])
    mean = radon_design.X[:, 1].mean()
    np.testing.assert_allclose(priors.tau_scale, [s * np.hypot(1, mean / x), s / x])
    assert priors.sigma_scale == pytest.approx(s)
    np.testing.assert_allclose(priors.x_center, [0.0, radon_design.X[:, 1].mean()])


def test_default_scales_worked_out_by_hand() -> None:
    """y: mean 4, squared deviations 1 + 4 + 1 + 4 + 0 = 10, so s^2 = 10 / 4.

    x: mean 6, squared deviations 16 + 4 + 0 + 4 + 16 = 40, so s_x^2 = 10 and s / s_x = 1/2.
    """
    data = pd.DataFrame(
        {
            "y": [3.0, 6.0, 5.0, 2.0, 4.0],
            "x": [2.0, 4.0, 6.0, 8.0, 10.0],
            "g": list("ababa"),
        }
    )
    design = build_design("y ~ x + (x || g)", data)
    assert default_priors(design).describe(design, digits=6) == {
        "Intercept (at average predictors)": "normal(4, 3.95285)",  # 2.5 sqrt(2.5)
        "x": "normal(0, 1.25)",
        "coef(Intercept | g)": "normal(4, 8.47791)",  # 2.5 sqrt(2.5 + 6^2 / 4)
        "sd(Intercept | g)": "half-student-t(3, 3.39116)",  # sqrt(2.5 + 6^2 / 4)
        "coef(x | g)": "normal(0, 1.25)",
        "sd(x | g)": "half-student-t(3, 0.5)",
        "sigma": "half-student-t(3, 1.58114)",
    }


def test_default_unpooled_intercept_is_widened_to_predictors_at_zero() -> None:
    """With a predictor far from zero, its intercept prior must reach that far."""
    data = pd.DataFrame(
        {
            "y": [3.0, 5.0, 4.0, 9.0],
            "year": [2001.0, 2003.0, 2002.0, 2004.0],
            "g": list("abab"),
        }
    )
    priors = default_priors(build_design("y ~ year + (year || g)", data))
    slope = priors.beta_scale[1]
    assert priors.gamma_scale[0] == pytest.approx(
        np.hypot(priors.beta_scale[0], slope * 2002.5)
    )


def test_default_priors_follow_the_units() -> None:
    data = hs.data.sleepstudy()
    formula = "Reaction ~ Days + (Days | Subject)"
    base = default_priors(build_design(formula, data))
    data["Reaction"] /= 1000.0  # to seconds
    data["Days"] *= 24.0  # to hours
    scaled = default_priors(build_design(formula, data))
    np.testing.assert_allclose(scaled.beta_scale, base.beta_scale / [1e3, 24e3])
    np.testing.assert_allclose(scaled.tau_scale, base.tau_scale / [1e3, 24e3])
    np.testing.assert_allclose(scaled.gamma_scale, base.gamma_scale / [1e3, 24e3])
    assert scaled.sigma_scale == pytest.approx(base.sigma_scale / 1e3)


def test_seeds_priors_are_the_tutorials(radon_design: Design) -> None:
    priors = seeds_priors(radon_design)
    assert not priors.centred
    assert priors.describe(radon_design) == {
        "Intercept": "normal(0, 10000)",
        "floor": "normal(0, 10000)",
        "coef(Intercept | county)": "normal(0, 100)",
        "sd(Intercept | county)": "half-cauchy(5)",
        "coef(floor | county)": "normal(0, 100)",
        "sd(floor | county)": "half-cauchy(5)",
        "sigma": "half-cauchy(5)",
    }


def test_flat_priors_say_so(correlated: Design) -> None:
    words = flat_priors(correlated).describe(correlated)
    assert {prior for name, prior in words.items() if "corr" not in name} == {"flat"}
    assert {prior for name, prior in words.items() if "corr" in name} == {"lkj(1)"}


def test_every_parameter_has_one_name(correlated: Design) -> None:
    """A predictor called sigma, and a factor with one correlated term and a lone effect."""
    words = default_priors(correlated).describe(correlated)
    assert list(words) == [
        "Intercept (at average predictors)", "x", "sigma (coefficient)",
        "coef(Intercept | g)", "sd(Intercept | g)", "coef(x | g)", "sd(x | g)",
        "coef(w | g)", "sd(w | g)", "coef(v | g)", "sd(v | g)",
        "coef(Intercept | h)", "sd(Intercept | h)", "coef(x | h)", "sd(x | h)",
        "corr(g)", "corr(h)", "sigma",
    ]  # fmt: skip


def test_two_correlation_matrices_of_one_factor_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(40, 4)), columns=["y", "x", "w", "v"])
    data["g"] = rng.integers(0, 5, 40)
    design = build_design("y ~ x + (x | g) + (0 + w + v | g)", data)
    both = resolve_priors({"corr(g)": "lkj(3)"}, design)
    assert both.eta.tolist() == [3.0, 3.0]
    one = resolve_priors({"corr(g)": "lkj(3)", "corr(w, v | g)": "lkj(1.5)"}, design)
    assert one.eta.tolist() == [3.0, 1.5]
    assert one.named == ("corr(Intercept, x | g)", "corr(w, v | g)")


def test_priors_by_name_change_what_they_name_and_nothing_else(correlated: Design) -> None:
    named = {
        "Intercept": "normal(7.25, 3)",
        "sigma (coefficient)": "normal(-1, 0.125)",
        "coef( x|g )": "flat",
        "sd(x | h)": "half-normal(0.1234567)",
        "sd(g)": "half-student-t(4.5, 2)",
        "sd(w | g)": "half-cauchy(3)",
        "corr(h)": "lkj(2.5)",
        "sigma": "flat",
    }
    for preset in PRESETS:
        before = PRESETS[preset](correlated).describe(correlated)
        priors = resolve_priors({"preset": preset, **named}, correlated)
        assert priors.name == preset
        after = priors.describe(correlated)
        intercept = (
            "Intercept" if preset == "seeds" else "Intercept (at average predictors)"
        )
        assert after == before | {
            intercept: "normal(7.25, 3)",
            "sigma (coefficient)": "normal(-1, 0.125)",
            "coef(x | g)": "flat",
            "sd(Intercept | g)": "half-student-t(4.5, 2)",
            "sd(x | g)": "half-student-t(4.5, 2)",
            "sd(w | g)": "half-cauchy(3)",
            "sd(v | g)": "half-student-t(4.5, 2)",
            "sd(x | h)": "half-normal(0.1234567)",  # set by name, so not rounded
            "corr(h)": "lkj(2.5)",
            "sigma": "flat",
        }
        assert list(after) == list(before)


def test_the_preset_itself_is_left_alone(radon_design: Design) -> None:
    priors = default_priors(radon_design)
    before = priors.describe(radon_design)
    priors.set(radon_design, {"sd(county)": "half-normal(1)", "floor": "flat"})
    assert priors.describe(radon_design) == before


@pytest.mark.parametrize("preset", PRESETS)
def test_what_describe_prints_sets_the_same_priors(preset: str, correlated: Design) -> None:
    priors = resolve_priors({"preset": preset, "sd(w | g)": "half-normal(2)"}, correlated)
    told = priors.describe(correlated, digits=None)
    again = resolve_priors({"preset": preset, **told}, correlated)
    for field in ("beta_location", "beta_scale", "gamma_location", "gamma_scale", "tau_df",
                  "tau_scale", "eta", "sigma_df", "sigma_scale"):  # fmt: skip
        np.testing.assert_array_equal(getattr(again, field), getattr(priors, field))
    assert again.describe(correlated, digits=None) == told


REFUSED = [
    ("floor", "half-normal(1)", r"'floor' cannot be 'half-normal\(1\)': it is a coeff"),
    ("sigma", "normal(0, 1)", r"'sigma' cannot be .* standard deviation, which takes half"),
    ("sd(floor | county)", "lkj(2)", "it is a standard deviation"),
    ("corr(county)", "half-normal(2)", r"a correlation matrix, which takes lkj\(eta\)"),
    ("floor", "normal(0, 0)", "has scale 0; it must be above 0"),
    ("floor", "normal(0, -2)", "has scale -2"),
    ("floor", "normal(0)", r"has 1 number\(s\)"),
    ("floor", "normal(0, 1, 2)", r"has 3 number\(s\)"),
    ("floor", "normal(0, nan)", "has 'nan' where a finite number must be"),
    ("floor", "normal(0, inf)", "has 'inf' where .* is written flat"),
    ("floor", "normal(0, wide)", "has 'wide'"),
    ("floor", "normal(0,)", "has ''"),
    ("floor", "normal(0, 1", "is not of form normal"),
    ("floor", "normal", "cannot be 'normal'"),
    ("floor", "student_t(3, 0, 1)", "cannot be 'student_t"),
    ("floor", "", "is not of form"),
    ("floor", 3, "is 3; it must be a text"),
    ("sigma", "half-student-t(0, 1)", "has 0 degrees of freedom"),
    ("sigma", "half-student-t(3, 1, 2)", r"has 3 number\(s\)"),
    ("sigma", "half-normal(1, 2)", r"has 2 number\(s\)"),
    ("sigma", "flat()", "has ''"),
    ("corr(county)", "lkj(0)", "has shape 0"),
    ("flor", "normal(0, 1)", "no parameter 'flor' .* Did you mean 'floor'"),
    ("sd(floor|count)", "half-normal(1)", r"mean 'sd\(floor \| county\)'.* are Intercept"),
    ("corr(Intercept | county)", "lkj(1)", "no parameter"),
    ("preset", "vague", "no prior preset 'vague'; use default, seeds, flat"),
    ("preset", ["seeds"], "no prior preset"),
    (3, "normal(0, 1)", "3 is not"),
]


@pytest.mark.parametrize(("name", "prior", "says"), REFUSED)
def test_priors_that_make_no_sense_are_refused(name: str, prior: str, says: str) -> None:
    with pytest.raises(PriorError, match=says):
        hs.Model("log_radon ~ floor + (floor | county)", hs.data.radon(), {name: prior})


def test_a_parameter_is_set_once(radon_design: Design) -> None:
    twice = {"sd(floor | county)": "flat", "sd(floor|county)": "half-normal(1)"}
    with pytest.raises(PriorError, match="mean the same parameter"):
        resolve_priors(twice, radon_design)


def test_the_intercepts_name_says_where_it_is(radon_design: Design) -> None:
    at_average = {"Intercept (at average predictors)": "normal(1, 1)"}
    assert resolve_priors(at_average, radon_design).beta_location[0] == 1.0
    with pytest.raises(PriorError, match="of this model are Intercept, floor"):
        resolve_priors({"preset": "seeds", **at_average}, radon_design)


def test_unknown_presets_and_foreign_priors_are_refused(radon_design: Design) -> None:
    with pytest.raises(PriorError, match="no prior preset 'jeffreys'; use default, seeds"):
        resolve_priors("jeffreys", radon_design)
    other = build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())
    with pytest.raises(PriorError, match="for 1 coefficients"):
        resolve_priors(default_priors(other), radon_design)


FILE = """
preset = "seeds"
[priors]
floor = "normal(0, 1)"
"sd(floor | county)" = "half-normal(0.5)"
"""


def test_priors_come_from_a_file(tmp_path: Path, radon_design: Design) -> None:
    path = tmp_path / "my priors.toml"
    path.write_text(FILE)
    for given_as in (path, str(path)):
        priors = resolve_priors(given_as, radon_design)
        assert priors.name == "seeds"
        assert priors.named == ("floor", "sd(floor | county)")
        assert priors.beta_scale.tolist() == [1e4, 1.0]
        assert (priors.tau_df[1], priors.tau_scale[1]) == (math.inf, 0.5)
    path.write_text("")
    assert resolve_priors(path, radon_design).name == "default"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("priors = 3", r"priors must be a table"),
        ("[prior]\nfloor = 'flat'", "has a key 'prior'"),
        ("sd(floor) = 'flat'", "is not TOML: .*stand in quotes"),
        ("[priors]\npreset = 'flat'", "belongs above the table"),
        ("[priors]\nfloor = 0.5", "'floor' is 0.5; it must be a text"),
        ("preset = 2", "no prior preset 2"),
        (b"\xff", "is not TOML"),
    ],
)
def test_files_at_fault_are_refused(
    tmp_path: Path, radon_design: Design, text: str | bytes, says: str
) -> None:
    path = tmp_path / "priors.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PriorError, match=says):
        resolve_priors(path, radon_design)
    with pytest.raises(PriorError, match=r"nowhere\.toml cannot be read: No such file"):
        read_priors(tmp_path / "nowhere.toml")
