"""Mean responses of groups beside what a fit would expect them to be."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.plots.given import require_columns
from hierstan.plots.names import shortened, shortened_apart
from hierstan.plots.style import (
    BLACK,
    SKY,
    VERMILION,
    AxesLike,
    grid,
    house_style,
)

_NAMED = 40  # groups that all get a name below the axis
_UPRIGHT = 6  # groups whose names fit side by side
_LABELLED = 8  # those of many that get a name beside their point


def group_means(table: pd.DataFrame, response: str, ax: AxesLike = None) -> Figure:
    """Draw each group's observed mean over the interval of its replicated means.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Fit.group_means`.
    response : str
        Name of the response.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        Groups in the order of their replicated means, with 95 % intervals; observed means
        inside are dark dots, those outside large bright ones. The fit has seen these
        rows: a group's own coefficient follows its mean, so that with partial pooling
        hardly any mean can be outside, and all of them inside is no sign of a good model.
        Of more than 40 groups, the eight outside that are furthest from their expectation
        are named.

    Raises
    ------
    InputError
        For anything but a table of group means, and where `ax` has too few Axes.
    """
    columns = "mean", "low", "high", "observed", "inside"
    require_columns(table, columns, "the table that Fit.group_means returns")
    table = table.sort_values("mean", kind="stable")
    place = np.arange(len(table))
    observed = table["observed"].to_numpy()
    out = ~table["inside"].to_numpy(bool)
    many = len(table) > _NAMED
    size = 7.0 if len(table) <= 100 else 3.5
    with house_style():
        figure, (axis,) = grid(1, 1, 8.4, 4.4, ax)
        axis.vlines(
            place, table["low"], table["high"], color=SKY, alpha=0.7,
            lw=max(0.5, min(4.0, 260 / len(table))), label="95 % of replications",
        )  # fmt: skip
        axis.plot(
            place[~out], observed[~out], ".", ms=size, mew=0, color=BLACK,
            label=f"observed, inside ({int((~out).sum())})",
        )  # fmt: skip
        axis.plot(
            place[out], observed[out], "D", ms=4.5, mew=0, color=VERMILION,
            label=f"observed, outside ({int(out.sum())} of {len(out)})",
        )  # fmt: skip
        axis.set_xlabel(
            f"{shortened(str(table.index.name), 50)}, in the order of its replicated mean"
        )
        axis.set_ylabel(f"mean {shortened(response, 40)}")
        axis.set_xlim(-0.02 * len(table) - 0.5, 1.02 * len(table) - 0.5)
        if many:
            axis.set_xticks([])
            _label_furthest(axis, table.assign(place=place)[out])
        else:
            turned = 90 if len(table) > _UPRIGHT else 0
            names = shortened_apart(map(str, table.index), 20)
            axis.set_xticks(place, names, rotation=turned)
        axis.set_title("In sample: the fit has seen these means")
        axis.legend(loc="upper left", fontsize=8)
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + 0.18 * (high - low))
    return figure


def _label_furthest(axis: Axes, outside: pd.DataFrame) -> None:
    """Name the groups furthest from their expectation, in half widths of intervals."""
    beyond = (outside["observed"] - outside["mean"]).abs() / (
        outside["high"] - outside["low"]
    )
    chosen = beyond.sort_values(ascending=False).index[:_LABELLED]
    shown = shortened_apart(map(str, chosen), 20)
    for name, text in zip(chosen, shown, strict=True):
        line = outside.loc[name]
        above = line["observed"] > line["mean"]
        along = line["place"] / axis.get_xlim()[1]
        side = "left" if along < 0.15 else "right" if along > 0.85 else "center"
        axis.annotate(
            text, (line["place"], line["observed"]),
            xytext=(0, 5 if above else -5), textcoords="offset points", fontsize=7.5,
            ha=side, va="bottom" if above else "top",
        )  # fmt: skip
