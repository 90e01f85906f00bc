"""One look for all pictures."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names

from hierstan.design import Floats
from hierstan.errors import InputError
from hierstan.plots.ticks import plain_numbers

# Okabe and Ito's hues, moved until every colour has three times the luminance contrast on
# white that thin lines need (theirs have 2.2 for orange and sky), and any two are at least
# 25 units of CIELAB apart for normal sight and for three kinds of colour blindness.
BLACK, GREY = "#222222", "#6b6b6b"
ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#DB7B00", "#2F78EE", "#0AA364", "#173E7D", "#B12E02", "#C46DB4",
)  # fmt: skip

COLORS = {
    "pooled": GREY,
    "unpooled": PURPLE,
    "centered": ORANGE,
    "noncentered": SKY,
    # The program most often shown as "partial pooling", which is green throughout.
    "marginal": GREEN,
    "OLS": GREY,
    "REML": BLACK,
    "ML": BLUE,
}
# Lines that share an axis differ by more than their colour.
LINES = {"pooled": ":", "OLS": ":", "unpooled": "--"}
CHAINS = (GREEN, BLUE, ORANGE, PURPLE, SKY, VERMILION)

_FENCE = 3.0  # quartile ranges beyond the quartiles, where a picture ends

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


_FALLBACK = (
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC",
    "Arial Unicode MS", "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei",
    "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
)  # fmt: skip


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the settings while a figure is made or saved.

    A letter that no font has is drawn as a box; matplotlib's warning of each is not shown.
    """
    family = [*mpl.rcParams["font.family"], *_other_fonts()]
    settings = _SETTINGS | {"font.family": list(dict.fromkeys(family))}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # One for every letter and font; the box in the picture says it.
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
        yield


def _other_fonts() -> list[str]:
    """Name fonts for letters that the first one lacks; only what is installed."""
    there = set(get_font_names())
    return [name for name in _FALLBACK if name in there]


class Picture(Figure):
    """A figure that a notebook shows by itself.

    Notebooks show pyplot's figures, and other ones only after ``%matplotlib inline``. These
    belong to nobody, so they bring their own bytes: nothing is left open, and the same
    picture has the same bytes under every matplotlib that draws it alike.
    """

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        with house_style():
            self.savefig(file, format="png", dpi="figure", metadata={"Software": None})
        return file.getvalue()


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
        Draw into these instead, in the order of ``ravel``; they get the house's look.

    Raises
    ------
    InputError
        When `ax` has not one Axes for each panel.
    """
    wanted = rows * columns
    if ax is None:
        figure = Picture(figsize=(width, height), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
        for axis in axes:
            plain_numbers(axis)
        return figure, axes
    given = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(given) != wanted or not all(isinstance(axis, Axes) for axis in given):
        shape = "one Axes" if wanted == 1 else f"{wanted} Axes ({rows} by {columns})"
        raise InputError(
            f"This picture takes {shape} as ax, as matplotlib's subplots({rows}, "
            f"{columns}) makes; {len(given)} given."
        )
    for axis in given:
        _dress(axis)
    return given[0].get_figure(root=True), given


def _dress(axis: Axes) -> None:
    """Give the caller's axes the look that ours are made with."""
    plain_numbers(axis)
    for side, spine in axis.spines.items():
        spine.set_edgecolor(GREY)
        if side in ("top", "right"):
            spine.set_visible(False)


def tiles(
    count: int, columns: int, size: tuple[float, float], margin: float, ax: AxesLike = None
) -> tuple[Figure, list[Axes]]:
    """Make a panel for each of `count` things, in rows of at most `columns`.

    Parameters
    ----------
    count, columns : int
        Panels, and how many beside each other.
    size : (float, float)
        Width and height of a panel, in inches.
    margin : float
        Height beside the panels, in inches.
    ax : Axes or array-like of Axes, optional
        Draw into these instead; at least `count`. Those left over are switched off, as the
        last ones of a new figure are.

    Returns
    -------
    figure, axes : matplotlib.figure.Figure, list of Axes
        As many axes as there are things.

    Raises
    ------
    InputError
        When `ax` has too few Axes.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    if ax is None:
        figure, axes = grid(rows, columns, size[0] * columns, margin + size[1] * rows)
    else:
        axes = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(axes) < count:
            raise InputError(
                f"This picture takes at least {count} Axes as ax, as matplotlib's "
                f"subplots({rows}, {columns}) makes; {len(axes)} given."
            )
        figure, axes = grid(1, len(axes), *size, axes)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def leftmost(axis: Axes) -> bool:
    """Whether nothing stands to the left of it in its figure's grid."""
    place = axis.get_subplotspec()
    return place is None or place.is_first_col()


def fenced(must: Floats, may: Floats) -> tuple[float, float]:
    """Return the ends of an axis that outliers do not stretch.

    Parameters
    ----------
    must : ndarray
        Values that are all held.
    may : ndarray
        Values that are held up to three quartile ranges beyond their quartiles.
    """
    low, high = float(must.min()), float(must.max())
    if may.size:
        first, third = np.quantile(may, (0.25, 0.75))
        reach = _FENCE * (third - first)
        held = may[(first - reach <= may) & (may <= third + reach)]
        low, high = min(low, float(held.min())), max(high, float(held.max()))
    return low, high


def color_of(label: str) -> str:
    """Return the fixed colour of a program or estimator."""
    return COLORS.get(label, VERMILION)


def colors_of(labels: Iterable[str]) -> dict[str, str]:
    """Return a colour for each: its fixed one, or one of its own among the others."""
    others = cycle((VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY))
    return {label: COLORS.get(label) or next(others) for label in labels}


def line_of(label: str) -> str:
    """Return the fixed kind of line of a program or estimator."""
    return LINES.get(label, "-")
