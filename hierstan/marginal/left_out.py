"""How well each group is predicted from the others: exactly, without a refit per group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import xarray as xr

from hierstan.design import Design, Factor, Floats
from hierstan.engines.base import Arrays
from hierstan.errors import DataError
from hierstan.marginal.batched import cholesky, forward
from hierstan.marginal.block import DataBlock
from hierstan.marginal.data import elimination_order, marginal_data, require_partial
from hierstan.marginal.elimination import eliminate, in_steps
from hierstan.marginal.fitted import Conditional, reduced
from hierstan.marginal.recover import flatten, joint_moments
from hierstan.marginal.reduction import reduce_rows
from hierstan.priors import Priors

if TYPE_CHECKING:
    from hierstan.fit import Fit

# Share of a column left by the others that is rounding only.
_NOTHING = 1e-10


def left_out_density(fit: "Fit") -> xr.DataArray:
    """Return the log density of each group's rows given all other groups' rows.

    At every draw theta of standard deviations, correlations and sigma: log p(y_j | y_-j,
    theta), with the group's own effects integrated out (those of factors nested in it
    too), and beta over its distribution given the other groups. For the posterior
    predictive density p(y_j | y_-j) average over p(theta | y_-j): the draws weighted by
    1 / p(y_j | y_-j, theta), best smoothed (Pareto smoothed importance sampling, Vehtari
    et al. 2024, JMLR 25(72)), which is what ``arviz.loo`` does with these values as
    ``log_likelihood``.

    Parameters
    ----------
    fit : Fit
        Partial pooling by any program. With nested factors, groups are the levels of the
        coarsest, because only they are independent given theta and beta.

    Returns
    -------
    xarray.DataArray
        Over ``chain``, ``draw`` and ``level of <factor>``.

    Raises
    ------
    InputError
        For a fit without partial pooling, and for draws from the prior only.
    DataError
        When factors are crossed, or when without one of the groups the rows do not
        determine a coefficient whose prior is flat, so that the density does not exist.
    """
    require_partial(fit, "left_out_density")
    design = fit.design
    factor = design.factors[elimination_order(design)[-1]]
    values = group_densities(design, fit.priors, flatten(fit.samples.variables))
    level = f"level of {factor.name}"
    axes = ("chain", "draw")
    shape = tuple(fit.draws.sizes[axis] for axis in axes)
    coords = {axis: fit.draws[axis] for axis in axes} | {level: list(factor.levels)}
    return xr.DataArray(
        values.reshape(*shape, factor.J), coords, (*axes, level), f"log_lik[{factor.name}]"
    )


def group_densities(design: Design, priors: Priors, theta: Arrays) -> Floats:
    """Return log p(y_j | y_-j, theta) of the coarsest factor's levels.

    With W the products of X and y weighted by V^-1 and W_j the part of group j, it is the
    difference of two integrals over beta, one with W and one with W - W_j, less
    n_j log(2 pi sigma^2) / 2 and half the log determinant of the group.

    Parameters
    ----------
    design, priors : Design, Priors
        The model.
    theta : mapping of str to ndarray, shape (draws, ...)
        ``tau``, ``cpc`` and ``sigma``.

    Returns
    -------
    ndarray, shape (draws, J)
        Log densities, in units of y.

    Raises
    ------
    DataError
        As `left_out_density`.
    """
    factors = [design.factors[k] for k in elimination_order(design)]
    apart = reduce_rows(design.y, design.X, factors, apart=True).apart
    block = DataBlock(marginal_data(design, priors))
    coarsest = factors[-1]
    out = np.empty((len(theta["sigma"]), coarsest.J))
    for rows, some in in_steps(theta, block.width):
        found = eliminate(block, some)
        own = (found.products + apart) / found.s[:, None, None, None] ** 2
        all_groups = own.sum(axis=1, keepdims=True) + block.prior
        rest = _log_integral(all_groups - own, coarsest.levels, design.terms)
        whole = _log_integral(all_groups, (), ())
        log_scale = np.log(2 * np.pi) / 2 + np.log(some["sigma"])
        out[rows] = whole - rest - 0.5 * found.logdet - coarsest.sizes * log_scale
    return out


def _log_integral(W: Floats, levels: Sequence[str], terms: Sequence[str]) -> Floats:
    """Return log of the integral over b of exp(-(y - X b)' V^-1 (y - X b) / 2).

    Less P log(2 pi) / 2. `W`, the products [X y]' V^-1 [X y], is (draws, J, M, M).
    """
    P = W.shape[-1] - 1
    A = np.moveaxis(W, (2, 3), (0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        L = cholesky(A[:P, :P])
        for p in range(P):
            bad = ~(L[p, p] ** 2 > _NOTHING * A[p, p])
            if bad.any() and len(levels):
                _undetermined(levels[int(np.argwhere(bad)[0, 1])], terms)
    z = forward(L, A[:P, P:])[:, 0]
    logs = sum((np.log(L[p, p]) for p in range(P)), np.zeros(W.shape[:2]))
    return np.asarray(-logs - 0.5 * (A[P, P] - np.sum(z**2, axis=0)))


def level_densities(model: Conditional, factor: Factor) -> Floats:
    """Return log p(y_j | y_-j, theta) of the levels of the finest factor, or a finer one.

    With leverages H_j of the level's rows, residuals e_j and n_j rows it is the normal
    density log det(I - H_j) / 2 - e_j' (I - H_j)^-1 e_j / (2 sigma^2) - n_j log(2 pi
    sigma^2) / 2. H_j = W_j C W_j' / sigma^2 has the rank of the few columns W_j, so only
    their cross products matter. Other levels of the same parent stay in, and so does what
    they say about the parent's effects.

    Parameters
    ----------
    model : Conditional
        The fit.
    factor : Factor
        Its levels are groups of rows that lie in one level of the model's finest factor.

    Returns
    -------
    ndarray, shape (S, J)
        Log densities, in units of y.

    Raises
    ------
    DataError
        As `left_out_density`.
    """
    block, kinds = reduced(model)
    W = kinds.W[kinds.which]
    V = W.shape[1]
    level = np.zeros(factor.J, dtype=np.int64)
    level[factor.index] = kinds.level[kinds.which]
    A = np.empty((factor.J, V, V))
    for v in range(V):
        A[:, v] = _per_level(factor, W[:, v, None] * W)
    origin: Floats | None = None
    out = np.empty((len(model.sigma), factor.J))
    for rows, some in in_steps(model.theta, block.width * V + factor.J * V**2):
        found = eliminate(block, some)
        mean, C = (moments[:, level] for moments in joint_moments(block, found)[0])
        if origin is None:  # near all means, so that sums of squares do not cancel
            origin = mean[0]
            left = (model.design.y - kinds.base[kinds.which]) / block.unit
            left -= np.sum(W * origin[factor.index], axis=1)
            scores = _per_level(factor, left[:, None] * W)
            squares = _per_level(factor, left[:, None] ** 2)[:, 0]
        shift = mean - origin
        moved = np.einsum("jvw,djw->djv", A, shift)
        b = scores - moved
        square = squares - 2 * np.einsum("djv,jv->dj", shift, scores)
        square += np.einsum("djv,djv->dj", shift, moved)
        s2 = found.s[:, None, None, None] ** 2
        rest = np.eye(V) - A @ C / s2
        if rows.start == 0:
            _require_determined(rest[0], factor, model.design.terms)
        logdet = np.linalg.slogdet(rest)[1]
        solved = np.linalg.solve(rest, b[..., None]) / s2
        square += np.einsum("djv,djvw,djw->dj", b, C, solved[..., 0])
        square /= found.s[:, None] ** 2
        constant = factor.sizes * (np.log(2 * np.pi) / 2 + np.log(some["sigma"]))
        out[rows] = 0.5 * (logdet - square) - constant
    return out


def _per_level(factor: Factor, columns: Floats) -> Floats:
    """Sum columns over the rows of each level, shape (J, columns)."""
    sums = [np.bincount(factor.index, column, factor.J) for column in columns.T]
    return np.column_stack(sums)


def _require_determined(rest: Floats, factor: Factor, terms: Sequence[str]) -> None:
    smallest = np.linalg.eigvals(rest).real.min(axis=1)
    if smallest.min() < _NOTHING:
        _undetermined(factor.levels[int(np.argmin(smallest))], terms)


def _undetermined(level: str, terms: Sequence[str]) -> NoReturn:
    raise DataError(
        f"Without {level!r} the rows do not determine the coefficients of "
        f"{', '.join(terms)}, and not all of their priors are proper; give them some, as "
        f"in priors={{{terms[-1]!r}: 'normal(0, 10)'}}."
    )
