"""One look for all pictures."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from hierstan.errors import InputError

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLACK, GREY = "#222222", "#8c8c8c"
ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip

COLORS = {
    "pooled": GREY,
    "unpooled": BLUE,
    "centered": ORANGE,
    "noncentered": GREEN,
    "marginal": SKY,
    "OLS": GREY,
    "REML": BLACK,
    "ML": PURPLE,
}
CHAINS = (GREEN, BLUE, ORANGE, PURPLE, SKY, VERMILION)

_SETTINGS: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "savefig.dpi": 150,
    # Names from the data are names, dollar signs and all.
    "text.parse_math": False,
    # The same picture twice gives the same bytes.
    "svg.hashsalt": "hierstan",
    "svg.fonttype": "none",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the settings while a figure is made or saved."""
    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]  # keys are plain strings here
        yield


# What every plot function takes as `ax`: an Axes, or as many as it has panels, row by row.
AxesLike = Axes | Iterable[Any] | None


def grid(
    rows: int, columns: int, width: float, height: float, ax: AxesLike = None
) -> tuple[Figure, list[Axes]]:
    """Make a figure that belongs to nobody (no pyplot state) and its axes, row by row.

    Parameters
    ----------
    rows, columns : int
        Panels.
    width, height : float
        Of a new figure, in inches.
    ax : Axes or array-like of Axes, optional
        Draw into these instead, in the order of ``ravel``.

    Raises
    ------
    InputError
        When `ax` has not one Axes for each panel.
    """
    wanted = rows * columns
    if ax is None:
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())
    given = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(given) != wanted or not all(isinstance(axis, Axes) for axis in given):
        shape = "one Axes" if wanted == 1 else f"{wanted} Axes ({rows} by {columns})"
        raise InputError(
            f"This picture takes {shape} as ax, as matplotlib's subplots({rows}, "
            f"{columns}) makes; {len(given)} given."
        )
    return given[0].get_figure(root=True), given


def plain_log(axis: Axis) -> None:
    """Label a log axis with plain numbers; powers of ten would need the maths."""
    axis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def color_of(label: str) -> str:
    """Return the fixed colour of a program or estimator."""
    return COLORS.get(label, VERMILION)
