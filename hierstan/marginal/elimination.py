"""Integrating out nested effects at many draws of the variances at once.

The same steps as in ``marginal.stan``: matrices of a few effects are loops here, and their
elements arrays over draws and levels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from hierstan.design import Floats, Integers
from hierstan.engines.base import Arrays

# Numbers in each array of a step.
_CHUNK = 2**20


class Sums:
    """The data block of the marginal program, taken apart.

    Factors go from the finest to the coarsest.

    Attributes
    ----------
    levels, effects, place : list of int
        J and Q of each factor, and its first effect in the order of tau.
    R, kind, k : ndarray
        Of the finest factor, as in the program, counting from zero.
    coarse : list of ndarray, shape (Q, V, J)
        What it leaves of the products of each other factor.
    total : ndarray, shape (M, M)
        And of those of X and y.
    S, T : ndarray
        Standard units.
    unit : float
        Standard deviation of y beside X.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.levels, self.effects = list(data["levels"]), list(data["effects"])
        self.place = [first - 1 for first in data["place"]]
        self.R, self.k = np.asarray(data["R"]), np.asarray(data["k"])
        self.kind = np.asarray(data["kind"]) - 1
        self.S, self.T = np.asarray(data["S"]), np.asarray(data["T"])
        self.unit = float(self.S[-1, -1])
        self.ancestor = np.asarray(data["ancestor"]) - 1
        left = np.asarray(data["remainder"])
        if data["prior_only"]:
            self.R, self.k, left = 0.0 * self.R, 0.0 * self.k, 0.0 * left
        self.coarse = []
        for i in range(1, len(self.levels)):
            shape = (self.effects[i], self.columns(i), self.levels[i])
            self.coarse.append(left[: np.prod(shape)].reshape(shape))
            left = left[np.prod(shape) :]
        self.total = np.zeros((self.M, self.M))
        lower = np.tril_indices(self.M)
        self.total[lower] = self.total.T[lower] = left

    @property
    def M(self) -> int:
        """Columns of X and y."""
        return len(self.S)

    def columns(self, i: int) -> int:
        """Return how many columns a factor's products have."""
        return int(sum(self.effects[i:])) + self.M

    def own(self, i: int) -> slice:
        """Return the places of a factor's effects in the order of tau."""
        return slice(self.place[i], self.place[i] + self.effects[i])

    def parent(self, i: int, above: int) -> Integers:
        """Return the level of a coarser factor that each of a factor's levels lies in."""
        found = np.empty(self.levels[i], dtype=np.int64)
        found[self.ancestor[i]] = self.ancestor[above]
        return found

    def gather(self, values: Floats, i: int, above: int) -> Floats:
        """Sum over the levels in each level of a coarser factor; levels come last."""
        parent = self.parent(i, above)
        ones = np.ones(len(parent))
        member = csr_array(
            (ones, (np.arange(len(parent)), parent)), (len(parent), self.levels[above])
        )
        flat = values.reshape(-1, values.shape[-1]) @ member
        return np.asarray(flat).reshape(*values.shape[:-1], self.levels[above])

    def outward_effects(self, i: int) -> Floats:
        """Return the matrix that takes a factor's effects out of standard units."""
        return np.asarray(self.unit * np.linalg.inv(self.T[self.own(i), self.own(i)]))

    @property
    def width(self) -> int:
        """Numbers that a draw takes in the largest array."""
        sizes = zip(self.effects, self.levels, strict=True)
        most = max(Q * J * self.columns(i) for i, (Q, J) in enumerate(sizes))
        return int(max(most, self.levels[-1] * self.M**2))

    @cached_property
    def prior(self) -> Floats:
        """The normal prior of beta as cross products of rows of data with error sd 1."""
        inverse = np.linalg.inv(self.S[:-1, :-1])
        distance = self.data["beta_location"] - inverse @ self.S[:-1, -1]
        rows = np.column_stack([self.unit * inverse, distance])
        rows = rows / np.asarray(self.data["beta_scale"])[:, None]
        return np.asarray(rows.T @ rows)

    def inward(self, beta: Floats) -> Floats:
        """Turn coefficients of X into those of standardized X; draws come first."""
        centred = beta.copy()
        centred[:, :1] += beta @ np.asarray(self.data["x_center"])[:, None]
        return np.asarray((centred @ self.S[:-1, :-1].T - self.S[:-1, -1]) / self.unit)

    def outward(self) -> tuple[Floats, Floats]:
        """Return slope and origin of coefficients of X in those of standardized X."""
        uncentre = np.eye(self.M - 1)
        uncentre[:1] -= self.data["x_center"]
        slope = uncentre @ np.linalg.inv(self.S[:-1, :-1])
        return self.unit * slope, slope @ self.S[:-1, -1]


@dataclass(frozen=True, eq=False)
class Step:
    """One factor's effects given everything else, in standard units.

    They have mean `slopes` times (less the effects of the coarser factors, less the
    coefficients of X, 1), and covariance sigma^2 `spread` `spread`'.

    Attributes
    ----------
    slopes : ndarray, shape (Q, V - Q, draws, J)
    spread : ndarray, shape (Q, Q, draws, J)
    """

    slopes: Floats
    spread: Floats


@dataclass(frozen=True, eq=False)
class Elimination:
    """What some draws of the variances fix.

    Attributes
    ----------
    s : ndarray, shape (draws,)
        sigma in standard units.
    steps : tuple of Step
        One for each factor, from the finest.
    products : ndarray, shape (draws, J, M, M)
        [X y]'[X y] weighted by the inverse of I + Z Psi Z', by level of the coarsest
        factor; without the remainder of the finest.
    logdet : ndarray, shape (draws, J)
        Log determinant of the same, by level of the coarsest factor.
    """

    s: Floats
    steps: tuple[Step, ...]
    products: Floats
    logdet: Floats


def eliminate(sums: Sums, theta: Arrays, *, likelihood: bool = True) -> Elimination:
    """Integrate out the effects of one factor after the other.

    Parameters
    ----------
    sums : Sums
        The data.
    theta : mapping of str to ndarray, shape (draws, ...)
        ``tau``, ``cpc`` and ``sigma``.
    likelihood : bool
        Whether `products` and `logdet` are wanted too; else they are zero.

    Returns
    -------
    Elimination
        In standard units.
    """
    sigma = theta["sigma"][:, :, None]
    roots = roots_of_covariance(theta["tau"], theta["cpc"], sums.data["Q"])
    roots = sums.T @ roots / sigma
    state = _State(sums, roots, likelihood)
    steps = [state.finest(), *(state.coarser(i) for i in range(1, len(sums.levels)))]
    s = theta["sigma"][:, 0] / sums.unit
    return Elimination(s, tuple(steps), state.products, state.logdet)


class _State:
    """The products that are left, while factors are eliminated."""

    def __init__(self, sums: Sums, roots: Floats, likelihood: bool) -> None:
        self.sums = sums
        self.likelihood = likelihood
        self.roots = roots
        draws, last = len(roots), len(sums.levels) - 1
        self.coarse = [
            np.repeat(values[:, :, None], draws, axis=2) for values in sums.coarse
        ]
        self.products = np.zeros((draws, sums.levels[last], sums.M, sums.M))
        self.logdet = np.zeros((draws, sums.levels[last]))

    def finest(self) -> Step:
        """Eliminate the finest factor, from R and k."""
        sums = self.sums
        root = self._root(0)
        D = np.einsum("cab,bdn->adnc", sums.R, root)
        if self.likelihood or self.coarse:
            inverse, logs = _inverse(_one_plus(np.einsum("abnc,dbnc->adnc", D, D)))
            inverse = inverse[..., sums.kind]
            self._add_logs(logs[..., sums.kind], 0)
        self._subtract(0, lambda c, d: -np.einsum(
            "abnj,aj,bj->nj", inverse, sums.k[:, :, c], sums.k[:, :, d]
        ))  # fmt: skip
        L = cholesky(_one_plus(np.einsum("abnc,adnc->bdnc", D, D)))[..., sums.kind]
        scores = np.einsum("abnj,ajv->bvnj", D[..., sums.kind], sums.k)
        return _step(L, root, forward(L, scores))

    def coarser(self, i: int) -> Step:
        """Eliminate a factor that others were nested in."""
        root, G = self._root(i), self.coarse[i - 1]
        Q = self.sums.effects[i]
        A = _one_plus(np.einsum("can,cdnj,dbn->abnj", root, G[:, :Q], root))
        L = cholesky(A)
        half = forward(L, np.einsum("can,cvnj->avnj", root, G[:, Q:]))
        self._add_logs(2.0 * sum(np.log(L[q, q]) for q in range(Q)), i)
        self._subtract(i, lambda c, d: np.sum(half[:, c] * half[:, d], axis=0))
        return _step(L, root, half)

    def _root(self, i: int) -> Floats:
        own = self.sums.own(i)
        return np.moveaxis(self.roots[:, own, own], 0, -1)

    def _add_logs(self, logs: Floats, i: int) -> None:
        if self.likelihood:
            self.logdet += self._gathered(logs, i, len(self.sums.levels) - 1)

    def _gathered(self, values: Floats, i: int, above: int) -> Floats:
        return values if above == i else self.sums.gather(values, i, above)

    def _subtract(self, i: int, taken: Callable[[int, int], Floats]) -> None:
        """Subtract from all coarser products what factor `i` explains of two columns."""
        sums, left = self.sums, 0
        for above in range(i + 1, len(sums.levels)):
            for row in range(sums.effects[above]):
                for column in range(sums.columns(above)):
                    self.coarse[above - 1][row, column] -= sums.gather(
                        taken(left + row, left + column), i, above
                    )
            left += sums.effects[above]
        for row in range(sums.M * self.likelihood):
            for column in range(row + 1):
                part = taken(left + row, left + column)
                part = self._gathered(part, i, len(sums.levels) - 1)
                self.products[:, :, row, column] -= part
                if row != column:
                    self.products[:, :, column, row] -= part


def _step(L: Floats, root: Floats, half: Floats) -> Step:
    """Return the conditional distribution, with half = L^-1 root' Z'W."""
    Q = len(L)
    right = np.broadcast_to(root.swapaxes(0, 1)[..., None], (Q, Q, *L.shape[2:]))
    spread = forward(L, right).swapaxes(0, 1)
    return Step(np.einsum("abnj,bvnj->avnj", spread, half), spread)


def roots_of_covariance(tau: Floats, cpc: Floats, sizes: Sequence[int]) -> Floats:
    """Return diag(tau) L at every draw, block after block, shape (draws, K, K).

    L is the Cholesky factor of the correlations with these canonical partial correlations.
    """
    L = np.zeros((*tau.shape, tau.shape[1]))
    start = following = 0
    for size in sizes:
        for row in range(start, start + size):
            left = np.ones(len(tau))
            for column in range(start, row):
                L[:, row, column] = cpc[:, following] * np.sqrt(left)
                left = left * (1.0 - cpc[:, following] ** 2)
                following += 1
            L[:, row, row] = np.sqrt(left)
        start += size
    return np.asarray(tau[:, :, None] * L)


def in_steps(theta: Arrays, width: int) -> Iterator[tuple[slice, dict[str, Floats]]]:
    """Part the draws so that arrays of `width` numbers a draw stay small."""
    size, draws = max(1, _CHUNK // width), len(theta["sigma"])
    for start in range(0, draws, size):
        rows = slice(start, start + size)
        yield rows, {name: values[rows] for name, values in theta.items()}


def _one_plus(A: Floats) -> Floats:
    A[np.diag_indices(len(A))] += 1.0
    return A


def cholesky(A: Floats) -> Floats:
    """Factor positive definite matrices, shape (Q, Q, ...), all at once."""
    L = np.zeros_like(A)
    for a in range(len(A)):
        for b in range(a + 1):
            rest = A[a, b] - np.sum(L[a, :b] * L[b, :b], axis=0)
            L[a, b] = np.sqrt(rest) if a == b else rest / L[b, b]
    return L


def forward(L: Floats, right: Floats) -> Floats:
    """Solve L x = right, shapes (Q, Q, ...) and (Q, columns, ...)."""
    x = np.empty_like(right)
    for a in range(len(L)):
        x[a] = (right[a] - sum((L[a, b] * x[b] for b in range(a)), 0.0)) / L[a, a]
    return x


def _inverse(A: Floats) -> tuple[Floats, Floats]:
    """Return inverses and log determinants."""
    L = cholesky(A)
    one = np.broadcast_to(np.eye(len(A))[(..., *[None] * (A.ndim - 2))], A.shape)
    half = forward(L, one)
    logs = 2.0 * sum(np.log(L[q, q]) for q in range(len(A)))
    return np.einsum("ca...,cb...->ab...", half, half), np.asarray(logs)
