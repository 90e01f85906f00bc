"""What the prior expects of the response, beside the response itself."""

from textwrap import wrap

import numpy as np
from matplotlib.figure import Figure

from hierstan.design import Floats
from hierstan.plots.density import density_curve
from hierstan.plots.style import SKY, VERMILION, AxesLike, grid, house_style, shortened
from hierstan.prediction.prior_predictive import PriorPredictive

_LINES = 40  # drawn data sets that get a line of their own


def prior_predictive(prior: PriorPredictive, ax: AxesLike = None) -> Figure:
    """Draw the responses that the prior expects, and the data's own.

    Parameters
    ----------
    prior : PriorPredictive
        From `hierstan.Model.prior_predictive`.
    ax : matplotlib.axes.Axes, optional
        Draw into this instead of a new figure.

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
        figure, (axis,) = grid(1, 1, 7.2, 4.2, ax)
        axis.fill_between(
            *_density(prior.y_rep.ravel(), low, high), color=SKY, alpha=0.35, lw=0,
            label=f"{len(prior.y_rep)} data sets drawn from the prior, together",
        )  # fmt: skip
        for k, drawn in enumerate(prior.y_rep[:_LINES]):
            axis.plot(
                *_density(drawn, low, high), color=SKY, lw=0.5, alpha=0.8,
                label="some of them one by one" if k == 0 else None,
            )  # fmt: skip
        axis.plot(*_density(y, low, high), color=VERMILION, lw=2.0, label="the data")
        axis.set_title(f"What the prior expects of {shortened(response, 44)}")
        axis.set_xlabel("\n".join([shortened(response, 80), *wrap(prior.summary, 80)]))
        axis.set_ylabel("density, each to its own height")
        axis.set_yticks([])
        axis.set_ylim(0, 1.25)
        axis.spines["left"].set_visible(False)
        margin = 0.02 * (high - low)
        axis.set_xlim(low - margin, high + margin)
        axis.legend(loc="upper left", fontsize=8)
    return figure


def _density(values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Kernel density with its peak at 1."""
    at, height = density_curve(values, low, high)
    return at, height / height.max(initial=1e-300)
