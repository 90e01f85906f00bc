"""What the levels of a factor are at, and what they are pulled towards."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hierstan.design import Design, Factor, Floats
from hierstan.frequentist import MixedFit
from hierstan.shares import Above, Shares, coarser, shares

# Numbers in one array.
_CELLS = 2**22


class Terms(Protocol):
    """Coefficients and effects in S draws; `hierstan.prediction.simulate.Posterior` has it.

    Attributes
    ----------
    S : int
        Number of draws.
    beta : ndarray, shape (P, S)
        Coefficients of the columns of X.
    sigma : ndarray, shape (S,)
        Residual standard deviation.
    """

    @property
    def S(self) -> int:
        """Number of draws."""

    @property
    def beta(self) -> Floats:
        """Coefficients, shape (P, S)."""

    @property
    def sigma(self) -> Floats:
        """Residual standard deviation, shape (S,)."""

    def effects(self, factor: Factor) -> Floats:
        """Group effects u, shape (S, Q, J)."""

    def root(self, factor: Factor) -> Floats:
        """Return a square root R of Sigma = R R', shape (Q, Q, S)."""


def covariance_root(Sigma: Floats) -> Floats:
    """Return R with R R' = Sigma, shape (Q, Q), also where Sigma is singular."""
    values, vectors = np.linalg.eigh(Sigma)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


@dataclass(frozen=True, eq=False)
class Estimated:
    """A mixed-model fit as a single draw."""

    mixed: MixedFit

    @property
    def S(self) -> int:
        """One draw."""
        return 1

    @property
    def beta(self) -> Floats:
        """Coefficients, shape (P, 1)."""
        return self.mixed.solution.beta[:, None]

    @property
    def sigma(self) -> Floats:
        """Residual standard deviation, shape (1,)."""
        return np.array([self.mixed.sigma])

    def effects(self, factor: Factor) -> Floats:
        """Best linear unbiased predictions, shape (1, Q, J)."""
        return self.mixed[factor.name].u.T[None]

    def root(self, factor: Factor) -> Floats:
        """Return a square root of Sigma, also where it is singular, shape (Q, Q, 1)."""
        names = [other.name for other in self.mixed.design.factors]
        Sigma = self.mixed.variances.Sigmas[names.index(factor.name)]
        return covariance_root(Sigma)[:, :, None]


@dataclass(frozen=True, eq=False)
class LevelPredictor:
    """The linear predictor at the levels of one factor.

    For level j, with a_j its share of each column of X and B_gj its share of the effects of
    each coarser factor g (`hierstan.shares`),

        theta_j = a_j beta + sum_g B_gj u_g,parent(j) + u_j.

    All but u_j is what the level is pulled towards: of schools in towns, the town's value;
    with a predictor of groups, its value on the regression line.

    Attributes
    ----------
    factor : Factor
        The factor.
    columns : Shares
        Of the columns of X.
    above : tuple of Above
        Coarser factors with shares of their effects.
    """

    factor: Factor
    columns: Shares
    above: tuple[Above, ...]

    @classmethod
    def of(cls, design: Design, factor: Factor) -> "LevelPredictor":
        """Find what varies between the levels of a factor only."""
        return cls(factor, shares(factor, design.X), coarser(design, factor))

    @property
    def alike(self) -> bool:
        """Whether all levels are pulled towards the same values."""
        first = self.columns.table[:1]
        return not self.above and bool(np.all(self.columns.table == first))

    def pulled_towards(self, terms: Terms, levels: slice) -> Floats:
        """Return theta_j - u_j of some levels in every draw, shape (Q, levels, S)."""
        total = _weighted(self.columns.table[levels], terms.beta)
        for above in self.above:
            effects = terms.effects(above.factor)[:, :, above.parent[levels]]
            for r in range(above.factor.Q):
                share = above.shares.table[levels, :, r].T
                total = total + share[:, :, None] * effects[:, r].T
        return total

    def effects(self, terms: Terms, levels: slice) -> Floats:
        """Return u_j of some levels in every draw, shape (Q, levels, S)."""
        return np.ascontiguousarray(
            np.moveaxis(terms.effects(self.factor)[:, :, levels], 0, -1)
        )

    def chunks(self, draws: int) -> Iterator[slice]:
        """Part the levels so that an array of all their draws stays small."""
        step = max(1, _CELLS // (draws * self.factor.Q))
        for start in range(0, self.factor.J, step):
            yield slice(start, start + step)


def _weighted(share: Floats, beta: Floats) -> Floats:
    """Weigh draws of coefficients, shapes (levels, Q, P) and (P, S)."""
    J, Q, P = share.shape
    if J > 1 and np.array_equal(share, np.broadcast_to(share[:1], share.shape)):
        return np.repeat(_weighted(share[:1], beta), J, axis=1)
    total: Floats = (np.moveaxis(share, 0, 1).reshape(Q * J, P) @ beta).reshape(Q, J, -1)
    return total
