"""Which level of the fitted data is meant: by value, else by how the value reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Factor, Integers


def match_values(
    column: "pd.Series[Any]", fitted: "pd.Series[Any]"
) -> tuple[Integers, "pd.Index[Any]"]:
    """Look values up among those of the fitted data.

    A value is matched by equality, so that 3.0 finds 3, whatever the types of the columns;
    one that equals none is matched by how it reads, so that the text "3" finds 3.

    Parameters
    ----------
    column, fitted : pandas.Series
        New values and fitted ones, none missing.

    Returns
    -------
    codes : ndarray of int
        Position of each new value among `values`, -1 for a value that is not there.
    values : pandas.Index
        Distinct fitted values, sorted.
    """
    values = pd.Index(pd.factorize(fitted, sort=True)[1])
    own, distinct = pd.factorize(column)
    equal = {value: code for code, value in enumerate(values.tolist())}
    alike = {str(value): code for code, value in enumerate(values.tolist())}
    codes = np.array(
        [equal.get(v, alike.get(str(v), -1)) for v in distinct.tolist()], dtype=np.int64
    )
    return codes[own], values


def match_levels(
    factor: Factor,
    columns: tuple[str, ...],
    frame: pd.DataFrame,
    data: pd.DataFrame,
) -> tuple[Integers, tuple[str, ...]]:
    """Find the level of every row of new data.

    Parameters
    ----------
    factor : Factor
        The fitted factor.
    columns : tuple of str
        Its grouping columns; several for a nested factor, whose levels are combinations.
    frame, data : pandas.DataFrame
        The fitted rows and the new ones.

    Returns
    -------
    level : ndarray of int
        Below J a level of the factor; J + k for the k-th new one.
    new : tuple of str
        New levels by name, in order of appearance.
    """
    first = frame.iloc[np.unique(factor.index, return_index=True)[1]]
    known = [match_values(first[name], frame[name])[0] for name in columns]
    wanted = [match_values(data[name], frame[name])[0] for name in columns]
    level = np.asarray(
        pd.MultiIndex.from_arrays(known).get_indexer(pd.MultiIndex.from_arrays(wanted)),
        dtype=np.int64,
    )
    rows = np.flatnonzero(level < 0)
    names = np.array(
        [
            ":".join(str(value) for value in values)
            for values in zip(
                *(data[name].iloc[rows].tolist() for name in columns), strict=True
            )
        ],
        dtype=object,
    )
    numbers, new = pd.factorize(names)
    level[rows] = factor.J + numbers
    return level, tuple(str(name) for name in new)


def some(names: Sequence[str], *, limit: int = 5, quote: bool = True) -> str:
    """List names for a message, the first few of many."""
    shown = ", ".join(repr(name) if quote else name for name in names[:limit])
    more = len(names) - limit
    return f"{shown} and {more} more" if more > 0 else shown
