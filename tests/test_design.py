"""Design matrices from formulas and frames."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.errors import DataError, FormulaError
from hierstan.evaluate import build_design
from hierstan.frequentist import fit_by_group


def test_radon(radon_design: Design) -> None:
    county = radon_design.factors[0]
    assert radon_design.terms == ("Intercept", "floor")
    assert (radon_design.N, county.J, county.Q) == (919, 85, 2)
    assert county.levels[:2] == ("AITKIN", "ANOKA")
    assert county.sizes[:2].tolist() == [4, 52]
    assert county.blocks == (1, 1)
    assert radon_design.y[:2].round(6).tolist() == [0.832909, 0.832909]
    np.testing.assert_array_equal(county.Z, radon_design.X)


def test_a_slope_is_determined_where_the_predictor_varies(radon_design: Design) -> None:
    county = radon_design.factors[0]
    floor = hs.data.radon().groupby("county")["floor"].nunique()
    told = county.determined()
    assert told[:, 0].all()
    assert told[:, 1].tolist() == (floor.loc[list(county.levels)] > 1).tolist()
    assert not told[county.levels.index("CASS"), 1]


def test_one_value_that_is_not_zero_hides_the_intercept_too() -> None:
    data = pd.DataFrame(
        {"y": [1.0, 2.5, 3.0, 5.0], "x": [2.0, 2.0, 1.0, 4.0], "g": list("aabb")}
    )
    told = build_design("y ~ x + (x | g)", data).factors[0].determined()
    assert told.tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize(
    ("start", "width"), [(0.0, 1.0), (2024.3, 0.07), (1.7e9, 86_400.0), (1e6, 1.0)]
)
def test_what_rows_determine_does_not_depend_on_where_zero_is(
    start: float, width: float
) -> None:
    """A year with three months of data, seconds since 1970, a number of seven digits."""
    rng = np.random.default_rng(2)
    x = start + width * rng.normal(size=40)
    level = np.repeat(list("abcd"), 10)
    x[level == "b"] = x[3]  # one value, and one at the mean of all
    x[level == "c"] = np.float64(start)
    data = pd.DataFrame({"y": rng.normal(size=40), "x": x, "g": level})
    design = build_design("y ~ x + (x | g)", data)
    told = design.factors[0].determined()
    assert told[:, 1].tolist() == [True, False, False, True]
    assert told[[0, 3], 0].all()
    fit = fit_by_group(design, design.factors[0])
    assert fit.determined[:, 1].tolist() == [True, False, False, True]
    own = data[level == "a"]
    away = own["x"] - own["x"].mean()
    assert fit.coefficients[0, 1] == pytest.approx(
        float(away @ own["y"] / (away @ away)), rel=1e-5
    )


def test_crossproducts_are_those_of_the_blocks(radon_design: Design) -> None:
    county = radon_design.factors[0]
    j = county.levels.index("CROW WING")
    block = county.Z[county.index == j]
    np.testing.assert_allclose(county.crossproducts()[j], block.T @ block, rtol=1e-14)


def test_group_level_columns_are_found() -> None:
    design = build_design("log_radon ~ floor + log_uranium + (1 | county)", hs.data.radon())
    constant = design.factors[0].constant_columns(design.X)
    assert dict(zip(design.terms, constant, strict=True)) == {
        "Intercept": True, "floor": False, "log_uranium": True,
    }  # fmt: skip


def test_nested_levels_are_the_combinations_that_occur() -> None:
    design = build_design("strength ~ 1 + (1 | batch/cask)", hs.data.pastes())
    batch, cask = design.factors
    assert (batch.J, cask.J) == (10, 30)
    assert cask.name == "batch:cask"
    assert cask.levels[:4] == ("A:a", "A:b", "A:c", "B:a")
    frame = hs.data.pastes()
    labels = frame["batch"] + ":" + frame["cask"]
    assert [cask.levels[k] for k in cask.index] == labels.tolist()


def test_numbers_sort_as_numbers() -> None:
    data = pd.DataFrame({"y": range(6), "g": [10, 9, 10, 2, 9, 2]})
    assert build_design("y ~ 1 + (1 | g)", data).factors[0].levels == ("2", "9", "10")


def test_unused_categories_have_no_level() -> None:
    g = pd.Categorical(list("ababaa"), categories=["z", "b", "a"])
    data = pd.DataFrame({"y": range(6), "g": g})
    assert build_design("y ~ 1 + (1 | g)", data).factors[0].levels == ("b", "a")


@pytest.mark.parametrize(
    ("terms", "effects", "blocks", "pairs"),
    [
        ("(1 | g)", "Intercept", (1,), ()),
        ("(x | g)", "Intercept x", (2,), ((1, 0),)),
        ("(x || g)", "Intercept x", (1, 1), ()),
        ("(0 + x | g)", "x", (1,), ()),
        ("(1 | g) + (0 + x + w | g)", "Intercept x w", (1, 2), ((2, 1),)),
        ("(k || g)", "Intercept k[q] k[r]", (1, 2), ((2, 1),)),
        ("(0 + k | g)", "k[p] k[q] k[r]", (3,), ((1, 0), (2, 0), (2, 1))),
        ("(x || g) + (1 | h)", "Intercept x", (1, 1), ()),
    ],
)
def test_effects_and_their_correlations(
    terms: str, effects: str, blocks: tuple[int, ...], pairs: tuple[tuple[int, int], ...]
) -> None:
    """Bars split by term, as in lme4 2.0: the dummies of a category stay together."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(60, 3)), columns=["y", "x", "w"])
    data["g"], data["h"] = rng.integers(0, 5, 60), rng.integers(0, 4, 60)
    data["k"] = rng.choice(["p", "q", "r"], 60)
    factor = build_design(f"y ~ x + {terms}", data).factors[0]
    assert factor.effects == tuple(effects.split())
    assert factor.blocks == blocks
    assert factor.pairs == pairs


def test_an_effect_given_twice_is_refused() -> None:
    with pytest.raises(FormulaError, match="the effect 'Intercept' twice"):
        build_design("log_radon ~ 1 + (1 | county) + (floor | county)", hs.data.radon())


def test_factors_that_are_the_same_are_refused() -> None:
    data = hs.data.sleepstudy().assign(person=lambda d: "p" + d["Subject"])
    with pytest.raises(
        DataError, match="'Subject' and 'person' group the rows in the same"
    ):
        build_design("Reaction ~ Days + (1 | Subject) + (1 | person)", data)


def test_dropped_rows_are_counted() -> None:
    data = hs.data.radon()
    data.loc[[3, 5], "floor"] = np.nan
    data.loc[5, "log_radon"] = np.nan
    design = build_design("log_radon ~ floor + (1 | county)", data)
    assert (design.rows, design.N, design.dropped) == (919, 917, 2)
    assert design.missing == {"floor": 2, "log_radon": 1}


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("log_radon ~ flor + (1 | county)", "no column 'flor'; did you mean 'floor'"),
        ("one ~ floor + (1 | county)", "Response 'one' is constant"),
        ("county ~ floor + (1 | county)", "Response 'county' holds"),
        ("log_radon ~ floor + (1 | one)", "'one' has one level"),
        ("log_radon ~ floor + twice + (1 | county)", "'twice' is collinear"),
        ("log_radon ~ one + (1 | county)", "'one' is collinear with 'Intercept'"),
        ("log_radon ~ floor + (floor + twice | county)", "of the group terms"),
        ("log_radon ~ floor + (1 | home)", "level of its own for each"),
        ("log_radon ~ np.log(floor) + (1 | county)", r"'np.log\(floor\)' is infinite"),
        ("np.log(floor) ~ 1 + (1 | county)", "is infinite or undefined"),
    ],
)
def test_unusable_data_are_named(formula: str, says: str) -> None:
    data = hs.data.radon().assign(one=1.0, home=range(919))
    data["twice"] = 2 * data["floor"]
    with pytest.raises(DataError, match=says):
        build_design(formula, data)


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(FormulaError, match="'nosuch'"):
        build_design("log_radon ~ nosuch(floor) + (1 | county)", hs.data.radon())


def test_combined_labels_are_told_apart() -> None:
    data = pd.DataFrame({"y": range(12), "a": ["p:q", "p"] * 6, "b": ["r", "q:r"] * 6})
    with pytest.raises(DataError, match=r"'a:b' has two different levels .* 'p:q:r'"):
        build_design("y ~ 1 + (1 | a:b)", data)
    data = data.assign(a=["", "p"] * 6, b=list("uuuvvv") * 2)
    levels = build_design("y ~ 1 + (1 | a:b)", data).factors[0].levels
    assert levels == (":u", ":v", "p:u", "p:v")


def test_many_crossed_columns_do_not_overflow() -> None:
    """Five columns of ten thousand values have more combinations than an int64."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame(rng.integers(0, 10000, (3000, 5)), columns=list("abcde"))
    data = pd.concat([data, data]).assign(y=np.arange(6000.0))
    factor = build_design("y ~ 1 + (1 | a:b:c:d:e)", data).factors[0]
    assert len(data[list("abcde")].drop_duplicates()) == factor.J
    first = factor.levels[factor.index[0]]
    assert first == ":".join(data[list("abcde")].iloc[0].astype(str))


def test_an_offset_has_no_coefficient() -> None:
    data = hs.data.sleepstudy()
    with_offset = build_design("Reaction ~ Days + offset(3 * Days) + (1 | Subject)", data)
    assert with_offset.terms == ("Intercept", "Days")
    np.testing.assert_allclose(with_offset.y, data["Reaction"] - 3 * data["Days"])


@pytest.mark.parametrize(
    ("column", "formula", "says"),
    [
        (pd.Series(["1", "2", "-"] + ["4"] * 57), "y ~ z + (1 | g)", "'-' in data row 3"),
        (pd.Series(["1", "2"] * 30), "y ~ z + (1 | g)", "holds numbers as text"),
        (pd.Series(["1", "2"] * 30), "z ~ 1 + (1 | g)", "holds numbers as text"),
        (
            pd.Series(["1", "foo", "2"] * 20),
            "z ~ 1 + (1 | g)",
            "such as 'foo' in data row 2",
        ),
        (pd.Series([1j, 2.0] * 30), "y ~ z + (1 | g)", "complex128"),
        (pd.date_range("2020", periods=60).to_series(), "y ~ z + (1 | g)", "datetime64"),
        (pd.timedelta_range(0, periods=60).to_series(), "y ~ z + (1 | g)", "timedelta64"),
        (pd.Series([1.5, "a", 2] * 20), "y ~ z + (1 | g)", r"float, int, str.*all text"),
        (pd.Series([[1], [2]] * 30), "y ~ 1 + (1 | z)", "cannot be told apart"),
        (pd.Series([1, "1", 2] * 20, dtype=object), "y ~ 1 + (1 | z)", "both read '1'"),
    ],
)
def test_columns_that_are_not_what_they_seem(
    column: "pd.Series[Any]", formula: str, says: str
) -> None:
    data = pd.DataFrame({"y": np.arange(60.0), "g": np.arange(60) % 7})
    data["z"] = column.to_numpy()
    with pytest.raises(DataError, match=says):
        build_design(formula, data)


def test_names_with_blanks_and_names_of_ours() -> None:
    """Columns in backticks, and columns called what results are called."""
    names = ["sigma", "chain", "draw", "term", "effect", "u", "my group"]
    data = hs.data.sleepstudy().rename(columns={"Days": "sigma"})
    for name in names[1:]:
        data[name] = data["Subject"]
        quoted = f"`{name}`" if " " in name else name
        design = build_design(f"Reaction ~ sigma + (sigma || {quoted})", data)
        assert design.factors[0].name == name
    assert dict(
        hs.Model("Reaction ~ sigma + (1 | chain)", data).mixedlm().estimates().rows()
    )["sigma (coefficient)"].center == pytest.approx(10.467, abs=1e-3)
    with pytest.raises(FormulaError, match="column called 'Intercept'"):
        build_design("Reaction ~ Intercept + (1 | Subject)", data)
    with pytest.raises(FormulaError, match="nothing that varies"):
        build_design("Reaction ~ sigma + (0 | Subject)", data)
    with pytest.raises(DataError, match="a pandas DataFrame is wanted"):
        build_design("Reaction ~ sigma + (1 | Subject)", data.to_dict())
