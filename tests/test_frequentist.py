"""Least squares and mixed models, against lme4 and dense algebra."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from scipy.linalg import block_diag
from scipy.optimize import minimize

import hierstan as hs
from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.frequentist import fit_by_group, fit_mixedlm, fit_ols
from hierstan.frequentist.equations import solve
from hierstan.sums import Sums

FRAMES = {
    "sleepstudy": hs.data.sleepstudy,
    "Dyestuff": hs.data.dyestuff,
    "Dyestuff2": hs.data.dyestuff2,
    "radon_mn_posteriordb": lambda: hs.data.radon().assign(
        log_uppm=lambda d: np.log(d["uranium"] + 0.1)
    ),
}
SINGLE_FACTOR = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    ("sleepstudy", "Reaction ~ Days + (1 | Subject)"),
    ("Dyestuff", "Yield ~ 1 + (1 | Batch)"),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    ("radon_mn_posteriordb", "log_radon ~ 1 + (1 | county)"),
    ("radon_mn_posteriordb", "log_radon ~ floor + (1 | county)"),
    ("radon_mn_posteriordb", "log_radon ~ floor + (1 + floor | county)"),
    ("radon_mn_posteriordb", "log_radon ~ floor + (1 + floor || county)"),
    ("radon_mn_posteriordb", "log_radon ~ floor + log_uppm + (1 | county)"),
]


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize(("dataset", "formula"), SINGLE_FACTOR)
def test_mixedlm_equals_lme4(
    lme4: pd.DataFrame, dataset: str, formula: str, reml: bool
) -> None:
    """Every number lme4 gives for a factor; 1e-4 relative, 1e-5 in the likelihood."""
    method = "REML" if reml else "ML"
    told = lme4[
        (lme4.dataset == dataset) & (lme4.formula == formula) & (lme4.method == method)
    ].set_index("kind")
    assert set(told.index) <= {"fixef", "sd", "corr", "logLik", "singular", "nobs"}
    design = build_design(formula, FRAMES[dataset]())
    fit = fit_mixedlm(design, reml=reml)
    ours = fit.estimates()
    assert ours.criterion == method
    assert told.estimate["nobs"] == design.N
    assert fit.singular == bool(told.estimate["singular"])
    assert fit.converged
    assert ours.loglik == pytest.approx(told.estimate["logLik"], abs=1e-5)
    fixed = told.loc[["fixef"]]
    values = list(ours.fixed.values())
    np.testing.assert_allclose([v.center for v in values], fixed.estimate, rtol=1e-4)
    np.testing.assert_allclose([v.spread for v in values], fixed.se, rtol=1e-4)
    sds = [v.center for by in ours.sd.values() for v in by.values()] + [ours.sigma.center]
    np.testing.assert_allclose(sds, told.loc[["sd"]].estimate, rtol=1e-4, atol=0.0)
    if "corr" in told.index:
        pair = ours.corr[design.factors[0].name][0]
        assert pair.value.center == pytest.approx(told.estimate["corr"], rel=1e-3, abs=1e-4)


def dense_effects(factor: Factor) -> Floats:
    """Z written out, N x (J Q), level after level."""
    indicator = np.eye(factor.J)[factor.index]
    return np.hstack([indicator[:, [j]] * factor.Z for j in range(factor.J)])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("singular", [False, True], ids=["regular", "singular"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_likelihood_equals_the_multivariate_normal(
    seed: int, singular: bool, depth: int
) -> None:
    """Random unbalanced nested designs at generic variances, against the dense V."""
    rng = np.random.default_rng([seed, singular, depth])
    N, P = 31, 3
    X, y = rng.normal(size=(N, P)), rng.normal(size=N) * 3 + 7
    index = rng.permutation(np.concatenate([np.arange(9), rng.integers(0, 9, N - 9)]))
    # Children are not sorted by parent: factors nested in fact, not by their labels.
    up = [np.array([1, 0, 3, 2, 0, 1, 2, 1, 0]), np.array([1, 0, 0, 1])]
    factors, Sigmas = [], []
    for f, Q in enumerate([2, 1, 2][:depth]):
        root = rng.normal(size=(Q, Q))
        root[:, -1] *= not singular
        Sigmas.append(root @ root.T)
        levels = tuple(map(str, range(index.max() + 1)))
        Z = rng.normal(size=(N, Q))
        factors.append(Factor(f"g{f}", levels, index, tuple("pq"[:Q]), Z, (Q,)))
        index = up[f][index] if f < 2 else index
    sigma = 0.37 + rng.random()
    sums = Sums.of(y, X, factors)
    big = np.hstack([dense_effects(factor) for factor in factors])
    G = block_diag(*(S for f, S in zip(factors, Sigmas, strict=True) for _ in range(f.J)))
    V = big @ G @ big.T + sigma**2 * np.eye(N)
    W = np.linalg.inv(V)
    beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)
    ml = solve(sums, Sigmas, sigma, reml=False)
    expected = stats.multivariate_normal(X @ beta, V).logpdf(y)
    assert ml.loglik == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(ml.beta, beta, rtol=1e-8)
    np.testing.assert_allclose(ml.beta_covariance, np.linalg.inv(X.T @ W @ X), rtol=1e-7)
    reml = solve(sums, Sigmas, sigma, reml=True)
    # Integrating beta out of the likelihood leaves sqrt((2 pi)^P / |X'V^-1 X|).
    bend = 0.5 * (P * np.log(2 * np.pi) - np.linalg.slogdet(X.T @ W @ X)[1])
    assert reml.loglik == pytest.approx(expected + bend, rel=1e-10)
    u = G @ big.T @ W @ (y - X @ beta)
    conditional = G - G @ big.T @ W @ big @ G
    start = 0
    for factor, means, covariances in zip(factors, reml.u, reml.u_covariance, strict=True):
        for mean, covariance in zip(means, covariances, strict=True):
            own = slice(start, start := start + factor.Q)
            np.testing.assert_allclose(mean, u[own], atol=1e-9)
            np.testing.assert_allclose(covariance, conditional[own, own], atol=1e-9)


def test_standard_errors_of_variances_are_those_of_balanced_theory() -> None:
    """Dyestuff is balanced: ML information of (tau, sigma) is known in closed form."""
    design = build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())
    fit = fit_mixedlm(design)
    J, n = 6, 5
    between = fit.sigma**2 + n * fit.tau[0] ** 2
    # REML: the within and between mean squares are independent scaled chi-squares.
    variance_within = 2 * fit.sigma**4 / (J * (n - 1))
    variance_between = 2 * between**2 / (J - 1)
    se_sigma = np.sqrt(variance_within) / (2 * fit.sigma)
    se_tau = np.sqrt((variance_between + variance_within) / n**2) / (2 * fit.tau[0])
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
    assert "singular" in fit.verdict
    assert fit.tau[0] == 0.0
    assert fit.estimates().sd["Batch"]["Intercept"].spread is None
    assert fit.log  # statsmodels' warnings are kept, not shown


def test_several_factors_are_refused_by_name() -> None:
    design = build_design("diameter ~ 1 + (1 | plate) + (1 | sample)", hs.data.penicillin())
    with pytest.raises(DataError, match="'plate', 'sample'"):
        fit_mixedlm(design)


def test_ols_equals_statsmodels_formula(radon_design: Design) -> None:
    ours = fit_ols(radon_design)
    theirs = smf.ols("log_radon ~ floor", hs.data.radon()).fit()
    assert ours.fixed["floor"].center == pytest.approx(theirs.params["floor"], rel=1e-12)
    assert ours.fixed["floor"].spread == pytest.approx(theirs.bse["floor"], rel=1e-12)
    assert ours.loglik == pytest.approx(theirs.llf, rel=1e-12)
    assert ours.sigma.center == pytest.approx(np.sqrt(theirs.scale), rel=1e-12)


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
    Sigma = back @ (base.Omega * np.outer(base.tau, base.tau)) @ back.T
    np.testing.assert_allclose(fit.tau, np.sqrt(np.diag(Sigma)), rtol=2e-4)
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

    def dense(logs: Floats) -> float:
        tau, sigma = np.exp(logs[:2]), float(np.exp(logs[2]))
        factor = design.factors[0]
        spread = np.tile(tau, factor.J) * dense_effects(factor)
        V = spread @ spread.T + sigma**2 * np.eye(design.N)
        W = np.linalg.inv(V)
        beta = np.linalg.solve(design.X.T @ W @ design.X, design.X.T @ W @ y)
        return -float(stats.multivariate_normal(design.X @ beta, V).logpdf(y))

    found = minimize(dense, np.log([10, 0.2, 0.1]), method="Nelder-Mead",
                     options={"xatol": 1e-7, "fatol": 1e-9})  # fmt: skip
    assert fit.solution.loglik == pytest.approx(-found.fun, abs=1e-5)
    np.testing.assert_allclose([*fit.tau, fit.sigma], np.exp(found.x), rtol=1e-4)


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
