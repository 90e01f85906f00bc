"""At which level each population column varies, and so how many groups inform it."""

import re
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from hierstan.design import Design, Factor, Floats
from hierstan.structure import nesting

# A column that varies within so few of a factor's levels is taken for one that should not.
_FEW = 0.1


@dataclass(frozen=True)
class Variation:
    """Where a population column varies.

    Attributes
    ----------
    column, term : str
        Column of X, and the term of the formula it belongs to: ``"k[q]:x"``, ``"k:x"``.
    level : str
        Factor within whose levels the column has one value: the coarsest there is, or
        two crossed factors joined by a colon. ``"row"`` when it varies within all of
        them, ``"all"`` when it has one value in all rows, as the intercept has.
    groups : int
        Number of values of the column that count: levels, combinations or rows; 1 for
        ``"all"``.
    suspect : str
        Factor within few of whose levels the column varies, at most a tenth of those that
        could show it, while between levels it does; empty when there is none.
    suspect_levels : tuple of str
        Those levels.
    """

    column: str
    term: str
    level: str
    groups: int
    suspect: str = ""
    suspect_levels: tuple[str, ...] = ()


def variations(design: Design) -> tuple[Variation, ...]:
    """Find the level of every population column.

    Parameters
    ----------
    design : Design
        Any number of factors.

    Returns
    -------
    tuple of Variation
        One per column of X, in its order. Time and memory are of the order of N for each
        column and factor.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "log_radon ~ floor + log_uranium + (1 | county)"
    >>> for found in variations(build_design(text, hs.data.radon())):
    ...     print(found.column, found.level, found.groups)
    Intercept all 1
    floor row 919
    log_uranium county 85
    """
    groupings = [*sorted(design.factors, key=lambda factor: factor.J), *_crossings(design)]
    return tuple(
        _variation(name, column, groupings, design)
        for name, column in zip(design.terms, design.X.T, strict=True)
    )


def _variation(
    name: str, column: Floats, groupings: list[Factor], design: Design
) -> Variation:
    term = re.sub(r"\[[^\[\]]*\](?=:|$)", "", name)
    if np.ptp(column) == 0:
        return Variation(name, term, "all", 1)
    found = Variation(name, term, "row", design.N)
    for grouping in groupings:
        varies = grouping.varies(column)
        if not varies.any():
            return Variation(name, term, grouping.name, grouping.J)
        is_factor = grouping in design.factors
        if is_factor and not found.suspect and _is_rare(grouping, varies, column):
            levels = tuple(grouping.levels[j] for j in np.flatnonzero(varies))
            found = replace(found, suspect=grouping.name, suspect_levels=levels)
    return found


def _is_rare(factor: Factor, varies: npt.NDArray[np.bool_], column: Floats) -> bool:
    """Whether a column varies within few levels although it is not a rare event.

    A rare event is absent from most levels, so it varies within few as well; its constant
    levels nearly all have the same value.
    """
    several = factor.sizes > 1
    if varies.sum() > _FEW * several.sum():
        return False
    first = np.zeros(factor.J)
    first[factor.index] = column
    counts = np.unique(first[several & ~varies], return_counts=True)[1]
    return bool(counts.sum() - counts.max() > varies.sum())


def _crossings(design: Design) -> list[Factor]:
    """Make a factor of every two that are crossed, where their cells have several rows."""
    above = nesting(design)
    crossings = []
    for one, other in combinations(design.factors, 2):
        if one.name in above[other.name] or other.name in above[one.name]:
            continue
        index, cells = pd.factorize(one.index * other.J + other.index)
        if len(cells) < design.N:
            crossing = replace(
                one, name=f"{one.name}:{other.name}", levels=("",) * len(cells), index=index
            )
            crossings.append(crossing)
    return crossings
