"""How many digits a number needs beside its uncertainty."""

import math
from typing import Any

import pandas as pd

ESTIMATES = (
    "estimate", "mode", "mean", "flat_mean", "median", "low", "high", "predictive_low",
    "predictive_high",
)  # fmt: skip
UNCERTAINTIES = ("sd", "se", "uncertainty", "monte_carlo")
_SIGNIFICANT = 4
_MOST = 15  # of a float
_PLAIN = 1e12  # larger numbers are written with a power of ten


def decimals(uncertainty: float) -> int:
    """Return the decimals at which two digits of an uncertainty show; 0 without one."""
    if not (math.isfinite(uncertainty) and uncertainty > 0):
        return 0
    return max(0, 1 - math.floor(math.log10(uncertainty)))


def significant(value: float, uncertainty: float) -> int:
    """Return the significant digits of a value that show two of its uncertainty.

    At least four, and no more than a float has: 1985.3 with a standard error of 0.2 takes
    six, of which four would say 1985 for both ends of its interval.
    """
    if not (math.isfinite(value) and math.isfinite(uncertainty)):
        return _SIGNIFICANT
    if value == 0 or uncertainty <= 0:
        return _SIGNIFICANT
    between = math.floor(math.log10(abs(value))) - math.floor(math.log10(uncertainty))
    return min(max(between + 2, _SIGNIFICANT), _MOST)


def to_text(table: pd.DataFrame, *, na_rep: str = "NaN", **options: Any) -> str:
    """Return a table as text, estimates with the digits that their uncertainty asks for.

    Parameters
    ----------
    table : pandas.DataFrame
        Estimates are the columns of `ESTIMATES`, under one heading or none; their
        uncertainty is the column among `UNCERTAINTIES` beside them, or the half of half an
        interval.
    na_rep : str
        What stands for a missing number.
    **options
        Of `pandas.DataFrame.to_string`.
    """
    cells = pd.DataFrame(index=table.index, columns=table.columns, dtype=object)
    for place, column in enumerate(table.columns):
        heading, name = column if isinstance(column, tuple) else (None, column)
        group = table[heading] if heading is not None else table
        spread = _uncertainty(group) if name in ESTIMATES else [math.nan] * len(table)
        values = table.iloc[:, place]
        told = [_told(v, u, na_rep) for v, u in zip(values, spread, strict=True)]
        cells.isetitem(place, told)
    text: str = cells.to_string(na_rep=na_rep, **options)
    return text


def _uncertainty(table: pd.DataFrame) -> "pd.Series[float]":
    for name in UNCERTAINTIES:
        if name in table and table[name].notna().any():
            return table[name].astype(float)
    if {"low", "high"} <= set(table):
        return (table["high"] - table["low"]).astype(float) / 4
    return pd.Series(math.nan, table.index)


def _told(value: Any, spread: float, na_rep: str) -> Any:
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return na_rep
    text = f"{value:.{significant(value, spread)}g}"
    # Whole digits rather than a power of ten: 80460, not 8.046e+04.
    return f"{value:.0f}" if "e+" in text and abs(value) < _PLAIN else text
