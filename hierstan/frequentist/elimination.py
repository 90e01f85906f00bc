"""Take the effects out of the mixed-model equations, one factor after the other.

The equations are Henderson's, in spherical effects b with u = Lambda b, where
Sigma = sigma^2 Lambda Lambda': their matrix is I + Lambda' Z'Z Lambda, and sigma drops out
of it. The levels of the finest factor are independent given all else, so they go first, as
a batch of small systems, and what they leave behind is again a sum over levels: the
factors of a chain cost O(J). What is crossed with the chain fills in and is left to one
dense system at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse import bsr_array, csr_array

from hierstan.design import Floats, Integers
from hierstan.sums import Sums


@dataclass(frozen=True, eq=False)
class Step:
    """One factor of the chain, taken out: E[u | rest] = spread Z'(y - what follows).

    Attributes
    ----------
    spread : ndarray, shape (J, Q, Q)
        Conditional covariance of u given all that follows, over sigma^2.
    slopes : ndarray, shape (J, Q, M - Q)
        `spread` times the products with the coarser factors, X and y.
    crossed : csr_array or ndarray, shape (J Q, K)
        `spread` times the products with the crossed effects.
    """

    spread: Floats
    slopes: Floats
    crossed: csr_array | Floats


@dataclass(frozen=True, eq=False)
class Eliminated:
    """What is left when all effects are taken out.

    Attributes
    ----------
    logdet : float
        log|V / sigma^2|.
    total : ndarray, shape (P + 1, P + 1)
        sigma^2 [X, y]' V^-1 [X, y].
    steps : tuple of Step
        How to go back to the effects of the chain; empty unless asked for.
    spread, slopes : ndarray, shapes (K, K), (K, P + 1)
        The same for the crossed effects.
    """

    logdet: float
    total: Floats
    steps: tuple[Step, ...]
    spread: Floats
    slopes: Floats


def eliminate(
    sums: Sums, Lambdas: Sequence[Floats], *, keep_steps: bool = False
) -> Eliminated:
    """Take out all effects at given relative covariances.

    Parameters
    ----------
    sums : Sums
        The data.
    Lambdas : sequence of ndarray, shape (Q, Q)
        For each factor of the chain, then for each crossed one, any root of
        Sigma / sigma^2; a singular one is an ordinary value.
    keep_steps : bool
        Whether the way back to the effects is wanted.

    Returns
    -------
    Eliminated
        Determinant and generalized least squares products.
    """
    chain = len(sums.levels)
    products = [level.products for level in sums.levels]
    crossed = [level.crossed for level in sums.levels]
    between, common = sums.crossed.products, sums.crossed.common
    total, logdet, steps = sums.total, 0.0, []
    for position, (level, Lambda) in enumerate(
        zip(sums.levels, Lambdas[:chain], strict=True)
    ):
        Q = level.Q
        own, rest = products[position][:, :, :Q], products[position][:, :, Q:]
        A = np.eye(Q) + Lambda.T @ own @ Lambda
        root = np.linalg.cholesky(A)
        logdet += 2 * float(np.sum(np.log(np.diagonal(root, axis1=1, axis2=2))))
        half = np.linalg.solve(root, Lambda.T @ rest)
        wide = None
        if sums.crossed.K:
            wide = _times(np.linalg.solve(root, Lambda.T[None]), crossed[position])
        start = 0
        for further, parent in enumerate(level.parents, position + 1):
            coarser = sums.levels[further]
            known = np.swapaxes(half[:, :, start : start + coarser.Q], 1, 2)
            taken = _gather(known @ half[:, :, start:], parent, coarser.J)
            products[further] = products[further] - taken
            if wide is not None:
                lifted = _lifted(known, parent, coarser.J) @ wide
                crossed[further] = crossed[further] - lifted
            start += coarser.Q
        last = half[:, :, start:].reshape(-1, len(total))
        total = total - last.T @ last
        if wide is not None:
            between = between - _dense(wide.T @ wide)
            common = common - wide.T @ last
        if keep_steps:
            spread = Lambda @ np.linalg.solve(A, Lambda.T)
            sideways = _times(spread, crossed[position])
            steps.append(Step(spread, spread @ rest, sideways))
    if not sums.crossed.K:
        return Eliminated(logdet, total, tuple(steps), between, common)
    roots = [
        np.broadcast_to(Lambda.T, (J, Q, Q))
        for Lambda, (J, Q) in zip(Lambdas[chain:], sums.crossed.shapes, strict=True)
    ]
    A = _scaled(roots, _scaled(roots, between).T)
    A[np.diag_indices_from(A)] += 1.0
    root = cholesky(A, lower=True, overwrite_a=True, check_finite=False)
    logdet += 2 * float(np.sum(np.log(np.diag(root))))
    half = solve_triangular(root, _scaled(roots, common), lower=True, check_finite=False)
    total = total - half.T @ half
    if not keep_steps:
        return Eliminated(logdet, total, (), between, common)
    scale = _scaled(roots, np.eye(len(A)))
    half = solve_triangular(root, scale, lower=True, check_finite=False)
    spread = half.T @ half  # Lambda A^-1 Lambda'
    return Eliminated(logdet, total, tuple(steps), spread, spread @ common)


def _scaled(roots: list[Floats], values: Floats) -> Floats:
    """Multiply the rows of each crossed factor's effects, level by level."""
    ends = np.cumsum([root.shape[0] * root.shape[1] for root in roots])
    parts = np.split(values, ends[:-1])
    return np.concatenate([_times(*pair) for pair in zip(roots, parts, strict=True)])


def _gather(values: Floats, parent: Integers, J: int) -> Floats:
    """Sum an array over the levels that lie in each of J parents."""
    children = len(parent)
    member = csr_array((np.ones(children), (parent, np.arange(children))), (J, children))
    return np.asarray((member @ values.reshape(children, -1)).reshape(J, *values.shape[1:]))


def _times(blocks: Floats, values: csr_array | Floats) -> csr_array | Floats:
    """Multiply the matrix with J blocks on its diagonal by one of J Q rows."""
    J, Q, _ = blocks.shape
    if isinstance(values, np.ndarray):
        return (blocks @ values.reshape(J, Q, -1)).reshape(values.shape)
    diagonal = bsr_array((blocks, np.arange(J), np.arange(J + 1)), shape=(J * Q, J * Q))
    return diagonal.tocsr() @ values


def _lifted(blocks: Floats, parent: Integers, J: int) -> csr_array:
    """Make a sparse matrix with a block per child, in the rows of its parent."""
    children, rows, columns = blocks.shape
    order = np.argsort(parent, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(parent, minlength=J))])
    shape = (J * rows, children * columns)
    return bsr_array((blocks[order], order, starts), shape=shape).tocsr()


def _dense(values: csr_array | Floats) -> Floats:
    return values if isinstance(values, np.ndarray) else values.toarray()
