"""The data block of the marginal program, and where its chains start."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import block_diag

from hierstan.correlations import partial_correlations
from hierstan.design import Design, Factor, Floats, level_roots
from hierstan.errors import DataError, InputError
from hierstan.marginal.reduction import reduce_rows
from hierstan.priors import Priors
from hierstan.structure import chain, relations

if TYPE_CHECKING:
    from hierstan.fit import Fit

# Digits to which two levels' R must agree to be taken for one.
_DIGITS = 10


def require_partial(fit: "Fit", reading: str) -> None:
    """Refuse fits of which group effects cannot be recovered.

    Raises
    ------
    InputError
        For a fit without partial pooling, and for draws from the prior only.
    """
    if fit.program.pooling != "partial":
        raise InputError(
            f"{reading} takes a fit with partial pooling; {fit.program.name} has "
            f"{fit.program.title}."
        )
    if fit.prior_only:
        raise InputError(
            f"These draws are from the prior only, and {reading} is about the data; sample "
            "with prior_only=False."
        )


def elimination_order(design: Design) -> list[int]:
    """Order the factors from the finest to the coarsest.

    Returns
    -------
    list of int
        Positions in `design.factors`.

    Raises
    ------
    DataError
        When two factors are crossed, so that effects cannot be integrated out level by
        level; names them, and the program to use instead.
    """
    order = chain(design.factors)
    if order is None:
        crossed = next(r for r in relations(design) if not r.nested)
        raise DataError(
            "Group effects are integrated out where factors are nested in one another, but "
            f"{crossed}. The noncentered program draws them; hs.analyze sets it beside the "
            "mixed model."
        )
    return list(order)


def marginal_data(design: Design, priors: Priors) -> dict[str, Any]:
    """Reduce the rows and lay out the data block of ``marginal.stan``.

    Parameters
    ----------
    design, priors : Design, Priors
        The model; its factors are nested in one another.

    Returns
    -------
    dict
        By Stan's names; its size depends on the levels, not on the rows.
    """
    order = elimination_order(design)
    factors = [design.factors[k] for k in order]
    reduction = reduce_rows(design.y, design.X, factors)
    x_center = priors.x_center if design.has_intercept else np.zeros(design.P)
    R, kind = _different(reduction.roots)
    firsts = np.cumsum([0, *(factor.Q for factor in design.factors)])
    ancestors = [np.arange(factors[0].J), *(coarse.index for coarse in reduction.coarse)]
    left = [
        *(coarse.products for coarse in reduction.coarse),
        reduction.remainder[np.tril_indices(design.P + 1)],
    ]
    return {
        "N": design.N,
        "P": design.P,
        "F": len(design.group_terms),
        "J": [factor.J for factor, _ in design.group_terms],
        "Q": [size for _, size in design.group_terms],
        "L": len(factors),
        "levels": [factor.J for factor in factors],
        "effects": [factor.Q for factor in factors],
        "place": [int(firsts[k]) + 1 for k in order],
        "D": len(R),
        "ancestor": np.array(ancestors) + 1,
        "R": R,
        "kind": kind + 1,
        "k": np.moveaxis(reduction.projections, 1, 0),
        "remainder": np.concatenate([np.moveaxis(p, 0, -1).ravel() for p in left]),
        "x_center": x_center,
        "S": reduction.S @ _centring(x_center),
        "T": block_diag(*(reduction.T[order.index(k)] for k in range(len(order)))),
        "tau_unit": reduction.S[-1, -1] * own_errors(design.factors),
        "beta_location": priors.beta_location,
        "beta_scale": priors.beta_scale,
        "tau_df": priors.tau_df,
        "tau_scale": priors.tau_scale,
        "sigma_df": priors.sigma_df,
        "sigma_scale": priors.sigma_scale,
        "eta": priors.eta,
        "prior_only": 0,
        "beta_sampled": 0,
        "of_tau": 0,
        "recover": 0,
    }


def own_errors(factors: Sequence[Factor]) -> Floats:
    """Return how well one level's own rows know each effect.

    Parameters
    ----------
    factors : sequence of Factor
        In the order of tau.

    Returns
    -------
    ndarray, shape (sum of Q,)
        Standard errors of least squares with sigma = 1, in units of 1 / z: ``1 / sqrt(m)``
        with m the mean over the levels of ``1 / [(Z_j'Z_j)^-1]_qq``, which is 0 for a level
        that does not determine its effects. Where no level does, the mean is that of
        ``(Z_j'Z_j)_qq``, as if the other effects were known.
    """
    errors = []
    for factor in factors:
        basis, back = factor.orthogonal()
        root, null = level_roots(basis.crossproducts(), factor.sizes)
        known = ~null.any(axis=(1, 2))
        information = np.zeros((factor.J, factor.Q))
        information[known] = 1.0 / np.sum((back @ root[known]) ** 2, axis=2)
        mean = information.mean(axis=0)
        alone = np.sum(factor.Z**2, axis=0) / factor.J
        errors.append(1.0 / np.sqrt(np.where(mean > 0, mean, alone)))
    return np.concatenate(errors)


def raw_parameters(data: Mapping[str, Any], tau: Floats, cpc: Floats) -> dict[str, Floats]:
    """Write sds and partial correlations as parameters of the marginal program.

    Parameters
    ----------
    data : mapping
        Its data block.
    tau : ndarray, shape (sum of Q,)
        Standard deviations, in units of y per unit of z.
    cpc : ndarray
        Partial correlations, row by row below the diagonal.

    Returns
    -------
    dict of str to ndarray
        ``tau_raw``, arsinh(tau / tau_unit), and ``cpc_raw``: no effect is mirrored.
    """
    return {"tau_raw": np.arcsinh(tau / data["tau_unit"]), "cpc_raw": cpc}


def _different(roots: Floats) -> tuple[Floats, Any]:
    """Return the different R, and which of them each level has."""
    rounded = np.round(roots, _DIGITS).reshape(len(roots), -1)
    _, first, kind = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
    return roots[first], kind.reshape(-1)


def _centring(x_center: Floats) -> Floats:
    """Return the matrix that [X y] is multiplied by to centre X."""
    matrix = np.eye(len(x_center) + 1)
    if len(x_center):
        matrix[0, :-1] -= x_center
    return matrix


def marginal_start(data: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Draw a starting point for the marginal program.

    Standard deviations are spread over more than a factor of ten, below that of y
    beside X, in standard units: there all effects have their origin within the data.

    Parameters
    ----------
    data : mapping
        The data block.
    rng : numpy.random.Generator
        Source of the spread.

    Returns
    -------
    dict
        Parameters by Stan's names.
    """
    unit = float(data["S"][-1, -1])
    K, P = len(data["T"]), data["P"]
    inner = np.exp(rng.uniform(np.log(0.05), 0.0, K))
    L = np.tril(rng.uniform(-0.5, 0.5, (K, K)), -1) + np.eye(K)
    root = unit * np.linalg.solve(data["T"], inner[:, None] * L)
    Sigma = root @ root.T
    cpc = [np.zeros(0)]
    start = 0
    for size in data["Q"]:
        block = Sigma[start : start + size, start : start + size]
        cpc.append(partial_correlations(block))
        start += size
    return {
        **raw_parameters(data, np.sqrt(np.diag(Sigma)), np.concatenate(cpc)),
        "sigma": unit * np.exp(rng.uniform(-0.5, 0.5)),
        "beta_standard": rng.uniform(-2.0, 2.0, P * data["beta_sampled"])
        / np.sqrt(data["N"]),
    }
