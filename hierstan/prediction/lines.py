"""What is expected of groups along a column of the data."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats
from hierstan.digits import to_text
from hierstan.errors import InputError
from hierstan.prediction.averages import averages
from hierstan.prediction.encoding import Part
from hierstan.prediction.levels import find_levels
from hierstan.prediction.predict import KEPT_CELLS, posterior_rows
from hierstan.prediction.simulate import Posterior

_POINTS = 61
# Rows encoded at a time, or as many as were fitted: they are evaluated beside those.
_ROWS = 2**16
# Share of the range by which a line may leave its chord, and still be straight to the eye.
_BEND = 1e-6


@dataclass(frozen=True, eq=False)
class Lines:
    """Expected responses of some levels of a factor along a column of the data.

    Attributes
    ----------
    column : str
        The column.
    factor : str
        The factor.
    levels : tuple of str
        The levels.
    x : ndarray, shape (K,)
        Values of the column: 61 from its lowest to its highest, or these two where all
        lines are straight.
    draws : ndarray, shape (levels, K, S)
        Expected responses at every draw, chains joined, in units of the response.
    """

    column: str
    factor: str
    levels: tuple[str, ...]
    x: Floats
    draws: Floats

    @cached_property
    def table(self) -> pd.DataFrame:
        """Posterior ``mean``, ``sd``, ``low`` and ``high`` (95 %) by level and value."""
        low, high = np.quantile(self.draws, [0.025, 0.975], axis=-1)
        summary = {
            "mean": self.mean,
            "sd": self.draws.std(axis=-1, ddof=1),
            "low": low,
            "high": high,
        }
        return pd.DataFrame(
            {name: values.ravel() for name, values in summary.items()},
            pd.MultiIndex.from_product(
                [self.levels, self.x], names=[self.factor, self.column]
            ),
        )

    @property
    def mean(self) -> Floats:
        """Posterior means, shape (levels, K)."""
        return np.asarray(self.draws.mean(axis=-1))

    def __str__(self) -> str:
        """Return the table."""
        return to_text(self.table, max_rows=20)

    __repr__ = __str__


def line_columns(design: Design) -> tuple[str, ...]:
    """Name the columns of the data that lines can be drawn along.

    Parameters
    ----------
    design : Design
        The model.

    Returns
    -------
    tuple of str
        Columns of numbers that vary, in the order of the formula's terms, those of the
        population first. Not among them are true and false, numbers taken as categories
        (``C(year)``), grouping columns, and what is in an offset() only.
    """
    parts = [
        Part.of(expression, design)
        for expression in (
            design.formula.population,
            *(term.effects for term in design.formula.groups),
        )
    ]
    groups = {name for term in design.formula.groups for name in term.columns}
    barred = groups.union(*(part.categories for part in parts))
    names = dict.fromkeys(name for part in parts for name in _in_order(part))
    return tuple(
        name for name in names if name not in barred and _varies(design.frame[name])
    )


def _in_order(part: Part) -> Iterator[str]:
    for term in () if part.common is None else part.common.terms.values():
        if term.kind != "offset":
            yield from (name for name in part.variables if name in term.var_names)


def _varies(column: "pd.Series[Any]") -> bool:
    numeric = pd.api.types.is_numeric_dtype(column)
    return (
        numeric and not pd.api.types.is_bool_dtype(column) and column.max() > column.min()
    )


def lines(posterior: Posterior, factor: Factor, column: str, levels: Any) -> Lines:
    """Follow the expected responses of levels; see `hierstan.fit.Fit.lines`."""
    design = posterior.design
    known = line_columns(design)
    if column not in known:
        raise InputError(
            f"Lines cannot be drawn along {column!r}; columns of numbers that predict "
            f"{design.formula.response} are {', '.join(map(repr, known)) or 'none'}."
        )
    chosen = find_levels(factor, levels)
    if len(chosen) * _POINTS * posterior.S > KEPT_CELLS:
        raise InputError(
            f"Lines of {len(chosen)} levels and {posterior.S} draws do not fit; name at "
            f"most {KEPT_CELLS // (_POINTS * posterior.S)} levels."
        )
    data = design.frame[column].to_numpy(dtype=float)
    x = np.linspace(data.min(), data.max(), _POINTS)
    draws = np.stack(
        [_along(posterior, design.frame[factor.index == j], column, x) for j in chosen]
    )
    chords = np.linspace(draws[:, 0], draws[:, -1], _POINTS, axis=1)
    bend = _BEND * np.ptp(draws) + 1e-12 * np.abs(draws).max()
    if np.abs(draws - chords).max() <= bend:
        x, draws = x[[0, -1]], draws[:, [0, -1]]
    names = tuple(factor.levels[j] for j in chosen)
    return Lines(column, factor.name, names, x, draws)


def _along(posterior: Posterior, own: pd.DataFrame, column: str, x: Floats) -> Floats:
    """Set a column of some rows to each value, and average: shape (values, S)."""
    step = max(1, max(posterior.design.N, _ROWS) // len(own))
    found = []
    for start in range(0, len(x), step):
        some = x[start : start + step]
        index = np.repeat(np.arange(len(some)), len(own))
        rows = own.iloc[np.tile(np.arange(len(own)), len(some))].copy()
        rows[column] = some[index]
        encoded, _ = posterior_rows(posterior, rows, None)
        found.append(averages(posterior, encoded, index, len(some)))
    return np.concatenate(found)
