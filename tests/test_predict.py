"""Predictions: tables of the fitted rows and others, draws and seeds."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic import example, expected_by_hand, synthetic_fit

import hierstan as hs
from hierstan.engines import SamplerSettings
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError, InputError
from hierstan.evaluate import build_design, evaluate_terms
from hierstan.fit import Fit
from hierstan.prediction import new_data, predict, simulate
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.progress import SILENT

COLUMNS = ["mean", "sd", "low", "high", "predictive_sd", "predictive_low",
           "predictive_high"]  # fmt: skip


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


def test_every_reading_holds_the_response_against_the_data_s_own() -> None:
    data = example().assign(z=lambda d: np.exp(d["y"]))
    fit = synthetic_fit("np.log(z) ~ x + offset(3 * w) + (1 | g)", data, draws=60)
    for observed in (
        fit.to_arviz()["observed_data"]["np.log(z)"].to_numpy(),
        fit.residuals()["observed"],
        fit.loo().pointwise["observed"],
    ):
        np.testing.assert_allclose(observed, data["y"], rtol=1e-12)


def test_readings_evaluate_the_formula_once(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(*arguments: Any) -> Any:
        asked.append(arguments[0])
        return evaluate_terms(*arguments)

    monkeypatch.setattr(new_data, "evaluate_terms", counted)
    fit.residuals(), fit.replicate(20), fit.predictive_checks(), fit.pooling()
    fit.group_means("h"), fit.log_likelihood(), fit.to_arviz(), fit.predict()
    assert asked == ["x + k"]


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
            fit.predict(data, groups="new", seed=wrong)
        with pytest.raises(InputError, match=f"seed is {wrong}"):
            fit.group_means("g", seed=wrong)


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


def test_absent_columns_and_other_types_are_named(fit: Fit) -> None:
    with pytest.raises(DataError, match="no column 'x'; did you mean 'xx'"):
        fit.predict(example().rename(columns={"x": "xx"}))
    with pytest.raises(DataError, match=r"builtins\.dict; a pandas DataFrame is wanted"):
        fit.predict({"x": [1.0]})


def test_a_fit_that_failed_its_checks_says_so(fit: Fit) -> None:
    assert not fit.diagnostics.sound
    assert fit.predict().remark == "the fit failed its checks"
    assert "; the fit failed its checks\n" in str(fit.predict())


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
