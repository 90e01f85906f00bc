"""How grouping factors lie to each other: nested, crossed fully or in part.

Everything is read off the level of each row, in time and memory of the order of N.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from hierstan.design import Design, Factor, Integers


@dataclass(frozen=True)
class Relation:
    """How one factor lies to another.

    Attributes
    ----------
    one, other : str
        Names of the two factors; when they are nested, `one` is the finer.
    nested : bool
        Whether every level of `one` occurs with a single level of `other`.
    cells : int
        Combinations of levels that occur.
    possible : int
        Combinations there could be, the product of the numbers of levels.
    """

    one: str
    other: str
    nested: bool
    cells: int
    possible: int

    @property
    def kind(self) -> str:
        """``"nested"``, ``"crossed"`` (all combinations occur) or ``"partly crossed"``."""
        if self.nested:
            return "nested"
        return "crossed" if self.cells == self.possible else "partly crossed"

    @property
    def filled(self) -> float:
        """Share of the possible combinations that occur."""
        return self.cells / self.possible

    def __str__(self) -> str:
        """Say it in words."""
        if self.nested:
            return f"{self.one} is nested in {self.other}"
        told = f"{self.one} and {self.other} are {self.kind}"
        if self.cells == self.possible:
            return f"{told}: all {self.possible:,} combinations occur"
        share = f"{self.filled:.1%}" if self.filled < 0.995 else "nearly all"
        return f"{told}: {self.cells:,} of {self.possible:,} combinations occur ({share})"


def parents(child: Factor, parent: Factor) -> Integers | None:
    """Find the level of one factor that each level of another belongs to.

    Parameters
    ----------
    child, parent : Factor
        Two factors of one design.

    Returns
    -------
    ndarray of int, shape (J of child,), or None
        Level of `parent` for every level of `child`, counting from zero; None when some
        level of `child` occurs with several levels of `parent`, so that it is not nested.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> design = build_design("strength ~ 1 + (1 | batch/cask)", hs.data.pastes())
    >>> batch, cask = design.factors
    >>> parents(cask, batch)[:4].tolist()
    [0, 0, 0, 1]
    >>> parents(batch, cask) is None
    True
    """
    found = np.zeros(child.J, dtype=np.int64)
    found[child.index] = parent.index
    return found if np.array_equal(found[child.index], parent.index) else None


def relate(one: Factor, other: Factor) -> Relation:
    """Say how two factors of a design lie to each other.

    Parameters
    ----------
    one, other : Factor
        Two factors of one design, in either order.

    Returns
    -------
    Relation
        Nested, with the finer factor first; or crossed, in the order given.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    >>> print(relate(*build_design(text, hs.data.penicillin()).factors))
    plate and sample are crossed: all 144 combinations occur
    """
    if other.J > one.J and parents(other, one) is not None:
        one, other = other, one
    possible = one.J * other.J
    if parents(one, other) is not None:
        return Relation(one.name, other.name, True, one.J, possible)
    cells = len(np.unique(one.index * other.J + other.index))
    return Relation(one.name, other.name, False, cells, possible)


def relations(design: Design) -> tuple[Relation, ...]:
    """Return how every pair of factors lies, in the order of the formula."""
    return tuple(relate(one, other) for one, other in combinations(design.factors, 2))


def nesting(design: Design) -> dict[str, tuple[str, ...]]:
    """List the factors that every factor is nested in.

    Parameters
    ----------
    design : Design
        Any number of factors.

    Returns
    -------
    dict of str to tuple of str
        For each factor, in the order of the formula, those that it is nested in, finest
        first; empty when there are none. What counts is the data: ``(1 | batch) +
        (1 | sample)`` is nested when every sample is of one batch, however it is written.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "strength ~ 1 + (1 | batch) + (1 | sample)"
    >>> nesting(build_design(text, hs.data.pastes()))
    {'batch': (), 'sample': ('batch',)}
    """
    coarser: dict[str, tuple[str, ...]] = {}
    for child in design.factors:
        above = [
            factor
            for factor in design.factors
            if factor is not child and parents(child, factor) is not None
        ]
        above.sort(key=lambda factor: -factor.J)
        coarser[child.name] = tuple(factor.name for factor in above)
    return coarser


def chain(factors: Sequence[Factor]) -> tuple[int, ...] | None:
    """Order factors from finest to coarsest when each is nested in the next.

    Parameters
    ----------
    factors : sequence of Factor
        Factors of one design, at least one.

    Returns
    -------
    tuple of int, or None
        Positions in `factors`, finest first; None when any two of them are crossed.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> design = build_design("strength ~ 1 + (1 | batch/cask)", hs.data.pastes())
    >>> chain(design.factors)
    (1, 0)
    """
    order = sorted(range(len(factors)), key=lambda k: -factors[k].J)
    # Nesting is transitive: neighbours are enough.
    for child, parent in pairwise(order):
        if parents(factors[child], factors[parent]) is None:
            return None
    return tuple(order)
