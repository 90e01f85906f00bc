"""Whether predictions of left-out rows are calibrated."""

import pandas as pd
from matplotlib.figure import Figure

from hierstan.plots.given import require_columns
from hierstan.plots.style import BLACK, SKY, VERMILION, AxesLike, grid, house_style


def loo_pit(table: pd.DataFrame, ax: AxesLike = None) -> Figure:
    """Draw the distribution function of leave-one-out probability integral transforms.

    Parameters
    ----------
    table : pandas.DataFrame
        From `LeaveOneOut.calibration`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        Its difference from that of uniform values, which calibrated predictions have, with
        a band that holds all points at once. Points outside are marked.

    Raises
    ------
    InputError
        For anything but a table of calibration, and where `ax` has too few Axes.
    """
    columns = "difference", "low", "high", "inside"
    require_columns(table, columns, "the table that LeaveOneOut.calibration returns")
    at = table.index.to_numpy()
    outside = table[~table["inside"]]
    with house_style():
        figure, (axis,) = grid(1, 1, 6.4, 3.8, ax)
        axis.fill_between(
            at, table["low"], table["high"], step="mid", color=SKY, alpha=0.35, lw=0,
            label="where calibrated predictions stay",
        )  # fmt: skip
        axis.axhline(0.0, color=BLACK, lw=0.6, ls=":")
        axis.step(
            at, table["difference"], where="mid", color=BLACK, lw=1.4, label="the rows"
        )
        if len(outside):
            axis.plot(
                outside.index, outside["difference"], ".", color=VERMILION, ms=7,
                label=f"outside at {len(outside)} of {len(table)} points",
            )  # fmt: skip
        axis.set_xlim(0.0, 1.0)
        axis.set_xlabel("probability of a smaller response,\npredicted from all other rows")
        axis.set_ylabel("share of rows, less\nwhat it should be")
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + 0.3 * (high - low))
        axis.legend(loc="upper left", fontsize=8)
    return figure
