"""Reading formulas."""

import pytest

from hierstan.errors import FormulaError
from hierstan.formula import GroupTerm, parse


def test_parts_of_a_formula() -> None:
    formula = parse(" log_radon ~ floor*u + (1 + floor || county) + (0+w | state) ")
    assert formula.response == "log_radon"
    assert formula.population == "floor*u"
    assert formula.groups == (
        GroupTerm("1 + floor", "county", correlated=False),
        GroupTerm("0+w", "state", correlated=True),
    )
    assert formula.variables() == ("county", "floor", "log_radon", "state", "u", "w")


def test_nesting_is_taken_apart() -> None:
    assert [t.factor for t in parse("y ~ 1 + (1 | a/b/c)").groups] == ["a", "a:b", "a:b:c"]
    assert parse("y ~ (1 | a : b)").groups[0].columns == ("a", "b")


def test_population_defaults_to_an_intercept() -> None:
    assert parse("y ~ (1 | g)").population == "1"


def test_plus_inside_calls_and_quotes_does_not_split() -> None:
    formula = parse("np.log(y + 0.1) ~ poly(x + 1, 2) + `a + b` + (1 | g)")
    assert formula.population == "poly(x + 1, 2) + `a + b`"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y", "exactly one '~'"),
        ("~ x + (1 | g)", "exactly one '~'"),
        ("y ~ x ~ (1 | g)", "exactly one '~'"),
        ("y ~ x", "no group term"),
        ("y ~ x + ", "'+' with nothing beside it"),
        ("y ~ (x | g", "unclosed bracket"),
        ("y ~ x) + (1 | g)", "never opened"),
        ("y ~ (1 ||| g)", "one bar or one double bar"),
        ("y ~ (1 | )", "(effects | factor)"),
        ("y ~ (1 | g*h)", "Grouping factor 'g*h'"),
        ("y ~ (1 | g) - 1", "brackets of its own"),
        ("y ~ x z + (1 | g)", "missing before 'z'"),
        ("y ~ (x z | g)", "missing before 'z'"),
        ("y ~ x ^ 2 + (1 | g)", "Unexpected character"),
    ],
)
def test_what_is_no_formula_is_named(text: str, says: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert says in str(caught.value)
