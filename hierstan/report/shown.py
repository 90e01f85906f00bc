"""Tables as the page shows them: headings, few digits, and a limit to their length."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierstan.report.numbers import number

# A page with tens of thousands of rows would not open on a phone; the CSV has them all.
MOST_ROWS = 1000


@dataclass(frozen=True)
class Cell:
    """What stands in one place: a text, and a smaller one after it."""

    text: str
    aside: str = ""


@dataclass(frozen=True)
class Column:
    """A heading; whether its cells are numbers, and ordered as such; and what it means."""

    heading: str
    numeric: bool = True
    meaning: str = ""


@dataclass(frozen=True)
class Shown:
    """A table of the page.

    Attributes
    ----------
    caption : str
        What it shows, and in which units.
    columns : tuple of Column
        From left to right; the first names the rows.
    rows : tuple of tuple of Cell
        As many cells as columns.
    spans : tuple of (str, int)
        Headings above the headings, and over how many columns; empty for none.
    csv : str
        Name of the file under ``tables`` with all rows and digits; empty for none.
    total : int
        Rows there are, of which `rows` are the first.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    spans: tuple[tuple[str, int], ...] = ()
    csv: str = ""
    total: int = 0


def shown(
    frame: pd.DataFrame,
    caption: str,
    *,
    headings: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
    digits: Mapping[str, int] | None = None,
    uncertainty: Mapping[str, str] | None = None,
    spans: tuple[tuple[str, int], ...] = (),
    csv: str = "",
    keep_empty: bool = False,
) -> Shown:
    """Prepare a data frame for the page.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its first column names the rows. Columns without any value are left out.
    caption : str
        What it shows.
    headings, meanings : mapping of str to str, optional
        By column; by default a heading is the column's name with blanks.
    digits : mapping of str to int, optional
        Decimals by column, by default 3.
    uncertainty : mapping of str to str, optional
        By column, the one whose numbers must show in its own.
    spans, csv
        As `Shown` has them.
    keep_empty : bool
        Keep columns without any value, too.
    """
    headings, meanings, digits = headings or {}, meanings or {}, digits or {}
    names = [name for name in frame if keep_empty or not _empty(frame[name])]
    columns = tuple(
        Column(
            headings.get(str(name), str(name).replace("_", " ")),
            _numeric(frame[name]),
            meanings.get(str(name), ""),
        )
        for name in names
    )
    cells = []
    for name in names:
        beside = (uncertainty or {}).get(str(name))
        errors = frame[beside].tolist() if beside in frame else [None] * len(frame)
        cells.append(_cells(frame[name], digits.get(str(name), 3), errors))
    rows = tuple(zip(*cells, strict=True))
    return Shown(caption, columns, rows[:MOST_ROWS], spans, csv, len(rows))


def _numeric(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _empty(column: "pd.Series[Any]") -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all()) and column.size > 0


def _cells(column: "pd.Series[Any]", digits: int, errors: list[Any]) -> list[Cell]:
    return [
        Cell(_text(value, digits, error))
        for value, error in zip(column.tolist(), errors, strict=True)
    ]


def _text(value: Hashable, digits: int, uncertainty: float | None) -> str:
    if isinstance(value, bool | np.bool_):
        return "✓ yes" if value else "✗ no"
    return number(value, digits, uncertainty)
