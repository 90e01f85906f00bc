"""How far partial pooling moves each group, and from where."""

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor
from hierstan.fit import Fit
from hierstan.frequentist import MixedFit, fit_by_group

PRIOR_ONLY = "not determined by its own rows"


def shrinkage_table(
    design: Design,
    factor: Factor,
    *,
    partial: Fit | None = None,
    unpooled: Fit | None = None,
    mixed: MixedFit | None = None,
) -> pd.DataFrame:
    """Set the estimates of every group coefficient side by side.

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
        A row per level and effect, effects together, levels in order. Columns, all in
        units of y per unit of the effect's column:

        ``effect``, ``level``, ``n``
            What the row is about; rows of data of the level.
        ``ols``, ``ols_se``
            No pooling by least squares; nan where the level's own rows cannot determine
            the coefficient (a slope where the predictor has one value).
        ``unpooled``, ``unpooled_sd``
            No pooling by Stan. Where ``ols`` is nan this is the prior come back, and
            ``note`` says so.
        ``partial``, ``partial_sd``
            Partial pooling: posterior mean and sd of beta + u.
        ``blup``
            beta + u of the mixed model.
        ``moved``
            ``partial`` - ``ols``: what borrowing strength did; nan where there was no
            estimate to move.
        ``note``
            Empty, or why a number needs care.
    """
    own = fit_by_group(design, factor) if len(design.factors) == 1 else None
    blocks = []
    for q, effect in enumerate(factor.effects):
        block = pd.DataFrame({"effect": effect, "level": factor.levels, "n": factor.sizes})
        if own is not None:
            block["ols"], block["ols_se"] = own.coefficients[:, q], own.se[:, q]
        for name, fit in (("unpooled", unpooled), ("partial", partial)):
            # Of several factors, the unpooled program has one answer for all of them.
            if fit is not None and (name == "partial" or own is not None):
                summary = fit.group_summary(factor.name).isel(
                    {f"effect of {factor.name}": q}
                )
                block[name] = summary["mean"].to_numpy()
                block[f"{name}_sd"] = summary["sd"].to_numpy()
        if mixed is not None:
            block["blup"] = mixed[factor.name].blup[:, q]
        if own is not None and partial is not None:
            block["moved"] = block["partial"] - block["ols"]
        block["note"] = np.where(factor.determined()[:, q], "", PRIOR_ONLY)
        if partial is not None and not partial.diagnostics.sound:
            failed = f"the {partial.program.name} fit failed its checks"
            block["note"] = [f"{n}; {failed}" if n else failed for n in block["note"]]
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)


def pooling_factors(fit: Fit, factor: Factor) -> dict[str, dict[str, float]]:
    """Measure how much each effect is pooled, over all levels.

    Gelman and Pardoe's factor is 1 - Var_j(E[u_j]) / E[Var_j(u_j)], with expectations over
    the posterior: 0 where every group keeps its own estimate, 1 where all are pooled
    (Gelman and Pardoe 2006, doi:10.1198/004017005000000517).

    Parameters
    ----------
    fit : Fit
        A fit with partial pooling.
    factor : Factor
        The grouping factor.

    Returns
    -------
    dict
        Effect to ``{"pooling_factor": value}``.
    """
    u = fit.draws[f"u[{factor.name}]"]
    levels = f"level of {factor.name}"
    of_means = u.mean(("chain", "draw")).var(levels, ddof=1)
    mean_of = u.var(levels, ddof=1).mean(("chain", "draw"))
    values = (1.0 - of_means / mean_of).to_numpy()
    return {
        effect: {"pooling_factor": float(value)}
        for effect, value in zip(factor.effects, values, strict=True)
    }
