"""Integrating out nested effects at many draws of the variances at once.

The same steps as in ``marginal.stan``: matrices of a few effects are loops here, and their
elements arrays over draws and levels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hierstan.correlations import roots_of_covariance
from hierstan.design import Floats
from hierstan.engines.base import Arrays
from hierstan.marginal.batched import cholesky, forward, inverse, one_plus
from hierstan.marginal.block import DataBlock

# Numbers in each array of a step.
_CHUNK = 2**20


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


def eliminate(block: DataBlock, theta: Arrays, *, likelihood: bool = True) -> Elimination:
    """Integrate out the effects of one factor after the other.

    Parameters
    ----------
    block : DataBlock
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
    roots = roots_of_covariance(theta["tau"], theta["cpc"], block.data["Q"])
    roots = block.T @ roots / sigma
    state = _State(block, roots, likelihood)
    steps = [state.finest(), *(state.coarser(i) for i in range(1, len(block.levels)))]
    s = theta["sigma"][:, 0] / block.unit
    return Elimination(s, tuple(steps), state.products, state.logdet)


class _State:
    """The products that are left, while factors are eliminated."""

    def __init__(self, block: DataBlock, roots: Floats, likelihood: bool) -> None:
        self.block = block
        self.likelihood = likelihood
        self.roots = roots
        draws, last = len(roots), len(block.levels) - 1
        self.coarse = [
            np.repeat(values[:, :, None], draws, axis=2) for values in block.coarse
        ]
        self.products = np.zeros((draws, block.levels[last], block.M, block.M))
        self.logdet = np.zeros((draws, block.levels[last]))

    def finest(self) -> Step:
        """Eliminate the finest factor, from R and k."""
        block = self.block
        root = self._root(0)
        D = np.einsum("cab,bdn->adnc", block.R, root)
        if self.likelihood or self.coarse:
            found, logs = inverse(one_plus(np.einsum("abnc,dbnc->adnc", D, D)))
            found = found[..., block.kind]
            self._add_logs(logs[..., block.kind], 0)
        self._subtract(0, lambda c, d: -np.einsum(
            "abnj,aj,bj->nj", found, block.k[:, :, c], block.k[:, :, d]
        ))  # fmt: skip
        L = cholesky(one_plus(np.einsum("abnc,adnc->bdnc", D, D)))[..., block.kind]
        scores = np.einsum("abnj,ajv->bvnj", D[..., block.kind], block.k)
        return _step(L, root, forward(L, scores))

    def coarser(self, i: int) -> Step:
        """Eliminate a factor that others were nested in."""
        root, G = self._root(i), self.coarse[i - 1]
        Q = self.block.effects[i]
        A = one_plus(np.einsum("can,cdnj,dbn->abnj", root, G[:, :Q], root))
        L = cholesky(A)
        half = forward(L, np.einsum("can,cvnj->avnj", root, G[:, Q:]))
        self._add_logs(2.0 * sum(np.log(L[q, q]) for q in range(Q)), i)
        self._subtract(i, lambda c, d: np.sum(half[:, c] * half[:, d], axis=0))
        return _step(L, root, half)

    def _root(self, i: int) -> Floats:
        own = self.block.own(i)
        return np.moveaxis(self.roots[:, own, own], 0, -1)

    def _add_logs(self, logs: Floats, i: int) -> None:
        if self.likelihood:
            self.logdet += self._gathered(logs, i, len(self.block.levels) - 1)

    def _gathered(self, values: Floats, i: int, above: int) -> Floats:
        return values if above == i else self.block.gather(values, i, above)

    def _subtract(self, i: int, taken: Callable[[int, int], Floats]) -> None:
        """Subtract from all coarser products what factor `i` explains of two columns."""
        block, left = self.block, 0
        for above in range(i + 1, len(block.levels)):
            for row in range(block.effects[above]):
                for column in range(block.columns(above)):
                    self.coarse[above - 1][row, column] -= block.gather(
                        taken(left + row, left + column), i, above
                    )
            left += block.effects[above]
        for row in range(block.M * self.likelihood):
            for column in range(row + 1):
                part = taken(left + row, left + column)
                part = self._gathered(part, i, len(block.levels) - 1)
                self.products[:, :, row, column] -= part
                if row != column:
                    self.products[:, :, column, row] -= part


def _step(L: Floats, root: Floats, half: Floats) -> Step:
    """Return the conditional distribution, with half = L^-1 root' Z'W."""
    Q = len(L)
    right = np.broadcast_to(root.swapaxes(0, 1)[..., None], (Q, Q, *L.shape[2:]))
    spread = forward(L, right).swapaxes(0, 1)
    return Step(np.einsum("abnj,bvnj->avnj", spread, half), spread)


def in_steps(theta: Arrays, width: int) -> Iterator[tuple[slice, dict[str, Floats]]]:
    """Part the draws so that arrays of `width` numbers a draw stay small."""
    size, draws = max(1, _CHUNK // width), len(theta["sigma"])
    for start in range(0, draws, size):
        rows = slice(start, start + size)
        yield rows, {name: values[rows] for name, values in theta.items()}
