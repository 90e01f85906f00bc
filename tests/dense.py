"""The same mixed models by dense algebra, N x N and all: slow, and hard to get wrong."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from scipy.optimize import minimize

from hierstan.design import Factor, Floats


def dense_effects(factor: Factor) -> Floats:
    """Z written out, N x (J Q), level after level."""
    indicator = np.eye(factor.J)[factor.index]
    return np.hstack([indicator[:, [j]] * factor.Z for j in range(factor.J)])


def covariance(factors: Sequence[Factor], Sigmas: Sequence[Floats], sigma: float) -> Floats:
    """V, N x N."""
    V = sigma**2 * np.eye(len(factors[0].index))
    for factor, Sigma in zip(factors, Sigmas, strict=True):
        together = factor.index[:, None] == factor.index
        V += together * (factor.Z @ Sigma @ factor.Z.T)
    return V


def loglik(y: Floats, X: Floats, V: Floats, *, reml: bool) -> float:
    """Maximum over beta of the (restricted) log likelihood.

    Integrating beta out of the likelihood leaves sqrt((2 pi)^P / |X'V^-1 X|).
    """
    W = np.linalg.inv(V)
    information = X.T @ W @ X
    beta = np.linalg.solve(information, X.T @ W @ y)
    found = float(stats.multivariate_normal(X @ beta, V).logpdf(y))
    if reml:
        found += 0.5 * len(beta) * np.log(2 * np.pi)
        found -= 0.5 * float(np.linalg.slogdet(information)[1])
    return found


def highest(
    y: Floats, X: Floats, factors: Sequence[Factor], *, reml: bool, starts: int, seed: int
) -> float:
    """The highest log likelihood that searches from random places find."""
    rng = np.random.default_rng(seed)
    shapes = [
        (f, start + row, start + column)
        for f, factor in enumerate(factors)
        for start, size in zip(factor.starts, factor.blocks, strict=True)
        for row in range(size)
        for column in range(row + 1)
    ]

    def descend(theta: Floats) -> float:
        roots = [np.zeros((factor.Q, factor.Q)) for factor in factors]
        for (f, row, column), value in zip(shapes, theta, strict=False):
            roots[f][row, column] = value
        Sigmas = [root @ root.T for root in roots]
        V = covariance(factors, Sigmas, float(np.exp(np.clip(theta[-1], -6, 6))))
        logdet, W = np.linalg.slogdet(V)[1], np.linalg.inv(V)
        information = X.T @ W @ X
        rest = y - X @ np.linalg.solve(information, X.T @ W @ y)
        deviance = logdet + rest @ W @ rest + len(y) * np.log(2 * np.pi)
        if reml:
            deviance += np.linalg.slogdet(information)[1] - X.shape[1] * np.log(2 * np.pi)
        return 0.5 * float(deviance)

    lowest = np.inf
    for _ in range(starts):
        sizes = np.exp(rng.normal(-1, 1.5, len(shapes)))
        found = minimize(descend, [*sizes, np.log(y.std())], method="L-BFGS-B")
        found = minimize(descend, found.x, method="BFGS")
        lowest = min(lowest, found.fun)
    return -lowest
