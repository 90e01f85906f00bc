"""Columns of new data in the encodings of the fitted ones.

formulae keeps levels, contrasts, means and knots of the data a term was first evaluated
on. Those data are `Design.frame`, so nothing else need be kept to encode new rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Design
from hierstan.errors import DataError, FormulaError
from hierstan.evaluate import Columns, columns_of, evaluate_terms
from hierstan.frame import no_number, refuse_infinite, require_columns, widen
from hierstan.prediction.levels import match_values, some

# How far a fitted row may move, in units of its column's largest value, when new rows are
# evaluated beside it: splines are matrix products, whose last digits depend on the rows.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Part:
    """A population part, or what stands left of one bar, evaluated on the fitted data.

    `common` is formulae's evaluation, with its memory of the fitted data.
    """

    expression: str
    common: Any
    variables: tuple[str, ...]
    categories: frozenset[str]

    @classmethod
    def of(cls, expression: str, design: Design) -> "Part":
        """Evaluate an expression on the fitted data."""
        common = evaluate_terms(expression, design.formula, design.frame)
        terms = [] if common is None else list(common.terms.values())
        names = {name for term in terms for name in term.var_names}
        used = names & set(design.frame.columns)  # names has "" for literals
        coded = {
            str(component.call.args[0])
            for term in terms
            for component in getattr(term, "components", ())
            if getattr(getattr(component, "call", None), "callee", "") in ("C", "S", "T")
        }
        texts = {
            name for name in used if not pd.api.types.is_numeric_dtype(design.frame[name])
        }
        variables = tuple(name for name in design.frame.columns if name in used)
        return cls(expression, common, variables, frozenset(texts | (coded & used)))

    def evaluate(self, data: pd.DataFrame, design: Design) -> Columns:
        """Evaluate new rows above the fitted ones, whose values must stay as they are.

        Beside the fitted rows every category is present, as formulae's C() demands; and a
        term that depends on all rows, as I(x - np.mean(x)) does, betrays itself.
        """
        fitted = columns_of(self.common, design.N)
        if self.common is None:
            return columns_of(None, len(data))
        above = pd.DataFrame(
            {
                name: _category(data[name], design.frame[name])
                if name in self.categories
                else _numbers(data[name], design.frame[name])
                for name in self.variables
            },
            index=pd.RangeIndex(len(data)),
        )
        fitted_frame = design.frame[list(self.variables)]
        both = widen(pd.concat([above, fitted_frame], ignore_index=True))
        try:
            with np.errstate(all="ignore"):  # undefined values are named afterwards
                evaluated = self.common.evaluate_new_data(both)
        except Exception as error:  # formulae raises whatever the expression raises
            raise DataError(
                f"The part {self.expression!r} of the formula cannot be evaluated for the "
                f"new data: {error}."
            ) from error
        found = columns_of(evaluated, len(both))
        _refuse_dependence(fitted, found, len(data))
        M = len(data)
        return Columns(found.names, found.matrix[:M], found.sizes, found.offset[:M])


def _refuse_dependence(fitted: Columns, found: Columns, M: int) -> None:
    """Refuse terms whose values for the fitted rows change with the rows beside them."""
    before = np.column_stack([fitted.matrix, fitted.offset])
    moved = np.abs(np.column_stack([found.matrix, found.offset])[M:] - before).max(axis=0)
    limit = _ROUNDING * np.abs(before).max(axis=0)
    for name, bad in zip([*fitted.names, "offset()"], moved > limit, strict=True):
        if bad:
            raise FormulaError(
                f"Term {name!r} depends on all rows of the data at once, so it has no "
                "value for new ones. Use center, scale, poly or bs, which keep the fitted "
                "data's mean, scale and knots, or make it a column before fitting."
            )


def complete(data: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Refuse data that lack a column or a value: a result has a number for every row."""
    require_columns(data, names, "The new data")
    for name in names:
        refuse_infinite(data[name])
        rows = np.flatnonzero(data[name].isna().to_numpy()) + 1
        if rows.size:
            raise DataError(
                f"Column {name!r} of the new data lacks a value in {rows.size} row(s): "
                f"data row {some([str(row) for row in rows], quote=False)}. Fill it in, or "
                f"leave such rows out with .dropna(subset=[{name!r}])."
            )
    return data[names]


def _category(column: "pd.Series[Any]", fitted: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return values as the fitted data write them; unknown ones are an error."""
    codes, values = match_values(column, fitted)
    rows = np.flatnonzero(codes < 0)
    if rows.size:
        unknown = dict.fromkeys(str(value) for value in column.iloc[rows])
        raise DataError(
            f"Column {column.name!r} has {len(unknown)} value(s) that were not in the "
            f"fitted data: {some(list(unknown))}; the first is in data row {rows[0] + 1}. "
            f"Known are {some([str(value) for value in values], limit=12)}."
        )
    return pd.Series(values.take(codes))


def _numbers(column: "pd.Series[Any]", fitted: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return numbers in the type of the fitted ones, where that changes none of them."""
    numbers = column.infer_objects().reset_index(drop=True)
    real = pd.api.types.is_numeric_dtype(numbers) and not pd.api.types.is_complex_dtype(
        numbers
    )
    if len(numbers) and not real:
        raise DataError(
            f"Column {column.name!r} of the new data holds {column.dtype} values such as "
            f"{no_number(column)}; it held numbers in the fitted data."
        )
    try:
        with np.errstate(invalid="ignore"):
            cast = numbers.astype(fitted.dtype)
    except (TypeError, ValueError):  # a nullable integer type refuses fractions
        return numbers
    if pd.api.types.is_float_dtype(fitted.dtype) or bool((cast == numbers).all()):
        return cast
    if pd.api.types.is_bool_dtype(fitted.dtype):
        raise DataError(
            f"Column {column.name!r} of the new data holds values other than true and "
            f"false, 1 and 0, such as {numbers[cast != numbers].iloc[0]!r}."
        )
    return numbers
