"""What a picture says in words."""

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text


def legend_of(figure: Figure) -> list[str]:
    """Return the labels of the first panel's legend."""
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def names_in(axis: Axes) -> list[str]:
    """Return the texts within a panel."""
    return [text.get_text() for text in axis.texts]


def overlaps(figure: Figure) -> int:
    """Pairs of names that cover each other, on the picture as it is saved."""
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    return sum(one.overlaps(other) for one, other in combinations(boxes, 2))
