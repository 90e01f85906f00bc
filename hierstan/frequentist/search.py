"""Let statsmodels' MixedLM find the variances, in standard units."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import block_diag
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams, VCSpec

from hierstan.design import Factor, Floats
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances

# bfgs stops at 1e-5 by default, which leaves up to 4e-4 relative error in an sd of radon.
_TOLERANCES: dict[str, dict[str, float]] = {
    "bfgs": {"gtol": 1e-7},
    "cg": {"gtol": 1e-7},
    "powell": {},
}
# Multiplications of one evaluation that make a fit of MixedLM take up to a minute: 7 to
# 60 seconds were measured, by design.
WORK_LIMIT = 7e8


def beyond_mixedlm(standard: Standard) -> str | None:
    """Say why MixedLM cannot fit a model, or return None when it can.

    MixedLM takes any effects of one factor, but those of a factor nested in it, and of all
    factors when some are crossed, only as independent variance components. A group of its
    own with n rows and k columns costs it about n k^2 multiplications in each evaluation,
    and crossed factors make one group of all rows.

    Parameters
    ----------
    standard : Standard
        The model.

    Returns
    -------
    str or None
        A clause that begins with "MixedLM".
    """
    outer = None if standard.crossed else standard.chain[-1]
    for f, factor in enumerate(standard.factors):
        if f != outer and factor.pairs:
            how = "a nested" if outer is not None else "a crossed"
            return (
                f"MixedLM cannot express correlated effects of {how} factor, here "
                f"{factor.name!r}"
            )
    inner = [factor for f, factor in enumerate(standard.factors) if f != outer]
    if not inner:
        return None
    rows, columns = _group_sizes(standard, outer)
    work = float(np.sum(rows * columns**2))
    if work <= WORK_LIMIT:
        return None
    largest = int(np.argmax(rows * columns**2))
    return (
        f"MixedLM would take about {work / WORK_LIMIT:,.0f} minutes, because it writes out "
        f"{int(rows[largest]):,} rows by {int(columns[largest]):,} effects"
    )


def _group_sizes(standard: Standard, outer: int | None) -> tuple[Floats, Floats]:
    """Rows and columns of each of MixedLM's groups."""
    groups = _groups(standard, outer)
    rows = np.bincount(groups).astype(float)
    columns = np.zeros(len(rows))
    for f, factor in enumerate(standard.factors):
        if f == outer:
            columns += factor.Q
        else:
            pairs = np.unique(groups * factor.J + factor.index) // factor.J
            columns += factor.Q * np.bincount(pairs, minlength=len(rows))
    return rows, columns


def search(
    standard: Standard, *, reml: bool, routes: int = 2, start: Variances | None = None
) -> tuple[Variances | None, list[str]]:
    """Search by several routes and keep the highest point.

    Parameters
    ----------
    standard : Standard
        The model in standard units, one that MixedLM can take.
    reml : bool
        Which likelihood.
    routes : int
        Optimizers to try at most; the first is MixedLM's default.
    start : Variances, optional
        Where to start, in standard units; by default where MixedLM does.

    Returns
    -------
    Variances or None
        In standard units; None when no route ends at a finite likelihood.
    list of str
        What was warned about on the way.
    """
    model, outer, free = _model(standard)
    # Powell's moves all parameters, fixed ones too.
    methods = ["bfgs", "powell" if free is None else "cg"][:routes]
    begin = None if start is None else _relative(standard, outer, start)
    best: Any = None
    log: list[str] = []
    for method in methods:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")  # all of them, for the log
            try:
                found = model.fit(
                    start_params=begin, reml=reml, free=free, method=method,
                    **_TOLERANCES[method],
                )  # fmt: skip
            except (ArithmeticError, np.linalg.LinAlgError, ValueError) as error:
                log.append(f"{method}: {error}")
                continue
        log.extend(dict.fromkeys(f"{method}: {warning.message}" for warning in caught))
        if np.isfinite(found.llf) and (best is None or found.llf > best.llf):
            best = found
        if found.converged and np.isfinite(found.llf) and not caught:
            break
    if best is None:
        return None, log
    return _variances(standard, outer, best), log


def logliks(standard: Standard, points: Sequence[Variances], *, reml: bool) -> Floats:
    """Evaluate MixedLM's own log likelihood, in which it has profiled sigma out.

    Parameters
    ----------
    standard : Standard
        The model in standard units, one that MixedLM can take.
    points : sequence of Variances
        In standard units; no standard deviation at zero. Of sigma, MixedLM takes the
        best for each Sigma / sigma^2.
    reml : bool
        Which likelihood.

    Returns
    -------
    ndarray, shape (points,)
        In standard units.
    """
    model, outer, _ = _model(standard)
    # fit() would set these.
    model.reml, model.fe_pen, model.cov_pen, model._cov_sing = reml, None, None, 0
    return np.array(
        [float(model.loglike(_relative(standard, outer, point))) for point in points]
    )


def _model(standard: Standard) -> tuple[MixedLM, int | None, Any]:
    """Return statsmodels' model, the factor that makes its groups, and what may move."""
    outer = None if standard.crossed else standard.chain[-1]
    groups = _groups(standard, outer)
    components = _components(standard, outer, groups)
    Z = None if outer is None else standard.factors[outer].Z
    model = MixedLM(standard.y, standard.X, groups, exog_re=Z, exog_vc=components)
    return model, outer, _free(standard, outer, len(components.names))


def _relative(standard: Standard, outer: int | None, point: Variances) -> MixedLMParams:
    """Write variances as MixedLM's parameters, which are relative to sigma^2."""
    relative = [Sigma / point.sigma**2 for Sigma in point.Sigmas]
    inner = [np.diag(S) for f, S in enumerate(relative) if f != outer]
    return MixedLMParams.from_components(
        fe_params=np.zeros(standard.X.shape[1]),
        cov_re=None if outer is None else relative[outer],
        vcomp=np.concatenate([*inner, np.zeros(0)]),
    )


def _groups(standard: Standard, outer: int | None) -> Any:
    """MixedLM's groups: the coarsest factor, or all rows when factors are crossed."""
    if outer is None:
        return np.zeros(len(standard.y), dtype=np.int64)
    return standard.factors[outer].index


def _components(standard: Standard, outer: int | None, groups: Any) -> VCSpec:
    """Variance components: one per effect of every factor that is not the outer one."""
    names, labels, matrices = [], [], []
    ends = np.cumsum(np.bincount(groups))[:-1]
    rows = np.split(np.argsort(groups, kind="stable"), ends)
    for f, factor in enumerate(standard.factors):
        for q, effect in enumerate(factor.effects) if f != outer else ():
            own = [_columns(factor, q, some) for some in rows]
            names.append(f"{effect} | {factor.name}")
            labels.append([[str(k) for k in range(part.shape[1])] for part in own])
            matrices.append(own)
    return VCSpec(names, labels, matrices)


def _columns(factor: Factor, q: int, rows: Any) -> Floats:
    """One effect written out for some rows: a column per level they have."""
    levels, place = np.unique(factor.index[rows], return_inverse=True)
    columns = np.zeros((len(rows), len(levels)))
    columns[np.arange(len(rows)), place] = factor.Z[rows, q]
    return columns


def _free(standard: Standard, outer: int | None, components: int) -> Any:
    """Which parameters may move, where independent effects keep some from it."""
    if outer is None or len(standard.factors[outer].blocks) == 1:
        return None
    blocks = standard.factors[outer].blocks
    return MixedLMParams.from_components(
        fe_params=np.ones(standard.X.shape[1]),
        cov_re=block_diag(*(np.ones((size, size)) for size in blocks)),
        vcomp=np.ones(components),
    )


def _variances(standard: Standard, outer: int | None, found: Any) -> Variances:
    """Read the variances off MixedLM's result, factors in the order of the formula."""
    Sigmas, used = [], 0
    for f, factor in enumerate(standard.factors):
        if f == outer:
            Sigmas.append(np.atleast_2d(found.cov_re))
        else:
            Sigmas.append(np.diag(found.vcomp[used : used + factor.Q]))
            used += factor.Q
    return Variances(tuple(Sigmas), float(np.sqrt(found.scale)))
