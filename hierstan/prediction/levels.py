"""Which level of the fitted data is meant: by value, else by how the value reads."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Factor, Integers
from hierstan.errors import InputError


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


def find_levels(factor: Factor, levels: Any) -> list[int]:
    """Find levels that a caller names.

    Parameters
    ----------
    factor : Factor
        The grouping factor.
    levels : str, number or sequence of them
        Each by its name in `factor.levels`, by a value that reads so (100 is "100"), or by
        a number that equals it (100.0 is "100", too).

    Returns
    -------
    list of int
        Their positions.

    Raises
    ------
    InputError
        When none is named, or one is not there.
    """
    found = [_find(factor, level) for level in listed(levels)]
    if not found:
        raise InputError(
            f"There is no level named; {factor.name!r} has {factor.J} levels: "
            f"{some(factor.levels)}."
        )
    return found


def _find(factor: Factor, level: Any) -> int:
    if str(level) in factor.levels:
        return factor.levels.index(str(level))
    if isinstance(level, Real):
        for j, name in enumerate(factor.levels):
            try:
                if float(name) == level:
                    return j
            except ValueError:
                continue
    raise InputError(
        f"There is no level {str(level)!r}; {factor.name!r} has {factor.J} levels: "
        f"{some(factor.levels)}."
    )


def listed(given: Any) -> list[Any]:
    """Return one thing or several as a list; text is one thing."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def some(names: Sequence[str], *, limit: int = 5, quote: bool = True) -> str:
    """List names for a message, the first few of many."""
    shown = ", ".join(repr(name) if quote else name for name in names[:limit])
    more = len(names) - limit
    return f"{shown} and {more} more" if more > 0 else shown
