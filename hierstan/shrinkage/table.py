"""How far partial pooling moves each group, from where, and towards what."""

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError, InputError
from hierstan.fit import Fit
from hierstan.frequentist import GroupFit, MixedFit, fit_by_group
from hierstan.shares import finer
from hierstan.shrinkage import columns as made
from hierstan.shrinkage.predictors import LevelPredictor

PRIOR_ONLY = "not determined by its own rows"
NOT_TOLD = "not determined without pooling"
TOO_LARGE = "too large for least squares beside the other factors"
NO_FREEDOM = "no degree of freedom is left for ols_se"
SCATTER = "ols_se leaves out the scatter between levels of"
NO_PLACE = "its rows do not tell what it is pulled towards"

_ORDER = (
    "ols", "ols_se", "ols_low", "ols_high",
    "unpooled", "unpooled_sd", "unpooled_low", "unpooled_high",
    "complete", "complete_se", "complete_low", "complete_high",
    "pooled", "pooled_sd", "pooled_low", "pooled_high",
    "partial", "partial_sd", "partial_low", "partial_high",
    "blup", "blup_se", "moved", "moved_in_se", "moved_length", "direction",
    "weight_reml", "weight", "weight_sd", "weight_low", "weight_high", "observed", "note",
)  # fmt: skip


def shrinkage_table(
    design: Design,
    factor: Factor,
    *,
    partial: Fit | None = None,
    unpooled: Fit | None = None,
    mixed: MixedFit | None = None,
) -> pd.DataFrame:
    """Set the estimates of every group coefficient side by side.

    The coefficient of a level is the linear predictor there,

        theta_j = a_j beta + (effects of the levels it lies in) + u_j:

    the population part that varies between levels only, group-level predictors included,
    then the coarser factors' effects, then its own (`LevelPredictor`). Without group-level
    predictors and coarser factors this is beta + u.

    Parameters
    ----------
    design : Design
        The model.
    factor : Factor
        The grouping factor to report on.
    partial : Fit, optional
        A fit with partial pooling.
    unpooled : Fit, optional
        A fit without pooling.
    mixed : MixedFit, optional
        A mixed-model fit, for the best linear unbiased predictions.

    Returns
    -------
    pandas.DataFrame
        A row per level and effect, effects together, levels in order. Estimates are in
        units of y per unit of the effect's column, intervals are 95 %. Columns of a fit
        that was not given are left out. ``attrs`` names ``factor`` and ``response``.

        ``effect``, ``level``, ``n``
            What the row is about; rows of data of the level.
        ``ols``, ``ols_se``, ``ols_low``, ``ols_high``
            No pooling by least squares, with the t interval; nan where the data cannot
            determine the coefficient (a slope where the predictor has one value). For
            several factors, `hierstan.frequentist.fit_by_group` says what happens to the
            other terms. The standard error of a factor with finer ones in it leaves out
            the scatter between their levels, and is too small by that; ``note`` says so.
        ``unpooled``, ``unpooled_sd``, ``unpooled_low``, ``unpooled_high``
            No pooling by Stan, on the same scale. Where ``ols`` is nan this is the prior
            come back, and ``note`` says so. nan for effects that a finer factor has
            instead (`hierstan.unpooled`).
        ``complete``, ``complete_se``, ``complete_low``, ``complete_high``
            Complete pooling: a_j beta by least squares of all rows, without effects.
        ``pooled``, ``pooled_sd``, ``pooled_low``, ``pooled_high``
            What the level is pulled towards, theta_j - u_j, by the posterior; without
            `partial`, ``pooled`` alone, by the mixed model.
        ``partial``, ``partial_sd``, ``partial_low``, ``partial_high``
            Partial pooling: posterior mean, sd and equal-tailed interval of theta_j.
        ``blup``, ``blup_se``
            theta_j of the mixed model with all u at their best linear unbiased
            predictions, and the conditional standard error of u_j given coefficients and
            variances (the root of lme4's ``condVar``); compare ``partial_sd``, which has
            the uncertainty of these too.
        ``moved``
            ``partial`` - ``ols`` (``blup`` - ``ols`` without `partial`): what borrowing
            strength did; nan where there was no estimate to move.
        ``moved_in_se``
            The same in units of ``ols_se``.
        ``moved_length``
            Of all effects of the level together: sqrt(d' C^-1 d), where d has the moves
            and C is the covariance of the least squares estimates; nan if one is nan.
        ``direction``
            ``towards`` what it is pulled towards, ``past`` it, or ``away`` from it: with
            several effects or factors, one can be moved by what another is told. Past and
            away are said where that is by more than two Monte Carlo standard errors. Empty
            without a move.
        ``weight_reml``, ``weight``, ``weight_sd``, ``weight_low``, ``weight_high``
            In theory, what of its distance from ``pooled`` an own estimate keeps: the
            diagonal of W_j (`hierstan.shrinkage.information`), at the mixed model's
            variances, and its posterior mean, sd and interval. 1 is no pooling, 0 complete.
            Beside it, with several effects, each is moved by the others' distances: W_j is
            a matrix with eigenvalues in [0, 1], but where effects are correlated among
            groups and in a group's rows, its diagonal can be below 0 or above 1. It is the
            weight of an effect at the zero of its predictors, and changes where that is
            moved; ``center()`` puts it in the middle of the data. Other factors are taken
            as given.
        ``observed``
            What it did keep: (partial - pooled) / (ols - pooled), or that of ``blup``; not
            bounded by 0 and 1 with several effects or factors (``ols`` does not take the
            others as given, as `weight` does), and nan where there is no distance.
        ``note``
            Empty, or why a number needs care.

    Raises
    ------
    InputError
        When `partial` is not a posterior with partial pooling, or `unpooled` not one
        without pooling.
    """
    if partial is not None:
        partial.require_pooling()
    if unpooled is not None:
        _require_no_pooling(unpooled)
    predictor = LevelPredictor.of(design, factor)
    columns: dict[str, Floats] = {}
    own: GroupFit | None = None
    try:
        own = fit_by_group(design, factor)
    except DataError:
        pass  # the note says so
    else:
        columns |= made.least_squares(own)
    columns |= made.complete_pooling(design, predictor)
    if unpooled is not None:
        columns |= made.without_pooling(unpooled, factor.name)
    if partial is not None:
        columns |= made.partial_pooling(partial, predictor)
    if mixed is not None:
        columns |= made.mixed_model(mixed, factor, alone=partial is None)
    words: dict[str, list[str]] = {}
    if own is not None and (partial is not None or mixed is not None):
        columns |= made.moves(columns, own)
        words["direction"] = _directions(columns, _share_of_error(partial, factor))
    words["note"] = _notes(design, factor, own, columns, partial)
    # Adding zero takes the sign of a negative one.
    shown = {name: values.ravel() + 0.0 for name, values in columns.items()} | words
    table = {
        "effect": np.repeat(np.array(factor.effects, dtype=object), factor.J),
        "level": np.tile(np.array(factor.levels, dtype=object), factor.Q),
        "n": np.tile(factor.sizes, factor.Q),
    }
    made_of = table | {name: shown[name] for name in _ORDER if name in shown}
    found = pd.DataFrame(made_of)
    found.attrs = {"factor": factor.name, "response": design.formula.response}
    return found


def _require_no_pooling(fit: Fit) -> None:
    if fit.program.pooling != "none":
        raise InputError(
            f"The {fit.program.name} program pools groups, so its coefficients are not "
            "those without pooling; sample unpooled."
        )
    fit.require_data("no group has an estimate")


def _share_of_error(partial: Fit | None, factor: Factor) -> float:
    """Largest Monte Carlo error of a mean of the factor's coefficients, in sds."""
    if partial is None:
        return 0.0
    rows = partial.diagnostics.parameters
    errors = rows["mcse_over_sd"][rows["variable"] == f"coef[{factor.name}]"]
    return float(errors.max()) if errors.notna().any() else 0.0


def _directions(columns: dict[str, Floats], share: float) -> list[str]:
    """Say where every estimate went, of what it kept of its distance."""
    kept, moved = columns["observed"].ravel(), columns["moved"].ravel()
    noise = np.zeros_like(kept)
    if "partial" in columns:
        distance = np.abs(columns["ols"] - columns["pooled"]).ravel()
        error = 2 * share * columns["partial_sd"].ravel()
        noise = np.divide(error, distance, out=np.zeros_like(kept), where=distance > 0)
    names = np.select([kept < -noise, kept > 1 + noise], ["past", "away"], "towards")
    return [
        "" if np.isnan(k) or np.isnan(m) else str(name)
        for k, m, name in zip(kept, moved, names, strict=True)
    ]


def _notes(
    design: Design,
    factor: Factor,
    own: GroupFit | None,
    columns: dict[str, Floats],
    partial: Fit | None,
) -> list[str]:
    """Say of every row what its numbers cannot, effects together."""
    alone = factor.determined().T.ravel()
    told = np.ones_like(alone) if own is None else own.determined.T.ravel()
    placed = np.isfinite(columns["complete"]).ravel()
    always = [] if own is not None else [TOO_LARGE]
    within = [one.name for one in finer(design, factor)]
    if own is not None and own.freedom < 1:
        always.append(NO_FREEDOM)
    elif own is not None and within:
        always.append(f"{SCATTER} {' and '.join(within)}")
    if partial is not None and not partial.diagnostics.sound:
        always.append(f"the {partial.program.name} fit failed its checks")
    return [
        "; ".join(
            [
                *([] if by_own_rows else [PRIOR_ONLY]),
                *([NOT_TOLD] if by_own_rows and not by_all else []),
                *([] if has_place else [NO_PLACE]),
                *always,
            ]
        )
        for by_own_rows, by_all, has_place in zip(alone, told, placed, strict=True)
    ]
