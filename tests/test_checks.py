"""In-sample checks against the same numbers written out with pandas and numpy."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic import expected_by_hand, flat, synthetic_fit

from hierstan.analysis import Analysis
from hierstan.errors import InputError
from hierstan.fit import Fit
from hierstan.prediction import checks, simulate


def example() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(2, 1.5, 70), "w": rng.gamma(2, 3, 70)})
    data["g"], data["h"] = rng.choice(list("abcde"), 70), rng.integers(0, 9, 70)
    data["y"] = 1e6 + 1.3 * data["x"] + 3 * data["w"] + rng.normal(0, 4, 70)
    return data


@pytest.fixture
def fit() -> Fit:
    return synthetic_fit("y ~ x + offset(3 * w + 1000000) + (x | g) + (1 | h)", example())


def test_residuals_are_response_less_expectation(fit: Fit) -> None:
    table = fit.residuals()
    assert list(table.columns) == ["observed", "expected", "residual", "standardized"]
    np.testing.assert_allclose(table["observed"], example()["y"], rtol=1e-14)
    np.testing.assert_allclose(table["expected"], fit.predict().table["mean"], rtol=1e-14)
    residual = table["observed"] - table["expected"]
    np.testing.assert_array_equal(table["residual"], residual)
    np.testing.assert_allclose(
        table["standardized"], residual / float(fit.draws["sigma"].mean())
    )


@pytest.mark.parametrize("program", ["pooled", "unpooled"])
def test_residuals_of_the_other_programs(program: str) -> None:
    fit = synthetic_fit("y ~ x + w + (x | g)", example(), program)
    np.testing.assert_allclose(
        fit.residuals()["expected"], fit.predict().table["mean"], rtol=1e-12
    )


def test_replications_are_normal_around_their_draws(fit: Fit) -> None:
    """40 of 100 draws, evenly spread from the first to the last."""
    y = fit.replicate(40)
    assert y.shape == (40, 70)
    chosen = np.linspace(0, 99, 40).round().astype(int)
    assert chosen[[0, -1]].tolist() == [0, 99]
    offset = 3 * example()["w"].to_numpy() + 1e6
    mu = expected_by_hand(fit, fit.design, offset)[chosen]
    noise = (y - mu) / flat(fit, "sigma")[chosen, None]
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.001
    np.testing.assert_array_equal(y, fit.replicate(40, seed=fit.samples.settings.seed))
    assert (y != fit.replicate(40, seed=3)).all()


def test_replications_have_limits(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (0, 101, 2.5, "2"):
        with pytest.raises(InputError, match=f"draws is {wrong!r}; the fit has 100"):
            fit.replicate(wrong)
    monkeypatch.setattr(checks, "KEPT_CELLS", 70 * 30)
    assert fit.replicate(30).shape == (30, 70)
    with pytest.raises(InputError, match=r"31 replications of 70 rows .* at most 30"):
        fit.replicate(31)


@pytest.mark.parametrize("cells", [simulate.CELLS, 900])
def test_checks_are_those_of_the_replications(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    """Of one chunk, and of chunks of nine rows."""
    monkeypatch.setattr(simulate, "CELLS", cells)
    found, data = fit.predictive_checks(seed=8), example()
    drawn = fit.predict(seed=8, draws=True).draws
    assert drawn is not None
    y = drawn["observation"].to_numpy().reshape(100, 70)
    replicated = pd.DataFrame(y.T)
    for name, actual, again in (
        ("sd", data["y"].std(), replicated.std()),
        ("min", data["y"].min(), replicated.min()),
        ("max", data["y"].max(), replicated.max()),
        *(
            (
                f"sd of means by {by}",
                data.groupby(by)["y"].mean().std(),
                replicated.groupby(data[by]).mean().std(),
            )
            for by in ("g", "h")
        ),
    ):
        line = found.statistics.loc[name]
        assert line["observed"] == pytest.approx(actual, rel=1e-10), name
        assert line["mean"] == pytest.approx(again.mean(), rel=1e-10), name
        assert line["low"] == pytest.approx(again.quantile(0.025), rel=1e-10), name
        assert line["high"] == pytest.approx(again.quantile(0.975), rel=1e-10), name
        assert line["p_value"] == (again >= actual).mean(), name
    assert len(found.statistics) == 5
    assert found.statistics["p_value"].between(0.005, 0.995).any()
    for interval in (0.5, 0.95):
        table = fit.predict(seed=8, interval=interval).table
        inside = data["y"].between(table["predictive_low"], table["predictive_high"])
        assert found.coverage.loc[interval].tolist() == [inside.sum(), inside.mean()]
        assert 0 < inside.mean() < 1
    mu = drawn["expected"].to_numpy().reshape(100, 70)
    of_fitted = mu.var(axis=1, ddof=1)
    share = of_fitted / (of_fitted + flat(fit, "sigma") ** 2)
    np.testing.assert_allclose(found.r_squared_draws, share, rtol=1e-8)
    assert found.r_squared["mean"] == pytest.approx(share.mean())
    assert found.r_squared["sd"] == pytest.approx(share.std(ddof=1))
    np.testing.assert_allclose(
        found.r_squared[["low", "median", "high"]], np.quantile(share, [0.025, 0.5, 0.975])
    )
    assert found.seed == 8
    assert "In sample, " in str(found)
    assert "of the rows inside their 50% intervals" in str(found)
    assert found.remark in str(found)
    prior = replace(fit, prior_only=True).predictive_checks()
    assert "Beware: the draws are from the prior only" in str(prior)


def test_a_fit_that_tells_no_rows_apart_explains_nothing() -> None:
    fit = synthetic_fit("y ~ 1 + (1 | g)", example(), "pooled")
    assert not fit.predictive_checks().r_squared_draws.any()


@pytest.mark.stan
def test_checks_tell_the_programs_apart(radon_analysis: Analysis) -> None:
    """Data sets of pooled have too little between their counties, of unpooled too much."""
    found = {name: fit.predictive_checks() for name, fit in radon_analysis.fits.items()}
    p_value = {
        name: result.statistics.loc["sd of means by county", "p_value"]
        for name, result in found.items()
    }
    assert p_value["pooled"] < 0.1
    assert p_value["unpooled"] > 0.99
    assert 0.1 < p_value["noncentered"] < 0.9
    assert found["noncentered"].r_squared["low"] > found["pooled"].r_squared["high"]
    # Three parameters for 919 rows gain nothing in sample: 4 sd of a binomial share.
    for interval, share in found["pooled"].coverage["share"].items():
        error = np.sqrt(interval * (1 - interval) / 919)
        assert share == pytest.approx(interval, abs=4 * error)


@pytest.mark.parametrize(
    ("variable", "labels", "says"),
    [
        ("foo", {}, "no variable 'foo'; there are 'sigma'"),
        ("beta", {}, "takes one label each for term, not {}"),
        ("sigma", {"term": "x"}, "takes no label"),
        ("beta", {"term": "foo"}, "no term 'foo' of 'beta'; there are 'Intercept', 'x'"),
    ],
)
def test_an_unknown_element_of_the_draws_is_named(
    fit: Fit, variable: str, labels: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError) as caught:
        fit.value(variable, **labels)
    assert says in str(caught.value)


def test_an_unknown_factor_is_named(fit: Fit) -> None:
    with pytest.raises(
        InputError, match="no group coefficients of 'nope'; there are those of 'g', 'h'"
    ):
        fit.group_summary("nope")
