"""What the prior expects of the response, beside the response itself."""

from textwrap import wrap
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from hierstan.design import Floats
from hierstan.plots.style import SKY, VERMILION, grid, house_style
from hierstan.prediction.prior_predictive import PriorPredictive

_LINES = 40  # drawn data sets that get a line of their own
_POINTS = 4000  # values that a density is made from; more would look the same


def prior_predictive(prior: PriorPredictive, ax: Axes | None = None) -> Figure:
    """Draw the responses that the prior expects, and the data's own.

    Parameters
    ----------
    prior : PriorPredictive
        From `hierstan.Model.prior_predictive`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        Density of the response in its own units over the central 98 % of what the prior
        expects: all drawn data sets together as an area, the first 40 one by one as thin
        lines, the data as a thick one. Every curve is scaled to the same height, because a
        wide prior beside narrow data would be a line along the axis. The sentence
        below the axis says how wide the prior is.
    """
    y, response = prior.y, prior.design.formula.response
    low, high = np.quantile(prior.y_rep, [0.01, 0.99])
    low, high = min(low, y.min()), max(high, y.max())
    with house_style():
        if ax is None:
            _, (ax,) = grid(1, 1, 7.2, 4.2)
        ax.fill_between(
            *_density(prior.y_rep.ravel(), low, high), color=SKY, alpha=0.35, lw=0,
            label=f"{len(prior.y_rep)} data sets drawn from the prior, together",
        )  # fmt: skip
        for k, drawn in enumerate(prior.y_rep[:_LINES]):
            ax.plot(
                *_density(drawn, low, high), color=SKY, lw=0.5, alpha=0.8,
                label="some of them one by one" if k == 0 else None,
            )  # fmt: skip
        ax.plot(*_density(y, low, high), color=VERMILION, lw=2.0, label="the data")
        ax.set_title(f"What the prior expects of {response}")
        ax.set_xlabel("\n".join([response, *wrap(prior.summary, 80)]))
        ax.set_ylabel("density, each to its own height")
        ax.set_yticks([])
        ax.set_ylim(0, 1.25)
        ax.spines["left"].set_visible(False)
        margin = 0.02 * (high - low)
        ax.set_xlim(low - margin, high + margin)
        ax.legend(loc="upper left", fontsize=8)
    return cast(Figure, ax.get_figure(root=True))


def _density(values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Kernel density within a window on a grid of its own, its peak at 1.

    On a common grid, narrow data beside a wide prior would fall between two points.
    """
    inside = values[(values >= low) & (values <= high)]
    inside = inside[:: max(1, len(inside) // _POINTS)]
    if len(inside) < 2 or np.ptp(inside) == 0:
        return inside[:1].repeat(2), np.array([0.0, 1.0])[: 2 * len(inside)]
    kernel = gaussian_kde(inside)
    margin = 3 * float(np.sqrt(kernel.covariance[0, 0]))
    at = np.linspace(max(low, inside.min() - margin), min(high, inside.max() + margin), 300)
    curve = kernel(at)
    return at, np.asarray(curve / curve.max())
