"""Ranks of each chain's draws: level where chains agree."""

from matplotlib.figure import Figure

from hierstan.diagnostics.ranks import rank_table
from hierstan.fit import Fit
from hierstan.plots.failed import say_if_failed
from hierstan.plots.given import A_FIT, require
from hierstan.plots.names import shortened_apart
from hierstan.plots.style import (
    CHAINS,
    GREY,
    AxesLike,
    house_style,
    leftmost,
    tiles,
)

_COLUMNS = 3


def rank(fit: Fit, ax: AxesLike = None) -> Figure:
    """Draw how the ranks of each chain's draws are spread over those of all chains.

    Parameters
    ----------
    fit : Fit
        Any fit.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: one for each population parameter, more
        are switched off.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per population parameter, a line per chain: its share of the draws in each
        of twenty ranges of rank, over that of all chains. A chain that is always near 1
        agrees with the others; one that is low at one end hardly went there. The band is
        two standard errors for independent draws: slow chains leave it, chains that do
        not agree leave it on one side; see `hierstan.diagnostics.ranks.rank_table`.
        A fit that failed its checks is named above.

    Raises
    ------
    InputError
        For anything but a Fit, and where `ax` has too few Axes.
    """
    require(fit, Fit, A_FIT)
    series, table = fit.series(), fit.diagnostics.parameters
    with house_style():
        figure, axes = tiles(len(series), _COLUMNS, (3.3, 1.9), 0.5, ax)
        titles = shortened_apart(series, 32)
        for axis, title, (name, values) in zip(axes, titles, series.items(), strict=True):
            ranks = rank_table(values)
            edges = [*ranks["left"], 1.0]
            band = 2 * ranks["error"]
            axis.stairs(
                1 + band, edges, baseline=1 - band, fill=True, color=GREY, alpha=0.25
            )
            for chain in range(len(values)):
                axis.stairs(
                    ranks[chain], edges, baseline=None, lw=1.1,
                    color=CHAINS[chain % len(CHAINS)],
                )  # fmt: skip
            axis.axhline(1.0, color=GREY, lw=0.6)
            rhat = float(table["rhat"][name])
            axis.set_title(title, fontsize=9.5)
            axis.set_xlim(0, 1)
            axis.set_ylim(bottom=0)
            axis.set_xlabel(f"rank among all draws; R-hat {rhat:.3f}", fontsize=8.5)
            axis.set_ylabel("share over uniform" if leftmost(axis) else "")
        say_if_failed(figure, fit, None if ax is None else axes[0])
    return figure
