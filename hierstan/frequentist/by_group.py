"""No pooling by ordinary least squares: every level's own coefficients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hierstan.design import Design, Factor, Floats, level_roots
from hierstan.errors import DataError
from hierstan.shares import Shares, coarser, crossed, finer, shares
from hierstan.sums import Sums

# Coefficients beside the factor's own that are solved for together, and numbers in the
# table of their products with the factor's.
_MOST, _LARGEST = 3000, 50_000_000
# Share of the largest eigenvalue that counts as zero, and of a contrast's length.
_SINGULAR, _NOTHING = 1e-10, 1e-6


@dataclass(frozen=True, eq=False)
class GroupFit:
    """A regression with coefficients of its own for every level (no pooling).

    Attributes
    ----------
    coefficients, se : ndarray, shape (J, Q)
        Least squares estimates and standard errors; nan where the data cannot tell.
    covariance : ndarray, shape (J, Q, Q)
        Of each level's coefficients; its rows and columns mean something only where
        `determined`.
    common : dict of str to float
        Coefficients of the columns of X shared by all levels; nan where dummies of
        another factor express the column.
    sigma : float
        Residual sd, shared by all levels; nan when no degree of freedom is left.
    freedom : int
        Its degrees of freedom.
    determined : ndarray of bool, shape (J, Q)
        Which coefficients the data determine: by the level's own rows and, with crossed
        factors, through the levels it shares with others.
    """

    coefficients: Floats
    se: Floats
    covariance: Floats
    common: dict[str, float]
    sigma: float
    freedom: int
    determined: npt.NDArray[np.bool_]


def fit_by_group(design: Design, factor: Factor) -> GroupFit:
    """Fit no pooling of one factor by least squares.

    Each level of the factor has a coefficient for each effect. The other terms:

    - A column of X that does not vary within levels, and an effect of a coarser factor
      that does not, are in the level's own coefficients (`hierstan.shares`). Other columns
      of X have one coefficient for all levels, other effects of a coarser factor one for
      each of its levels.
    - Finer factors are left out: their effects are part of the scatter in a level.
    - Effects of crossed factors have a coefficient for each level, but for those that a
      finer one of these has instead. What all their levels share belongs to the factor in
      question: its coefficients are those at the level of the crossed factor that is
      average, in the regression of its coefficients, unweighted, on the columns of X that
      vary between its levels only. BLUPs average to zero in just this way, so both are on
      one scale.

    With one factor this is the model of the unpooled program; when every column has an
    effect, these are separate regressions with a common sigma.

    Parameters
    ----------
    design : Design
        The model.
    factor : Factor
        The factor whose levels get coefficients.

    Returns
    -------
    GroupFit
        Estimates, with nan for what the data do not determine.

    Raises
    ------
    DataError
        When crossed factors have so many effects that they cannot be solved for.
    """
    own = shares(factor, design.X)
    keep = np.flatnonzero(~own.between)
    beside = [*_unexpressed(design, factor), *_across(design, factor)]
    _check_size(factor, beside, len(keep))
    scaled, back = factor.orthogonal()
    sums = Sums.of(design.y, design.X[:, keep], [scaled], beside)
    products = sums.levels[0].products
    ZZ, Zy = products[:, :, : factor.Q], products[:, :, -1:]
    root, _ = level_roots(ZZ, factor.sizes)
    inverse = root @ np.swapaxes(root, 1, 2)
    rest = np.concatenate([products[:, :, factor.Q : -1], _effects(sums)], axis=2)
    within, alone = inverse @ rest, (inverse @ Zy)[:, :, 0]
    shared = _Shared.of(sums, rest, within, Zy)
    # In the data's units, coefficients are back alone + carried (the shared ones).
    centred, taken = _centring(design, factor, own, len(keep)), back @ within
    carried = centred - taken
    coefficients = alone @ back.T + carried @ shared.estimate
    fitted = np.sum(scaled.Z * (alone - within @ shared.estimate)[factor.index], axis=1)
    fitted += _fitted(design.X[:, keep], beside, shared.estimate)
    ranks = np.any(root != 0, axis=1).sum()
    freedom = design.N - int(ranks) - shared.rank
    sigma = float("nan")
    if freedom > 0:
        sigma = float(np.sqrt(np.sum((design.y - fitted) ** 2) / freedom))
    covariance = carried @ shared.covariance @ np.swapaxes(carried, 1, 2)
    covariance = sigma**2 * (back @ inverse @ back.T + covariance)
    told = shared.tell(carried, np.abs(centred) + np.abs(taken))
    determined = factor.determined() & told
    se = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    each = np.eye(len(keep), len(shared.estimate))
    known = shared.tell(each, each)
    return GroupFit(
        coefficients=np.where(determined, coefficients, np.nan),
        se=np.where(determined, se, np.nan),
        covariance=covariance,
        common={
            design.terms[p]: float(b) if told else float("nan")
            for p, b, told in zip(keep, shared.estimate, known, strict=False)
        },
        sigma=sigma,
        freedom=freedom,
        determined=determined,
    )


@dataclass(frozen=True, eq=False)
class _Shared:
    """All coefficients but the factor's own: of X, then of other factors' effects.

    Attributes
    ----------
    estimate : ndarray, shape (K,)
        The shortest least squares solution.
    covariance : ndarray, shape (K, K)
        Over sigma^2.
    size : ndarray, shape (K,)
        Lengths of their columns.
    silent : ndarray, shape (K, K - rank)
        Directions in which the fit does not change, for columns of length one.
    rank : int
        Dimensions that they add to the factor's own.
    """

    estimate: Floats
    covariance: Floats
    size: Floats
    silent: Floats
    rank: int

    @classmethod
    def of(cls, sums: Sums, rest: Floats, within: Floats, Zy: Floats) -> "_Shared":
        """Solve for them, the factor's own coefficients eliminated."""
        XX, common = sums.total[:-1, :-1], sums.crossed.common
        whole = np.block([[XX, common[:, :-1].T], [common[:, :-1], sums.crossed.products]])
        right = np.concatenate([sums.total[:-1, -1], common[:, -1]])
        Q, K = rest.shape[1:]
        flat, across = rest.reshape(len(rest) * Q, K), within.reshape(len(rest) * Q, K)
        whole, right = whole - flat.T @ across, right - across.T @ Zy.reshape(-1)
        size = np.sqrt(np.maximum(np.diag(XX), 0.0))
        size = np.concatenate([size, np.sqrt(np.diag(sums.crossed.products))])
        size[size == 0] = 1.0
        values, vectors = np.linalg.eigh(whole / np.outer(size, size))
        told = values > _SINGULAR
        half = (vectors[:, told] / np.sqrt(values[told])) / size[:, None]
        covariance = half @ half.T
        silent = vectors[:, ~told]
        return cls(covariance @ right, covariance, size, silent, int(told.sum()))

    def tell(self, contrasts: Floats, sizes: Floats) -> npt.NDArray[np.bool_]:
        """Say which linear combinations, in the last axis, the data determine.

        `sizes` are those of the numbers whose differences the combinations are.
        """
        if not self.silent.shape[1]:
            return np.ones(contrasts.shape[:-1], dtype=bool)
        moved = np.abs((contrasts / self.size) @ self.silent).max(axis=-1)
        return np.asarray(moved <= _NOTHING * np.linalg.norm(sizes / self.size, axis=-1))


def _unexpressed(design: Design, factor: Factor) -> list[Factor]:
    """Return the effects of coarser factors that vary within the levels of this one."""
    found = []
    for above in coarser(design, factor):
        found += _part(above.factor, ~above.shares.between)
    return found


def _across(design: Design, factor: Factor) -> list[Factor]:
    """Return crossed factors, without effects that a finer one of them has instead."""
    others, found = crossed(design, factor), []
    for other in others:
        left = np.ones(other.Q, dtype=bool)
        for one in others:
            if one in finer(design, other):
                left &= ~shares(one, other.Z).between
        found += _part(other, left)
    return found


def _part(factor: Factor, left: npt.NDArray[np.bool_]) -> list[Factor]:
    """Return a factor with some of its effects, nothing without any."""
    effects = tuple(factor.effects[q] for q in np.flatnonzero(left))
    if not effects:
        return []
    some = replace(factor, effects=effects, Z=factor.Z[:, left], blocks=(1,) * len(effects))
    return [some]


def _check_size(factor: Factor, beside: Sequence[Factor], columns: int) -> None:
    K = columns + sum(other.J * other.Q for other in beside)
    if beside and (K > _MOST or K * factor.J * factor.Q > _LARGEST):
        names = " and ".join(repr(other.name) for other in beside)
        raise DataError(
            f"Least squares by {factor.name!r} would solve for {K:,} coefficients of "
            f"{names} together beside its {factor.J:,} levels, which is too much; the "
            "mixed model does it."
        )


def _effects(sums: Sums) -> Floats:
    """Products of the factor's effects with those of the others, (J, Q, K)."""
    level, wide = sums.levels[0], sums.levels[0].crossed
    values = wide if isinstance(wide, np.ndarray) else wide.toarray()
    return values.reshape(level.J, level.Q, -1)


def _centring(design: Design, factor: Factor, own: Shares, columns: int) -> Floats:
    """Return what each level gets of the other factors' coefficients, (J, Q, K)."""
    parts = [np.zeros((factor.J, factor.Q, columns))]
    parts += [
        np.zeros((factor.J, factor.Q, other.J * other.Q))
        for other in _unexpressed(design, factor)
    ]
    for other in _across(design, factor):
        share, regression = average(own, other, design)
        parts.append(share @ regression)
    return np.concatenate(parts, axis=2)


def average(own: Shares, other: Factor, design: Design) -> tuple[Floats, Floats]:
    """Say what coefficients of a crossed factor add to the levels of another.

    The crossed factor's coefficients are regressed, unweighted, on the columns of X that do
    not vary within its levels. Of the columns that do not vary within those of the factor
    in question either, such as the intercept, each level gets its shares.

    Parameters
    ----------
    own : Shares
        Of the columns of X, in the factor in question.
    other : Factor
        The crossed factor.
    design : Design
        The model.

    Returns
    -------
    ndarray, shape (J, Q, C)
        Shares in the C columns that vary within neither.
    ndarray, shape (C, J' Q')
        Their coefficients in the regression, as weights of the crossed factor's
        coefficients, level after level.
    """
    theirs = shares(other, design.X)
    columns = np.flatnonzero(theirs.between)
    table = theirs.table[:, :, columns].reshape(other.J * other.Q, len(columns))
    known = np.isfinite(table).all(axis=1)
    regression = np.zeros((len(columns), len(table)))
    regression[:, known] = np.linalg.pinv(table[known])
    both = own.between[columns]
    return own.table[:, :, columns[both]], regression[both]


def _fitted(X: Floats, beside: Sequence[Factor], estimate: Floats) -> Floats:
    """Return what the shared coefficients add to each row."""
    start = X.shape[1]
    total: Floats = X @ estimate[:start]
    for other in beside:
        stop = start + other.J * other.Q
        effects = estimate[start:stop].reshape(other.J, other.Q)
        total += np.sum(other.Z * effects[other.index], axis=1)
        start = stop
    return total
