"""Chains over time, beside what they add up to."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from hierstan.design import Floats
from hierstan.fit import Fit
from hierstan.plots.failed import say_if_failed
from hierstan.plots.given import A_FIT, require
from hierstan.plots.names import shortened_apart
from hierstan.plots.style import (
    CHAINS,
    VERMILION,
    AxesLike,
    grid,
    house_style,
)


def trace(fit: Fit, ax: AxesLike = None) -> Figure:
    """Draw the chains of the population parameters.

    Parameters
    ----------
    fit : Fit
        Any fit.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: two for each parameter, row by row.

    Returns
    -------
    matplotlib.figure.Figure
        A row per coefficient, standard deviation, correlation and sigma: density of each
        chain on the left, its path under R-hat and bulk ESS on the right. Ticks below the
        path mark transitions that diverged. A fit that failed its checks is
        named above.

    Raises
    ------
    InputError
        For anything but a Fit, and where `ax` has too few Axes.
    """
    require(fit, Fit, A_FIT)
    series, table = fit.series(), fit.diagnostics.parameters
    diverging = fit.samples.sampler["diverging"].any(axis=0)
    with house_style():
        figure, axes = grid(len(series), 2, 9.6, 1.25 * len(series) + 0.6, ax)
        titles = shortened_apart(series, 52)
        for row, (name, draws) in enumerate(series.items()):
            density, path = axes[2 * row], axes[2 * row + 1]
            for chain, values in enumerate(draws):
                color = CHAINS[chain % len(CHAINS)]
                _density(density, values, color)
                path.plot(values, color=color, lw=0.4, alpha=0.8)
            low, high = draws.min(), draws.max()
            where = np.flatnonzero(diverging)
            path.plot(
                where, np.full(len(where), low - 0.06 * (high - low)), "|", color=VERMILION,
                ms=5,
            )  # fmt: skip
            density.set_title(titles[row])
            path.set_title(
                f"R-hat {table['rhat'][name]:.3f}, {table['ess_bulk'][name]:.0f} effective",
                fontsize=9, fontweight="normal",
            )  # fmt: skip
            density.set_yticks([])
            density.spines["left"].set_visible(False)
            path.margins(x=0.01)
        axes[-1].set_xlabel("draw of each chain; ticks: diverging transitions")
        say_if_failed(figure, fit, None if ax is None else axes[0])
    return figure


def _density(axis: Axes, values: Floats, color: str) -> None:
    """Draw a kernel density, or a line where there is nothing to smooth."""
    if np.ptp(values) == 0:
        axis.axvline(values[0], color=color)
        return
    at = np.linspace(values.min(), values.max(), 200)
    axis.plot(at, gaussian_kde(values)(at), color=color, lw=1.2)
