"""The likelihood and its predictions, against dense algebra."""

import numpy as np
import pytest
from dense import covariance, dense_effects, loglik
from scipy.linalg import block_diag

import hierstan.sums
from hierstan.design import Factor, Floats, Integers
from hierstan.frequentist.equations import solve
from hierstan.sums import Sums


def random_factor(
    rng: np.random.Generator, name: str, index: Integers, effects: int
) -> Factor:
    levels = tuple(map(str, range(index.max() + 1)))
    Z = rng.normal(size=(len(index), effects))
    return Factor(name, levels, index, tuple("pq"[:effects]), Z, (effects,))


def levels(rng: np.random.Generator, rows: int, count: int) -> Integers:
    """Every level at least once, in any order."""
    free = rng.integers(0, count, rows - count)
    return rng.permutation(np.concatenate([np.arange(count), free]))


def random_covariance(rng: np.random.Generator, size: int, singular: bool) -> Floats:
    root = rng.normal(size=(size, size))
    root[:, -1] *= not singular
    return root @ root.T


@pytest.mark.parametrize("singular", [False, True], ids=["regular", "singular"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize(("depth", "beside"), [(1, 0), (2, 0), (3, 0), (1, 1), (2, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_equations_equal_dense_algebra(
    depth: int, beside: int, seed: int, sparse: bool, singular: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Random unbalanced designs, nested and crossed, at generic variances."""
    monkeypatch.setattr(hierstan.sums, "_SMALL", 0 if sparse else np.inf)
    monkeypatch.setattr(hierstan.sums, "_DENSE", 1.1)
    rng = np.random.default_rng([seed, singular, depth, beside])
    N, P = 47, 3
    X, y = rng.normal(size=(N, P)), rng.normal(size=N) * 3 + 7
    index = levels(rng, N, 9)
    # Children are not sorted by parent: factors nested in fact, not by their labels.
    up = [np.array([1, 0, 3, 2, 0, 1, 2, 1, 0]), np.array([1, 0, 0, 1])]
    factors = []
    for f, Q in enumerate([2, 1, 2][:depth]):
        factors.append(random_factor(rng, f"g{f}", index, Q))
        index = up[f][index] if f < 2 else index
    for f, (count, Q) in enumerate([(5, 2), (3, 1)][:beside]):
        factors.append(random_factor(rng, f"h{f}", levels(rng, N, count), Q))
    Sigmas = [random_covariance(rng, factor.Q, singular) for factor in factors]
    sigma = 0.37 + rng.random()
    sums = Sums.of(y, X, factors[:depth], factors[depth:])
    V = covariance(factors, Sigmas, sigma)
    W = np.linalg.inv(V)
    beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)
    ml = solve(sums, Sigmas, sigma, reml=False)
    assert ml.loglik == pytest.approx(loglik(y, X, V, reml=False), rel=1e-10)
    np.testing.assert_allclose(ml.beta, beta, rtol=1e-8)
    np.testing.assert_allclose(ml.beta_covariance, np.linalg.inv(X.T @ W @ X), rtol=1e-7)
    reml = solve(sums, Sigmas, sigma, reml=True)
    assert reml.loglik == pytest.approx(loglik(y, X, V, reml=True), rel=1e-10)
    big = np.hstack([dense_effects(factor) for factor in factors])
    G = block_diag(*(S for f, S in zip(factors, Sigmas, strict=True) for _ in range(f.J)))
    u = G @ big.T @ W @ (y - X @ beta)
    conditional = G - G @ big.T @ W @ big @ G
    start = 0
    for factor, means, covariances in zip(factors, reml.u, reml.u_covariance, strict=True):
        for mean, spread in zip(means, covariances, strict=True):
            own = slice(start, start := start + factor.Q)
            np.testing.assert_allclose(mean, u[own], atol=1e-9)
            np.testing.assert_allclose(spread, conditional[own, own], atol=1e-9)


def test_another_response_changes_the_sums_as_a_new_start_does() -> None:
    rng = np.random.default_rng(3)
    N = 31
    X, index = rng.normal(size=(N, 2)), levels(rng, N, 6)
    nested = [random_factor(rng, "a", index, 2), random_factor(rng, "b", index // 2, 1)]
    crossed = [random_factor(rng, "c", levels(rng, N, 4), 2)]
    y, other = rng.normal(size=N) + 3, rng.normal(size=N) - 2
    moved = Sums.of(y, X, nested, crossed).with_response(other, X, nested, crossed)
    fresh = Sums.of(other, X, nested, crossed)
    np.testing.assert_allclose(moved.total, fresh.total, rtol=1e-12)
    np.testing.assert_allclose(moved.crossed.common, fresh.crossed.common, rtol=1e-12)
    for ours, theirs in zip(moved.levels, fresh.levels, strict=True):
        np.testing.assert_allclose(ours.products, theirs.products, rtol=1e-12)
