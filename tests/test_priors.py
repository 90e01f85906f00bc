"""Prior scales."""

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.errors import PriorError
from hierstan.evaluate import build_design
from hierstan.priors import default_priors, resolve_priors, seeds_priors


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
    assert priors.beta_scale.tolist() == [1e4, 1e4]
    assert priors.gamma_scale.tolist() == [100.0, 100.0]
    assert (priors.tau_df, priors.tau_scale.tolist()) == (1.0, [5.0, 5.0])
    assert (priors.sigma_df, priors.sigma_scale) == (1.0, 5.0)
    assert not priors.x_center.any()


def test_priors_read_in_words(radon_design: Design) -> None:
    words = seeds_priors(radon_design).describe(radon_design)
    assert words["floor"] == "normal(0, 1e+04)"
    assert words["sd(floor | county)"] == "half-Cauchy(0, 5)"
    assert words["floor | county (unpooled)"] == "normal(0, 100)"
    autoscaled = default_priors(radon_design).describe(radon_design)
    assert autoscaled["sigma"] == "half-Student-t(3, 0, 0.819)"
    assert "Intercept (at average predictors)" in autoscaled


def test_correlated_effects_have_a_prior_on_their_correlation() -> None:
    design = build_design("log_radon ~ floor + (floor | county)", hs.data.radon())
    assert default_priors(design).describe(design)["corr(county)"] == "LKJ(1)"


def test_unknown_presets_and_foreign_priors_are_refused(radon_design: Design) -> None:
    with pytest.raises(PriorError, match="no prior preset 'jeffreys'; use default, seeds"):
        resolve_priors("jeffreys", radon_design)
    other = build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())
    with pytest.raises(PriorError, match="for 1 coefficients"):
        resolve_priors(default_priors(other), radon_design)
