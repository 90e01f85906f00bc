"""Grouping columns whose names collide, with each other or with a word of our own."""

import numpy as np
import pandas as pd
import pytest
from invented import invented_analysis
from synthetic import synthetic_fit

from hierstan.report.names import factor_file
from hierstan.report.results import results
from hierstan.report.sections.shrinkage import pooling
from hierstan.report.tables import tables

FORMULA = "y ~ x + (1 | a/b) + (1 | a_b) + (1 | data)"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Nested columns `a` and `b`, and columns called `a_b` and `data` across them."""
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"a": np.repeat([2, 3, 5, 7], 20), "b": np.tile([1, 4], 40)})
    data["a_b"] = rng.choice(["k", "l", "m"], 80)
    data["data"] = rng.choice(["p", "q", "r", "s", "t"], 80)
    data["x"], data["y"] = rng.normal(3, 2, 80), rng.normal(4, 2, 80)
    return data


def test_every_factor_has_a_table_of_its_own(data: pd.DataFrame) -> None:
    analysis = invented_analysis(FORMULA, data, ["noncentered"], mixed=False, draws=20)
    found = tables(analysis)
    rows = {factor.name: factor.J for factor in analysis.design.factors}
    assert rows == {"a": 4, "a:b": 8, "a_b": 3, "data": 5}
    for factor in analysis.design.factors:
        table = found[f"shrinkage_{factor_file(factor)}"]
        assert table["level"].tolist() == list(factor.levels)
    assert {"shrinkage_a", "shrinkage_a_b", "shrinkage_data"} <= set(found)


def test_a_factor_called_data_is_not_the_data(data: pd.DataFrame) -> None:
    analysis = invented_analysis(FORMULA, data, ["noncentered"], mixed=False, draws=20)
    fit = synthetic_fit(FORMULA, data, draws=20)
    column = fit.pooling()["pooling_factor"].tolist()
    told = results(analysis)["shrinkage"]
    assert {name: list(effects) for name, effects in told.items()} == {
        name: ["Intercept"] for name in ("a", "a:b", "a_b", "data")
    }
    found = [told[f.name]["Intercept"]["pooling_factor"] for f in analysis.design.factors]
    assert found == pytest.approx(column[1:], rel=1e-12)


def test_the_page_calls_the_data_so_and_nothing_else(data: pd.DataFrame) -> None:
    shown = pooling(synthetic_fit(FORMULA, data, draws=20).pooling(), "noncentered")
    assert shown is not None
    assert [row[0].text for row in shown.rows] == [
        "data", "Intercept | a", "Intercept | a:b", "Intercept | a_b", "Intercept | data",
    ]  # fmt: skip
