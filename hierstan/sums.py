"""The data of a Gaussian multilevel model as sums over the levels of its factors.

With Gaussian errors the rows enter the likelihood only through cross products summed over
the levels of each factor. Once these are made, nothing depends on the number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hierstan.design import Factor, Floats, Integers


@dataclass(frozen=True, eq=False)
class LevelSums:
    """Cross products summed over the rows of each level of one factor.

    Attributes
    ----------
    Q : int
        Effects of the factor.
    products : ndarray, shape (J, Q, M)
        Z' W of every level, where W holds, side by side, the factor's own Z, the Z of
        each coarser factor from finer to coarser, X, and y.
    parents : tuple of ndarray of int, shape (J,)
        The level of each coarser factor in which a level lies, from finer to coarser.
    """

    Q: int
    products: Floats
    parents: tuple[Integers, ...]

    @property
    def J(self) -> int:
        """Number of levels."""
        return len(self.products)


@dataclass(frozen=True, eq=False)
class Sums:
    """Everything the likelihood needs to know about the data.

    Attributes
    ----------
    N : int
        Rows.
    levels : tuple of LevelSums
        One per factor, from the finest to the coarsest; each is nested in all that follow.
    total : ndarray, shape (P + 1, P + 1)
        [X, y]' [X, y] summed over all rows.
    """

    N: int
    levels: tuple[LevelSums, ...]
    total: Floats

    @property
    def P(self) -> int:
        """Number of population coefficients."""
        return len(self.total) - 1

    @classmethod
    def of(cls, y: Floats, X: Floats, factors: Sequence[Factor]) -> "Sums":
        """Sum over the rows.

        Parameters
        ----------
        y, X : ndarray, shapes (N,), (N, P)
            Response and population columns.
        factors : sequence of Factor
            From the finest to the coarsest, each nested in all that follow.

        Returns
        -------
        Sums
            In the units of the arguments: bring them to one scale first, because
            sums of squares of numbers far from zero lose their digits.
        """
        common = np.column_stack([X, y])
        levels = []
        for position, factor in enumerate(factors):
            coarser = factors[position + 1 :]
            columns = [factor.Z, *(other.Z for other in coarser), common]
            first = np.empty(factor.J, dtype=np.int64)
            first[factor.index] = np.arange(len(y))
            levels.append(
                LevelSums(
                    Q=factor.Q,
                    products=_products(factor, columns),
                    parents=tuple(other.index[first] for other in coarser),
                )
            )
        return cls(N=len(y), levels=tuple(levels), total=common.T @ common)


def _products(factor: Factor, parts: Sequence[Floats]) -> Floats:
    """Z' times some columns, summed within each level, shape (J, Q, columns)."""
    columns = [part[:, k] for part in parts for k in range(part.shape[1])]
    out = np.empty((factor.J, factor.Q, len(columns)))
    for q in range(factor.Q):
        for m, column in enumerate(columns):
            out[:, q, m] = np.bincount(factor.index, factor.Z[:, q] * column, factor.J)
    return out
