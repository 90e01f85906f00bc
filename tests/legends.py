"""What a picture says in words."""

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text


def legend_of(figure: Figure) -> list[str]:
    """Return the labels of the figure's legend, or of the first panel's."""
    return [text.get_text() for text in the_legend(figure).get_texts()]


def the_legend(figure: Figure) -> Legend:
    """Return the figure's legend, or the first panel's."""
    legend = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
    assert legend is not None
    return legend


def names_in(axis: Axes) -> list[str]:
    """Return the texts within a panel."""
    return [text.get_text() for text in axis.texts]


def overlaps(figure: Figure) -> int:
    """Pairs of names that cover each other, on the picture as it is saved."""
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    return sum(one.overlaps(other) for one, other in combinations(boxes, 2))
