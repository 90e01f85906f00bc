"""The data of a Gaussian multilevel model as sums over the levels of its factors.

With Gaussian errors the rows enter the likelihood only through cross products summed over
the levels of each factor. Once these are made, nothing depends on the number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, hstack

from hierstan.design import Factor, Floats, Integers

# A sparse array with more than this share of its entries in use is kept dense, and so is
# one with few entries.
_DENSE = 0.1
_SMALL = 50_000


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
    crossed : csr_array or ndarray, shape (J Q, K)
        Z' times the K effect columns of the crossed factors written out, level after
        level; dense where many entries are in use, and without columns where there is no
        crossed factor.
    """

    Q: int
    products: Floats
    parents: tuple[Integers, ...]
    crossed: csr_array | Floats

    @property
    def J(self) -> int:
        """Number of levels."""
        return len(self.products)


@dataclass(frozen=True, eq=False)
class CrossedSums:
    """Cross products of the effects of all factors that are not in the chain.

    Attributes
    ----------
    shapes : tuple of (int, int)
        (J, Q) of each factor; the K effects are theirs, factor by factor and level by
        level.
    products : ndarray, shape (K, K)
        Their effect columns, times themselves.
    common : ndarray, shape (K, P + 1)
        Their effect columns times [X, y].
    """

    shapes: tuple[tuple[int, int], ...]
    products: Floats
    common: Floats

    @property
    def K(self) -> int:
        """Number of effects of all crossed factors."""
        return len(self.products)


@dataclass(frozen=True, eq=False)
class Sums:
    """Everything the likelihood needs to know about the data.

    Attributes
    ----------
    N : int
        Rows.
    levels : tuple of LevelSums
        One per factor of the chain, from the finest to the coarsest; each is nested in
        all that follow.
    total : ndarray, shape (P + 1, P + 1)
        [X, y]' [X, y] summed over all rows.
    crossed : CrossedSums
        What the factors crossed with those of the chain add; without effects when there
        are none.
    """

    N: int
    levels: tuple[LevelSums, ...]
    total: Floats
    crossed: CrossedSums

    @property
    def P(self) -> int:
        """Number of population coefficients."""
        return len(self.total) - 1

    @classmethod
    def of(
        cls,
        y: Floats,
        X: Floats,
        factors: Sequence[Factor],
        crossed: Sequence[Factor] = (),
    ) -> "Sums":
        """Sum over the rows.

        Parameters
        ----------
        y, X : ndarray, shapes (N,), (N, P)
            Response and population columns.
        factors : sequence of Factor
            From the finest to the coarsest, each nested in all that follow.
        crossed : sequence of Factor
            All others, in any order; K x K numbers are kept for their K effects together.

        Returns
        -------
        Sums
            In the units of the arguments: bring them to one scale first, because
            sums of squares of numbers far from zero lose their digits.
        """
        common = np.column_stack([X, y])
        wide = hstack([csr_array((len(y), 0)), *map(_written_out, crossed)], format="csr")
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
                    crossed=_compact(_written_out(factor).T @ wide),
                )
            )
        beside = CrossedSums(
            shapes=tuple((factor.J, factor.Q) for factor in crossed),
            products=(wide.T @ wide).toarray(),
            common=wide.T @ common,
        )
        return cls(len(y), tuple(levels), common.T @ common, beside)

    def recombined(self, mix: Floats) -> "Sums":
        """Return the sums with linear combinations of X and y in place of them.

        Parameters
        ----------
        mix : ndarray, shape (P + 1, P' + 1)
            [X, y] mix are the new columns.
        """
        wide = len(self.total)
        levels = tuple(
            replace(
                level,
                products=np.concatenate(
                    [level.products[:, :, :-wide], level.products[:, :, -wide:] @ mix], 2
                ),
            )
            for level in self.levels
        )
        crossed = replace(self.crossed, common=self.crossed.common @ mix)
        return Sums(self.N, levels, mix.T @ self.total @ mix, crossed)

    def with_response(
        self, y: Floats, X: Floats, factors: Sequence[Factor], crossed: Sequence[Factor]
    ) -> "Sums":
        """Return the sums for another response with the same columns and factors.

        Parameters
        ----------
        y : ndarray, shape (N,)
            The new response.
        X, factors, crossed
            What `of` was given.
        """
        levels = []
        for level, factor in zip(self.levels, factors, strict=True):
            products = level.products.copy()
            products[:, :, -1:] = _products(factor, [y[:, None]])
            levels.append(replace(level, products=products))
        total, common = self.total.copy(), self.crossed.common.copy()
        total[-1, :-1] = total[:-1, -1] = X.T @ y
        total[-1, -1] = y @ y
        parts = [_products(factor, [y[:, None]]).ravel() for factor in crossed]
        common[:, -1] = np.concatenate([np.empty(0), *parts])
        beside = replace(self.crossed, common=common)
        return Sums(self.N, tuple(levels), total, beside)


def _products(factor: Factor, parts: Sequence[Floats]) -> Floats:
    """Z' times some columns, summed within each level, shape (J, Q, columns)."""
    columns = [part[:, k] for part in parts for k in range(part.shape[1])]
    out = np.empty((factor.J, factor.Q, len(columns)))
    for q in range(factor.Q):
        for m, column in enumerate(columns):
            out[:, q, m] = np.bincount(factor.index, factor.Z[:, q] * column, factor.J)
    return out


def _written_out(factor: Factor) -> csr_array:
    """Effect columns with a column per level and effect, (N, J Q): Q entries in a row."""
    N, Q = factor.Z.shape
    columns = factor.index[:, None] * Q + np.arange(Q)
    starts = np.arange(N + 1) * Q
    return csr_array((factor.Z.ravel(), columns.ravel(), starts), (N, factor.J * Q))


def _compact(entries: csr_array) -> csr_array | Floats:
    rows, columns = entries.shape
    dense = rows * columns < _SMALL or entries.nnz > _DENSE * rows * columns
    return entries.toarray() if dense else entries.tocsr()
