"""From a formula and a data frame to a design: evaluation, and what it refuses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError, FormulaError
from hierstan.formula import Formula, parse
from hierstan.frame import Missing, no_number, refuse_text_numbers, usable_rows
from hierstan.grouping import number_levels
from hierstan.identification import check_identified
from hierstan.terms import FUNCTIONS, count_terms, evaluate

_COLLINEAR = 1e-9  # share of a column's length left after projecting on those before it


def build_design(
    formula: str | Formula, data: pd.DataFrame, missing: Missing = "drop"
) -> Design:
    """Evaluate a formula on a data frame.

    Parameters
    ----------
    formula : str or Formula
        As `hierstan.formula.parse` reads it.
    data : pandas.DataFrame
        One row per observation; the index is ignored, the frame is not changed.
    missing : {"drop", "error"}
        What to do with rows that lack a value in a column the formula uses.

    Returns
    -------
    Design
        y, X, the factors, and what was dropped.

    Raises
    ------
    FormulaError
        When the formula cannot be read or evaluated.
    DataError
        When a column is unknown, the response is text or constant, a value is infinite, a
        factor has one level or one row per level, or columns of X are collinear.

    Examples
    --------
    >>> import hierstan as hs
    >>> design = build_design("log_radon ~ floor + (floor || county)", hs.data.radon())
    >>> design.N, design.terms, design.factors[0].J, design.factors[0].effects
    (919, ('Intercept', 'floor'), 85, ('Intercept', 'floor'))
    """
    if not isinstance(formula, Formula):
        formula = parse(formula)
    frame, absent = usable_rows(data, formula.variables(), missing)
    groups = {name for term in formula.groups for name in term.columns}
    for name in frame.columns:
        if name not in groups:
            refuse_text_numbers(frame[name])
            _refuse_kind(frame[name])
    y = _response(formula, frame)
    population = _columns(formula.population, formula, frame)
    _refuse_collinear(population.names, population.matrix)
    names = dict.fromkeys(term.factor for term in formula.groups)
    factors = tuple(_factor(name, formula, frame) for name in names)
    _refuse_equal(factors)
    y = y - population.offset
    design = Design(
        formula, y, population.names, population.matrix, factors, len(data), absent, frame
    )
    check_identified(design)
    return design


def _refuse_kind(column: "pd.Series[Any]") -> None:
    """Refuse columns that are neither numbers nor text nor categories."""
    kind = pd.api.types
    if kind.is_numeric_dtype(column) and not kind.is_complex_dtype(column):
        return
    if isinstance(column.dtype, pd.CategoricalDtype) or kind.is_string_dtype(column):
        return
    if column.dtype == object:
        found = sorted({type(value).__name__ for value in column})
        raise DataError(
            f"Column {column.name!r} holds objects ({', '.join(found)}); make them all "
            "numbers or all text."
        )
    raise DataError(
        f"Column {column.name!r} holds {column.dtype} values; convert it to numbers "
        "first, for example days since a start."
    )


def _response(formula: Formula, frame: pd.DataFrame) -> Floats:
    """Evaluate the left side, which may be a transformation of a column."""
    name = formula.response
    column = frame.get(name)
    if column is not None and not pd.api.types.is_numeric_dtype(column):
        raise DataError(
            f"Response {name!r} holds {column.dtype} values such as {no_number(column)}; "
            "a Gaussian model needs numbers."
        )
    matrices = _evaluate(f"{name} ~ 1", formula, frame)
    y = np.asarray(matrices.response.design_matrix, dtype=float).reshape(len(frame), -1)
    if y.shape[1] != 1:
        raise DataError(f"Response {name!r} is not one column of numbers.")
    _refuse_undefined(name, y[:, 0])
    if np.ptp(y) == 0:
        raise DataError(
            f"Response {name!r} is constant ({y[0, 0]:g} in all {len(y)} rows); there is "
            "nothing to model."
        )
    return y[:, 0]


def _factor(name: str, formula: Formula, frame: pd.DataFrame) -> Factor:
    """Put all group terms of one factor together, a block for each set of correlations."""
    terms = [term for term in formula.groups if term.factor == name]
    parts = [_columns(term.effects, formula, frame) for term in terms]
    effects = tuple(label for part in parts for label in part.names)
    for term, part in zip(terms, parts, strict=True):
        if not term.correlated and len(part.sizes) != count_terms(f"1 + {term.effects}"):
            raise FormulaError(
                f"Formula {formula.text!r}: ({term.effects} || {name}) has an interaction "
                "without its main effects; write them too, as in k * m, to say which "
                "columns are independent."
            )
    where = f" of the group terms of {name!r}"
    for label in effects:
        if effects.count(label) > 1:
            raise FormulaError(
                f"Formula {formula.text!r} gives {name!r} the effect {label!r} twice; "
                f"write 0 + in one of the terms, as in (1 | {name}) + (0 + x | {name})."
            )
    if not effects:
        raise FormulaError(
            f"Formula {formula.text!r} has a group term of {name!r} with nothing that "
            f"varies; write (1 | {name}) for an intercept."
        )
    Z = np.hstack([part.matrix for part in parts])
    _refuse_collinear(effects, Z, where)
    blocks = tuple(
        size
        for term, part in zip(terms, parts, strict=True)
        for size in ((len(part.names),) if term.correlated else part.sizes)
        if size
    )
    index, levels = number_levels(terms[0].columns, frame)
    if len(set(levels)) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        raise DataError(
            f"Group column {name!r} has two different levels that both read {twice!r} "
            "(a number and a text? a colon in a label?); rename one."
        )
    if len(levels) < 2:
        raise DataError(
            f"Group column {name!r} has one level ({levels[0]}); a group effect needs at "
            "least two."
        )
    if len(levels) == len(frame):
        raise DataError(
            f"Group column {name!r} has a level of its own for each of the {len(frame)} "
            "rows; its standard deviation cannot be told from sigma."
        )
    return Factor(name, levels, index, effects, Z, blocks)


def _refuse_equal(factors: tuple[Factor, ...]) -> None:
    """Refuse two factors that group the rows alike."""
    for k, one in enumerate(factors):
        for other in factors[:k]:
            pairs = np.unique(one.index * other.J + other.index)
            if one.J == other.J == len(pairs):
                raise DataError(
                    f"Factors {other.name!r} and {one.name!r} group the rows in the same "
                    "way; leave one of them out."
                )


@dataclass(frozen=True, eq=False)
class Columns:
    """An evaluated right-hand side: columns by name, and how many each term has.

    `offset` is the sum of its offset() terms, which have no coefficient.
    """

    names: tuple[str, ...]
    matrix: Floats
    sizes: tuple[int, ...]
    offset: Floats


def evaluate_terms(expression: str, formula: Formula, frame: pd.DataFrame) -> Any:
    """Evaluate a population part, or what stands left of a bar, with its intercept.

    Returns
    -------
    formulae.matrices.CommonEffectsMatrix or None
        It remembers levels, contrasts, means and knots for new data; None without terms.
    """
    return _evaluate(f"1 + {expression}", formula, frame).common


def _columns(expression: str, formula: Formula, frame: pd.DataFrame) -> Columns:
    return columns_of(evaluate_terms(expression, formula, frame), len(frame))


def columns_of(common: Any, rows: int) -> Columns:
    """Read what `evaluate_terms` returned, or its evaluation of new data."""
    if common is None:
        return Columns((), np.empty((rows, 0)), (), np.zeros(rows))
    terms = list(common.terms.values())
    labels = [[str(label) for label in term.labels or []] for term in terms]
    names = [name for term in labels for name in term]
    matrix = np.array(common.design_matrix, dtype=float).reshape(rows, -1)
    for position, name in enumerate(names):
        _refuse_undefined(name, matrix[:, position])
    is_offset = np.array(
        [
            term.kind == "offset"
            for term, own in zip(terms, labels, strict=True)
            for _ in own
        ],
        dtype=bool,
    )
    return Columns(
        tuple(name for name, out in zip(names, is_offset, strict=True) if not out),
        matrix[:, ~is_offset],
        tuple(
            len(own)
            for term, own in zip(terms, labels, strict=True)
            if term.kind != "offset"
        ),
        matrix[:, is_offset].sum(axis=1),
    )


def _evaluate(expression: str, formula: Formula, frame: pd.DataFrame) -> Any:
    try:
        return evaluate(expression, frame)  # undefined values are named afterwards
    except KeyError as error:
        raise FormulaError(
            f"Formula {formula.text!r} uses a name that is not known: {error}. Functions "
            "are scale, center, poly, bs, C, numpy's (np.tanh) and "
            f"{', '.join(FUNCTIONS)}."
        ) from error
    except Exception as error:  # formulae raises whatever the expression raises
        reason = str(error).rstrip(".")
        raise FormulaError(
            f"Formula {formula.text!r} cannot be evaluated at {expression!r}: {reason}."
        ) from error


def _refuse_undefined(name: str, values: Floats) -> None:
    rows = np.flatnonzero(~np.isfinite(values)) + 1
    if rows.size:
        raise DataError(
            f"Term {name!r} is infinite or undefined in {rows.size} row(s), the first "
            f"being row {rows[0]} of those in use."
        )


def _refuse_collinear(names: tuple[str, ...], X: Floats, where: str = "") -> None:
    """Name the first column that the columns before it can express."""
    length = np.linalg.norm(X, axis=0)
    if not X.size:
        return
    left = np.abs(np.diag(np.linalg.qr(X / np.where(length == 0, 1.0, length), mode="r")))
    if len(left) < X.shape[1]:
        raise DataError(
            f"There are {X.shape[1]} columns{where} for {X.shape[0]} rows; simplify the "
            "formula."
        )
    for name, remainder in zip(names, left, strict=True):
        if remainder < _COLLINEAR:
            others = ", ".join(repr(other) for other in names if other != name)
            raise DataError(
                f"Column {name!r}{where} is collinear with {others}: it adds nothing they "
                "do not say already. Remove it from the formula."
            )
