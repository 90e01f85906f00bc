"""Leave-one-out against exact densities, dense algebra and ArviZ."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exact_draws import OnGrid, constant_fit
from scipy import stats
from synthetic import synthetic_fit

from hierstan.arviz_stats import VERSION, arviz
from hierstan.design import Floats
from hierstan.errors import DataError, InputError
from hierstan.fit import Fit
from hierstan.prediction import loo, simulate
from hierstan.prediction.psis import khat_limit, log_weights
from hierstan.programs import population_columns


def frame(rows: int = 34, far: float = 2e3) -> pd.DataFrame:
    rng = np.random.default_rng(21)
    data = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["x", "w"])
    data["x"] += 7.0
    data["g"], data["h"] = rng.integers(0, 5, rows), rng.integers(0, 3, rows)
    effect = rng.normal(size=5)
    data["y"] = far + 3.0 * data["x"] + effect[data["g"]] + rng.normal(size=rows)
    return data


@pytest.fixture(scope="module")
def grid() -> OnGrid:
    taus, sigmas = np.geomspace(0.2, 4.0, 12), np.geomspace(0.5, 2.0, 12)
    return OnGrid("y ~ x + (1 | g)", frame(26), taus, sigmas)


@pytest.mark.parametrize("integrated", [True, False])
def test_densities_are_those_of_refits_without_the_row(
    grid: OnGrid, integrated: bool
) -> None:
    found = grid.fit.loo(integrated=integrated)
    assert found.integrated == integrated
    exact, error = np.array([grid.given_others(np.array([i])) for i in range(26)]).T
    if not integrated:
        logs = grid.fit.log_likelihood(pointwise=True).to_numpy().reshape(4000, 26)
        ratios = np.exp(-logs)
        error = ratios.std(axis=0) / ratios.mean(axis=0) / np.sqrt(4000)
    gap = (found.pointwise["elpd"] - exact) / error
    # 26 rows: a normal deviate passes 4 once in 600 runs; smoothing shifts by less.
    assert np.abs(gap).max() < 4.0
    assert np.std(gap) > 0.2
    assert found.elpd == pytest.approx(exact.sum(), abs=4 * error.sum())


def test_what_rows_add_to_their_density_does_not_depend_on_how_they_are_weighed(
    grid: OnGrid,
) -> None:
    drawn, integrated = grid.fit.loo(), grid.fit.loo(integrated=True)
    np.testing.assert_allclose(
        integrated.pointwise["p_loo"], drawn.pointwise["p_loo"], atol=0.04, rtol=0.2
    )
    assert drawn.p_loo > 3.0


def given_others(y: Floats, mean: Floats, C: Floats, i: int) -> tuple[float, float]:
    """Mean and sd of y_i given all others, under normal(mean, C)."""
    rest = np.arange(len(y)) != i
    weights = np.linalg.solve(C[np.ix_(rest, rest)], C[rest, i])
    sd = np.sqrt(C[i, i] - weights @ C[rest, i])
    return float(mean[i] + weights @ (y - mean)[rest]), float(sd)


def prior_of_data(fit: Fit, tau: Floats, rho: float, sigma: float) -> tuple[Floats, Floats]:
    """Mean and covariance of y, everything integrated out; at most one correlation."""
    design, priors = fit.design, fit.priors
    keep = population_columns(fit.program, design)
    centre = priors.x_center[keep] if 0 in keep else np.zeros(len(keep))
    X = design.X[:, keep] - centre
    C = sigma**2 * np.eye(design.N) + (X * priors.beta_scale[keep] ** 2) @ X.T
    mean = X @ priors.beta_location[keep]
    start = 0
    for factor in design.factors * (fit.program.pooling != "complete"):
        own = slice(start, start + factor.Q)
        start += factor.Q
        same = factor.index[:, None] == factor.index
        if fit.program.pooling == "partial":
            Omega = np.eye(factor.Q)
            for a, b in factor.pairs:
                Omega[a, b] = Omega[b, a] = rho
            C += same * (factor.Z @ (Omega * np.outer(tau[own], tau[own])) @ factor.Z.T)
        else:
            C += same * ((factor.Z * priors.gamma_scale[own] ** 2) @ factor.Z.T)
            mean = mean + factor.Z @ priors.gamma_location[own]
    return mean, C


@pytest.mark.parametrize(
    ("formula", "program"),
    [
        ("y ~ x + (x | g)", "marginal"),
        ("y ~ x + w + offset(2 * w) + (1 | g) + (0 + x | g:h)", "noncentered"),
        ("y ~ 0 + x + (0 + w || g)", "centered"),
        ("y ~ x + w", "pooled"),
        ("y ~ x + w + (x || g)", "unpooled"),
        ("y ~ x + w + offset(2 * w) + (1 | g)", "unpooled"),
    ],
)
def test_given_the_variances_densities_are_exact(
    formula: str, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "CELLS", 10 * 120)
    monkeypatch.setattr(loo, "CELLS", 10 * 120)  # ten rows at a time
    data = frame()
    if program == "pooled":
        formula += " + (1 | g)"
    tau, rho, sigma = np.array([0.8, 1.7]), -0.45, 1.3
    fit = constant_fit(formula, data, program, sigma=sigma)
    K = len(fit.design.effects)
    pairs = sum(len(factor.pairs) for factor in fit.design.factors)
    same = {"tau": tau[:K], "cpc": np.full(pairs, rho), "rho": np.full(pairs, rho)}
    fit = constant_fit(formula, data, program, sigma=sigma, **same)
    found = fit.loo(integrated=True).pointwise
    y = fit.design.y
    offset = found["observed"].to_numpy() - y
    assert offset.any() == ("offset" in formula)
    mean, C = prior_of_data(fit, tau, rho, sigma)
    whole = stats.multivariate_normal(mean, C).logpdf(y)
    for i in range(fit.design.N):
        centre, sd = given_others(y, mean, C, i)
        row, rest = found.iloc[i], np.arange(len(y)) != i
        assert row["elpd"] == pytest.approx(stats.norm(centre, sd).logpdf(y[i]), rel=1e-7)
        assert row["expected"] == pytest.approx(centre + offset[i], rel=1e-9)
        assert row["residual"] == pytest.approx(y[i] - centre, rel=1e-6, abs=1e-6)
        assert row["pit"] == pytest.approx(stats.norm(centre, sd).cdf(y[i]), abs=1e-7)
        others = stats.multivariate_normal(mean[rest], C[np.ix_(rest, rest)])
        assert row["elpd"] == pytest.approx(whole - others.logpdf(y[rest]), rel=1e-6)


def test_it_agrees_with_arviz(grid: OnGrid) -> None:
    found = grid.fit.loo()
    assert 0.5 < found.r_eff <= 1.0
    data = grid.fit.to_arviz(log_likelihood=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a k-hat is high
        theirs = arviz.loo(data, pointwise=True, reff=found.r_eff)
    old = VERSION.startswith("0.")
    by_row = theirs.loo_i if old else theirs.elpd_i
    np.testing.assert_allclose(found.pointwise["elpd"], by_row, rtol=1e-10)
    np.testing.assert_allclose(found.pointwise["khat"], theirs.pareto_k, rtol=1e-8)
    assert found.elpd == pytest.approx(theirs.elpd_loo if old else theirs.elpd)
    assert found.p_loo == pytest.approx(theirs.p_loo if old else theirs.p)
    # 0.23 divides by N, 1.x and we by N - 1.
    assert found.se == pytest.approx(theirs.se * (np.sqrt(26 / 25) if old else 1.0))


def test_rows_above_the_limit_are_named() -> None:
    fit = synthetic_fit("y ~ x + (x | g) + (1 | h)", frame(), draws=400)
    found = fit.loo()
    assert found.khat_limit == pytest.approx(1 - 1 / np.log10(800))
    found.pointwise["khat"] = np.linspace(0.9, -0.2, 34)
    found.pointwise.loc[20, "khat"] = np.nan  # not known to be low
    high = [0, 1, 2, 3, 4, 5, 6, 7, 20]
    assert list(found.high.index) == high
    assert found.noun == "rows"
    assert "9 of 34 rows have a k-hat above 0.66" in found.advice
    low = found.pointwise.assign(khat=[0.9] + [0.1] * 33)
    assert "1 of 34 rows has a k-hat" in replace(found, pointwise=low).advice
    assert "Refit without these rows" in found.advice
    assert str(found).count("\n") == 3 + 8


def test_levels_and_residuals_stand_beside_the_densities() -> None:
    fit = synthetic_fit("y ~ x + (x | g) + (1 | h)", frame(), draws=60)
    table = fit.loo().pointwise
    assert list(table.columns) == [
        "level of g", "level of h", "observed", "elpd", "p_loo", "khat", "expected",
        "residual", "pit",
    ]  # fmt: skip
    assert table["level of g"].tolist() == [str(g) for g in frame()["g"]]
    np.testing.assert_allclose(table["observed"], frame()["y"])
    np.testing.assert_allclose(table["observed"] - table["expected"], table["residual"])
    assert fit.loo().rmsd == pytest.approx(np.sqrt((table["residual"] ** 2).mean()))


def test_equal_weights_are_no_tail() -> None:
    logs = np.stack([np.full(200, -3.0), np.linspace(-9, -1, 200)])
    log_weight, khat = log_weights(logs)
    weights = np.exp(log_weight)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(weights[0], 1 / 200)
    assert khat[0] == -np.inf
    assert np.isfinite(khat[1])
    assert np.diff(weights[1]).max() <= 0
    assert weights[1, 0] > 10 * weights[1, 100]


def test_limits_of_k_hat() -> None:
    assert khat_limit(100) == 0.5
    assert khat_limit(1000) == pytest.approx(2 / 3)
    assert khat_limit(2154) < 0.7
    assert khat_limit(2155) == khat_limit(40_000) == 0.7


def test_what_cannot_be_left_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    few = synthetic_fit("y ~ x + (1 | g)", frame(), draws=49)
    with pytest.raises(InputError, match="98 draws are too few"):
        few.loo()
    fit = synthetic_fit("y ~ x + (1 | g)", frame(), draws=60)
    with pytest.raises(InputError, match="from the prior only"):
        replace(fit, prior_only=True).loo()
    crossed = synthetic_fit("y ~ x + (1 | g) + (1 | h)", frame(), draws=60)
    assert np.isfinite(crossed.loo().elpd)
    assert crossed.loo().remedy == "Refit without these rows to see what they do."
    nested = synthetic_fit("y ~ x + (1 | g)", frame(), draws=60)
    assert "fit.loo(integrated=True)" in nested.loo().remedy
    with pytest.raises(DataError, match="because g and h are"):
        crossed.loo(integrated=True)
    for program in ("noncentered", "unpooled"):
        flat = constant_fit(
            "y ~ x + only + (1 | g)", frame().assign(only=np.arange(34) == 29), program,
            priors="flat", sigma=1.1, tau=np.array([0.7]),
        )  # fmt: skip
        says = "Without row 29 .* only" if program == "noncentered" else "a proper one"
        with pytest.raises(DataError, match=says):
            flat.loo(integrated=True)


def test_too_many_cells_thin_the_draws_or_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", frame(), draws=400)
    monkeypatch.setattr(loo, "_MOST_CELLS", 34 * 600)
    assert fit.loo().draws == 600
    monkeypatch.setattr(loo, "_KEPT_CELLS", 34 * 500)
    assert fit.loo(integrated=True).draws == 500
    again = synthetic_fit("y ~ x + (1 | g)", frame(), draws=400)
    monkeypatch.setattr(loo, "_MOST_CELLS", 34 * 499)
    with pytest.raises(InputError, match="34 rows are too many"):
        again.loo()
