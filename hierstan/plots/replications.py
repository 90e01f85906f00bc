"""Data beside data sets that a fit would expect."""

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hierstan.errors import InputError
from hierstan.plots.density import density_curve
from hierstan.plots.given import numbers
from hierstan.plots.names import shortened
from hierstan.plots.style import (
    SKY,
    VERMILION,
    AxesLike,
    grid,
    house_style,
)


def replications(
    observed: ArrayLike, replicated: ArrayLike, response: str, ax: AxesLike = None
) -> Figure:
    """Draw the density of the response over those of replicated data sets.

    Parameters
    ----------
    observed : array-like, shape (N,)
        The response.
    replicated : array-like, shape (draws, N)
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

    Raises
    ------
    InputError
        For values that are no finite numbers, and replications of other data.
    """
    observed = numbers(observed, "observed", 1)
    replicated = numbers(replicated, "replicated", 2)
    if replicated.shape[1] != len(observed):
        raise InputError(
            f"replicated has {replicated.shape[1]} columns, and observed {len(observed)} "
            "rows; a replication has a column for each row, as Fit.replicate makes them."
        )
    low = float(min(observed.min(), replicated.min()))
    high = float(max(observed.max(), replicated.max()))
    margin = 0.05 * (high - low) or 1.0
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
