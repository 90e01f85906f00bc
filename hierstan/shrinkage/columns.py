"""The columns of the shrinkage table, each estimator's own; arrays are (Q, J)."""

from collections.abc import Iterable

import numpy as np
from scipy import stats

from hierstan.design import Design, Factor, Floats, find_factor
from hierstan.fit import Fit
from hierstan.frequentist import GroupFit, MixedFit, regression
from hierstan.frequentist.by_group import average
from hierstan.shares import crossed
from hierstan.shrinkage.information import information_of
from hierstan.shrinkage.predictors import LevelPredictor
from hierstan.shrinkage.weights import weight_draws
from hierstan.unpooled import unpooled_blocks

Columns = dict[str, Floats]

_SAME = 1e-9  # share of an estimate's size that is rounding error


def least_squares(own: GroupFit) -> Columns:
    """No pooling by least squares."""
    return _with_interval("ols", own.coefficients.T, own.se.T, own.freedom)


def complete_pooling(design: Design, predictor: LevelPredictor) -> Columns:
    """Complete pooling by least squares, at each level."""
    found = regression(design)
    shares = predictor.columns.table.swapaxes(0, 1)
    se = found.sigma * np.linalg.norm(shares @ found.root, axis=-1)
    return _with_interval("complete", shares @ found.beta, se, found.freedom)


def mixed_model(mixed: MixedFit, factor: Factor, *, alone: bool) -> Columns:
    """Best linear unbiased predictions, and weights at the optimum."""
    found, fit = information_of(mixed, factor), mixed[factor.name]
    variances = np.diagonal(fit.u_covariance, axis1=1, axis2=2)
    columns = {
        "blup": (found.pooled + fit.u).T,
        "blup_se": np.sqrt(np.maximum(variances, 0.0)).T,
        "weight_reml": np.diagonal(found.weight, axis1=1, axis2=2).T,
    }
    return columns | ({"pooled": found.pooled.T} if alone else {})


def partial_pooling(fit: Fit, predictor: LevelPredictor) -> Columns:
    """Posterior of the coefficients, of what they are pulled towards, and of weights."""
    posterior = fit.posterior
    parts = []
    for levels in predictor.chunks(posterior.S):
        there = predictor.effects(posterior, levels)
        # Where all levels are pulled towards one value, it is summarized once.
        chosen = slice(0, 1) if predictor.alike else levels
        towards = predictor.pulled_towards(posterior, chosen)
        there = there + towards  # not in place: these may be the fit's own draws
        pooled = {
            name: np.broadcast_to(values, there.shape[:2])
            for name, values in summarize("pooled", towards).items()
        }
        parts.append(pooled | summarize("partial", there))
    weights = weight_draws(fit.design, predictor.factor, posterior)
    return _joined(parts) | summarize("weight", weights)


def without_pooling(fit: Fit, name: str) -> Columns:
    """Posterior without pooling, on the scale of the other columns.

    With crossed factors, Stan's coefficients are those of the first one's levels at the
    second one's first level, and differences from it. Here each factor's are those at the
    others' average level, as `hierstan.frequentist.fit_by_group` defines it.
    """
    design, factor = fit.design, find_factor(fit.design, name)
    predictor = LevelPredictor.of(design, factor)
    posterior = fit.posterior
    added = []
    for other in crossed(design, factor):
        share, regression = average(predictor.columns, other, design)
        theirs = posterior.effects(other).swapaxes(1, 2).reshape(posterior.S, -1)
        added.append((share, regression @ theirs.T))
    parts = []
    for levels in predictor.chunks(posterior.S):
        values = predictor.effects(posterior, levels)
        for share, average_draws in added:
            values = values + share[levels].swapaxes(0, 1) @ average_draws
        parts.append(summarize("unpooled", values))
    columns = _joined(parts)
    has = {
        q for block in unpooled_blocks(design) if block.factor is factor
        for q in block.effects
    }  # fmt: skip
    for values in columns.values():
        values[[q for q in range(factor.Q) if q not in has]] = np.nan
    return columns if has else {}


def moves(columns: Columns, own: GroupFit) -> Columns:
    """Return how far the estimates moved, and what was kept of the distance."""
    there = columns["partial"] if "partial" in columns else columns["blup"]
    start, pooled = columns["ols"], columns["pooled"]
    moved, distance = there - start, start - pooled
    size = np.abs(start) + np.abs(pooled)
    distance = np.where(np.abs(distance) > _SAME * size, distance, np.nan)
    whole = np.isfinite(moved).all(axis=0) & (own.sigma > 0)
    length = np.full(own.covariance.shape[0], np.nan)
    solved = np.linalg.solve(own.covariance[whole], moved.T[whole][:, :, None])[:, :, 0]
    length[whole] = np.sqrt(np.sum(moved.T[whole] * solved, axis=1))
    return {
        "moved": moved,
        "moved_in_se": moved / columns["ols_se"],
        "moved_length": np.broadcast_to(length, moved.shape),
        "observed": (there - pooled) / distance,
    }


def summarize(name: str, values: Floats) -> Columns:
    """Summarize draws in the last axis: mean, sd and 95 % equal-tailed interval."""
    low, high = np.quantile(values, (0.025, 0.975), axis=-1)
    return {
        name: values.mean(axis=-1),
        f"{name}_sd": values.std(axis=-1, ddof=1),
        f"{name}_low": low,
        f"{name}_high": high,
    }


def _joined(parts: Iterable[Columns]) -> Columns:
    """Put chunks of levels together."""
    parts = list(parts)
    return {name: np.concatenate([p[name] for p in parts], axis=1) for name in parts[0]}


def _with_interval(name: str, values: Floats, se: Floats, freedom: int) -> Columns:
    reach = stats.t.ppf(0.975, freedom) * se if freedom > 0 else np.full_like(se, np.nan)
    return {
        name: values,
        f"{name}_se": se,
        f"{name}_low": values - reach,
        f"{name}_high": values + reach,
    }
