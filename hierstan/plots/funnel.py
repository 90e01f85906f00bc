"""Where the centered program fails: the funnel, in both parameterizations."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hierstan.design import Factor, find_factor
from hierstan.errors import InputError
from hierstan.fit import Fit
from hierstan.naming import effect_label, sd_name
from hierstan.plots.failed import label_of
from hierstan.plots.given import find_effect, find_fitted
from hierstan.plots.names import shortened
from hierstan.plots.style import (
    VERMILION,
    AxesLike,
    color_of,
    grid,
    house_style,
)
from hierstan.plots.ticks import plain, plain_log
from hierstan.prediction.levels import find_levels


def funnel_level(factor: Factor, effect: str) -> str:
    """Pick the level whose data say least about an effect: there the funnel is plainest."""
    q = find_effect(factor, effect)
    order = np.lexsort((factor.sizes, factor.determined()[:, q]))
    return factor.levels[int(order[0])]


def funnel(
    fits: Mapping[str, Fit],
    factor: Factor | str,
    effect: str,
    level: Any = None,
    ax: AxesLike = None,
) -> Figure:
    """Draw a standard deviation against one group coefficient, a panel per fit.

    Parameters
    ----------
    fits : mapping of str to Fit
        Fits with partial pooling, by name; axes are shared.
    factor : Factor or str
        The grouping factor, or its name.
    effect : str
        The effect whose sd is drawn, on a log axis.
    level : str or number, optional
        The level whose coefficient is drawn, by name or by value; by default
        `funnel_level`.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: one for each fit.

    Returns
    -------
    matplotlib.figure.Figure
        Draws as dots; transitions that diverged on top. The line says down to which sd
        each program came; a fit that failed its checks has that in its name.

    Raises
    ------
    InputError
        When there is no such level, factor or effect, no fit, or one that has no group
        standard deviations.
    """
    _, factor = find_fitted(fits, factor)
    for label, fit in fits.items():
        find_effect(find_factor(fit.design, factor.name), effect)
        if "tau" not in fit.draws:
            raise InputError(
                f"{label!r} has no group standard deviations; take fits by centered, "
                "noncentered or marginal."
            )
    if level is None:
        level = funnel_level(factor, effect)
    level = factor.levels[find_levels(factor, [level])[0]]
    for fit in fits.values():
        find_levels(find_factor(fit.design, factor.name), [level])
    with house_style():
        figure, axes = grid(1, len(fits), 4.8 * len(fits), 4.2, ax)
        for axis, (label, fit) in zip(axes, fits.items(), strict=True):
            x = fit.draws[f"coef[{factor.name}]"].sel(
                {f"effect of {factor.name}": effect, f"level of {factor.name}": level}
            )
            tau = fit.draws["tau"].sel(effect=effect_label(factor, effect))
            bad = fit.samples.sampler["diverging"].astype(bool)
            axis.semilogy(
                x.values[~bad], tau.values[~bad], ".", ms=2.2, alpha=0.45, mew=0,
                color=color_of(label), rasterized=True,
            )  # fmt: skip
            axis.semilogy(
                x.values[bad], tau.values[bad], ".", ms=6, color=VERMILION, mew=0,
                label=f"{int(bad.sum())} diverging",
            )  # fmt: skip
            lowest = float(tau.min())
            axis.axhline(lowest, color=color_of(label), lw=0.8, ls="--")
            name = label_of(label, fit.diagnostics.sound)
            reached = plain(float(f"{lowest:.2g}"))
            axis.set_title(f"{name}\nsmallest sd reached: {reached}")
            axis.set_xlabel(f"{shortened(effect, 20)} in {shortened(level, 26)}")
            axis.legend(loc="lower right", borderaxespad=0.2)
            plain_log(axis.yaxis)
        axes[0].set_ylabel(shortened(sd_name(factor.name, effect), 46))
        limits = np.array([axis.get_ylim() for axis in axes])
        spans = np.array([axis.get_xlim() for axis in axes])
        low, high = limits[:, 0].min(), limits[:, 1].max()
        for axis in axes:
            # Below the lines there is room for the legend.
            axis.set_ylim(low * (low / high) ** 0.1, high)
            axis.set_xlim(spans[:, 0].min(), spans[:, 1].max())
    return figure
