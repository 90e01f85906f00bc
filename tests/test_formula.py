"""Reading formulas."""

import pytest

import hierstan as hs
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
    assert parse("y ~ (1 | `a/1`:`b`)").groups[0].columns == ("a/1", "b")


def test_population_defaults_to_an_intercept() -> None:
    assert parse("y ~ (1 | g)").population == "1"


def test_plus_inside_calls_and_quotes_does_not_split() -> None:
    formula = parse("np.log(y + 0.1) ~ poly(x + 1, 2) + `a + b` + (1 | g)")
    assert formula.population == "poly(x + 1, 2) + `a + b`"


@pytest.mark.parametrize(
    ("right", "population"),
    [
        ("x + (1 | g) - 1", "x - 1"),
        ("-1 + (1 | g) + x", "-1 + x"),
        ("(1 | g) + x * z", "x * z"),
        ("x + - 1 + (1 | g)", "x - 1"),
        ("x - z + (1 | `a - b`)", "x - z"),
    ],
)
def test_signs_stay_with_their_terms(right: str, population: str) -> None:
    assert parse(f"y ~ {right}").population == population


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
        ("y ~ (1 | g)|h", "brackets of its own"),
        ("y ~ `a|b` + (1 | g)", "a column called 'a|b'; rename it"),
        ("y ~ x + (1 | `a|b`)", "a column called 'a|b'; rename it"),
        ("y ~ `a~b` + (1 | g)", "a column called 'a~b'; rename it"),
        ("y ~ x + (1 | h/`a:b`)", "groups by a column called 'a:b'; rename it"),
        ("y ~ x z + (1 | g)", "missing before 'z'"),
        ("y ~ (x z | g)", "missing before 'z'"),
        ("y ~ x ^ 2 + (1 | g)", "'^' is R's"),
        ("y ~ x - (1 | g)", "takes the group term (1 | g) away"),
        ("y ~ _x + (1 | g)", "goes into `...`"),
        ("y ~ x + y + (1 | g)", "its response 'y' on the right"),
        ("y ~ (log(y) | g)", "its response 'y' on the right"),
    ],
)
def test_what_is_no_formula_is_named(text: str, says: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_what_is_no_text_is_no_formula() -> None:
    with pytest.raises(FormulaError, match="a text, not NoneType"):
        hs.Model(None, hs.data.radon())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y ~ x ** 2 + (1 | g)", "write I(x ** 2)"),
        ("y ~ (x + z) ** w + (1 | g)", "a whole number"),
        ("y ~ 2 * x + (1 | g)", "2 is no term"),
        ("y ~ x + 1.5 + (1 | g)", "1.5 is no term"),
        ("y ~ x + True + (1 | g)", "True is no term"),
        ("y ~ x * 1 + (1 | g)", "1 is no term"),
        ("y ~ -x + (1 | g)", "a sign before a term"),
        ("y ~ {-x ** 2} + (1 | g)", "brackets around the powers"),
        ("y ~ I(x ** z ** 2) + (1 | g)", "brackets around the powers"),
        ("y ~ log(1 + I(-x ** 2)) + (1 | g)", "brackets around the powers"),
        ("y ~ {0 < x < 1} + (1 | g)", "one pair at a time"),
        ("y ~ k['p'] + (1 | g)", "brackets after 'k'"),
        ("y ~ I(k['p']) + (1 | g)", "brackets after 'k'"),
        ("y ~ (a + b) / (c * d) + (1 | g)", "loses interactions"),
        ("y ~ (offset(x) | g)", "offset() is no part"),
        ("y ~ x:offset(z) + (1 | g)", "offset() is no part"),
        ("y - x ~ z + (1 | g)", "write I(y - x)"),
        ("y['a'] ~ z + (1 | g)", "brackets after 'y'"),
        ("offset(y) ~ z + (1 | g)", "should be one column"),
        ("y ~ x + offset(log(e)) + offset(z) + (1 | g)", "offset(log(e) + z)"),
        ("y ~ 1 + (scale(log(x)) + scale(z) | g)", "scale(z) + scale(log(x))"),
        ("y ~ (x > 0 | g)", "a comparison needs braces"),
    ],
)
def test_what_formulae_would_take_for_something_else_is_refused(
    text: str, says: str
) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert says in str(caught.value)
