"""What no pooling means for several factors: whose levels have coefficients of their own.

The rule, effect by effect:

1. Nested factors: the finest factor that has the effect has a coefficient for each of its
   levels. In coarser ones it is left out: their coefficients would be sums of those.
2. Crossed factors: the first in the formula has a coefficient for each of its levels. In
   later ones every level but the first has its difference from that first level, the
   baseline; only such differences can be told from the first factor's coefficients.
3. A column of X that the coefficients of one factor can express, as a predictor that does
   not vary within its levels, has no coefficient of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hierstan.design import Design, Factor, Floats, Integers
from hierstan.errors import DataError
from hierstan.structure import parents

_SPANNED = 1e-8  # share of a column's length that is rounding error


@dataclass(frozen=True, eq=False)
class Block:
    """Coefficients, without pooling, of some effects of one factor.

    Attributes
    ----------
    factor : Factor
        Whose levels they belong to.
    effects : tuple of int
        Positions in `factor.effects`.
    differs : bool
        Whether they are differences from the first level, which then has none.
    """

    factor: Factor
    effects: tuple[int, ...]
    differs: bool

    @property
    def label(self) -> str:
        """Name in tables: the factor's, and the baseline, as in ``"sample from A"``."""
        if not self.differs:
            return self.factor.name
        return f"{self.factor.name} from {self.factor.levels[0]}"

    @property
    def names(self) -> tuple[str, ...]:
        """Effects by name."""
        return tuple(self.factor.effects[q] for q in self.effects)

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that have coefficients."""
        return self.factor.levels[1:] if self.differs else self.factor.levels

    @property
    def index(self) -> Integers:
        """Position in `levels` of each row; rows of the baseline point at the first."""
        if not self.differs:
            return self.factor.index
        return np.maximum(self.factor.index - 1, 0)

    @property
    def Z(self) -> Floats:
        """Effect columns, zero in rows of the baseline, shape (N, effects)."""
        Z = self.factor.Z[:, self.effects]
        if self.differs:
            Z = np.where(self.factor.index[:, None] > 0, Z, 0.0)
        return Z


def unpooled_blocks(design: Design) -> tuple[Block, ...]:
    """Say which coefficients the levels have without pooling.

    Parameters
    ----------
    design : Design
        Any number of factors.

    Returns
    -------
    tuple of Block
        In the order of the formula. With one factor, all of its effects.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> nested = build_design("strength ~ 1 + (1 | batch/cask)", hs.data.pastes())
    >>> [(block.label, len(block.levels)) for block in unpooled_blocks(nested)]
    [('batch:cask', 30)]
    >>> text = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    >>> crossed = build_design(text, hs.data.penicillin())
    >>> [(block.label, len(block.levels)) for block in unpooled_blocks(crossed)]
    [('plate', 24), ('sample from A', 5)]
    """
    kept = _kept(design)
    blocks = []
    for position, (factor, own) in enumerate(kept):
        shared = {
            q
            for q in own
            if any(_spans(*earlier, factor.Z[:, q]) for earlier in kept[:position])
        }
        for those, differs in ((set(own) - shared, False), (shared, True)):
            if those:
                blocks.append(Block(factor, tuple(sorted(those)), differs))
    return tuple(blocks)


def _kept(design: Design) -> list[tuple[Factor, list[int]]]:
    """Return the effects of each factor that no finer factor has instead."""
    kept = []
    for factor in design.factors:
        finer = [
            other
            for other in design.factors
            if other is not factor and parents(other, factor) is not None
        ]
        own = [
            q
            for q, column in enumerate(factor.Z.T)
            if not any(_spans(other, range(other.Q), column) for other in finer)
        ]
        if own:
            kept.append((factor, own))
    return kept


def unpooled_columns(design: Design) -> npt.NDArray[np.intp]:
    """Tell which columns of X keep a coefficient of their own without pooling.

    Parameters
    ----------
    design : Design
        Any number of factors.

    Returns
    -------
    ndarray of int
        Positions in `design.terms`, of columns that no factor's coefficients can express.

    Raises
    ------
    DataError
        When crossed factors fall into parts that share no row, so that levels of
        different parts cannot be compared.
    """
    kept = _kept(design)
    for position, (factor, own) in enumerate(kept):
        for earlier, effects in kept[:position]:
            for q in own:
                if _spans(earlier, effects, factor.Z[:, q]):
                    _refuse_parts(earlier, factor, q)
    return np.array(
        [
            p
            for p, column in enumerate(design.X.T)
            if not any(_spans(factor, effects, column) for factor, effects in kept)
        ],
        dtype=np.intp,
    )


def _spans(factor: Factor, effects: Iterable[int], column: Floats) -> bool:
    """Whether coefficients per level of some effects can express a column."""
    # The span stays the same for any basis of the columns; this one avoids cancellation.
    basis = np.linalg.qr(factor.Z[:, list(effects)])[0] * np.sqrt(len(column))
    Q = basis.shape[1]
    sums, product = np.empty((factor.J, Q, Q)), np.empty((factor.J, Q, 1))
    for a, one in enumerate(basis.T):
        product[:, a, 0] = np.bincount(factor.index, one * column, factor.J)
        for b, other in enumerate(basis.T):
            sums[:, a, b] = np.bincount(factor.index, one * other, factor.J)
    fitted = (np.linalg.pinv(sums, rcond=1e-13, hermitian=True) @ product)[:, :, 0]
    left = column - np.sum(basis * fitted[factor.index], axis=1)
    return bool(np.linalg.norm(left) <= _SPANNED * np.linalg.norm(column))


def _refuse_parts(one: Factor, other: Factor, q: int) -> None:
    """Refuse two crossed factors whose levels do not all hang together."""
    rows = other.Z[:, q] != 0
    a, b = one.index[rows], other.index[rows] + one.J
    size = one.J + other.J
    edges = coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
    part = connected_components(edges, directed=False)[1]
    found = np.unique(part[np.union1d(a, b)])
    if len(found) > 1 or one.J not in b:
        raise DataError(
            f"Without pooling, the effects {other.effects[q]!r} of {one.name!r} and "
            f"{other.name!r} cannot be told apart: their levels fall into "
            f"{max(len(found), 2)} parts that share no row. Leave unpooled out of the "
            "programs."
        )
