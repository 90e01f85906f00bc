"""Which columns vary between levels only, and what each level gets of them."""

import numpy as np
import pytest
from schools import schools

from hierstan.design import find_factor
from hierstan.errors import InputError
from hierstan.evaluate import build_design
from hierstan.shares import coarser, crossed, finer, shares


@pytest.mark.parametrize(
    ("formula", "between"),
    [
        ("y ~ x + (1 | school)", [True, False]),
        ("y ~ x + size + strict + (x | school)", [True, True, True, False]),
        ("y ~ x * size + (x | school)", [True, True, True, True]),
        ("y ~ x * size + (1 | school)", [True, False, True, False]),
        ("y ~ 0 + x + size + (1 | school)", [False, True]),
        ("y ~ 0 + x + size + (0 + x | school)", [True, False]),
    ],
)
def test_columns_between_levels_are_found(formula: str, between: list[bool]) -> None:
    design = build_design(formula, schools())
    assert shares(design.factors[0], design.X).between.tolist() == between


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + size + (x | school)",
        "y ~ x * size + (x || school)",
        "y ~ x * size + (x | town/school/room)",
        "y ~ k + size + (0 + k | school)",
        "y ~ k * size + (k | school)",
    ],
)
def test_shares_express_the_columns(formula: str) -> None:
    data = schools()
    data["k"] = np.random.default_rng(2).choice(["low", "high", "top"], len(data))
    design = build_design(formula, data)
    for factor in design.factors:
        found = shares(factor, design.X)
        fitted = np.einsum("nq,nqp->np", factor.Z, found.table[factor.index])
        some = found.between
        assert some.any()
        np.testing.assert_allclose(fitted[:, some], design.X[:, some], atol=1e-9)


def test_a_coefficient_counts_in_every_level_alike() -> None:
    """Even where a level's rows could be written otherwise: x is 1 throughout in 0."""
    data = schools()
    data.loc[data["school"] == 0, "x"] = 1.0
    design = build_design("y ~ x + (x | school)", data)
    found = shares(design.factors[0], design.X).table
    assert np.array_equal(found, np.broadcast_to(np.eye(2), found.shape))


def test_a_product_with_a_column_that_is_zero_needs_the_other_column() -> None:
    """X is zero in school 2: its share of x:size is the size, if the model has that."""
    data = schools()
    data.loc[data["school"] == 2, "x"] = 0.0
    design = build_design("y ~ x * size + (x | school)", data)
    names = list(design.terms)
    found = shares(design.factors[0], design.X)
    size = data.groupby("school")["size"].first().to_numpy()
    np.testing.assert_allclose(found.table[:, 1, names.index("x:size")], size)
    design = build_design("y ~ x + x:size + (x | school)", data)
    found = shares(design.factors[0], design.X)
    expected = np.where(np.arange(6) == 2, np.nan, size)
    np.testing.assert_allclose(found.table[:, 1, 2], expected)


def test_shares_that_differ_by_level_and_effect() -> None:
    """A column that is another combination of the effects in each school."""
    data = schools()
    rng = np.random.default_rng(4)
    slope, origin = rng.normal(size=6), rng.normal(size=6)
    data["mixed"] = origin[data["school"]] + slope[data["school"]] * data["x"]
    data.loc[data["school"] == 3, ["x", "mixed"]] = [2.0, 0.7]
    design = build_design("y ~ x + mixed + (x | school)", data)
    found = shares(design.factors[0], design.X)
    assert found.between.all()
    expected = np.column_stack([origin, slope])
    expected[3] = np.nan  # one value of x
    np.testing.assert_allclose(found.table[:, :, 2], expected, atol=1e-9)


def test_factors_are_finer_coarser_or_crossed() -> None:
    text = "y ~ x + (x | town/school/room) + (1 | rater)"
    design = build_design(text, schools())
    town, school, _, rater = design.factors
    assert [factor.name for factor in finer(design, town)] == [
        "town:school", "town:school:room",
    ]  # fmt: skip
    above = coarser(design, school)
    assert [one.factor.name for one in above] == ["town"]
    assert above[0].parent.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(above[0].shares.table, np.tile(np.eye(2), (6, 1, 1)))
    assert crossed(design, school) == (rater,)
    assert crossed(design, rater) == design.factors[:3]


def test_factors_are_found_by_name() -> None:
    design = build_design("y ~ x + (1 | school) + (1 | rater)", schools())
    assert find_factor(design, "rater") is design.factors[1]
    with pytest.raises(InputError, match=r"no factor 'town'; the formula has 'school"):
        find_factor(design, "town")
    with pytest.raises(InputError, match=r"Name a factor; the formula has 'school', '"):
        find_factor(design, None)
    design = build_design("y ~ x + (1 | school)", schools())
    assert find_factor(design, None) is design.factors[0]
