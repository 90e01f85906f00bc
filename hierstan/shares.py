"""Which columns differ between the levels of a factor only, and what each level gets.

A column c does not vary within the levels of a factor, beyond what the factor's own effects
express, when c_i = z_i' a_j for all rows i of every level j. Then a_j, the level's share of
the column, says how its coefficient enters the level's own: the intercept is in every
level's intercept with share 1, and a predictor of groups with its value there.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hierstan.design import Design, Factor, Floats, Integers, level_roots
from hierstan.structure import parents

_NOTHING = 1e-8  # share of a column's length that is rounding error


@dataclass(frozen=True, eq=False)
class Shares:
    """What the levels of a factor get of some columns.

    Attributes
    ----------
    table : ndarray, shape (J, Q, C)
        a_j of each column; 0 for a column that varies within levels, and nan where the
        rows of a level do not tell its share.
    between : ndarray of bool, shape (C,)
        Which columns do not vary within levels beyond what the effects express.
    """

    table: Floats
    between: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Above:
    """A coarser factor, as seen from the levels of a finer one.

    Attributes
    ----------
    factor : Factor
        The coarser factor.
    parent : ndarray of int, shape (J,)
        Its level that each of the finer factor's levels lies in.
    shares : Shares
        Of its effect columns.
    """

    factor: Factor
    parent: Integers
    shares: Shares


def shares(factor: Factor, columns: Floats) -> Shares:
    """Find the shares that the levels of a factor have in columns.

    The first that holds of: the same combination of effects in all levels (then it counts
    for levels, too, whose own rows could be expressed otherwise); a multiple of one effect
    that depends on the level; any combination in each level.

    Parameters
    ----------
    factor : Factor
        Whose levels.
    columns : ndarray, shape (N, C)
        Of the population, or effect columns of a coarser factor.

    Returns
    -------
    Shares
        nan in a level where the effect's column is zero throughout, unless the column is
        the product of the effect's and another one that has the level's value.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "log_radon ~ floor * log_uranium + (floor | county)"
    >>> design = build_design(text, hs.data.radon())
    >>> found = shares(design.factors[0], design.X)
    >>> found.between.tolist()
    [True, True, True, True]
    >>> found.table[0].round(2).tolist()  # log_uranium is -0.69 in AITKIN
    [[1.0, 0.0, -0.69, 0.0], [0.0, 1.0, 0.0, -0.69]]
    """
    C = columns.shape[1]
    table = np.zeros((factor.J, factor.Q, C))
    between = np.zeros(C, dtype=bool)
    constant = columns[:, factor.constant_columns(columns)]
    for c in range(C):
        found = _everywhere(factor, columns[:, c])
        if found is None:
            found = _multiple(factor, columns[:, c], constant)
        if found is None:
            found = _by_level(factor, columns[:, c])
        if found is not None:
            table[:, :, c], between[c] = found, True
    return Shares(table, between)


def _everywhere(factor: Factor, column: Floats) -> Floats | None:
    """Express a column by the effect columns with the same coefficients in all levels."""
    size = np.linalg.norm(factor.Z, axis=0)
    size[size == 0] = 1.0
    found = np.linalg.lstsq(factor.Z / size, column, rcond=None)[0]
    length = np.linalg.norm(column)
    found[np.abs(found) <= 1e-10 * length] = 0.0
    if np.linalg.norm(column - factor.Z / size @ found) > _NOTHING * length:
        return None
    share: Floats = found / size
    # A share of one is exactly one, or the coefficient would carry rounding errors.
    share = np.where(np.abs(share - 1.0) < 1e-12, 1.0, share)
    return np.broadcast_to(share, (factor.J, factor.Q))


def _multiple(factor: Factor, column: Floats, constant: Floats) -> Floats | None:
    """Express a column as one effect column times a number that each level has."""
    for q, effect in enumerate(factor.Z.T):
        squares = np.bincount(factor.index, effect**2, factor.J)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.bincount(factor.index, effect * column, factor.J) / squares
        fitted = np.where(effect == 0, 0.0, effect * ratio[factor.index])
        if not _equal(fitted, column):
            continue
        for value in constant.T:
            if np.isnan(ratio).any() and _equal(effect * value, column):
                ratio[factor.index] = value
        found = np.zeros((factor.J, factor.Q))
        found[:, q] = ratio
        return found
    return None


def _by_level(factor: Factor, column: Floats) -> Floats | None:
    """Express a column by the effect columns in each level."""
    basis, back = factor.orthogonal()
    products = np.empty((factor.J, factor.Q, 1))
    for q, one in enumerate(basis.Z.T):
        products[:, q, 0] = np.bincount(factor.index, one * column, factor.J)
    root, _ = level_roots(basis.crossproducts(), factor.sizes)
    found = root @ (np.swapaxes(root, 1, 2) @ products)
    if not _equal(np.sum(basis.Z * found[factor.index, :, 0], axis=1), column):
        return None
    share = (back @ found)[:, :, 0]
    return np.where(factor.determined(), share, np.nan)


def _equal(one: Floats, other: Floats) -> bool:
    return bool(np.linalg.norm(one - other) <= _NOTHING * np.linalg.norm(other))


def coarser(design: Design, factor: Factor) -> tuple[Above, ...]:
    """Return the factors in whose levels those of a factor lie, in the formula's order."""
    found = []
    for other in design.factors:
        parent = parents(factor, other)
        if other.J < factor.J and parent is not None:
            found.append(Above(other, parent, shares(factor, other.Z)))
    return tuple(found)


def finer(design: Design, factor: Factor) -> tuple[Factor, ...]:
    """Return the factors whose levels lie in those of a factor, in the formula's order."""
    return tuple(
        other
        for other in design.factors
        if other.J > factor.J and parents(other, factor) is not None
    )


def crossed(design: Design, factor: Factor) -> tuple[Factor, ...]:
    """Return the factors that are neither finer nor coarser, in the formula's order."""
    nested = [factor, *finer(design, factor)]
    nested += [above.factor for above in coarser(design, factor)]
    return tuple(other for other in design.factors if other not in nested)
