"""Correlation matrices from canonical partial correlations, and back.

Row by row, the partial correlations z of a row of the Cholesky factor L have

    L[a, b] = z[a, b] sqrt(1 - sum_{c < b} L[a, c]^2)

and fill (-1, 1) freely (Lewandowski, Kurowicka and Joe 2009,
doi:10.1016/j.jmva.2009.04.008).
"""

from collections.abc import Sequence

import numpy as np

from hierstan.design import Floats


def correlation_root(partial: Floats, Q: int) -> Floats:
    """Return the Cholesky factor of a correlation matrix at every draw.

    Parameters
    ----------
    partial : ndarray, shape (draws, Q (Q - 1) / 2)
        Canonical partial correlations, row by row below the diagonal.
    Q : int
        Rows of the matrix.

    Returns
    -------
    ndarray, shape (draws, Q, Q)
        Lower triangular, rows of length 1.
    """
    L = np.zeros((len(partial), Q, Q))
    following = 0
    for row in range(Q):
        left = np.ones(len(partial))  # squared length of the row not yet used
        for column in range(row):
            L[:, row, column] = partial[:, following] * np.sqrt(left)
            left = left * (1.0 - partial[:, following] ** 2)
            following += 1
        L[:, row, row] = np.sqrt(left)
    return L


def roots_of_covariance(tau: Floats, cpc: Floats, sizes: Sequence[int]) -> Floats:
    """Return diag(tau) L at every draw, block after block, shape (draws, K, K).

    L is the Cholesky factor of the correlations with these canonical partial correlations.
    """
    L = np.zeros((*tau.shape, tau.shape[1]))
    start = following = 0
    for size in sizes:
        own, pairs = slice(start, start + size), size * (size - 1) // 2
        L[:, own, own] = correlation_root(cpc[:, following : following + pairs], size)
        start, following = start + size, following + pairs
    return np.asarray(tau[:, :, None] * L)


def symmetric_roots(tau: Floats, rho: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Return the symmetric root of the covariance matrix at every draw.

    Unlike a Cholesky factor it exists where a correlation is drawn as one.

    Parameters
    ----------
    tau : ndarray, shape (draws, Q)
        Standard deviations.
    rho : ndarray, shape (draws, pairs)
        Correlations; effects that are not in `pairs` have none.
    pairs : sequence of (int, int)
        Row and column of each correlation.

    Returns
    -------
    ndarray, shape (draws, Q, Q)
        S with S S = diag(tau) Omega diag(tau).
    """
    Omega = np.tile(np.eye(tau.shape[1]), (len(tau), 1, 1))
    for k, (a, b) in enumerate(pairs):
        Omega[:, a, b] = Omega[:, b, a] = rho[:, k]
    values, vectors = np.linalg.eigh(Omega * tau[:, :, None] * tau[:, None, :])
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return np.asarray(scaled @ vectors.swapaxes(1, 2))


def partial_correlations(Sigma: Floats) -> Floats:
    """Return the canonical partial correlations of a covariance matrix, row by row."""
    sd = np.sqrt(np.diag(Sigma))
    L = np.linalg.cholesky(Sigma / np.outer(sd, sd))
    found = []
    for row in range(1, len(L)):
        left = 1.0
        for column in range(row):
            found.append(L[row, column] / np.sqrt(left))
            left -= L[row, column] ** 2
    return np.array(found)
