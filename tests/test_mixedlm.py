"""Mixed models against lme4, dense algebra and known theory."""

import numpy as np
import pandas as pd
import pytest
from dense import highest
from lme4 import FITS, assert_equals_lme4, design_of

import hierstan as hs
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.frequentist import fit_mixedlm, mixedlm
from hierstan.frequentist.climb import Peak
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances


@pytest.mark.parametrize(("dataset", "formula", "method"), FITS)
def test_mixedlm_equals_lme4(dataset: str, formula: str, method: str) -> None:
    fit = fit_mixedlm(design_of(dataset, formula), reml=method == "REML")
    assert_equals_lme4(fit.estimates(), dataset, formula, method)
    assert fit.substitute is None


def test_standard_errors_of_variances_are_those_of_balanced_theory() -> None:
    """Dyestuff is balanced: ML information of (tau, sigma) is known in closed form."""
    design = build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())
    fit = fit_mixedlm(design)
    J, n = 6, 5
    between = fit.sigma**2 + n * fit["Batch"].tau[0] ** 2
    # REML: the within and between mean squares are independent scaled chi-squares.
    variance_within = 2 * fit.sigma**4 / (J * (n - 1))
    variance_between = 2 * between**2 / (J - 1)
    se_sigma = np.sqrt(variance_within) / (2 * fit.sigma)
    se_tau = np.sqrt((variance_between + variance_within) / n**2) / (
        2 * fit["Batch"].tau[0]
    )
    ours = fit.estimates()
    assert ours.sigma.spread == pytest.approx(se_sigma, rel=1e-3)
    assert ours.sd["Batch"]["Intercept"].spread == pytest.approx(se_tau, rel=1e-3)


def test_units_change_estimates_in_the_known_way_only() -> None:
    data = hs.data.sleepstudy()
    formula = "Reaction ~ Days + (Days | Subject)"
    base = fit_mixedlm(build_design(formula, data)).estimates()
    moved = data.assign(Reaction=data["Reaction"] * 3.0 + 50.0)
    scaled = fit_mixedlm(build_design(formula, moved)).estimates()
    assert scaled.fixed["Days"].center == pytest.approx(
        3 * base.fixed["Days"].center, rel=1e-6
    )
    assert scaled.fixed["Intercept"].center == pytest.approx(
        3 * base.fixed["Intercept"].center + 50, rel=1e-6
    )
    for name, value in base.rows():
        if name.startswith("sd") or name == "sigma":
            assert dict(scaled.rows())[name].center == pytest.approx(
                3 * value.center, rel=1e-4
            )


def test_a_singular_fit_says_so_and_claims_no_standard_error() -> None:
    fit = fit_mixedlm(build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff2()))
    assert "singular: sd(Intercept | Batch) estimated as zero" in fit.verdict
    assert fit["Batch"].tau[0] == 0.0
    assert fit.estimates().sd["Batch"]["Intercept"].spread is None
    assert fit.log  # statsmodels' warnings are kept, not shown


def test_a_correlation_at_one_is_not_called_dispensable() -> None:
    """Slopes follow intercepts exactly; without the correlation 3.8 units are lost."""
    rng = np.random.default_rng(0)
    g, x, u = (
        np.repeat(np.arange(8), 6),
        np.tile(np.arange(6.0) - 2.5, 8),
        rng.normal(size=8),
    )
    y = 1 + x + 3 * u[g] + 0.8 * u[g] * x + 2 * rng.normal(size=48)
    data = pd.DataFrame({"g": g, "x": x, "y": y})
    fit = fit_mixedlm(build_design("y ~ x + (x | g)", data))
    assert "corr(Intercept, x | g) as 1" in fit.verdict
    assert "without" not in fit.verdict
    alone = fit_mixedlm(build_design("y ~ x + (x || g)", data))
    assert fit.solution.loglik - alone.solution.loglik > 3.5


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize(
    ("scale", "shift", "unit", "origin"),
    [(1e-6, 0.0, 1.0, 0.0), (1e12, 3e14, 1.0, 0.0), (1.0, 0.0, 1e-6, 0.0),
     (1.0, 0.0, 1e7, 0.0), (1.0, 0.0, 1.0, 2000.0), (1e-3, 7.0, 1e4, -1e6)],
)  # fmt: skip
def test_any_units_and_origins_give_the_same_fit(
    scale: float, shift: float, unit: float, origin: float, reml: bool
) -> None:
    """Correlated intercept and slope under y -> scale y + shift, x -> unit x + origin.

    Sigma changes by the linear map of intercept and slope at the new origin; the likelihood
    by the Jacobian of y, and under REML by that of the coefficients.
    """
    data = hs.data.sleepstudy()
    formula = "Reaction ~ Days + (Days | Subject)"
    base = fit_mixedlm(build_design(formula, data), reml=reml)
    moved = data.assign(
        Reaction=scale * data["Reaction"] + shift, Days=unit * data["Days"] + origin
    )
    fit = fit_mixedlm(build_design(formula, moved), reml=reml)
    assert fit.converged
    assert not fit.singular
    back = np.array([[1.0, -origin / unit], [0.0, 1 / unit]]) * scale
    Sigma = back @ base.variances.Sigmas[0] @ back.T
    tau = fit["Subject"].tau
    np.testing.assert_allclose(tau, np.sqrt(np.diag(Sigma)), rtol=2e-4)
    assert fit.sigma == pytest.approx(scale * base.sigma, rel=1e-5)
    slope = scale / unit
    assert fit.solution.beta[1] == pytest.approx(slope * base.solution.beta[1], rel=1e-6)
    freedom = 180 - (2 if reml else 0)
    change = -freedom * np.log(scale) - (np.log(unit) if reml else 0.0)
    assert fit.solution.loglik == pytest.approx(base.solution.loglik + change, abs=1e-5)
    spread = dict(fit.estimates().rows())["sd(Days | Subject)"].spread
    known = dict(base.estimates().rows())["sd(Days | Subject)"].spread
    assert spread == pytest.approx(slope * known, rel=5e-3)


def test_an_exact_fit_is_refused() -> None:
    data = hs.data.sleepstudy().assign(Reaction=lambda d: 3.0 + 0.7 * d["Days"])
    with pytest.raises(DataError, match="explains the response exactly"):
        fit_mixedlm(build_design("Reaction ~ Days + (1 | Subject)", data))


def test_a_fit_that_stops_short_is_rescued_and_says_so() -> None:
    """Intercepts vary a hundred sigmas; the oracle searches on the dense covariance."""
    rng = np.random.default_rng(0)
    g, x = np.repeat(np.arange(15), 5), rng.normal(size=75)
    y = 2 + x + rng.normal(0, 10, 15)[g] + rng.normal(0, 0.2, 15)[g] * x
    y += rng.normal(0, 0.1, 75)
    design = build_design("y ~ x + (x || g)", pd.DataFrame({"y": y, "x": x, "g": g}))
    fit = fit_mixedlm(design, reml=False)
    assert fit.rescued
    assert fit.gained > 1
    assert fit.converged
    assert "rescued: MixedLM stopped" in fit.verdict
    assert fit.estimates().rescued

    best = highest(design.y, design.X, design.factors, reml=False, starts=4, seed=1)
    assert fit.solution.loglik == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("formula", ["Days + (Days || Subject)", "Days + (Days | Subject)"])
@pytest.mark.parametrize("place", ["a slope", "a zero that is none"])
def test_a_point_short_of_the_optimum_is_never_called_converged(
    place: str, formula: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every search is made to stop there; at the zero, all else is at its best."""
    data = hs.data.sleepstudy()
    design = build_design(f"Reaction ~ {formula}", data)
    outside = Variances((np.diag(np.square([25.0, 6.5])),), 25.6)
    if place == "a zero that is none":
        slopes = fit_mixedlm(build_design("Reaction ~ Days + (0 + Days | Subject)", data))
        Sigma = np.diag([0.0, slopes["Subject"].tau[0] ** 2])
        outside = Variances((Sigma,), slopes.sigma)

    inside = Standard.of(design).inward(outside)
    monkeypatch.setattr(mixedlm, "climb", lambda section, starts: Peak(inside, 0.0, 0.0))
    monkeypatch.setattr(mixedlm, "search", lambda standard, reml: (inside, []))
    fit = fit_mixedlm(design)
    assert not fit.converged
    assert fit.verdict.startswith("did not converge")
    assert not fit.estimates().converged


def test_a_correlation_at_its_bound_has_no_standard_error() -> None:
    """The first 200 homes: the correlation of intercepts and slopes is -1."""
    data = hs.data.radon().iloc[:200]
    fit = fit_mixedlm(build_design("log_radon ~ floor + (floor | county)", data))
    assert fit.singular
    assert fit.converged
    ours = fit.estimates()
    (pair,) = ours.corr["county"]
    assert pair.value.center == pytest.approx(-1.0, abs=1e-3)
    assert pair.value.spread is None
    assert ours.sd["county"]["Intercept"].spread == pytest.approx(0.098, rel=0.2)


def random_data(seed: int) -> pd.DataFrame:
    """Few and unbalanced levels; some standard deviations are zero, some large."""
    rng = np.random.default_rng(seed)
    N = int(rng.integers(30, 70))
    a, b, c = (rng.integers(0, rng.integers(3, 8), N) for _ in range(3))
    x = rng.normal(size=N)
    sd = rng.choice([0, 0, 0.3, 1, 5], 4)
    y = 1 + x + rng.normal(0, sd[0], 8)[a] + rng.normal(0, sd[1], 64)[8 * a + b]
    y += rng.normal(0, sd[2], 8)[c] + rng.normal(0, sd[3], 8)[a] * x
    y += rng.normal(0, rng.choice([0.2, 1, 2]), N)
    names = {"a": a, "b": b, "c": c}
    columns = {name: [f"{name}{k}" for k in index] for name, index in names.items()}
    return pd.DataFrame({"y": y, "x": x, **columns})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "groups",
    ["(1 | a/b)", "(x | a/b)", "(1 | b) + (1 | c)", "(x || a) + (1 | c)",
     "(x | b) + (1 | c)", "(1 | a/b) + (1 | c)"],
)  # fmt: skip
def test_no_search_from_anywhere_goes_higher(groups: str, seed: int) -> None:
    """The oracle climbs the dense likelihood from four random places."""
    reml = bool(seed % 2)
    design = build_design(f"y ~ x + {groups}", random_data(seed))
    fit = fit_mixedlm(design, reml=reml)
    best = highest(design.y, design.X, design.factors, reml=reml, starts=4, seed=seed)
    assert fit.converged
    assert fit.solution.loglik == pytest.approx(best, abs=1e-5)


def test_a_sd_that_is_zero_is_exactly_zero_and_the_log_says_so() -> None:
    """An optimizer ends near zero; the oracle is the likelihood, as high without them."""
    fit = fit_mixedlm(build_design("y ~ x + (x || a) + (1 | c)", random_data(0)))
    assert fit.singular
    assert fit["a"].tau[0] > 1
    assert fit["a"].tau[1] == 0.0
    assert "sd(x | a) put at zero, where the likelihood is as high" in fit.log
    assert "sd(x | a)" not in fit.errors
    without = fit_mixedlm(build_design("y ~ x + (1 | a) + (1 | c)", random_data(0)))
    assert fit.solution.loglik == pytest.approx(without.solution.loglik, abs=1e-6)
    for name in ("sd(Intercept | a)", "sigma"):
        assert fit.errors[name] == pytest.approx(without.errors[name], rel=1e-3)


def test_the_order_of_factors_is_the_formulas() -> None:
    """Nested factors may be written from either end, and crossed ones either way."""
    data = hs.data.pastes()
    inner = fit_mixedlm(build_design("strength ~ 1 + (1 | sample) + (1 | batch)", data))
    outer = fit_mixedlm(build_design("strength ~ 1 + (1 | batch) + (1 | sample)", data))
    assert [f.factor.name for f in inner.factors] == ["sample", "batch"]
    for name in ("sample", "batch"):
        one, other = inner[name], outer[name]
        np.testing.assert_allclose(one.tau, other.tau, rtol=1e-6)
        np.testing.assert_allclose(one.blup, other.blup, rtol=1e-6)
        np.testing.assert_allclose(one.u_covariance, other.u_covariance, rtol=1e-5)
    with pytest.raises(KeyError, match="no factor 'cask'; there are sample, batch"):
        inner["cask"]
    data = random_data(2).assign(s=lambda d: d["a"] + d["b"])
    mixed = fit_mixedlm(build_design("y ~ x + (x || a) + (1 | c) + (1 | s)", data))
    other = fit_mixedlm(build_design("y ~ x + (1 | s) + (x || a) + (1 | c)", data))
    for name in ("a", "c", "s"):
        np.testing.assert_allclose(mixed[name].blup, other[name].blup, rtol=1e-4, atol=1e-6)


def test_predictions_of_balanced_crossed_data_are_shrunken_means() -> None:
    """Penicillin: every plate has every sample, so effects are means times a factor."""
    data = hs.data.penicillin()
    design = build_design("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    fit = fit_mixedlm(design)
    for name, rows in (("plate", 6), ("sample", 24)):
        means = data.groupby(name)["diameter"].mean().sort_index()
        tau = fit[name].tau[0]
        shrunken = tau**2 / (tau**2 + fit.sigma**2 / rows) * (means - means.mean())
        np.testing.assert_allclose(fit[name].u[:, 0], shrunken, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(fit[name].blup[:, 0], shrunken + means.mean(), rtol=1e-6)


def test_standard_errors_of_two_balanced_factors_are_those_of_theory() -> None:
    """Pastes: batches, casks within and rows have independent chi-square mean squares."""
    data = hs.data.pastes()
    fit = fit_mixedlm(build_design("strength ~ 1 + (1 | batch/cask)", data))
    tau, inner = fit["batch"].tau[0], fit["batch:cask"].tau[0]
    squares = [fit.sigma**2, fit.sigma**2 + 2 * inner**2]
    squares.append(squares[1] + 6 * tau**2)
    rows, casks, batches = (
        2 * square**2 / freedom
        for square, freedom in zip(squares, (30, 20, 9), strict=True)
    )
    known = {
        "sigma": np.sqrt(rows) / (2 * fit.sigma),
        "sd(Intercept | batch:cask)": np.sqrt((casks + rows) / 2**2) / (2 * inner),
        "sd(Intercept | batch)": np.sqrt((batches + casks) / 6**2) / (2 * tau),
    }
    assert fit.errors == pytest.approx(known, rel=1e-3)


def test_what_mixedlm_cannot_express_is_fitted_without_it_and_says_so() -> None:
    rng = np.random.default_rng(5)
    a, b, x = np.repeat(np.arange(12), 12), np.tile(np.arange(12), 12), rng.normal(size=144)
    y = rng.normal(size=12)[a] + rng.normal(size=12)[b] * (1 + x) + rng.normal(size=144)
    design = build_design("y ~ x + (1 | a) + (x | b)",
                          pd.DataFrame({"y": y, "x": x, "a": a, "b": b}))  # fmt: skip
    fit = fit_mixedlm(design)
    assert fit.converged
    assert not fit.rescued
    assert "cannot express correlated effects of a crossed factor, here 'b'" in fit.verdict
    assert str(fit).splitlines()[1].startswith("Mixed model (REML)")
    best = highest(design.y, design.X, design.factors, reml=True, starts=3, seed=1)
    assert fit.solution.loglik == pytest.approx(best, abs=1e-5)


def test_what_mixedlm_would_take_long_for_is_fitted_without_it() -> None:
    rng = np.random.default_rng(6)
    a, b = np.repeat(np.arange(150), 100), np.tile(np.arange(100), 150)
    y = rng.normal(0, 2, 150)[a] + rng.normal(0, 0.7, 100)[b] + rng.normal(size=15000)
    data = pd.DataFrame({"y": y, "a": a, "b": b})
    fit = fit_mixedlm(build_design("y ~ 1 + (1 | a) + (1 | b)", data))
    assert "15,000 rows by 250 effects" in fit.verdict
    # Balanced: REML is the analysis of variance.
    table = y.reshape(150, 100)
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns + table.mean()
    error = np.sum(rest**2) / (149 * 99)
    assert fit.sigma == pytest.approx(np.sqrt(error), rel=1e-5)
    for name, means, count in (("a", rows, 100), ("b", columns, 150)):
        known = np.sqrt(np.var(means, ddof=1) - error / count)
        assert fit[name].tau[0] == pytest.approx(known, rel=1e-5)


def test_crossed_factors_beyond_the_limit_are_refused_before_anything_starts() -> None:
    rng = np.random.default_rng(7)
    data = pd.DataFrame(rng.integers(0, 4000, (20000, 2)), columns=["a", "b"])
    data["y"] = rng.normal(size=20000)
    design = build_design("y ~ 1 + (1 | a) + (1 | b)", data)
    with pytest.raises(DataError, match=r"'a' \(3,9\d\d levels\).* the limit is 3,000"):
        fit_mixedlm(design)


@pytest.mark.parametrize("reml", [True, False])
def test_a_response_that_groups_determine_has_no_fit(reml: bool) -> None:
    """Eight rows twice: a residual sd of zero, where the likelihood has no bound."""
    y = [28.0, 8, -3, 7, -1, 1, 18, 12]
    twice = pd.DataFrame({"g": list("abcdefgh") * 2, "y": y * 2})
    with pytest.raises(DataError, match=r"g determines y exactly.*how y was made"):
        hs.Model("y ~ 1 + (1 | g)", twice).mixedlm(reml=reml)
    twice["y"] += 1e-4 * np.random.default_rng(3).normal(size=16)
    found = hs.Model("y ~ 1 + (1 | g)", twice).mixedlm(reml=reml)
    assert 3e-5 < found.estimates().sigma.center < 3e-4
