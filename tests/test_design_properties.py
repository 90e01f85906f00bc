"""What may change in the data without changing the design, and what changes it how."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierstan.design import Design
from hierstan.evaluate import build_design
from hierstan.prediction.new_data import rows_of

FORMULA = "y ~ x * k + {x ** 2} + (x + b || g/h)"
quick = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
Change = Callable[[pd.DataFrame], pd.DataFrame]


def make(seed: int, rows: int = 48) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"y": rng.normal(size=rows), "x": rng.integers(1, 100, rows)})
    data["b"] = rng.permutation(np.arange(rows) % 2 == 0)
    data["k"] = rng.permutation(np.resize(["p", "q", "r"], rows))
    data["g"] = rng.permutation(np.arange(rows) % 4)
    data["h"] = rng.permutation(np.resize(["u", "v"], rows))
    return data


def assert_same(one: Design, other: Design, rows: Any = slice(None)) -> None:
    """Assert that two designs are equal; `rows` of the first make the second."""
    assert one.terms == other.terms
    np.testing.assert_array_equal(one.y[rows], other.y)
    np.testing.assert_array_equal(one.X[rows], other.X)
    for a, b in zip(one.factors, other.factors, strict=True):
        assert (a.name, a.levels, a.effects, a.blocks) == (
            b.name, b.levels, b.effects, b.blocks,
        )  # fmt: skip
        np.testing.assert_array_equal(a.index[rows], b.index)
        np.testing.assert_array_equal(a.Z[rows], b.Z)


@quick
@given(seeds)
def test_permuted_rows_permute_the_design(seed: int) -> None:
    data = make(seed)
    order = np.random.default_rng(seed).permutation(len(data))
    one, other = build_design(FORMULA, data), build_design(FORMULA, data.iloc[order])
    assert_same(one, other, order)


INDEXES: dict[str, Callable[[int], Any]] = {
    "all the same": lambda n: [7] * n,
    "duplicates": lambda n: np.arange(n) // 3,
    "text": lambda n: [f"row {k}" for k in range(n)],
    "dates": lambda n: pd.date_range("2020-01-01", periods=n),
    "levels": lambda n: pd.MultiIndex.from_arrays([np.arange(n) % 3, np.arange(n)]),
    "a column's name": lambda n: pd.Index(range(n, 0, -1), name="x"),
}


@pytest.mark.parametrize("index", INDEXES)
def test_the_index_plays_no_part(index: str) -> None:
    data = make(1)
    data.loc[[3, 17], "y"] = np.nan
    other = data.set_axis(INDEXES[index](len(data)), axis=0)
    assert_same(build_design(FORMULA, data), build_design(FORMULA, other))


def _as(column: str, kind: Any) -> Change:
    return lambda data: data.astype({column: kind})


TYPES: dict[str, Change] = {
    f"{column} as {kind}": _as(column, kind)
    for column, kinds in {
        "x": "int8 uint8 int32 Int64 UInt8 float32 float64 Float64 Float32 object "
        "int64[pyarrow] double[pyarrow]",
        "b": "int64 int8 uint8 boolean Int64 float64 object bool[pyarrow]",
        "k": "object string category string[pyarrow]",
        "g": "int8 uint16 Int64 float64 Float32 object category int64[pyarrow]",
        "h": "object string category string[pyarrow]",
    }.items()
    for kind in kinds.split()
} | {
    "k in unused categories": _as("k", pd.CategoricalDtype(["p", "none", "q", "r", "s"])),
    "k in an order": _as("k", pd.CategoricalDtype(["o", "p", "q", "r"], ordered=True)),
    "g in unused categories": _as("g", pd.CategoricalDtype(range(-3, 9))),
}


@pytest.mark.parametrize("change", TYPES)
def test_types_that_say_the_same_make_the_same_design(change: str) -> None:
    for seed in (1, 2):
        data = make(seed)
        assert_same(build_design(FORMULA, data), build_design(FORMULA, TYPES[change](data)))


HOLEY = (
    "x as float32,x as Int64,x as object,b as boolean,b as object,k as string,k as object"
)


@pytest.mark.parametrize("change", [*HOLEY.split(","), "g as Int64", "g as float64"])
def test_types_stay_the_same_around_gaps(change: str) -> None:
    """Whole numbers became floats and booleans became objects because of a gap."""
    data, gap = make(3), np.arange(48) % 11 == 0
    column = change[0]
    changed = TYPES[change](data)
    changed[column] = changed[column].mask(gap)
    design = build_design(FORMULA, changed)
    assert (design.dropped, design.missing) == (5, {column: 5})
    assert_same(build_design(FORMULA, data[~gap]), design)


def test_categories_keep_their_order() -> None:
    """The first category is the baseline, and levels of a factor are sorted by it."""
    data = make(5)
    for ordered in (False, True):
        kind = pd.CategoricalDtype(["r", "none", "p", "q"], ordered=ordered)
        design = build_design("y ~ k + (k | g)", data.astype({"k": kind}))
        assert design.terms == ("Intercept", "k[p]", "k[q]")
        assert design.factors[0].effects == design.terms
        grouped = build_design("y ~ x + (1 | k)", data.astype({"k": kind}))
        assert grouped.factors[0].levels == ("r", "p", "q")


@pytest.mark.parametrize("kind", ["bool", "boolean", "object", "bool[pyarrow]"])
def test_booleans_group_rows(kind: str) -> None:
    data = make(4)
    factor = build_design("y ~ x + (1 | b)", data.astype({"b": kind})).factors[0]
    assert factor.levels == ("False", "True")
    assert factor.index.tolist() == data["b"].astype(int).tolist()


def test_long_numbers_name_groups() -> None:
    """Ids that a float cannot hold."""
    ids = pd.Series(2**60 + np.arange(48) % 4, dtype="Int64")
    factor = build_design("y ~ 1 + (1 | g)", make(9).assign(g=ids)).factors[0]
    assert factor.levels == tuple(str(2**60 + k) for k in range(4))


def test_small_numbers_do_not_wrap_around() -> None:
    data = make(8).assign(x=lambda d: d["x"].astype("int8"), u=np.uint8(200))
    data["u"] += data["x"].astype("uint8") // 2
    design = build_design("y ~ x:u + I(x ** 4) + I(x - u) + (1 | g)", data)
    x, u = data["x"].to_numpy(dtype=float), data["u"].to_numpy(dtype=float)
    np.testing.assert_array_equal(design.X[:, 1:].T, [x**4, x - u, x * u])
    again = rows_of(design, data, {"g": "same"}, "")
    np.testing.assert_array_equal(again.X, design.X)


@quick
@given(seeds)
def test_renamed_groups_are_the_same_groups(seed: int) -> None:
    data = make(seed)
    one = build_design("y ~ x + (x | g)", data).factors[0]
    labels = np.random.default_rng(seed).permutation(["aa", "b", "Ä", "10"])
    new = labels[data["g"]]
    other = build_design("y ~ x + (x | g)", data.assign(g=new)).factors[0]
    assert list(other.levels) == sorted(labels)
    assert [other.levels[k] for k in other.index] == new.tolist()
    np.testing.assert_array_equal(other.Z, one.Z)
    same = build_design("y ~ x + (x | g)", data.assign(g=np.array(list("abcd"))[data["g"]]))
    np.testing.assert_array_equal(same.factors[0].index, one.index)


@quick
@given(seeds, st.sampled_from([1e-6, 0.37, 1e4]), st.sampled_from([-40.0, 0.0, 12.5]))
def test_units_change_columns_in_the_known_way(seed: int, unit: float, zero: float) -> None:
    data = make(seed).astype({"x": float})
    other = data.assign(y=data["y"] * unit - zero, x=data["x"] * unit)
    text = "y ~ x:k + scale(b) + I(x ** 2) + (x | g)"
    one, two = build_design(text, data), build_design(text, other)
    np.testing.assert_allclose(two.y, one.y * unit - zero, rtol=1e-12)
    powers = [label.count("x") * (2 if "** 2" in label else 1) for label in one.terms]
    assert sorted(powers) == [0, 0, 1, 1, 1, 2]
    np.testing.assert_allclose(two.X, one.X * unit ** np.array(powers), rtol=1e-12)
    np.testing.assert_allclose(two.factors[0].Z, one.factors[0].Z * [1.0, unit], rtol=1e-12)


@quick
@given(seeds, st.sampled_from([1e-6, 0.37, 1e4]), st.sampled_from([-40.0, 0.0, 12.5]))
def test_standardized_columns_have_no_units(seed: int, unit: float, zero: float) -> None:
    data = make(seed).astype({"x": float})
    other = data.assign(x=data["x"] * unit + zero * unit)
    for text in ("scale(x)", "poly(x, 2)", "bs(x, df=4)"):
        one, two = (build_design(f"y ~ {text} + (1 | g)", d) for d in (data, other))
        np.testing.assert_allclose(two.X, one.X, rtol=0, atol=1e-8)


@quick
@given(seeds, st.integers(0, 4), st.permutations(["x", "k", "b", "(x || g)", "(1 | h)"]))
def test_blanks_and_the_order_of_terms(seed: int, blanks: int, parts: list[str]) -> None:
    data = make(seed)
    one = build_design("y ~ x + k + b + (x || g) + (1 | h)", data)
    text = f"y ~ {' + '.join(parts)}".replace(" ", " " * blanks + "\n" * (blanks == 4))
    other = build_design(text, data)
    assert sorted(other.terms) == sorted(one.terms)
    for label, values in zip(other.terms, other.X.T, strict=True):
        np.testing.assert_array_equal(values, one.X[:, one.terms.index(label)])
    factors = {factor.name: factor for factor in one.factors}
    for factor in other.factors:
        np.testing.assert_array_equal(factor.index, factors[factor.name].index)
        np.testing.assert_array_equal(factor.Z, factors[factor.name].Z)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("(x | g/h)", "(x | g) + (x | g:h)"),
        ("(1 | g/h/b)", "(1 | g) + (1 | g:h) + (1 | g:h:b)"),
        ("(x + b || g)", "(1 | g) + (0 + x | g) + (0 + b | g)"),
        ("(0 + k || g)", "(0 + k | g)"),
        ("k * x + (1 | g)", "k + x + k:x + (1 | g)"),
        ("x / k + (1 | g)", "x + x:k + (1 | g)"),
        ("(x + k) ** 2 + (1 | g)", "x + k + x:k + (1 | g)"),
        ("x + (1 | g) - 1", "0 + x + (1 | g)"),
    ],
)
def test_short_forms_are_their_long_forms(short: str, long: str) -> None:
    data = make(6)
    assert_same(build_design(f"y ~ {short}", data), build_design(f"y ~ {long}", data))
