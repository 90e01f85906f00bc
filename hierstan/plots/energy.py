"""Energy of each chain beside its steps, which have to reach the tails."""

from matplotlib.figure import Figure

from hierstan.diagnostics.chains import energies
from hierstan.fit import Fit
from hierstan.plots.failed import say_if_failed
from hierstan.plots.given import A_FIT, require
from hierstan.plots.legends import legend_outside
from hierstan.plots.style import BLUE, ORANGE, AxesLike, house_style, tiles

_COLUMNS = 4


def energy(fit: Fit, ax: AxesLike = None) -> Figure:
    """Draw how the energy is distributed, and how far it moves from draw to draw.

    Parameters
    ----------
    fit : Fit
        Any fit.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: one for each chain, more are switched off.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per chain: the energy about its mean, and its steps. Steps much narrower
        than the energy mean that the tails take long to reach (Betancourt 2016,
        arXiv:1604.00695); E-BFMI, in the title, is the ratio of their mean squares.
        A fit that failed its checks is named above.

    Raises
    ------
    InputError
        For anything but a Fit, and where `ax` has too few Axes.
    """
    require(fit, Fit, A_FIT)
    level, step = energies(fit.samples)
    with house_style():
        figure, axes = tiles(len(level), _COLUMNS, (2.7, 2.1), 0.6, ax)
        for chain, axis in enumerate(axes):
            axis.hist(
                level[chain], 30, density=True, histtype="stepfilled", color=ORANGE,
                alpha=0.45, label="energy",
            )  # fmt: skip
            axis.hist(
                step[chain], 30, density=True, histtype="step", color=BLUE, lw=1.5,
                label="steps of the energy",
            )  # fmt: skip
            ebfmi = float(fit.diagnostics.chains["ebfmi"][chain])
            axis.set_title(f"chain {chain}: E-BFMI {ebfmi:.2f}", fontsize=9.5)
            axis.set_xlabel("about their mean", fontsize=8.5)
            axis.set_yticks([])
            axis.spines["left"].set_visible(False)
        legend_outside(figure, axes, ax)
        say_if_failed(figure, fit, None if ax is None else axes[0])
    return figure
