"""Complete and no pooling by least squares, against statsmodels and by hand."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import hierstan as hs
from hierstan.design import Design
from hierstan.evaluate import build_design
from hierstan.frequentist import fit_by_group, fit_ols, regression


def test_ols_equals_statsmodels_formula(radon_design: Design) -> None:
    ours = fit_ols(radon_design)
    theirs = smf.ols("log_radon ~ floor", hs.data.radon()).fit()
    assert ours.fixed["floor"].center == pytest.approx(theirs.params["floor"], rel=1e-12)
    assert ours.fixed["floor"].spread == pytest.approx(theirs.bse["floor"], rel=1e-12)
    assert ours.loglik == pytest.approx(theirs.llf, rel=1e-12)
    assert ours.sigma.center == pytest.approx(np.sqrt(theirs.scale), rel=1e-12)


@pytest.mark.parametrize("far", [1e3, 1e6, 1e8])
def test_one_regression_far_from_zero(far: float) -> None:
    """Against sums about the mean, where nothing cancels; x itself keeps fewer digits."""
    rng = np.random.default_rng(1)
    x = far + rng.normal(size=50)
    data = pd.DataFrame({"x": x, "y": 2.0 + 0.5 * (x - far) + rng.normal(size=50)})
    data["g"] = np.arange(50) % 5
    found = regression(build_design("y ~ x + (1 | g)", data))
    about, squares = x - x.mean(), np.sum((x - x.mean()) ** 2)
    slope = about @ data["y"] / squares
    sigma = np.sqrt(np.sum((data["y"] - data["y"].mean() - slope * about) ** 2) / 48)
    digits = 1e-15 * far + 1e-12
    assert found.freedom == 48
    assert found.beta[1] == pytest.approx(slope, rel=100 * digits)
    assert found.sigma == pytest.approx(sigma, rel=100 * digits)
    error = sigma * np.sqrt(1 / 50 + (far - x.mean()) ** 2 / squares)
    own = found.sigma * np.linalg.norm(np.array([1.0, far]) @ found.root)
    assert own == pytest.approx(error, rel=100 * digits)


def test_no_pooling_with_a_common_slope_equals_dummies() -> None:
    design = build_design("log_radon ~ floor + (1 | county)", hs.data.radon())
    ours = fit_by_group(design, design.factors[0])
    theirs = smf.ols("log_radon ~ 0 + C(county) + floor", hs.data.radon()).fit()
    np.testing.assert_allclose(ours.coefficients[:, 0], theirs.params.iloc[:-1], rtol=1e-9)
    np.testing.assert_allclose(ours.se[:, 0], theirs.bse.iloc[:-1], rtol=1e-9)
    assert ours.common["floor"] == pytest.approx(theirs.params["floor"], rel=1e-9)
    assert ours.sigma == pytest.approx(np.sqrt(theirs.scale), rel=1e-9)


def test_no_pooling_is_silent_where_a_group_is(radon_design: Design) -> None:
    """CASS has basements only: a mean, no slope."""
    county = radon_design.factors[0]
    fit = fit_by_group(radon_design, county)
    cass = hs.data.radon().query("county == 'CASS'")["log_radon"]
    row = fit.coefficients[county.levels.index("CASS")]
    assert row[0] == pytest.approx(cass.mean(), rel=1e-9)
    assert np.isnan(row[1])
    wing = hs.data.radon().query("county == 'CROW WING'")
    own = smf.ols("log_radon ~ floor", wing).fit().params.to_numpy()
    np.testing.assert_allclose(
        fit.coefficients[county.levels.index("CROW WING")], own, rtol=1e-9
    )


def test_group_level_columns_are_left_to_the_group_intercepts() -> None:
    design = build_design("log_radon ~ floor + log_uranium + (1 | county)", hs.data.radon())
    assert list(fit_by_group(design, design.factors[0]).common) == ["floor"]
