"""The rows of a Gaussian multilevel model, reduced to what its likelihood depends on.

Within a level of the finest factor Z = E R, with orthonormal E. Of the other columns W (the
coarser factors' effects, X and y) the likelihood needs E'W, a few numbers per level, and
cross products of what is left, W - E E'W, summed over rows. Nothing can cancel: columns are
shifted towards zero first, and remainders are summed up, not got as differences of sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hierstan.design import Factor, Floats, Integers
from hierstan.errors import DataError

# Rows worked on at a time; a level is never split.
CHUNK = 2**17
# Rows that the origins of columns are estimated from; any origin near the data will do.
_SAMPLE = 4096
# Share of a column left by the columns before it that is rounding only.
_NOTHING = 1e-10


@dataclass(frozen=True, eq=False)
class Coarse:
    """A factor that others are nested in, the finest factor's effects projected out.

    Attributes
    ----------
    J : int
        Its levels.
    index : ndarray of int, shape (J of the finest factor,)
        The level that each level of the finest factor lies in.
    products : ndarray, shape (J, Q, M)
        Z'W of the remainders, summed over the rows of each level; W holds its own Z, the
        Z of each coarser factor, X and y.
    """

    J: int
    index: Integers
    products: Floats


@dataclass(frozen=True, eq=False)
class Reduction:
    """Everything that the likelihood needs to know about the rows, in standard units.

    Standard units are [X y] = [Xs ys] S, with columns Xs, ys orthogonal to each other and
    of mean square one, and Z = Zs T for each factor.

    Attributes
    ----------
    N : int
        Rows.
    roots : ndarray, shape (J, Q, Q)
        R of each level of the finest factor, upper triangular, with Zs'Zs = R'R. A row is
        zero where the level's own rows do not determine the effect.
    projections : ndarray, shape (J, Q, M)
        E'W of each level; W holds the Zs of each coarser factor, Xs and ys.
    coarse : tuple of Coarse
        The other factors, from finer to coarser.
    remainder : ndarray, shape (P + 1, P + 1)
        Cross products of the remainders of Xs and ys, summed over all rows.
    S : ndarray, shape (P + 1, P + 1)
        As above.
    T : tuple of ndarray, shape (Q, Q)
        As above, finest factor first. Effects u of Z are effects T u of Zs.
    apart : ndarray, shape (J, P + 1, P + 1)
        `remainder` for each level of the coarsest factor apart, if asked for; else J = 0.
    """

    N: int
    roots: Floats
    projections: Floats
    coarse: tuple[Coarse, ...]
    remainder: Floats
    S: Floats
    T: tuple[Floats, ...]
    apart: Floats

    @property
    def P(self) -> int:
        """Number of population coefficients."""
        return len(self.S) - 1


def reduce_rows(
    y: Floats,
    X: Floats,
    factors: Sequence[Factor],
    chunk: int = CHUNK,
    *,
    apart: bool = False,
) -> Reduction:
    """Reduce the rows in one pass.

    Time is of the order of N. Memory beyond the arguments is of the order of `chunk`, or of
    the rows of the largest level if they are more, and of the number of levels.

    Parameters
    ----------
    y, X : ndarray, shapes (N,), (N, P)
        Response and linearly independent population columns.
    factors : sequence of Factor
        From the finest to the coarsest, each nested in all that follow.
    chunk : int
        Rows to work on at a time.
    apart : bool
        Whether to sum what remains of X and y for each level of the coarsest factor, too.

    Returns
    -------
    Reduction
        In standard units; its products and densities are those of the rows.

    Raises
    ------
    DataError
        When X explains y exactly, so that nothing is left for groups and sigma.
    """
    finest, *others = factors
    units = [_Units.of(factor.Z.T) for factor in factors]
    common = _Units.of([*X.T, y])
    first = np.empty(finest.J, dtype=np.int64)
    first[finest.index] = np.arange(len(y))
    parents = [factor.index[first] for factor in others]
    widths = [factor.Q for factor in others]
    tails = [sum(widths[k:]) + len(common.scale) for k in range(len(widths) + 1)]
    roots = np.zeros((finest.J, finest.Q, finest.Q))
    projections = np.zeros((finest.J, finest.Q, tails[0]))
    products = [np.zeros((f.J, f.Q, tail)) for f, tail in zip(others, tails, strict=False)]
    remainder = np.zeros((0, tails[-1]))
    each = np.zeros((factors[-1].J * apart, tails[-1], tails[-1]))
    top = [np.arange(finest.J), *parents][-1]
    for levels, rows, sizes in _chunks(finest, chunk):
        own = units[0].apply(finest.Z.T, rows)
        rest = np.concatenate(
            [
                *(u.apply(f.Z.T, rows) for u, f in zip(units[1:], others, strict=True)),
                common.apply([*X.T, y], rows),
            ]
        )
        roots[levels], projections[levels] = _project(own, rest, sizes)
        starts = _starts(sizes)
        for parent, total, width, tail in zip(
            parents, products, widths, tails, strict=False
        ):
            mine = rest[len(rest) - tail :]
            for q in range(width):
                summed = np.add.reduceat(mine[q] * mine, starts, axis=1).T
                np.add.at(total[:, q], parent[levels], summed)
        mine = rest[-tails[-1] :]
        for m in range(len(mine) * apart):
            summed = np.add.reduceat(mine[m] * mine, starts, axis=1).T
            np.add.at(each[:, m], top[levels], summed)
        stacked = np.concatenate([remainder, mine.T])
        remainder = np.asarray(np.linalg.qr(stacked, mode="r"))
    return _standardize(
        len(y),
        roots,
        projections,
        [Coarse(len(t), p, t) for t, p in zip(products, parents, strict=True)],
        remainder,
        common.matrix,
        tuple(u.matrix for u in units),
        each,
    )


@dataclass(frozen=True, eq=False)
class _Units:
    """Columns less an origin and over a scale: W = Ws matrix, Ws = (W - origin) / scale."""

    origin: Floats
    scale: Floats
    matrix: Floats

    @classmethod
    def of(cls, columns: Sequence[Floats] | Floats) -> "_Units":
        """Estimate origins and scales from rows spread over all.

        Columns are shifted only where a constant one takes the shift up.
        """
        step = max(1, len(columns[0]) // _SAMPLE)
        some = np.array([column[::step] for column in columns])
        constant = [
            k
            for k, column in enumerate(columns)
            if np.ptp(some[k]) == 0 and some[k, 0] != 0 and np.ptp(column) == 0
        ][:1]
        origin = some.mean(axis=1) if constant else np.zeros(len(some))
        origin[constant] = 0.0
        scale = np.sqrt(np.mean((some - origin[:, None]) ** 2, axis=1))
        scale[scale == 0] = 1.0
        matrix = np.diag(scale)
        for k in constant:
            matrix[k] += origin * scale[k] / some[k, 0]
        return cls(origin, scale, matrix)

    def apply(self, columns: Sequence[Floats] | Floats, rows: Integers) -> Floats:
        """Return some rows in these units, shape (columns, rows)."""
        chosen = np.array([column[rows] for column in columns])
        return np.asarray((chosen - self.origin[:, None]) / self.scale[:, None])


def _chunks(factor: Factor, size: int) -> Iterator[tuple[slice, Integers, Integers]]:
    """Yield some levels at a time with their rows, level by level, and their sizes."""
    # Small integers are sorted by radix, in linear time.
    small = factor.index.astype(np.min_scalar_type(factor.J))
    order = np.argsort(small, kind="stable")
    sizes = factor.sizes
    ends = np.cumsum(sizes)
    start = row = 0
    while start < factor.J:
        stop = max(start + 1, int(np.searchsorted(ends, row + size, side="right")))
        yield slice(start, stop), order[row : ends[stop - 1]], sizes[start:stop]
        start, row = stop, int(ends[stop - 1])


def _starts(sizes: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]])


def _project(own: Floats, rest: Floats, sizes: Integers) -> tuple[Floats, Floats]:
    """Return R and E'W of each level, and leave the remainders in `rest`.

    Gram-Schmidt in its modified form, on all levels at once.
    """
    Q, starts = len(own), _starts(sizes)
    roots = np.zeros((len(sizes), Q, Q))
    projections = np.zeros((len(sizes), Q, len(rest)))
    lengths = np.sqrt(np.add.reduceat(own**2, starts, axis=1))
    for q in range(Q):
        length = np.sqrt(np.add.reduceat(own[q] ** 2, starts))
        length[length <= _NOTHING * lengths[q]] = 0.0
        inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        unit = own[q] * np.repeat(inverse, sizes)
        roots[:, q, q] = length
        for columns, into in ((own[q + 1 :], roots[:, q, q + 1 :]),
                              (rest, projections[:, q])):  # fmt: skip
            along = np.add.reduceat(unit * columns, starts, axis=1)
            columns -= unit * np.repeat(along, sizes, axis=1)
            into[:] = along.T
    return roots, projections


def _standardize(
    N: int,
    roots: Floats,
    projections: Floats,
    coarse: Sequence[Coarse],
    remainder: Floats,
    matrix: Floats,
    T: tuple[Floats, ...],
    apart: Floats,
) -> Reduction:
    """Bring X and y to standard units, which are known only when all rows were seen.

    `remainder` is still a triangular root of its cross products.
    """
    M = len(matrix)
    stacked = np.concatenate([remainder, projections[:, :, -M:].reshape(-1, M)])
    S = np.linalg.qr(stacked, mode="r") / np.sqrt(N)
    S *= np.where(np.diag(S) < 0, -1.0, 1.0)[:, None]
    if not S[-1, -1] > _NOTHING:
        raise DataError(
            "The population part of the formula explains the response exactly; nothing is "
            "left for groups and sigma."
        )
    back = np.linalg.inv(S)
    for values in (projections, *(factor.products for factor in coarse)):
        values[:, :, -M:] = values[:, :, -M:] @ back
    root = remainder @ back
    return Reduction(
        N,
        roots,
        projections,
        tuple(coarse),
        root.T @ root,
        S @ matrix,
        T,
        back.T @ apart @ back,
    )
