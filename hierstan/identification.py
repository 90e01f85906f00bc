"""Which variances and coefficients a design can tell apart, whatever the response.

The covariance of y is a sum of known matrices, each times a parameter,

    V = sigma^2 I + sum_f sum_{a,b} Sigma_f[a, b] K_{f,ab},

K_{f,ab} pairing rows of the same level of f by their effects a and b. When the matrices
are linearly dependent, some parameters can make up for each other exactly. Their inner
products are sums over the cells where two factors meet, so N x N is never formed.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError

# Smallest eigenvalue of the matrices' correlations that is not rounding error.
_RANK = 1e-14
_SPANNED = 1e-8  # share of a vector's length that columns leave over when they span it


@dataclass(frozen=True, eq=False)
class _Component:
    """One K_{f,ab}: the factor, and the two columns, orthonormal within their block."""

    factor: Factor
    label: str
    one: Floats
    other: Floats


def check_identified(design: Design) -> None:
    """Refuse parameters that no data of this design could tell apart.

    Raises
    ------
    DataError
        When variances or covariances can make up for each other exactly, or when the
        population columns already have a coefficient for every level of a factor; names
        the effects.
    """
    for factor in design.factors:
        _refuse_spanned(factor, design)
    components = _components(design)
    products = np.empty((len(components) + 1, len(components) + 1))
    products[0, 0] = design.N
    for k, one in enumerate(components, start=1):
        products[0, k] = products[k, 0] = float(one.one @ one.other)
        for m, other in enumerate(components[:k], start=1):
            products[m, k] = products[k, m] = _product(one, other)
    scale = np.sqrt(np.diag(products))
    values, vectors = np.linalg.eigh(products / np.outer(scale, scale))
    if values[0] > _RANK:
        return
    labels = ["sigma", *(component.label for component in components)]
    involved = dict.fromkeys(
        label
        for label, weight in zip(labels, vectors[:, 0], strict=True)
        if abs(weight) > 1e-5
    )
    raise DataError(
        f"The design cannot tell these apart: {'; '.join(involved)}. One can make up for "
        "the others exactly, whatever the response: simplify the effects, or leave a "
        "factor out."
    )


def _components(design: Design) -> list[_Component]:
    components = []
    for factor in design.factors:
        for start, size in zip(factor.starts, factor.blocks, strict=True):
            # The covariances of a block span the same for any basis of its columns.
            basis = np.linalg.qr(factor.Z[:, start : start + size])[0] * np.sqrt(design.N)
            names = factor.effects[start : start + size]
            label = f"({' + '.join(names)} | {factor.name})"
            components += [
                _Component(factor, label, basis[:, a], basis[:, b])
                for a, b in combinations_with_replacement(range(size), 2)
            ]
    return components


def _product(one: _Component, other: _Component) -> float:
    """Return the inner product of two symmetric matrices K, by the cells they share."""
    cell = one.factor.index
    if one.factor is not other.factor:
        cell = pd.factorize(cell * other.factor.J + other.factor.index)[0]
    size = int(cell.max()) + 1

    def sums(a: Floats, b: Floats) -> Floats:
        return np.bincount(cell, a * b, size).astype(float)

    straight = sums(one.one, other.one) @ sums(one.other, other.other)
    across = sums(one.one, other.other) @ sums(one.other, other.one)
    return float(straight + across) / 2


def _refuse_spanned(factor: Factor, design: Design) -> None:
    """Refuse an effect whose deviations are sums of population columns for every level."""
    rng = np.random.default_rng(0)
    basis = None
    for q, name in enumerate(factor.effects):
        filled = len(np.unique(factor.index[factor.Z[:, q] != 0]))
        if filled > design.P:
            continue  # there are more deviations than columns
        if basis is None:
            length = np.linalg.norm(design.X, axis=0)
            basis = np.linalg.qr(design.X / length)[0]
        # One generic set of deviations is a sum of columns only if all are.
        generic = factor.Z[:, q] * rng.normal(size=factor.J)[factor.index]
        left = generic - basis @ (basis.T @ generic)
        if np.linalg.norm(left) < _SPANNED * np.linalg.norm(generic):
            raise DataError(
                f"The population columns have a coefficient for every level of "
                f"{factor.name!r} already, so nothing is left of its effect {name!r}; "
                f"leave {factor.name!r} out of one of the two."
            )
