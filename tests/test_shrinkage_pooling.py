"""Gelman and Pardoe's measures at every level, by their definition."""

from dataclasses import replace

import numpy as np
import pytest
from invented import invented_analysis
from schools import schools
from synthetic import expected_by_hand, flat, synthetic_fit
from test_shrinkage_table import NESTED, rooms_by_hand

from hierstan.design import Floats
from hierstan.errors import InputError
from hierstan.prediction.simulate import Posterior
from hierstan.report.sections.shrinkage import pooling as shown_pooling
from hierstan.shrinkage import pooling
from hierstan.shrinkage.weights import weight_draws


def by_hand(errors: Floats, predictors: Floats) -> tuple[float, float]:
    """Pooling factor and R-squared; units by draws."""
    mean_errors = np.var(errors, axis=0, ddof=1).mean()
    pooled = 1 - np.var(errors.mean(axis=1), ddof=1) / mean_errors
    return pooled, 1 - mean_errors / np.var(predictors, axis=0, ddof=1).mean()


def jackknife(errors: Floats, predictors: Floats, blocks: int) -> Floats:
    """Standard errors of both, leaving out one run of draws after the other."""
    draws = np.array_split(np.arange(errors.shape[1]), blocks)
    values = []
    for out in draws:
        keep = np.setdiff1d(np.arange(errors.shape[1]), out)
        values.append(by_hand(errors[:, keep], predictors[:, keep]))
    return np.asarray(np.sqrt((blocks - 1) * np.var(np.array(values), axis=0)))


def test_levels_of_a_factor() -> None:
    """Rooms: what their school, town and its size explain is explained."""
    fit = synthetic_fit(NESTED, schools(), draws=200)
    table = fit.pooling().set_index(["level", "effect"])
    for effect, (theta, u) in rooms_by_hand(fit).items():
        row = table.loc["town:school:room", effect]
        assert row["units"] == 24
        assert (row["pooling_factor"], row["r_squared"]) == pytest.approx(by_hand(u, theta))
        mcse = jackknife(u, theta, 40)
        assert row["pooling_factor_mcse"] == pytest.approx(mcse[0])
        assert row["r_squared_mcse"] == pytest.approx(mcse[1])
        share = 1 - np.var(u, axis=0) / np.var(theta, axis=0)
        assert row["r_squared_low"] == pytest.approx(np.quantile(share, 0.025))
        assert row["r_squared_high"] == pytest.approx(np.quantile(share, 0.975))
        assert row["note"] == ""


def test_level_of_the_data() -> None:
    fit = synthetic_fit(NESTED, schools(), draws=200)
    row = fit.pooling().iloc[0]
    assert (row["level"], row["effect"], row["units"]) == ("data", "y", 240)
    y = fit.design.y[:, None]
    errors = y - expected_by_hand(fit, fit.design).T
    told = by_hand(errors, np.broadcast_to(y, errors.shape))
    assert (row["pooling_factor"], row["r_squared"]) == pytest.approx(told)
    mcse = jackknife(errors, np.broadcast_to(y, errors.shape), 40)
    assert row["r_squared_mcse"] == pytest.approx(mcse[1])
    assert np.isnan(row["mean_pooling"])


def test_chunks_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = synthetic_fit(NESTED, schools(), draws=200)
    whole = fit.pooling()
    monkeypatch.setattr("hierstan.prediction.simulate.CELLS", 400 * 7)
    monkeypatch.setattr("hierstan.shrinkage.predictors._CELLS", 400 * 2 * 5)
    numbers = whole.select_dtypes("float").columns
    np.testing.assert_allclose(fit.pooling()[numbers], whole[numbers], rtol=1e-9)


def test_many_rows_take_fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fourth draw or so: the numbers differ by Monte Carlo error only."""
    fit = synthetic_fit("y ~ x + (1 | school)", schools(), draws=1000)
    whole = fit.pooling().iloc[0]
    monkeypatch.setattr(pooling, "_NUMBERS", 240 * 600)
    some = fit.pooling().iloc[0]
    assert some["r_squared"] != whole["r_squared"]
    assert abs(some["r_squared"] - whole["r_squared"]) < 4 * some["r_squared_mcse"]


def test_effects_without_predictors_explain_nothing() -> None:
    table = synthetic_fit("y ~ x + (x | school)", schools()).pooling()
    rows = table[table["level"] == "school"]
    assert (rows[["r_squared", "r_squared_low", "r_squared_high"]] == 0).all(axis=None)
    shown = shown_pooling(table, "noncentered")
    assert shown is not None
    place = [column.heading for column in shown.columns].index("R²")
    assert [row[place].text for row in shown.rows][1:] == ["–", "–"]
    assert shown.rows[0][place].text != "–"


def test_weights_of_correlated_effects_can_leave_their_range() -> None:
    """As the page and the docstrings say: only eigenvalues of W are in [0, 1]."""
    table = synthetic_fit("y ~ x + (x | school)", schools(), draws=200).pooling()
    assert table["mean_pooling_low"].min() < 0
    shown = shown_pooling(table, "noncentered")
    assert shown is not None
    (column,) = [one for one in shown.columns if one.heading == "mean pooling"]
    assert "can leave 0 to 1" in column.meaning


def test_what_is_there_to_explain_is_named() -> None:
    """Size varies between rooms only; x and its product with size within them."""
    data = schools()
    formula = "y ~ x * size + strict + (x | town/school/room)"
    table = synthetic_fit(formula, data).pooling().set_index(["level", "effect"])
    told = table["predictors"].to_dict()
    assert told["data", "y"] == "x, size, strict, x:size"
    assert told["town:school:room", "Intercept"].startswith("size, ")
    assert "x:size" in told["town:school:room", "x"]
    assert told["town:school:room", "x"].endswith("town, town:school")
    assert told["town", "x"] == ""
    data.loc[data.index[0], "size"] += 1  # in one room of all: then it is none of rooms'
    told = (
        synthetic_fit(formula, data).pooling().set_index(["level", "effect"])["predictors"]
    )
    assert "size" not in told["town:school:room", "Intercept"]


def test_the_levels_that_others_lie_in_explain() -> None:
    """Without any predictor, schools explain what rooms differ by."""
    fit = synthetic_fit("y ~ x + (1 | school/room)", schools())
    room, school = flat(fit, "u[school:room]")[:, 0], flat(fit, "u[school]")[:, 0]
    lies_in = np.array([int(name.split(":")[0]) for name in fit.design.factors[1].levels])
    row = fit.pooling().set_index("level").loc["school:room"]
    told = by_hand(room.T, (room + school[:, lies_in]).T)
    assert row["r_squared"] == pytest.approx(told[1])
    assert row["r_squared"] != 0


def test_mean_pooling_is_that_of_the_weights() -> None:
    fit = synthetic_fit("y ~ x + (1 | school)", schools())
    row = fit.pooling().iloc[1]
    posterior = Posterior(fit.program, fit.design, fit.draws)
    pooled = 1 - weight_draws(fit.design, fit.design.factors[0], posterior)[0].mean(axis=0)
    assert row["mean_pooling"] == pytest.approx(pooled.mean())
    assert row["mean_pooling_low"] == pytest.approx(np.quantile(pooled, 0.025))


def test_few_levels_are_rough() -> None:
    row = synthetic_fit("y ~ x + (1 | town)", schools()).pooling().iloc[1]
    assert 0 <= row["pooling_factor"] <= 1
    assert row["note"] == "2 levels: rough"


def test_effects_that_are_all_zero_have_no_factor() -> None:
    fit = synthetic_fit("y ~ x + (1 | school)", schools())
    draws = fit.draws.assign({"u[school]": 0.0 * fit.draws["u[school]"]})
    row = replace(fit, draws=draws).pooling().iloc[1]
    assert np.isnan(row["pooling_factor"])
    assert np.isnan(row["r_squared"])
    assert row["note"] == "the effects do not vary"


def test_without_partial_pooling_there_is_the_data_only() -> None:
    for program in ("pooled", "unpooled"):
        fit = synthetic_fit("y ~ x + (1 | school)", schools(), program)
        assert fit.pooling()["level"].tolist() == ["data"]


def test_draws_from_the_prior_pool_nothing() -> None:
    fit = replace(synthetic_fit("y ~ x + (1 | school)", schools()), prior_only=True)
    for ask in (fit.pooling, fit.shrinkage, fit.shrinkage_regions):
        with pytest.raises(InputError, match="from the prior only"):
            ask()


def test_places_that_rows_do_not_tell_leave_r_squared_open() -> None:
    """In school 2 x is zero, so nothing tells its share of x:size."""
    data = schools()
    data.loc[data["school"] == 2, "x"] = 0.0
    table = synthetic_fit("y ~ x + x:size + (x | school)", data).pooling()
    row = table.set_index(["level", "effect"]).loc["school", "x"]
    assert np.isfinite(row["pooling_factor"])
    assert np.isnan(row["r_squared"])
    assert row["note"] == "its rows do not tell what some levels are pulled towards"


def test_an_analysis_has_the_numbers_by_factor_and_effect() -> None:
    analysis = invented_analysis("y ~ x + size + (x | school)", schools(), draws=60)
    assert analysis.best is not None
    table = analysis.best.pooling().set_index(["level", "effect"])
    found = analysis.pooling()
    assert list(found) == ["school"]
    assert list(found["school"]) == ["Intercept", "x"]
    numbers = found["school"]["Intercept"]
    for name, value in numbers.items():
        assert value == pytest.approx(table.loc[("school", "Intercept"), name])
    assert list(numbers)[:3] == ["pooling_factor", "pooling_factor_mcse", "r_squared"]
