"""Terms against patsy and against arithmetic, which know nothing of formulae."""

import numpy as np
import pandas as pd
import patsy
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from hierstan.errors import FormulaError
from hierstan.evaluate import build_design


def _frame(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    data = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["y", "x", "z"])
    data["g"] = rng.integers(0, 6, rows)
    data["k"] = rng.choice(["p", "q", "r"], rows)
    data["m"] = rng.choice(["A", "B"], rows)
    return data


FRAME = _frame()
expressions = st.recursive(
    st.sampled_from(["x", "z", "k", "m"]),
    lambda inner: st.tuples(inner, st.sampled_from("+:*/"), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=4,
)


def _column(label: str) -> np.ndarray:
    """Compute what a column should hold from its name alone."""
    values = np.ones(len(FRAME))
    for part in [] if label == "Intercept" else label.split(":"):
        name, _, level = part.rstrip("]").partition("[")
        values = values * ((FRAME[name] == level) if level else FRAME[name]).to_numpy()
    return values


@settings(max_examples=150, deadline=None, derandomize=True)
@given(expressions, st.sampled_from(["", "0 + "]))
def test_columns_span_what_patsy_says_and_are_what_they_are_called(
    expression: str, intercept: str
) -> None:
    wanted = np.asarray(patsy.dmatrix(intercept + expression, FRAME))
    try:
        design = build_design(f"y ~ {intercept}{expression} + (1 | g)", FRAME)
    except FormulaError as error:
        if "formulae l" not in str(error):  # loses interactions, leaves columns out
            raise
        reject()
    rank = np.linalg.matrix_rank(wanted)
    both = np.linalg.matrix_rank(np.hstack([wanted, design.X]))
    assert rank == both == design.P
    for label, values in zip(design.terms, design.X.T, strict=True):
        np.testing.assert_array_equal(values, _column(label), err_msg=label)


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        ("x * z + m", "x z m[B] x:z"),
        ("k / x", "k[q] k[r] k[p]:x k[q]:x k[r]:x"),
        ("k:m + m", "m[B] k[q]:m[A] k[r]:m[A] k[q]:m[B] k[r]:m[B]"),
        ("z:x + x:z + x", "x z:x"),
        ("m:k + m * k", "m[B] k[q] k[r] m[B]:k[q] m[B]:k[r]"),
    ],
)
def test_terms_are_in_order_and_there_once(expression: str, terms: str) -> None:
    design = build_design(f"y ~ {expression} + (1 | g)", FRAME)
    assert sorted(design.terms) == sorted(["Intercept", *terms.split()])
    degrees = [term.count(":") for term in design.terms]
    assert degrees == sorted(degrees)


def test_a_three_way_interaction_by_itself_is_refused() -> None:
    data = FRAME.assign(t=np.arange(len(FRAME)) % 2 == 1).astype({"t": str})
    with pytest.raises(FormulaError, match=r"k:m:t out.* as in k \* m \* t"):
        build_design("y ~ k:m:t + (1 | g)", data)
    assert build_design("y ~ 0 + k:m:t + (1 | g)", data).P == 12
    assert build_design("y ~ k * m * t + (1 | g)", data).P == 12


def test_arithmetic_is_named_with_its_brackets() -> None:
    terms = "I((x + z) * y2) + I(x + z * y2) + I(-(x ** 2)) + I(x / (z * y2)) + {x ** (-2)}"
    data = FRAME.assign(y2=FRAME["y"] ** 2)
    design = build_design(f"y ~ {terms} + (1 | g)", data)
    x, z, y2 = (data[name].to_numpy() for name in ("x", "z", "y2"))
    wanted = {
        "I((x + z) * y2)": (x + z) * y2,
        "I(x + z * y2)": x + z * y2,
        "I(-(x ** 2))": -(x**2),
        "I(x / (z * y2))": x / (z * y2),
        "I(x ** (-2))": x ** (-2.0),
    }
    assert design.terms[1:] == tuple(wanted)
    np.testing.assert_allclose(design.X[:, 1:].T, list(wanted.values()), rtol=1e-12)


def test_a_formula_sees_columns_and_functions_only() -> None:
    """Not what happens to be imported where it is evaluated."""
    for name in ("parse", "deepcopy", "evaluate"):
        with pytest.raises(FormulaError, match=f"uses a name that is not known: '{name}'"):
            build_design(f"y ~ {name}(x) + (1 | g)", FRAME)


def test_an_interaction_without_main_effects_is_not_split() -> None:
    assert build_design("y ~ (k:m | g)", FRAME).factors[0].blocks == (6,)
    with pytest.raises(FormulaError, match="without its main effects"):
        build_design("y ~ (k:m || g)", FRAME)
    assert build_design("y ~ (k * m || g)", FRAME).factors[0].blocks == (1, 2, 1, 2)
