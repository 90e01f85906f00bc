"""The variances of a model, and the standard deviations and correlations users read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hierstan.design import Factor, Floats
from hierstan.naming import SIGMA, corr_names, sd_names


@dataclass(frozen=True, eq=False)
class Variances:
    """A value of everything the likelihood depends on when beta is at its best.

    Attributes
    ----------
    Sigmas : tuple of ndarray, shape (Q, Q)
        Covariance of the effects of each factor, in the order of the formula.
    sigma : float
        Residual standard deviation.
    """

    Sigmas: tuple[Floats, ...]
    sigma: float


@dataclass(frozen=True)
class Parameter:
    """One standard deviation or correlation.

    Attributes
    ----------
    name : str
        As tables show it: ``sd(Days | Subject)``, ``sigma``.
    kind : {"sd", "corr", "sigma"}
        What it is.
    factor : int
        Position of its factor in the formula; -1 for sigma.
    effects : tuple of int
        Its one or two effects by position in the factor; none for sigma.
    """

    name: str
    kind: Literal["sd", "corr", "sigma"]
    factor: int
    effects: tuple[int, ...]

    def value(self, variances: Variances) -> float:
        """Return its value; a correlation with a standard deviation of zero is zero."""
        if self.kind == "sigma":
            return variances.sigma
        Sigma = variances.Sigmas[self.factor]
        if self.kind == "sd":
            return float(np.sqrt(Sigma[self.effects[0], self.effects[0]]))
        a, b = self.effects
        size = float(np.sqrt(Sigma[a, a] * Sigma[b, b]))
        return float(np.clip(Sigma[a, b] / size, -1.0, 1.0)) if size > 0 else 0.0


def parameters_of(factors: Sequence[Factor]) -> tuple[Parameter, ...]:
    """List the parameters of a model: standard deviations, correlations, sigma."""
    sds = [
        Parameter(name, "sd", position, (q,))
        for position, factor in enumerate(factors)
        for q, name in enumerate(sd_names(factor))
    ]
    correlations = [
        Parameter(name, "corr", position, pair)
        for position, factor in enumerate(factors)
        for name, pair in zip(corr_names(factor), factor.pairs, strict=True)
    ]
    return (*sds, *correlations, Parameter(SIGMA, "sigma", -1, ()))


class Packing:
    """Lower-triangular roots of the blocks of several factors, as one vector.

    Attributes
    ----------
    entries : list of (int, int, int)
        Factor, row and column of each element of the vector.
    """

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.sizes = [factor.Q for factor in factors]
        self.entries = [
            (position, start + row, start + column)
            for position, factor in enumerate(factors)
            for start, size in zip(factor.starts, factor.blocks, strict=True)
            for row in range(size)
            for column in range(row + 1)
        ]

    def pack(self, roots: Sequence[Floats]) -> Floats:
        """Return the entries of lower-triangular roots."""
        return np.array([roots[f][row, column] for f, row, column in self.entries])

    def unpack(self, vector: Floats) -> list[Floats]:
        """Return the roots with these entries."""
        roots = [np.zeros((size, size)) for size in self.sizes]
        for (f, row, column), value in zip(self.entries, vector, strict=True):
            roots[f][row, column] = value
        return roots


def lower_roots(factors: Sequence[Factor], Sigmas: Sequence[Floats]) -> list[Floats]:
    """Return L with L L' = Sigma, lower triangular with its zero columns last.

    Each block of rank r has r columns that are not zero; a singular one has fewer than
    rows.
    """
    roots = []
    for factor, Sigma in zip(factors, Sigmas, strict=True):
        root = np.zeros_like(Sigma)
        for start, size in zip(factor.starts, factor.blocks, strict=True):
            own = slice(start, start + size)
            values, vectors = np.linalg.eigh(Sigma[own, own])
            half = vectors[:, ::-1] * np.sqrt(np.clip(values[::-1], 0.0, None))
            upper = np.asarray(np.linalg.qr(half.T, mode="r"))
            root[own, own] = upper.T
        roots.append(root)
    return roots
