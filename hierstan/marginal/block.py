"""The data block of the marginal program, as Python works with it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from hierstan.design import Floats, Integers


class DataBlock:
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
