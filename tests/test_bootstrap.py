"""The parametric bootstrap, against exact distributions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

import hierstan as hs
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.frequentist import MixedFit, bootstrap, fit_mixedlm
from hierstan.frequentist.bootstrap import simulate
from hierstan.frequentist.climb import Peak
from hierstan.frequentist.standard import Standard


@pytest.fixture(scope="module")
def dyestuff() -> MixedFit:
    return fit_mixedlm(build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff()))


@pytest.mark.slow
def test_refits_have_the_exact_distribution_of_a_balanced_layout(
    dyestuff: MixedFit,
) -> None:
    """Mean squares are independent chi-squares; REML estimates are functions of them.

    With w and b the sums of squares within and between batches, sigma^2 is w / 24 when
    b / 5 is larger, else (w + b) / 29 and tau is zero; the intercept is normal.
    """
    found = dyestuff.bootstrap(1000, seed=1)
    assert found.failed == 0
    within = dyestuff.sigma**2
    between = within + 5 * dyestuff["Batch"].tau[0] ** 2

    def below(sigma: float) -> float:
        x = sigma**2

        def given(w: float) -> float:
            capped = stats.chi2.cdf(min(5 * w / 24, 29 * x - w) / between, 5)
            if w <= 24 * x:
                capped += stats.chi2.sf(5 * w / 24 / between, 5)
            return capped * stats.chi2.pdf(w / within, 24) / within

        return quad(given, 0, 24 * x)[0] + quad(given, 24 * x, 29 * x)[0]

    grid = np.linspace(20, 90, 141)
    exact = [below(sigma) for sigma in grid]
    sigmas = found.refits["sigma"]
    assert stats.kstest(sigmas, lambda s: np.interp(s, grid, exact)).pvalue > 0.001
    spread = np.sqrt(between / 30)
    centered = (found.refits["Intercept"] - dyestuff.solution.beta[0]) / spread
    assert stats.kstest(centered, "norm").pvalue > 0.001
    at_zero = stats.f.cdf(within / between, 5, 24)
    count = int((found.refits["sd(Intercept | Batch)"] == 0).sum())
    assert stats.binomtest(count, 1000, at_zero).pvalue > 0.001
    # An end of the interval lies within its own sampling error of the exact one.
    low, high = found.to_frame().loc["sigma", ["low", "high"]]
    share = np.sqrt(0.025 * 0.975 / 1000)
    assert abs(below(low) - 0.025) < 4 * share
    assert abs(below(high) - 0.975) < 4 * share


def test_every_refit_of_a_balanced_layout_is_its_analysis_of_variance(
    dyestuff: MixedFit,
) -> None:
    found = dyestuff.bootstrap(100, seed=9)
    rng, batch = np.random.default_rng(9), dyestuff.design.factors[0]
    standard = Standard.of(dyestuff.design)
    inside = standard.inward(dyestuff.variances)
    truth = standard.R @ (dyestuff.solution.beta - standard.b) / standard.s
    for _, refit in found.refits.iterrows():
        y = simulate(standard, inside, truth, rng) * standard.s
        means = np.bincount(batch.index, y) / 5
        within = np.sum((y - means[batch.index]) ** 2) / 24
        between = np.var(means, ddof=1) * 5
        tau = np.sqrt(max(0.0, between - within) / 5)
        pooled = np.sum((y - y.mean()) ** 2) / 29
        sigma = np.sqrt(within if tau > 0 else pooled)
        assert refit["sd(Intercept | Batch)"] == pytest.approx(tau, rel=1e-4, abs=1e-9)
        assert refit["sigma"] == pytest.approx(sigma, rel=1e-5)
        intercept = y.mean() + standard.b[0]
        assert refit["Intercept"] == pytest.approx(intercept, rel=1e-9)


def test_simulated_responses_have_the_fits_covariance() -> None:
    """Crossed, with correlated effects: moments of 4,000 draws against dense algebra."""
    from dense import covariance

    rng = np.random.default_rng(2)
    data = pd.DataFrame({"a": rng.integers(0, 4, 24), "b": rng.integers(0, 3, 24)})
    data = data.assign(x=rng.normal(size=24), y=rng.normal(size=24))
    design = build_design("y ~ x + (x | a) + (1 | b)", data)
    fit = fit_mixedlm(design)
    Sigmas = (np.array([[2.0, 0.7], [0.7, 1.3]]), np.array([[0.8]]))
    standard = Standard.of(design)
    inside = standard.inward(replace(fit.variances, Sigmas=Sigmas, sigma=0.6))
    beta = np.array([1.5, -0.4])
    draws = np.array([simulate(standard, inside, beta, rng) for _ in range(4000)])
    draws *= standard.s
    V = covariance(design.factors, Sigmas, 0.6)
    mean = standard.s * standard.X @ beta
    errors = (draws.mean(axis=0) - mean) / np.sqrt(np.diag(V) / 4000)
    assert np.abs(errors).max() < 4.5
    spread = np.sqrt((V**2 + np.outer(np.diag(V), np.diag(V))) / 4000)
    assert np.abs((np.cov(draws.T) - V) / spread).max() < 5


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_a_refit_is_the_fit_of_its_data(reml: bool) -> None:
    """The first refit, done again by fit_mixedlm on the same simulated response."""
    data = hs.data.sleepstudy()
    formula = "Reaction ~ Days + (Days | Subject)"
    design = build_design(formula, data)
    fit = fit_mixedlm(design, reml=reml)
    values = fit.bootstrap(2, seed=5).refits.iloc[0]
    standard = Standard.of(design)
    truth = standard.R @ (fit.solution.beta - standard.b) / standard.s
    inside = standard.inward(fit.variances)
    y = simulate(standard, inside, truth, np.random.default_rng(5)) * standard.s
    again = data.assign(Reaction=y + design.X @ standard.b)
    own = fit_mixedlm(build_design(formula, again), reml=reml)
    for name, value in own.estimates().rows():
        assert values[name] == pytest.approx(value.center, rel=1e-4)


def test_the_seed_decides(dyestuff: MixedFit) -> None:
    one, same = dyestuff.bootstrap(20, seed=3), dyestuff.bootstrap(20, seed=3)
    pd.testing.assert_frame_equal(one.refits, same.refits)
    other = dyestuff.bootstrap(20, seed=4)
    assert (one.refits["sigma"] != other.refits["sigma"]).all()


def test_correlations_without_a_standard_deviation_have_no_value() -> None:
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"g": np.repeat(np.arange(5), 6), "x": rng.normal(size=30)})
    data["y"] = rng.normal(size=30)
    fit = fit_mixedlm(build_design("y ~ x + (x | g)", data))
    found = fit.bootstrap(60, seed=2)
    rho = found.refits["corr(Intercept, x | g)"]
    none = (found.refits[["sd(Intercept | g)", "sd(x | g)"]] == 0).any(axis=1)
    assert 0 < none.sum() < 60
    assert (rho.isna() == none).all()
    assert found.to_frame().notna().all().all()
    assert f"{found.singular} singular, 0 failed" in str(found)


def test_failed_refits_are_counted_and_left_out(
    dyestuff: MixedFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dyestuff.bootstrap(6)
    calls = iter(range(6))
    refit = bootstrap._refit

    def every_third(*args: Any, **kwargs: Any) -> Peak | None:
        return None if next(calls) % 3 == 0 else refit(*args, **kwargs)

    monkeypatch.setattr(bootstrap, "_refit", every_third)
    part = dyestuff.bootstrap(6)
    assert part.failed == 2
    assert part.refits["sigma"].tolist() == whole.refits["sigma"][[1, 2, 4, 5]].tolist()


def test_what_cannot_be_bootstrapped_is_refused(dyestuff: MixedFit) -> None:
    with pytest.raises(DataError, match="2 refits or more, not 1"):
        dyestuff.bootstrap(1)
    with pytest.raises(DataError, match="seed is -1; it must be a whole number"):
        dyestuff.bootstrap(10, seed=-1)
    with pytest.raises(DataError, match="between 0 and 1, not 95"):
        dyestuff.bootstrap(10, level=95)
    with pytest.raises(DataError, match="did not converge"):
        replace(dyestuff, converged=False).bootstrap(10)
