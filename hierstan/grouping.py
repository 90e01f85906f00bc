"""From grouping columns to numbered levels."""

from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Integers
from hierstan.errors import DataError


def number_levels(
    columns: tuple[str, ...], frame: pd.DataFrame
) -> tuple[Integers, tuple[str, ...]]:
    """Give numbers to the combinations that occur, sorted column after column.

    Parameters
    ----------
    columns : tuple of str
        Grouping columns; several for a nested factor.
    frame : pandas.DataFrame
        Complete rows.

    Returns
    -------
    ndarray of int, shape (N,)
        Level of each row, counting from zero.
    tuple of str
        The levels as text, values of several columns joined by colons. Whole numbers read
        as such, whatever type they have: a gap may have made them floats.

    Raises
    ------
    DataError
        When values of a column cannot be told apart, such as lists.
    """
    index, labels = _values(frame[columns[0]])
    for name in columns[1:]:
        own, inner = _values(frame[name])
        index, cells = pd.factorize(index * len(inner) + own, sort=True)
        labels = [
            f"{labels[cell // len(inner)]}:{inner[cell % len(inner)]}" for cell in cells
        ]
    return index.astype(np.int64), tuple(labels)


def _values(column: "pd.Series[Any]") -> tuple[Integers, list[str]]:
    """Give numbers to a column's values in their order; return them as text."""
    if pd.api.types.is_float_dtype(column) and (column % 1 == 0).all():
        column = column.astype(np.int64)
    try:
        index, values = pd.factorize(column, sort=True)
    except TypeError as error:
        raise DataError(
            f"Group column {column.name!r} holds values that cannot be told apart, such as "
            f"{column.iloc[0]!r}; make them text."
        ) from error
    return index.astype(np.int64), [str(value) for value in values]
