"""New rows in the fitted encodings."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import encode, example, synthetic_fit

from hierstan.errors import DataError, FormulaError
from hierstan.evaluate import build_design


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


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x": [1.0, np.nan, 2.0, np.nan]}, r"'x' of the new data lacks a value in 2 row"
         r"\(s\): data row 2, 4\..*dropna\(subset=\['x'\]\)"),
        ({"g": ["g1", "g2", None, "g1"]}, "'g' of the new data lacks a value .* row 3"),
        ({"x": [1.0, np.inf, 2.0, 1.0]}, "'x' has 1 infinite value.*row 2"),
        ({"x": ["1", "2", "3", "4"]}, "'x' of the new data holds .* such as '1' in data "
         "row 1; it held numbers"),
        ({"x": ["1", "foo", "3", "4"]}, "such as 'foo' in data row 2; it held numbers"),
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
