"""The matrices every engine and estimator shares, and the names that go with them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from hierstan.errors import InputError
from hierstan.formula import Formula

# Of products of columns of length one: below it they do not tell effects apart. Of columns
# with mean square one: below it they are nothing but rounding.
_SINGULAR, _ROUNDING = 1e-10, 1e-6

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Factor:
    """One grouping factor with the effects that vary over its levels.

    Attributes
    ----------
    name : str
        The grouping column, or columns joined by a colon.
    levels : tuple of str
        The J levels in use, sorted by value.
    index : ndarray of int, shape (N,)
        Level of each row, counting from zero.
    effects : tuple of str
        The Q columns of `Z` by name.
    Z : ndarray, shape (N, Q)
        Effect columns; never the N x (J Q) indicator matrix.
    blocks : tuple of int
        Sizes of the runs of effects that are correlated with each other; effects of
        different runs are independent. ``(2,)`` for ``(x | g)``, ``(1, 1)`` for
        ``(x || g)``. They add up to Q.
    """

    name: str
    levels: tuple[str, ...]
    index: Integers
    effects: tuple[str, ...]
    Z: Floats
    blocks: tuple[int, ...]

    @property
    def J(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def Q(self) -> int:
        """Number of effects."""
        return len(self.effects)

    @property
    def sizes(self) -> Integers:
        """Rows of each level, shape (J,)."""
        return np.bincount(self.index, minlength=self.J)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Correlated pairs of effects, (row, column) row by row below the diagonal."""
        return tuple(
            (start + row, start + column)
            for start, size in zip(self.starts, self.blocks, strict=True)
            for row in range(size)
            for column in range(row)
        )

    @property
    def starts(self) -> tuple[int, ...]:
        """Position of the first effect of each block."""
        return tuple(sum(self.blocks[:k]) for k in range(len(self.blocks)))

    def crossproducts(self) -> Floats:
        """Return Z'Z of every level, shape (J, Q, Q)."""
        products = np.empty((self.J, self.Q, self.Q))
        for a in range(self.Q):
            for b in range(a + 1):
                weights = self.Z[:, a] * self.Z[:, b]
                products[:, a, b] = np.bincount(self.index, weights, self.J)
                products[:, b, a] = products[:, a, b]
        return products

    def determined(self) -> npt.NDArray[np.bool_]:
        """Tell which effects a level's own rows can tell apart.

        Returns
        -------
        ndarray of bool, shape (J, Q)
            False where a change of the effect, offset by the other effects, leaves every
            fitted value of the level as it is: a slope where the predictor has one value.
        """
        orthogonal, back = self.orthogonal()
        _, null = level_roots(orthogonal.crossproducts(), self.sizes)
        # Changes of the effects that leave the fitted values, each in sizes of its column.
        moved = np.abs(np.linalg.norm(self.Z, axis=0)[:, None] * (back @ null))
        moved /= np.maximum(moved.max(axis=1, keepdims=True), 1e-300)
        return np.asarray(moved.max(axis=2) < 1e-6)

    def orthogonal(self) -> tuple["Factor", Floats]:
        """Return the factor with columns orthogonal over all rows, and the way back.

        A predictor far from zero (a year) leaves no digits for its slope in Z'Z of a level;
        so it is centred first.

        Returns
        -------
        Factor
            With ``Z back`` for Z, of mean squares 1.
        back : ndarray, shape (Q, Q)
            Upper triangular; effects u of these columns are effects ``back u`` of Z.
        """
        root = np.linalg.qr(self.Z, mode="r") / np.sqrt(len(self.Z))
        back = np.asarray(np.linalg.inv(root))
        # Not by BLAS: rows that are equal have to stay so to the last digit.
        columns = sum(self.Z[:, [q]] * back[q] for q in range(self.Q))
        return replace(self, Z=np.asarray(columns)), back

    def varies(self, column: Floats) -> npt.NDArray[np.bool_]:
        """Tell in which levels a column of N values takes more than one, shape (J,).

        Values count as one up to 1e-9 of the column's range.
        """
        first = np.zeros(self.J, dtype=np.int64)
        first[self.index[::-1]] = np.arange(len(self.index))[::-1]
        differs = np.abs(column - column[first][self.index]) > 1e-9 * np.ptp(column)
        found = np.zeros(self.J, dtype=bool)
        found[self.index[differs]] = True
        return found

    def constant_columns(self, X: Floats) -> npt.NDArray[np.bool_]:
        """Tell which columns of `X` have one value in every level, shape (P,)."""
        return np.array([not self.varies(column).any() for column in X.T], dtype=bool)


def level_roots(products: Floats, sizes: Integers) -> tuple[Floats, Floats]:
    """Take a root of the pseudo-inverse of Z'Z in every level.

    Parameters
    ----------
    products : ndarray, shape (J, Q, Q)
        Z'Z of every level, for columns as `Factor.orthogonal` makes them.
    sizes : ndarray of int, shape (J,)
        Rows of every level.

    Returns
    -------
    root : ndarray, shape (J, Q, Q)
        ``root root'`` is the pseudo-inverse; its columns are zero for what a level's rows
        do not tell apart.
    null : ndarray, shape (J, Q, Q)
        In its columns, changes of the effects that change nothing in the level; zero
        where there is none.
    """
    scale = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    # A column that is rounding error in a level is none there.
    scale = np.maximum(scale, _ROUNDING * np.sqrt(sizes)[:, None])
    values, vectors = np.linalg.eigh(products / (scale[:, :, None] * scale[:, None]))
    vectors = vectors / scale[:, :, None]
    told = values > _SINGULAR
    root = vectors * np.where(told, 1 / np.sqrt(np.where(told, values, 1.0)), 0.0)[:, None]
    return root, vectors * ~told[:, None]


@dataclass(frozen=True, eq=False)
class Design:
    """Everything about a model that comes from the formula and the data.

    Attributes
    ----------
    formula : Formula
        The formula, taken apart.
    y : ndarray, shape (N,)
        Response, less the formula's offset() terms.
    terms : tuple of str
        The P columns of `X` by name; the intercept, if any, comes first.
    X : ndarray, shape (N, P)
        Population design.
    factors : tuple of Factor
        Grouping factors in the order of the formula.
    rows : int
        Rows of the data before any was dropped.
    missing : mapping of str to int
        Missing values per column, for columns that have any.
    frame : pandas.DataFrame
        The N rows in use with the columns of the formula.
    """

    formula: Formula
    y: Floats
    terms: tuple[str, ...]
    X: Floats
    factors: tuple[Factor, ...]
    rows: int
    missing: Mapping[str, int]
    frame: pd.DataFrame = field(repr=False)

    @property
    def N(self) -> int:
        """Number of rows in use."""
        return len(self.y)

    @property
    def P(self) -> int:
        """Number of population coefficients."""
        return len(self.terms)

    @property
    def dropped(self) -> int:
        """Rows left out because a value was missing."""
        return self.rows - self.N

    @property
    def has_intercept(self) -> bool:
        """Whether the first column of `X` is the intercept."""
        return self.terms[:1] == ("Intercept",)

    @property
    def sha256(self) -> str:
        """Hash of the rows in use, by value: the same for CSV and Parquet."""
        digest = hashlib.sha256("\0".join(map(str, self.frame.columns)).encode())
        hashed = pd.util.hash_pandas_object(self.frame, index=False)
        digest.update(np.ascontiguousarray(hashed.to_numpy()).tobytes())
        return digest.hexdigest()

    @property
    def effects(self) -> tuple[tuple[Factor, str], ...]:
        """Every effect with its factor, in the order of tau."""
        return tuple((factor, name) for factor in self.factors for name in factor.effects)

    @property
    def group_terms(self) -> tuple[tuple[Factor, int], ...]:
        """Every block of correlated effects: its factor, and how many effects it has."""
        return tuple((factor, size) for factor in self.factors for size in factor.blocks)

    @property
    def Z(self) -> Floats:
        """Effect columns of all factors side by side, shape (N, K)."""
        return np.hstack([factor.Z for factor in self.factors])


def find_factor(design: Design, name: str | None) -> Factor:
    """Look a factor up by name; without a name, the only one.

    Raises
    ------
    InputError
        When there is no such factor, or none is named and there are several; names those
        there are.
    """
    names = [factor.name for factor in design.factors]
    if name is None and len(names) == 1:
        return design.factors[0]
    if name not in names:
        known = ", ".join(map(repr, names))
        told = "Name a factor" if name is None else f"There is no factor {name!r}"
        raise InputError(f"{told}; the formula has {known}.")
    return design.factors[names.index(name)]
