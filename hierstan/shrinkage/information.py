"""How much of its own estimate each level keeps: its information against the population.

Theory, for one factor: given everything else, the rows of level j know its effects from
least squares with information S_j = Z_j'Z_j / sigma^2, and the population knows them to be
N(0, Sigma). The posterior mean moves the share

    W_j = Sigma (Sigma + S_j^-1)^-1 = Sigma S_j (Sigma S_j + I)^-1

of the way from the population's value to the level's own, so beta + u = beta + W_j (own -
beta). The second form needs no inverse of S_j, which a slope in a level with one value of
the predictor does not have. With an intercept alone W_j is the reliability
tau^2 / (tau^2 + sigma^2 / n_j).

With further factors, S_j = Z_j' V_j^-1 Z_j, with

    V_j = sigma^2 I + sum_g Z_gj Sigma_g Z_gj'

for the scatter of the level's rows by sigma and by the factors g that are nested in it (a
batch is known no better for more rows of few casks). The effects of coarser and of crossed
factors are given, as they are in the joint precision of all effects. So the identity holds
exactly for the best linear unbiased predictions of any design: they are all conditional
means of one normal distribution, and each is the conditional mean given the others at
theirs. Finer factors that are crossed with each other are given too, but for the chain of
them with the most effects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from hierstan.design import Design, Factor, Floats, Integers
from hierstan.frequentist import MixedFit
from hierstan.frequentist.standard import arrange
from hierstan.marginal.batched import cholesky, forward, one_plus
from hierstan.shares import finer
from hierstan.shrinkage.predictors import Estimated, LevelPredictor, Terms
from hierstan.sums import Sums

_CELLS = 2**18  # numbers in one array: what a processor's cache holds
_SINGULAR = 1e-10
# To which two levels' products agree that are taken for one; columns have mean square one.
_DIGITS = 10


@dataclass(frozen=True, eq=False)
class Own:
    """What the rows of a factor's levels say, as sums, with orthonormal effect columns.

    Attributes
    ----------
    factors : tuple of Factor
        Factors that are integrated out, finest first, and the factor itself.
    inward : tuple of ndarray, shape (Q, Q)
        The matrix that brings the effects of each to the sums' units.
    sums : Sums
        Cross products; y is the response that was given.
    """

    factors: tuple[Factor, ...]
    inward: tuple[Floats, ...]
    sums: Sums

    @classmethod
    def of(cls, design: Design, factor: Factor, response: Floats | None = None) -> "Own":
        """Sum over the rows; without a response, of the effect columns alone."""
        y = np.zeros(design.N) if response is None else response
        factors = (*inside(design, factor), factor)
        inward = tuple(
            np.asarray(np.linalg.qr(one.Z, mode="r") / np.sqrt(design.N)) for one in factors
        )
        scaled = [
            replace(one, Z=one.Z @ np.linalg.inv(root))
            for one, root in zip(factors, inward, strict=True)
        ]
        return cls(factors, inward, Sums.of(y, design.X[:, :0], scaled))

    def products(self, roots: Sequence[Floats], sigma: Floats) -> Floats:
        """Return sigma^2 Z_j' V_j^-1 [Z_j, y] at every draw.

        Parameters
        ----------
        roots : sequence of ndarray, shape (Q, Q, S)
            Of Sigma, for each of `factors`.
        sigma : ndarray, shape (S,)
            Residual standard deviation.

        Returns
        -------
        ndarray, shape (Q, Q + 1, S, J)
            S is 1 when nothing is integrated out, so that it does not depend on the draw.
        """
        left = [
            np.moveaxis(level.products, 0, -1)[:, :, None] for level in self.sums.levels
        ]
        for k, level in enumerate(self.sums.levels[:-1]):
            root = self._relative(k, roots[k], sigma)
            weighted = _times(root, left[k])
            L = _system(root, weighted[:, : level.Q])
            half = forward(L, weighted[:, level.Q :])
            start = 0
            for further, parent in enumerate(level.parents, k + 1):
                coarse = self.sums.levels[further]
                stop = start + coarse.Q
                taken = np.einsum("aunj,avnj->uvnj", half[:, start:stop], half[:, start:])
                left[further] = left[further] - _gather(taken, parent, coarse.J)
                start = stop
        return left[-1]

    def weights(self, roots: Sequence[Floats], sigma: Floats) -> Floats:
        """Return W at every draw, shape (Q, Q, S, J); arguments as for `products`."""
        Q = self.factors[-1].Q
        kind: Integers | slice = slice(None)
        if len(self.factors) == 1:
            products, kind = self._different
        else:
            products = self.products(roots, sigma)[:, :Q]
        root = self._relative(-1, roots[-1], sigma)
        weighted = _times(root, products)
        L = _system(root, weighted)
        known = forward(L, np.einsum("acnj,cb->abnj", weighted, self.inward[-1]))
        outer = (roots[-1] / sigma).swapaxes(0, 1)[..., None]
        back = forward(L, np.broadcast_to(outer, L.shape))
        return np.asarray(np.einsum("canj,cbnj->abnj", back, known))[..., kind]

    def steps(self, draws: int) -> Iterator[slice]:
        """Part the draws so that arrays over draws and levels stay small."""
        width = max(level.products[0].size * level.J for level in self.sums.levels)
        if len(self.factors) == 1:
            width = self._different[0].size
        size = max(1, _CELLS // width)
        for start in range(0, draws, size):
            yield slice(start, start + size)

    @cached_property
    def _different(self) -> tuple[Floats, Integers]:
        """Different products among the levels, and which of them each level has."""
        level = self.sums.levels[-1]
        flat = level.products[:, :, : level.Q].reshape(level.J, -1)
        rounded = np.round(flat, _DIGITS)
        _, first, kind = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
        products = flat[first].T.reshape(level.Q, level.Q, 1, -1)
        return products, kind.reshape(-1)

    def _relative(self, k: int, root: Floats, sigma: Floats) -> Floats:
        return np.asarray(np.einsum("ab,bcn->acn", self.inward[k], root) / sigma)


def inside(design: Design, factor: Factor) -> tuple[Factor, ...]:
    """Return the finer factors that are integrated out for a factor, finest first."""
    found = finer(design, factor)
    return tuple(found[k] for k in arrange(found)[0]) if found else ()


def _times(root: Floats, products: Floats) -> Floats:
    """Multiply root' (Q, Q, S) and products (Q, V, S or 1, J)."""
    return np.stack(
        [
            sum(root[c, a, :, None] * products[c] for c in range(len(root)))
            for a in range(len(root))
        ]
    )


def _system(root: Floats, weighted: Floats) -> Floats:
    """Return the Cholesky factor of I + weighted root, shape (Q, Q, S, J)."""
    A = np.zeros_like(weighted)
    for a in range(len(A)):
        for b in range(a + 1):
            A[a, b] = sum(weighted[a, c] * root[c, b, :, None] for c in range(len(A)))
    return cholesky(one_plus(A))


def _gather(values: Floats, parent: Integers, J: int) -> Floats:
    """Sum over the levels, in the last axis, that lie in each of J parents."""
    children = len(parent)
    member = csr_array((np.ones(children), (np.arange(children), parent)), (children, J))
    flat = values.reshape(-1, children) @ member
    return np.asarray(flat).reshape(*values.shape[:-1], J)


@dataclass(frozen=True, eq=False)
class GroupInformation:
    """Every level's own estimate against what it is pulled towards, at given parameters.

    Attributes
    ----------
    factor : Factor
        The factor.
    pooled : ndarray, shape (J, Q)
        What the level is pulled towards: theta_j - u_j (see `LevelPredictor`).
    own : ndarray, shape (J, Q)
        Estimate from the level's own rows, the terms that it shares with other levels
        given; nan where they do not determine it.
    information : ndarray, shape (J, Q, Q)
        S_j, the inverse of the covariance of `own`.
    score : ndarray, shape (J, Q)
        S_j (own - pooled), which is defined even where `own` is not.
    weight : ndarray, shape (J, Q, Q)
        W_j.
    """

    factor: Factor
    pooled: Floats
    own: Floats
    information: Floats
    score: Floats
    weight: Floats


def group_information(design: Design, factor: Factor, terms: Terms) -> GroupInformation:
    """Take the pull on every level apart, at one value of all parameters.

    Parameters
    ----------
    design, factor : Design, Factor
        The model and one of its factors.
    terms : Terms
        A single draw: coefficients, standard deviations and effects.

    Returns
    -------
    GroupInformation
        With pooled + W (own - pooled) = pooled + u wherever the effects u of all factors
        are the best linear unbiased predictions given the coefficients and variances, and
        `own` is determined.
    """
    within = inside(design, factor)
    rest = design.y - design.X @ terms.beta[:, 0]
    for other in design.factors:
        if other is not factor and other not in within:
            u = terms.effects(other)[0].T
            rest = rest - np.sum(other.Z * u[other.index], axis=1)
    own = Own.of(design, factor, rest)
    roots = [terms.root(one) for one in own.factors]
    products = np.moveaxis(own.products(roots, terms.sigma)[:, :, 0], -1, 0)
    ZZ, Zr = products[:, :, :-1], products[:, :, -1:]
    inward = own.inward[-1]
    found = np.linalg.pinv(ZZ, rcond=_SINGULAR, hermitian=True) @ Zr
    moved = np.linalg.solve(inward, found)[:, :, 0]
    predictor = LevelPredictor.of(design, factor)
    pooled = predictor.pulled_towards(terms, slice(None))[:, :, 0].T
    return GroupInformation(
        factor=factor,
        pooled=pooled,
        own=np.where(factor.determined(), pooled + moved, np.nan),
        information=inward.T @ ZZ @ inward / terms.sigma**2,
        score=(Zr[:, :, 0] @ inward) / terms.sigma**2,
        weight=np.moveaxis(own.weights(roots, terms.sigma)[:, :, 0], -1, 0),
    )


def information_of(mixed: MixedFit, factor: Factor) -> GroupInformation:
    """Take the pull on every level apart at the optimum of a mixed model."""
    return group_information(mixed.design, factor, Estimated(mixed))
