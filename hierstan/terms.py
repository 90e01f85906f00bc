"""Evaluate terms by formulae, in R's order and with the coding and names they should have.

formulae expands the operators of a formula; interactions with categories come out wrong
when it evaluates them as expanded, because terms share components and are told apart by
name. So the terms are put in order first, and their coding is checked afterwards.
"""

from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulae import model_description
from formulae.environment import Environment
from formulae.matrices import DesignMatrices
from formulae.terms.call import Call
from formulae.terms.call_resolver import LazyCall, LazyOperator
from formulae.terms.terms import Intercept, Term

from hierstan.errors import FormulaError
from hierstan.frame import widen

_NAMES = ("abs", "cos", "exp", "expm1", "log", "log10", "log1p", "log2", "sin", "sqrt")
FUNCTIONS: dict[str, Any] = {name: getattr(np, name) for name in _NAMES}
_PRECEDENCE = {"==": 1, "!=": 1, "<=": 1, "<": 1, ">=": 1, ">": 1, "+": 2, "-": 2,
               "*": 3, "/": 3, "**": 5}  # fmt: skip
_UNARY = 4
_ROWS = 20_000  # at most, evenly spaced: columns are left out of all rows alike
_MISSING = 1e-7  # share of a column's length that the design cannot express


def evaluate(expression: str, frame: pd.DataFrame) -> DesignMatrices:
    """Evaluate an expression on a frame.

    Terms are sorted by degree, as in R: main effects, then interactions of two. Functions
    are those of formulae, numpy's under ``np.``, and `FUNCTIONS`; a formula sees no other
    names than these and the columns of the frame.

    Parameters
    ----------
    expression : str
        What `hierstan.grammar` lets through.
    frame : pandas.DataFrame
        Complete rows.

    Returns
    -------
    formulae.matrices.DesignMatrices
        Of fresh terms, which remember levels, means and knots for new data.

    Raises
    ------
    FormulaError
        When formulae leaves out columns of an interaction; the message is the reason alone.
        formulae and the expression itself raise errors of any kind.
    """
    description = model_description(expression)
    used = [name for name in frame.columns if name in description.var_names]
    terms = _in_order(description.common_terms)
    description.common_terms = list(terms)  # formulae adds to it
    # formulae prints the class of an error before it raises it.
    with np.errstate(all="ignore"), redirect_stdout(StringIO()):
        matrices = DesignMatrices(
            description, widen(frame[used]), Environment([FUNCTIONS, {"np": np}])
        )
    if matrices.common is not None:
        _refuse_incomplete(terms, matrices.common.design_matrix)
    return matrices


def count_terms(expression: str) -> int:
    """Count the terms of an expression, the intercept among them."""
    return len(_in_order(model_description(expression).common_terms))


def _in_order(terms: list[Any]) -> list[Any]:
    """Sort terms by degree and their components by first appearance, without doubles."""
    places: dict[str, int] = {}
    ordered: dict[tuple[int, ...], Any] = {}
    for term in terms:
        if isinstance(term, Intercept):
            ordered[()] = term
            continue
        parts = [_named(component) for component in deepcopy(term.components)]
        at = {places.setdefault(part.name, len(places)): part for part in parts}
        key = tuple(sorted(at))
        ordered.setdefault(key, Term(*(at[place] for place in key)))
    return [ordered[key] for key in sorted(ordered, key=len)]


def _named(component: Any) -> Any:
    """Name a call as it was written; formulae's names leave brackets out."""
    if isinstance(component, Call):
        component.name = _spell(component.call)
    return component


def _spell(item: Any, inside: int = 0) -> str:
    """Write an expression out, with the brackets it needs inside of an operator."""
    if isinstance(item, LazyCall):
        arguments = [_spell(argument) for argument in item.args]
        arguments += [f"{name}={_spell(value)}" for name, value in item.kwargs.items()]
        return f"{item.callee}({', '.join(arguments)})"
    if not isinstance(item, LazyOperator):
        return str(item)
    if len(item.args) == 1:
        own, text = _UNARY, f"{item.symbol}{_spell(item.args[0], _UNARY + 2)}"
    else:
        own = _PRECEDENCE[item.symbol]
        left = _spell(item.args[0], own + (item.symbol == "**"))
        text = f"{left} {item.symbol} {_spell(item.args[1], own + 1)}"
    return f"({text})" if own < inside else text


def _refuse_incomplete(terms: list[Any], matrix: npt.NDArray[Any]) -> None:
    """Refuse an interaction of categories that the columns do not span.

    A product of one generic function of each component lies in the span only if all such
    products do.
    """
    crossed = [
        term
        for term in terms
        if not isinstance(term, Intercept)
        and len(term.components) > 1
        and any(part.kind == "categoric" for part in term.components)
    ]
    if not crossed:
        return
    rows = slice(None, None, len(matrix) // _ROWS + 1)
    X = np.asarray(matrix[rows], dtype=float)
    Q = np.linalg.qr(X / np.maximum(np.linalg.norm(X, axis=0), 1e-300))[0]
    for term in crossed:
        product = np.prod([_generic(part, rows) for part in term.components], axis=0)
        missing = np.linalg.norm(product - Q @ (Q.T @ product))
        if missing > _MISSING * np.linalg.norm(product):
            full = " * ".join(part.name for part in term.components)
            raise FormulaError(
                f"formulae leaves columns of the interaction {term.name} out; write its "
                f"main effects and lower interactions too, as in {full}"
            )


def _generic(component: Any, rows: slice) -> npt.NDArray[np.float64]:
    """Return one function of a component that has nothing special about it."""
    value = np.asarray(component.value[rows], dtype=float)
    value = value.reshape(len(value), -1)
    combined = value @ np.sqrt(np.arange(2.0, value.shape[1] + 2))
    return np.asarray(combined if component.kind == "numeric" else np.cos(combined))
