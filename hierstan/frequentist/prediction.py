"""Go back from the mixed-model equations to the effects they were freed of."""

import numpy as np
from scipy.sparse import bsr_array, csr_array

from hierstan.design import Floats, Integers
from hierstan.frequentist.elimination import Eliminated, Step
from hierstan.sums import LevelSums, Sums

# Rows of a sparse array that are written out at a time.
_CHUNK = 1024


def predict(
    sums: Sums, left: Eliminated, beta: Floats
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Predict all effects, the crossed ones first, then the chain from coarse to fine.

    Parameters
    ----------
    sums : Sums
        The data.
    left : Eliminated
        With its steps.
    beta : ndarray, shape (P,)
        Coefficients.

    Returns
    -------
    tuple of ndarray, shape (J, Q)
        E[u | y, beta], the factors of the chain first.
    tuple of ndarray, shape (J, Q, Q)
        Their conditional covariances over sigma^2.
    """
    residual = np.append(-beta, 1.0)
    w = left.slopes @ residual
    u: list[Floats] = []
    joints: list[Floats] = []
    ontos: list[csr_array | Floats] = []
    for level, step in zip(sums.levels[::-1], left.steps[::-1], strict=True):
        u.insert(0, _means(level, step, u, w, residual))
        joints.insert(0, _joint(level, step, joints))
        if len(w):
            ontos.insert(0, _onto(level, step, ontos))
    covariances = [
        joint[:, : level.Q, : level.Q]
        for level, joint in zip(sums.levels, joints, strict=True)
    ]
    for position, onto in enumerate(ontos):
        covariances[position] = covariances[position] + _carried(
            onto, left.spread, sums.levels[position].Q
        )
    start = 0
    for J, Q in sums.crossed.shapes:
        own = np.arange(start, start + J * Q).reshape(J, Q)
        u.append(w[own])
        covariances.append(left.spread[own[:, :, None], own[:, None, :]])
        start += J * Q
    return tuple(u), tuple(covariances)


def _means(
    level: LevelSums, step: Step, coarser: list[Floats], w: Floats, residual: Floats
) -> Floats:
    effects: Floats = step.slopes[:, :, -len(residual) :] @ residual
    effects = effects - (step.crossed @ w).reshape(effects.shape)
    start = 0
    for parent, known in zip(level.parents, coarser, strict=True):
        part = step.slopes[:, :, start : start + known.shape[1]]
        effects = effects - np.einsum("jqr,jr->jq", part, known[parent])
        start += known.shape[1]
    return effects


def _joint(level: LevelSums, step: Step, coarser: list[Floats]) -> Floats:
    """Covariance of a level's effects and those it lies in, given the crossed ones."""
    if not level.parents:
        return step.spread
    given = coarser[0][level.parents[0]]
    outer = step.slopes[:, :, : given.shape[1]]
    carried = -outer @ given
    spread = step.spread - carried @ np.swapaxes(outer, 1, 2)
    return np.block([[spread, carried], [np.swapaxes(carried, 1, 2), given]])


def _onto(
    level: LevelSums, step: Step, coarser: list[csr_array | Floats]
) -> csr_array | Floats:
    """Tell what effects lose per unit of the crossed ones, in all ways, (J Q, K)."""
    onto, start = step.crossed, 0
    for parent, known in zip(level.parents, coarser, strict=True):
        width = known.shape[0] // (int(parent.max()) + 1)
        part = step.slopes[:, :, start : start + width]
        onto = onto - _picked(part, parent) @ known
        start += width
    return onto


def _picked(blocks: Floats, parent: Integers) -> csr_array:
    """Make a sparse matrix with a block per child, in the columns of its parent."""
    J, rows, columns = blocks.shape
    shape = (J * rows, (int(parent.max()) + 1) * columns)
    return bsr_array((blocks, parent, np.arange(J + 1)), shape=shape).tocsr()


def _carried(onto: csr_array | Floats, spread: Floats, Q: int) -> Floats:
    """Take the blocks (J, Q, Q) on the diagonal of onto spread onto', by and by."""
    parts = []
    step = _CHUNK * Q
    for start in range(0, onto.shape[0], step):
        part = onto[start : start + step]
        rows = part if isinstance(part, np.ndarray) else part.toarray()
        shape = (-1, Q, rows.shape[1])
        weighted = (rows @ spread).reshape(shape)
        parts.append(weighted @ np.swapaxes(rows.reshape(shape), 1, 2))
    return np.concatenate(parts)
