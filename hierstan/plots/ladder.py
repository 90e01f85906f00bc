"""Likelihood and posteriors of every parameter on one axis."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.ladder.curves import Curve, Panel
from hierstan.plots.given import require_each
from hierstan.plots.legends import legend_outside
from hierstan.plots.names import shortened_apart
from hierstan.plots.style import (
    BLACK,
    PURPLE,
    AxesLike,
    color_of,
    house_style,
    tiles,
)

_COLUMNS = 3


def ladder(panels: Sequence[Panel], criterion: str = "REML", ax: AxesLike = None) -> Figure:
    """Draw why a posterior mean and a REML estimate differ.

    Parameters
    ----------
    panels : sequence of Panel
        From `CrossCheck.panels`.
    criterion : str
        What the estimates maximize.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: one for each parameter, more are switched
        off.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per parameter: the profile of the likelihood, the posterior under flat
        priors and the posterior, all scaled to the same height, above the estimate with
        its 95 % interval. Likelihood to flat posterior is what averaging does, flat
        posterior to posterior is what the prior does. A curve that no parameter has is not
        in the legend.

    Raises
    ------
    InputError
        For anything but panels, and for none, and where `ax` has too few Axes.
    """
    require_each(panels, Sequence, Panel, "panels, as CrossCheck.panels gives them")
    posterior = color_of("marginal")
    with house_style():
        figure, axes = tiles(len(panels), _COLUMNS, (3.2, 2.1), 0.9, ax)
        titles = shortened_apart([panel.name for panel in panels], 32)
        for axis, panel, title in zip(axes, panels, titles, strict=True):
            _curve(axis, panel.likelihood, BLACK, "--", "likelihood")
            _curve(axis, panel.flat, PURPLE, "-.", "posterior, flat priors")
            _curve(axis, panel.posterior, posterior, "-", "posterior")
            if panel.posterior is not None:
                axis.fill_between(
                    panel.posterior.x,
                    panel.posterior.height,
                    color=posterior,
                    alpha=0.15,
                    lw=0,
                )
            ends = [panel.estimate if e is None else e for e in (panel.low, panel.high)]
            axis.plot(ends, [-0.09, -0.09], color=BLACK, lw=1.6, clip_on=False)
            name = f"{criterion}, 95 % interval"
            axis.plot(panel.estimate, -0.09, "D-", color=BLACK, ms=5.5, label=name)
            axis.set_title(title, fontsize=9.5)
            axis.set_ylim(-0.18, 1.08)
            axis.set_yticks([])
            axis.spines["left"].set_visible(False)
        legend_outside(figure, axes, ax)
    return figure


def _curve(axis: Axes, curve: Curve | None, color: str, line: str, label: str) -> None:
    if curve is None:
        return
    axis.plot(curve.x, curve.height, line, color=color, lw=1.5, label=label)
