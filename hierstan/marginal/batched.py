"""Linear algebra of many small matrices at once.

A matrix of a few effects comes first, and the draws, levels or kinds it is wanted for
follow: shape (Q, Q, ...). Loops run over the few, NumPy over the many.
"""

import numpy as np

from hierstan.design import Floats


def one_plus(A: Floats) -> Floats:
    """Add the identity to matrices, in place."""
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


def inverse(A: Floats) -> tuple[Floats, Floats]:
    """Return inverses and log determinants."""
    L = cholesky(A)
    one = np.broadcast_to(np.eye(len(A))[(..., *[None] * (A.ndim - 2))], A.shape)
    half = forward(L, one)
    logs = 2.0 * sum(np.log(L[q, q]) for q in range(len(A)))
    return np.einsum("ca...,cb...->ab...", half, half), np.asarray(logs)
