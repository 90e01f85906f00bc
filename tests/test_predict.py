"""Predictions: rows in the fitted encodings, groups known, new or left out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM
from synthetic import expected_by_hand, flat, synthetic_fit

import hierstan as hs
from hierstan.design import Design, Floats
from hierstan.engines import SamplerSettings
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError, FormulaError, InputError
from hierstan.evaluate import build_design
from hierstan.fit import Fit
from hierstan.prediction import predict, simulate
from hierstan.prediction.new_data import Rows, rows_of
from hierstan.prediction.predict import predict_point
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.progress import SILENT

COLUMNS = ["mean", "sd", "low", "high", "predictive_sd", "predictive_low",
           "predictive_high"]  # fmt: skip


def example(rows: int = 60, seed: int = 5) -> pd.DataFrame:
    """Columns of every kind, with no value that is only 0 or 1."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"y": rng.normal(3, 2, rows), "x": rng.gamma(3, 2, rows)})
    data["w"] = rng.normal(-2, 0.7, rows)
    data["k"] = rng.choice(["p", "q", "r"], rows)
    data["o"] = pd.Categorical(rng.choice(["lo", "mid", "hi"], rows),
                               categories=["lo", "mid", "hi"], ordered=True)  # fmt: skip
    data["n"] = rng.integers(3, 6, rows)
    data["b"] = rng.random(rows) < 0.4
    data["g"] = rng.permutation([f"g{j % 7}" for j in range(rows)])
    data["h"] = rng.integers(0, 2, rows)
    return data


def encode(design: Design, data: pd.DataFrame) -> Rows:
    return rows_of(
        design, data, dict.fromkeys([f.name for f in design.factors], "same"), ""
    )


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x | g)",
        "y ~ scale(x) + (scale(x) | g)",
        "y ~ center(x) * k + (center(w) || g)",
        "y ~ poly(x, 3) + (poly(w, 2) | g)",
        "y ~ bs(x, df=5) + (bs(w, df=4) | g)",
        "y ~ k + (C(n) | g)",
        "y ~ C(n) + S(k) + (0 + k | g)",
        "y ~ T(k, ref='q') + o + b + (1 | g) + (0 + b | g)",
        "y ~ C(o) + C(x > 4) + (1 | g)",
        "y ~ binary(k) + np.log(scale(x) + 9) + (np.log(x) | g)",
        "y ~ scale(x):k + scale(x):poly(w, 2) + (1 | g/h)",
        "y ~ offset(2 * w) + offset(np.log(x)) + (1 | h)",
        "y ~ 0 + k:n + (0 + x | g)",
        "y ~ k / x + I(-(x ** 2)) + (1 | g)",
        "y ~ k * C(n) + x:b + (k * x || h)",
    ],
)
def test_fitted_rows_get_the_fitted_columns_back(formula: str) -> None:
    """Bit for bit, in any order and number; splines are matrix products, so nearly."""
    data = example()
    design = build_design(formula, data)
    rng = np.random.default_rng(2)
    order = rng.permutation(len(data))
    exact = 0 if "bs(" not in formula else 1e-14
    for chosen in (np.arange(len(data)), order, order[:9], order[:1], order[:0]):
        rows = encode(design, data.drop(columns="y").iloc[chosen])
        np.testing.assert_allclose(rows.X, design.X[chosen], rtol=0, atol=exact)
        for group, factor in zip(rows.groups, design.factors, strict=True):
            np.testing.assert_allclose(group.Z, factor.Z[chosen], rtol=0, atol=exact)
            np.testing.assert_array_equal(group.level, factor.index[chosen])
        np.testing.assert_allclose(
            rows.offset, (data["y"] - design.y).iloc[chosen], rtol=0, atol=1e-13
        )


def test_transformations_keep_the_state_of_the_fitted_data() -> None:
    """New values far from the fitted ones, against formulas written out here."""
    data = example()
    formula = "y ~ scale(x) + poly(w, 2) + center(n):k + (scale(w) | g)"
    design = build_design(formula, data)
    new = example(rows=5, seed=8).assign(x=[11.0, 13.5, 40.0, 2.0, 7.0], n=9, k="r")
    rows = encode(design, new)
    x, w = data["x"].to_numpy(), data["w"].to_numpy()
    column = dict(zip(design.terms, rows.X.T, strict=True))
    scaled = (new["x"] - x.mean()) / x.std()
    np.testing.assert_allclose(column["scale(x)"], scaled, rtol=1e-13)
    np.testing.assert_allclose(column["center(n):k[r]"], 9 - data["n"].mean(), rtol=1e-13)
    np.testing.assert_array_equal(column["center(n):k[q]"], 0)
    for position in (0, 1):
        name = f"poly(w, 2)[{position}]"
        fitted = design.X[:, design.terms.index(name)]
        curve = np.polynomial.Polynomial.fit(w, fitted, 2)
        np.testing.assert_allclose(column[name], curve(new["w"]), atol=1e-12)
    slope = (new["w"] - w.mean()) / w.std()
    np.testing.assert_allclose(rows.groups[0].Z[:, 1], slope, rtol=1e-13)


@pytest.fixture
def fit() -> Fit:
    return synthetic_fit("y ~ x + k + (x | g) + (1 | h)", example())


def test_expected_values_are_those_of_every_draw(fit: Fit) -> None:
    found = fit.predict(draws=True)
    by_hand = expected_by_hand(fit, fit.design)
    assert found.draws is not None
    assert found.draws["expected"].dims == ("chain", "draw", "row")
    mu = found.draws["expected"].to_numpy().reshape(by_hand.shape)
    np.testing.assert_allclose(mu, by_hand, rtol=1e-12)
    y = found.draws["observation"].to_numpy().reshape(by_hand.shape)
    table = found.table
    assert list(table.columns) == COLUMNS
    for values, names in ((mu, ["sd", "low", "high"]), (y, COLUMNS[4:])):
        np.testing.assert_allclose(table[names[0]], values.std(axis=0, ddof=1))
        np.testing.assert_allclose(
            table[names[1:]].T, np.quantile(values, [0.025, 0.975], axis=0)
        )
    np.testing.assert_allclose(table["mean"], by_hand.mean(axis=0), rtol=1e-12)


def test_fitted_rows_and_their_frame_are_predicted_alike(fit: Fit) -> None:
    pd.testing.assert_frame_equal(
        fit.predict(example().drop(columns="y")).table, fit.predict().table
    )


def test_offsets_are_added_back_and_a_transformed_response_is_named() -> None:
    data = example().assign(z=lambda d: np.exp(d["y"]))
    fit = synthetic_fit("np.log(z) ~ x + offset(3 * w) + (1 | g)", data)
    by_hand = expected_by_hand(fit, fit.design, 3 * data["w"].to_numpy())
    found = fit.predict(data)
    np.testing.assert_allclose(found.table["mean"], by_hand.mean(axis=0), rtol=1e-12)
    assert found.response == "np.log(z)"
    assert str(found).startswith("Predictions of np.log(z): 95% intervals, seed 11")
    pd.testing.assert_frame_equal(fit.predict().table, found.table)


def test_the_interval_is_the_one_asked_for(fit: Fit) -> None:
    wide, narrow = fit.predict(), fit.predict(interval=0.5, draws=True)
    assert narrow.draws is not None
    mu = narrow.draws["expected"].to_numpy().reshape(100, -1)
    np.testing.assert_allclose(
        narrow.table[["low", "high"]].T, np.quantile(mu, [0.25, 0.75], axis=0)
    )
    assert (narrow.table["predictive_low"] > wide.table["predictive_low"]).all()
    for wrong in (0, 1, 95):
        with pytest.raises(InputError, match=f"interval is {wrong}"):
            fit.predict(interval=wrong)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["b", "a", "b", "c"]),
        pd.MultiIndex.from_tuples([(1, "x"), (0, "y"), (1, "y"), (7, "x")]),
        pd.date_range("2024-02-28", periods=4),
    ],
)
def test_the_index_is_kept(fit: Fit, index: "pd.Index[Any]") -> None:
    data = example().iloc[[40, 3, 17, 3]]
    table = fit.predict(data.set_index(index)).table
    pd.testing.assert_index_equal(table.index, index)
    np.testing.assert_allclose(
        table["mean"], fit.predict().table["mean"].iloc[[40, 3, 17, 3]]
    )


def test_one_row_and_none(fit: Fit) -> None:
    one = fit.predict(example().loc[[12]]).table
    assert one.index.tolist() == [12]
    assert one["mean"].item() == pytest.approx(fit.predict().table["mean"][12], rel=1e-12)
    as_objects = example().loc[12].to_frame().T  # how a row becomes a frame: all objects
    pd.testing.assert_frame_equal(fit.predict(as_objects).table, one)
    none = fit.predict(example().loc[[]]).table
    assert none.shape == (0, 7)
    assert list(none.columns) == COLUMNS


def test_the_same_seed_gives_the_same_table(fit: Fit) -> None:
    data = example().assign(g="elsewhere")
    one = fit.predict(data, groups="new")
    assert one.seed == fit.samples.settings.seed == 11
    pd.testing.assert_frame_equal(one.table, fit.predict(data, groups="new", seed=11).table)
    other = fit.predict(data, groups="new", seed=12).table
    assert (other["mean"] != one.table["mean"]).all()
    assert (other["predictive_low"] != one.table["predictive_low"]).all()
    for wrong in (-1, 1.5):
        with pytest.raises(InputError, match=f"seed is {wrong}"):
            fit.predict(data, groups="new", seed=wrong)  # type: ignore[arg-type]


def test_chunks_leave_no_seams(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    data = example().assign(g=[f"new{j % 3}" for j in range(60)])
    whole = fit.predict(data, groups="new").table
    monkeypatch.setattr(simulate, "CELLS", 700)  # seven rows of 100 draws
    pd.testing.assert_frame_equal(fit.predict(data, groups="new").table, whole, rtol=1e-12)
    monkeypatch.setattr(simulate, "CELLS", 1)
    pd.testing.assert_frame_equal(fit.predict(data, groups="new").table, whole, rtol=1e-12)


def test_kept_draws_have_a_limit(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "KEPT_CELLS", 2_500)
    with pytest.raises(InputError, match="at most 25 rows at a time"):
        fit.predict(draws=True)
    assert fit.predict(example().head(25), draws=True).draws is not None


# --- groups ---


def test_unknown_levels_without_a_choice_are_an_error(fit: Fit) -> None:
    data = example().head(4).assign(g=["g1", "Oz", "g2", "Utopia"])
    says = (
        r"'g' has 2 level.*'Oz', 'Utopia'; the first is in data row 2.*groups='new'"
        r".*groups='population'"
    )
    for groups in (None, "same", {"h": "new"}):
        with pytest.raises(DataError, match=says):
            fit.predict(data, groups=groups)  # type: ignore[arg-type]
    many = example().assign(g=[f"n{j}" for j in range(60)])
    with pytest.raises(DataError, match=r"60 level.*'n4' and 55 more"):
        fit.predict(many)


def test_wrong_choices_are_named(fit: Fit) -> None:
    with pytest.raises(InputError, match="groups is 'old'; it must be one of 'same'"):
        fit.predict(groups="old")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"groups names 'county', .* it has 'g', 'h'"):
        fit.predict(groups={"county": "new"})
    with pytest.raises(InputError, match="groups is None"):
        fit.predict(groups={"g": None})  # type: ignore[dict-item]


def test_population_leaves_all_effects_out(fit: Fit) -> None:
    """And needs neither grouping columns nor those that only vary by group."""
    beta = flat(fit, "beta")
    new = example(9, seed=1)
    columns = encode(fit.design, new.assign(g="g1", h=1)).X
    found = fit.predict(new[["x", "k"]], groups="population")
    np.testing.assert_allclose(found.table["mean"], (beta @ columns.T).mean(axis=0))
    assert found.groups == {"g": "population", "h": "population"}
    slope = synthetic_fit("y ~ k + (w | g)", example())
    assert slope.predict(new[["k"]], groups="population").table.notna().all(axis=None)
    with pytest.raises(DataError, match="The new data have no column 'w'"):
        slope.predict(new[["k", "g"]])
    pd.testing.assert_frame_equal(
        fit.predict(groups="population").table,
        fit.predict(example(), groups="population").table,
    )


def test_new_leaves_known_levels_their_effects(fit: Fit) -> None:
    data = example()
    data.loc[[4, 9], "g"] = "Oz"
    found, same = fit.predict(data, groups="new"), fit.predict()
    known = data["g"] != "Oz"
    pd.testing.assert_frame_equal(found.table[known], same.table[known], rtol=1e-12)
    assert (found.table["mean"] != same.table["mean"])[~known].all()
    assert found.new_levels == {"g": ("Oz",)}
    assert "1 new level(s) of g" in str(found)


def difference(fit: Fit, data: pd.DataFrame, **choices: Any) -> Floats:
    """What the groups add to the expected value, shape (draws, rows)."""
    with_groups = fit.predict(data, **choices, draws=True).draws
    without = fit.predict(data, groups="population", draws=True).draws
    assert with_groups is not None
    assert without is not None
    gap = (with_groups["expected"] - without["expected"]).to_numpy()
    return np.asarray(gap.reshape(-1, len(data)))


def test_new_levels_vary_as_the_population_does() -> None:
    """Second moments against E[z' Sigma z] over the draws, in units of their own MCSE."""
    fit = synthetic_fit("y ~ x + (x + w | g)", example(), draws=10_000)
    data = example(4).assign(g=["A", "A", "B", "A"])
    u = difference(fit, data, groups="new")
    tau, rho = flat(fit, "tau"), flat(fit, "rho")
    Omega = np.broadcast_to(np.eye(3), (len(tau), 3, 3)).copy()
    for (a, b), r in zip([(1, 0), (2, 0), (2, 1)], rho.T, strict=True):
        Omega[:, a, b] = Omega[:, b, a] = r
    Sigma = Omega * tau[:, :, None] * tau[:, None, :]
    Z = np.column_stack([np.ones(4), data["x"], data["w"]])
    expected = np.einsum("ia,sab,jb->sij", Z, Sigma, Z)
    for i in range(4):
        assert abs(u[:, i].mean()) < 4 * u[:, i].std() / np.sqrt(len(u))
        for j in range(i + 1):
            same = data["g"][i] == data["g"][j]
            product = u[:, i] * u[:, j] - (expected[:, i, j] if same else 0.0)
            assert abs(product.mean()) < 4 * product.std() / np.sqrt(len(u)), (i, j)
    found = fit.predict(data, groups="new", draws=True).draws
    assert found is not None
    residual = (found["observation"] - found["expected"]).to_numpy().reshape(-1, 4)
    square = residual**2 - flat(fit, "sigma")[:, None] ** 2
    assert (abs(square.mean(axis=0)) < 4 * square.std(axis=0) / np.sqrt(len(u))).all()


def test_rows_of_a_new_level_share_its_effects(fit: Fit) -> None:
    """Whatever rows, levels and order come with them; other levels have others."""
    data = example(6).assign(g=["A", "B", "A", "A", "B", "C"], x=2.5, h=0)
    u = difference(fit, data, groups="new")
    np.testing.assert_allclose(u[:, [2, 3]], u[:, [0, 0]], rtol=1e-9)
    np.testing.assert_allclose(u[:, 4], u[:, 1], rtol=1e-9)
    assert abs(np.corrcoef(u[:, [0, 1, 5]].T)[np.triu_indices(3, 1)]).max() < 0.4
    np.testing.assert_allclose(
        difference(fit, data.iloc[[4, 2]], groups="new"), u[:, [4, 2]], rtol=1e-9
    )


def test_factors_share_nothing_even_where_new_levels_share_a_name() -> None:
    fit = synthetic_fit("y ~ x + (1 | g) + (1 | h)", example(), draws=500)
    data = example(1).assign(g="A", h="A")
    one = difference(fit, data, groups={"g": "new", "h": "population"})
    other = difference(fit, data, groups={"g": "population", "h": "new"})
    correlation = np.corrcoef(one[:, 0], other[:, 0])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(1000)


def test_independent_effects_are_drawn_independently() -> None:
    fit = synthetic_fit("y ~ x + (x || g)", example(), draws=10_000)
    u = difference(fit, example(2).assign(g="A", x=[0.0, 1.0]), groups="new")
    product = u[:, 0] * (u[:, 1] - u[:, 0])
    assert abs(product.mean()) < 4 * product.std() / np.sqrt(len(u))
    slope = (u[:, 1] - u[:, 0]) ** 2 - flat(fit, "tau")[:, 1] ** 2
    assert abs(slope.mean()) < 4 * slope.std() / np.sqrt(len(u))


def test_a_correlation_of_one_is_drawn_from() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", example())
    fit.draws["rho"][:] = 1.0
    u = difference(fit, example(2).assign(g="A", x=[0.0, 1.0]), groups="new")
    tau = flat(fit, "tau")
    np.testing.assert_allclose(
        u[:, 1] - u[:, 0], u[:, 0] * tau[:, 1] / tau[:, 0], atol=1e-6
    )


def test_nested_levels_are_new_where_their_parent_is() -> None:
    fit = synthetic_fit("y ~ 1 + (1 | g/h)", example())
    data = pd.DataFrame({"g": ["g1", "g1", "Oz"], "h": [0, 5, 0]})
    with pytest.raises(DataError, match=r"'g:h' has 2 level.*'g1:5', 'Oz:0'.*row 2"):
        fit.predict(data, groups={"g": "new"})
    with pytest.raises(DataError, match=r"'g' has 1 level.*'Oz'"):
        fit.predict(data, groups={"g:h": "new"})
    found = fit.predict(data, groups="new")
    assert found.new_levels == {"g": ("Oz",), "g:h": ("g1:5", "Oz:0")}
    assert found.groups == {"g": "new", "g:h": "new"}
    beta, u, v = flat(fit, "beta"), flat(fit, "u[g]"), flat(fit, "u[g:h]")
    g, gh = fit.design.factors
    own = beta[:, 0] + u[:, 0, g.levels.index("g1")]
    known = own + v[:, 0, gh.levels.index("g1:0")]
    assert found.table["mean"][0] == pytest.approx(known.mean(), rel=1e-12)
    outer = fit.predict(data.head(2), groups={"g:h": "population"}).table["mean"]
    np.testing.assert_allclose(outer, own.mean(), rtol=1e-12)
    mixed = fit.predict(data, groups={"g": "population", "g:h": "new"})
    np.testing.assert_allclose(
        mixed.table["mean"][0], (known - own + beta[:, 0]).mean(), rtol=1e-12
    )
    crossed = pd.DataFrame({"g": ["g1"], "h": [0]}, index=["only"])
    assert fit.predict(crossed).table["mean"]["only"] == pytest.approx(known.mean())


@pytest.mark.parametrize(
    ("fitted", "new"),
    [
        ([3, 10, 4] * 20, [10, 3, 3, 4]),
        ([3, 10, 4] * 20, ["10", "3", "3", "4"]),
        ([3, 10, 4] * 20, [10.0, 3.0, 3.0, 4.0]),
        ([3.0, 10.0, 4.0] * 20, [10, 3, 3, 4]),
        (["3", "10", "4"] * 20, [10, 3, 3, 4]),
        (["3", "10", "4"] * 20, pd.Categorical(["10", "3", "3", "4"])),
        (pd.Categorical(["3", "10", "4"] * 20), ["10", "3", "3", "4"]),
        (pd.Categorical(["3", "10", "4"] * 20, categories=["4", "3", "10", "z"]),
         pd.Categorical(["10", "3", "3", "4"], categories=["10", "3", "4"])),
        (pd.array([3, 10, 4] * 20, dtype="Int64"), [10, 3, 3, 4]),
        ([True, False] * 30, [False, True, False, True]),
        (pd.to_datetime(["2020-01-03", "2020-01-10", "2020-01-04"] * 20),
         pd.to_datetime(["2020-01-10", "2020-01-03", "2020-01-03", "2020-01-04"])),
    ],
)  # fmt: skip
def test_levels_are_found_by_value_or_by_how_they_read(fitted: Any, new: Any) -> None:
    data = example().assign(g=fitted)
    fit = synthetic_fit("y ~ x + (1 | g)", data)
    rows = [1, 0, 3, 2]  # g is the first three values again and again
    found = fit.predict(data.iloc[rows].assign(g=new)).table["mean"]
    np.testing.assert_allclose(found, fit.predict().table["mean"].iloc[rows], rtol=1e-12)


# --- programs without a population ---


def test_complete_pooling_ignores_groups() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", example(), "pooled")
    beta = flat(fit, "beta")
    for groups in (None, "new", "population", {"g": "new"}):
        found = fit.predict(example()[["x"]], groups=groups)  # type: ignore[arg-type]
        np.testing.assert_allclose(
            found.table["mean"], (beta @ fit.design.X.T).mean(axis=0), rtol=1e-12
        )
        assert found.groups == {}
    with pytest.raises(InputError, match="groups is 'all'"):
        fit.predict(groups="all")  # type: ignore[arg-type]


def test_no_pooling_knows_its_own_groups_only() -> None:
    data = example().assign(v=lambda d: d.groupby("g")["w"].transform("mean"))
    fit = synthetic_fit("y ~ x + w + v + (x | g)", data, "unpooled")
    assert fit.terms == ("w",)
    factor = fit.design.factors[0]
    coefficients = flat(fit, "coef[g]")[:, :, factor.index]
    mu = (
        np.einsum("sqi,iq->si", coefficients, factor.Z)
        + flat(fit, "beta") * data["w"].to_numpy()
    )
    np.testing.assert_allclose(fit.predict(data).table["mean"], mu.mean(0), rtol=1e-12)
    with pytest.raises(DataError, match=r"'g' has 1 level.*Without pooling.*partial"):
        fit.predict(data.assign(g="Oz"))
    for groups in ("new", "population", {"g": "new"}):
        with pytest.raises(InputError, match="Without pooling there is no population"):
            fit.predict(data, groups=groups)  # type: ignore[arg-type]


# --- one set of estimates ---


def test_point_predictions_are_statsmodels_fitted_values() -> None:
    """Whose fittedvalues know the groups, though its predict() does not."""
    data = hs.data.sleepstudy()
    design = build_design("Reaction ~ Days + (Days | Subject)", data)
    factor = design.factors[0]
    result = MixedLM(design.y, design.X, factor.index, factor.Z).fit()
    u = np.array([result.random_effects[j] for j in range(factor.J)])
    beta, effects = result.fe_params, {"Subject": u}
    np.testing.assert_allclose(
        predict_point(design, beta, effects), result.fittedvalues, rtol=1e-12
    )
    last = data.iloc[::-1].drop(columns="Reaction")
    found = predict_point(design, beta, effects, last)
    assert found.name == "mean"
    pd.testing.assert_index_equal(found.index, last.index)
    np.testing.assert_allclose(found, result.fittedvalues[::-1], rtol=1e-12)
    mixed = last.head(3).assign(Subject=["Oz", "372", "Oz"])
    line = result.predict(np.column_stack([np.ones(3), mixed["Days"]]))
    np.testing.assert_allclose(
        predict_point(design, beta, effects, mixed, groups="population"), line, rtol=1e-12
    )
    new = predict_point(design, beta, effects, mixed, groups="new")
    np.testing.assert_allclose(new.iloc[[0, 2]], line[[0, 2]], rtol=1e-12)
    assert new.iloc[1] == found.iloc[1]
    with pytest.raises(DataError, match="'Subject' has 1 level"):
        predict_point(design, beta, effects, mixed)


def test_a_mixed_model_predicts_with_its_own_effects() -> None:
    """Nested factors; balanced, so group means shrink towards the mean by known weights."""
    data = hs.data.pastes()
    fit = hs.Model("strength ~ 1 + (1 | batch/cask)", data).mixedlm()
    batch, cask = fit["batch"], fit["batch:cask"]
    at = batch.u[batch.factor.index, 0] + cask.u[cask.factor.index, 0]
    np.testing.assert_allclose(fit.predict(), fit.solution.beta[0] + at, rtol=1e-12)
    new = data.head(2).assign(batch=["A", "Z"])
    found = fit.predict(new, groups="new")
    assert found.iloc[0] == fit.predict().iloc[0]
    assert found.iloc[1] == pytest.approx(fit.solution.beta[0], rel=1e-12)
    with pytest.raises(DataError, match="Z"):
        fit.predict(new)


# --- data that do not fit ---


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x": [1.0, np.nan, 2.0, np.nan]}, r"'x' of the new data lacks a value in 2 row"
         r"\(s\): data row 2, 4\..*dropna\(subset=\['x'\]\)"),
        ({"g": ["g1", "g2", None, "g1"]}, "'g' of the new data lacks a value .* row 3"),
        ({"x": [1.0, np.inf, 2.0, 1.0]}, "'x' has 1 infinite value.*row 2"),
        ({"x": ["1", "2", "3", "4"]}, "'x' of the new data holds .* such as '1'; it held "
         "numbers"),
        ({"x": [1j, 2, 3, 4]}, "'x' of the new data holds complex"),
        ({"k": ["p", "z", "q", "s"]}, r"'k' has 2 value.*'z', 's'; the first is in data "
         r"row 2\. Known are 'p', 'q', 'r'"),
        ({"n": [3, 4, 7, 8]}, r"'n' has 2 value.*'7', '8'.*row 3\. Known are '3'"),
        ({"b": [1, 2, 0, 0]}, "'b' of the new data holds values other than true"),
        ({"w": [1.0, -2.0, 1.0, 1.0]}, r"'np.log\(w \+ 2\)' is infinite or undefined in 1 "
         "row.*row 2"),
    ],
)  # fmt: skip
def test_unusable_new_data_are_named(change: dict[str, Any], says: str) -> None:
    fitted = example().assign(w=lambda d: d["w"].abs())
    fit = synthetic_fit("y ~ x + k + C(n) + b + np.log(w + 2) + (1 | g)", fitted)
    with pytest.raises(DataError, match=says):
        fit.predict(fitted.head(4).assign(**change))


def test_absent_columns_and_other_types_are_named(fit: Fit) -> None:
    with pytest.raises(DataError, match="no column 'x'; did you mean 'xx'"):
        fit.predict(example().rename(columns={"x": "xx"}))
    with pytest.raises(DataError, match=r"builtins\.dict; a pandas DataFrame is wanted"):
        fit.predict({"x": [1.0]})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "term", ["I(x - np.mean(x))", "{x / np.max(x)}", "offset(x - np.mean(x))"]
)
def test_terms_that_depend_on_all_rows_are_refused(term: str) -> None:
    """Their value for new rows would be computed from the new rows: silently wrong."""
    fit = synthetic_fit(f"y ~ {term} + (1 | g)", example())
    fit.predict()
    with pytest.raises(FormulaError, match=r"depends on all rows.*Use center, scale"):
        fit.predict(pd.DataFrame({"x": [40.0], "g": ["g1"]}))


def test_numbers_of_other_types_are_the_same_numbers() -> None:
    data = example().assign(b=lambda d: d["b"].astype(float), x=lambda d: d["x"].round())
    data["i"] = (data["w"] * 10).round().astype("int16")
    fit = synthetic_fit("y ~ x + b + np.abs(i) + np.sqrt(n) + (1 | g)", data)
    same = fit.predict().table
    for name, kind in (
        ("x", "int64"), ("x", "Int64"), ("x", "float32"), ("x", object), ("b", bool),
        ("i", float), ("i", "Int64"), ("n", "int8"), ("n", float),
    ):  # fmt: skip
        other = data.astype({name: kind})
        pd.testing.assert_frame_equal(fit.predict(other).table, same, rtol=1e-12)
    half = fit.predict(data.head(3).assign(n=[3.5, 4.25, 3])).table["mean"]
    between = np.sort(fit.predict(data.head(1).iloc[[0, 0]].assign(n=[3, 4])).table["mean"])
    assert between[0] < half[0] < between[1]


def test_a_fit_that_failed_its_checks_says_so(fit: Fit) -> None:
    assert not fit.diagnostics.sound
    assert fit.predict().remark == "the fit failed its checks"
    assert "; the fit failed its checks\n" in str(fit.predict())


# --- against Stan ---


@pytest.mark.stan
def test_expected_values_and_replications_are_stans_own(engine: CmdStanEngine) -> None:
    """log_lik gives |y - mu| of every draw and row; y_rep is normal around mu."""
    design = build_design("Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy())
    model = hs.Model(design.formula.text, hs.data.sleepstudy(), engine=engine)
    program = get_program("noncentered")
    data = stan_data(program, design, model.priors) | {"pointwise": 1}
    settings = SamplerSettings(chains=2, draws=300, seed=4)
    inits = initial_values(program, design, data, 2, 4)
    samples = engine.sample("noncentered", data, inits, settings, SILENT)
    fit = Fit.from_samples(program, design, model.priors, samples)
    found = fit.predict(draws=True).draws
    assert found is not None
    mu, sigma = found["expected"].to_numpy(), fit.draws["sigma"].to_numpy()[:, :, None]
    density = stats.norm(mu, sigma).logpdf(design.y)
    np.testing.assert_allclose(samples.variables["log_lik"], density, rtol=1e-7, atol=1e-7)
    for y in (samples.variables["y_rep"], found["observation"].to_numpy()):
        assert stats.kstest(((y - mu) / sigma).ravel(), "norm").pvalue > 0.001
