"""What the prior expects of the response, beside the response itself."""

from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from hierstan.design import Floats
from hierstan.plots.density import density_curve
from hierstan.plots.given import require
from hierstan.plots.names import shortened
from hierstan.plots.style import (
    SKY,
    VERMILION,
    AxesLike,
    grid,
    house_style,
)
from hierstan.prediction.prior_predictive import PriorPredictive

_SMALL = 8  # points, of the sentence within given axes
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
        below the axis (in given axes, above the curves) says how wide the prior is.

    Raises
    ------
    InputError
        For anything but a PriorPredictive, and where `ax` has too few Axes.
    """
    require(prior, PriorPredictive, "what Model.prior_predictive returns")
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
        axis.set_ylabel("density, each to its own height")
        axis.set_yticks([])
        axis.set_ylim(0, 1.25)
        axis.spines["left"].set_visible(False)
        margin = 0.02 * (high - low)
        axis.set_xlim(low - margin, high + margin)
        legend = axis.legend(loc="upper left", fontsize=8)
        name = shortened(response, 80)
        if ax is None:
            axis.set_xlabel("\n".join([name, *wrap(prior.summary, 80)]))
        else:
            axis.set_xlabel(name)
            _say_within(figure, axis, legend, prior.summary)
    return figure


def _say_within(figure: Figure, axis: Axes, legend: Legend, told: str) -> None:
    """Write a sentence above the curves, below the legend: others leave no room outside."""
    figure.draw_without_rendering()
    letters = int(axis.bbox.width / figure.dpi * 72 / (0.56 * _SMALL))
    lines = wrap(told, max(20, letters))
    taken = legend.get_window_extent().height / axis.bbox.height
    needed = 1.3 * _SMALL * len(lines) * figure.dpi / 72 / axis.bbox.height
    axis.text(0.01, 0.98 - taken, "\n".join(lines), transform=axis.transAxes, va="top",
              fontsize=_SMALL)  # fmt: skip
    axis.set_ylim(0, 1.02 / max(0.3, 1.0 - taken - needed - 0.03))


def _density(values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Kernel density with its peak at 1."""
    at, height = density_curve(values, low, high)
    return at, height / height.max(initial=1e-300)
