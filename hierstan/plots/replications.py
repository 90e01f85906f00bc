"""Data beside data sets that a fit would expect."""

import numpy as np
from matplotlib.figure import Figure

from hierstan.design import Floats
from hierstan.plots.density import density_curve
from hierstan.plots.names import shortened
from hierstan.plots.style import (
    SKY,
    VERMILION,
    AxesLike,
    grid,
    house_style,
)


def replications(
    observed: Floats, replicated: Floats, response: str, ax: AxesLike = None
) -> Figure:
    """Draw the density of the response over those of replicated data sets.

    Parameters
    ----------
    observed : ndarray, shape (N,)
        The response.
    replicated : ndarray, shape (draws, N)
        From `Fit.replicate`; 30 to 100 make a good picture.
    response : str
        Its name.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        A thin line for each replication and a thick one for the data, kernel densities per
        unit of the response. Where the thick line leaves the thin ones, the fit does not
        expect such data.
    """
    observed = np.asarray(observed, dtype=float)
    low = float(min(observed.min(), replicated.min()))
    high = float(max(observed.max(), replicated.max()))
    margin = 0.05 * (high - low)
    window = low - margin, high + margin
    with house_style():
        figure, (axis,) = grid(1, 1, 7.2, 4.0, ax)
        for k, again in enumerate(replicated):
            label = f"{len(replicated)} replications" if k == 0 else None
            curve = density_curve(again, *window)
            axis.plot(*curve, color=SKY, lw=0.6, alpha=0.6, label=label)
        curve = density_curve(observed, *window)
        axis.plot(*curve, color=VERMILION, lw=2.0, label="the data")
        axis.set_title(f"{shortened(response, 40)}: the data and what the fit expects")
        axis.set_xlabel(shortened(response, 60))
        axis.set_ylabel(f"density per unit of {shortened(response, 24)}")
        axis.set_ylim(bottom=0)
        axis.set_xlim(*window)
        axis.legend(loc="best")
    return figure
