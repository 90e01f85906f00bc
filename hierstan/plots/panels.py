"""Data and regression lines of selected groups, without and with pooling."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.design import Design, Factor, Floats
from hierstan.fit import Fit
from hierstan.plots.failed import label_of, mean_line_of
from hierstan.plots.given import find_fitted
from hierstan.plots.legends import legend_outside
from hierstan.plots.names import shortened, shortened_apart
from hierstan.plots.style import (
    BLACK,
    AxesLike,
    color_of,
    grid,
    house_style,
    leftmost,
)
from hierstan.prediction.levels import find_levels
from hierstan.prediction.lines import line_columns
from hierstan.prediction.simulate import require_seed

_LINES = 60


def panel_predictor(design: Design) -> str | None:
    """Name the first column of the data that lines can be drawn along, if there is one.

    It holds numbers that vary; see `hierstan.prediction.lines.line_columns`.
    """
    return next(iter(line_columns(design)), None)


def panel_levels(factor: Factor, predictor: str, count: int = 3) -> list[str]:
    """Pick levels worth looking at.

    One whose own rows do not determine the predictor's coefficient, if there is one (the
    largest such), then the largest and the smallest of the others.
    """
    told = np.ones(factor.J, dtype=bool)
    if predictor in factor.effects:
        told = factor.determined()[:, factor.effects.index(predictor)]
    order = np.argsort(-factor.sizes, kind="stable")
    untold, rest = [j for j in order if not told[j]], [j for j in order if told[j]]
    chosen = [*untold[:1], *rest[:1], *rest[::-1]]
    return [factor.levels[j] for j in dict.fromkeys(chosen)][:count]


def prior_slope(factor: Factor, level: str, predictor: str) -> bool:
    """Whether a level has a slope of its own that its own rows do not determine.

    Without pooling, such a slope comes from its prior.

    Parameters
    ----------
    factor : Factor
        The grouping factor.
    level, predictor : str
        One of its levels, and the effect in question.
    """
    if predictor not in factor.effects:
        return False
    j, q = factor.levels.index(level), factor.effects.index(predictor)
    return not factor.determined()[j, q]


def panels(
    fits: Mapping[str, Fit],
    factor: Factor | str,
    predictor: str,
    levels: Any,
    seed: int = 1,
    ax: AxesLike = None,
) -> Figure:
    """Draw data, mean lines and a sample of posterior lines for some groups.

    Parameters
    ----------
    fits : mapping of str to Fit
        Fits by name.
    factor : Factor or str
        The grouping factor, or its name.
    predictor : str
        The column of the data on the horizontal axis. A line has the expected values of
        the group's rows with the column set to each value, averaged; see
        `hierstan.fit.Fit.lines`, which every term with the column follows.
    levels : str, number or sequence of them
        A panel each; by name or by value.
    seed : int
        Chooses the posterior lines and spreads points apart that share an x.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: one for each level.

    Returns
    -------
    matplotlib.figure.Figure
        Thick lines are posterior means, thin ones draws; the means of a fit that failed
        its checks are dotted, and it is named so. Where the group's own rows do not
        determine the slope, without pooling it comes from its prior: the mean of its draws
        would be Monte Carlo error around the prior's, so only the draws are there, and the
        panel says so.

    Raises
    ------
    InputError
        When there is no such factor, level or column of numbers, or no fit, and when the
        seed is not a possible one.
    DataError, FormulaError
        When a term has no value along the column; see `hierstan.fit.Fit.lines`.
    """
    first, factor = find_fitted(fits, factor)
    require_seed(seed)
    design, y = first.design, first.posterior.observed
    shown = find_levels(factor, levels)
    lines = {name: fit.lines(predictor, levels, factor.name) for name, fit in fits.items()}
    x = design.frame[predictor].to_numpy(dtype=float)
    few = np.unique(x).size <= 5
    rng = np.random.default_rng(seed)
    reach = np.array([x.min(), x.max()]) + np.array([-0.1, 0.1]) * np.ptp(x)
    with house_style():
        figure, axes = grid(1, len(shown), 3.5 * len(shown), 4.2, ax)
        names = shortened_apart([factor.levels[j] for j in shown], 26)
        for k, (axis, j, name) in enumerate(zip(axes, shown, names, strict=True)):
            level = factor.levels[j]
            rows = factor.index == j
            no_slope = prior_slope(factor, level, predictor)
            for label, fit in fits.items():
                along, draws = lines[label].x, lines[label].draws[k]
                S = draws.shape[1]
                thin = draws[:, rng.choice(S, min(_LINES, S), False)]
                axis.plot(along, thin, color=color_of(label), lw=0.5, alpha=0.22)
                empty = no_slope and fit.program.pooling == "none"
                sound = fit.diagnostics.sound
                # An empty line is in the legend all the same.
                line = slice(0) if empty else slice(None)
                axis.plot(
                    along[line], lines[label].mean[k, line], mean_line_of(label, sound),
                    lw=2.2, color=color_of(label), label=label_of(label, sound),
                )  # fmt: skip
                if empty:
                    _say_prior_only(axis, predictor, x[rows], color_of(label))
            jitter = rng.normal(0, 0.012 * np.ptp(x), rows.sum()) if few else 0.0
            axis.plot(x[rows] + jitter, y[rows], ".", color=BLACK, ms=6, zorder=5)
            axis.set_title(f"{name} (n = {int(rows.sum())})")
            axis.set_xlabel(shortened(predictor, 40))
            if few:
                axis.set_xticks(np.unique(x))
        low, high = y.min(), y.max()
        for axis in axes:
            axis.set_xlim(*reach)
            axis.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
            if not leftmost(axis):
                axis.set_yticklabels([])
        axes[0].set_ylabel(shortened(design.formula.response, 44))
        legend_outside(figure, axes, ax)
    return figure


def _say_prior_only(axis: Axes, predictor: str, x: Floats, color: str) -> None:
    alone = f"{shortened(predictor, 20)} has one value here"
    why = alone if np.ptp(x) == 0 else "these rows do not determine the slope"
    axis.text(
        0.03, 0.03, f"{why}:\nthe unpooled slope is its prior's",
        transform=axis.transAxes, fontsize=8.5, color=color, va="bottom",
    )  # fmt: skip
