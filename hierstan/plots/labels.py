"""Names beside points, where they cover neither each other nor, if possible, the points."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from hierstan.design import Floats
from hierstan.plots.style import BLACK, GREY

_DISTANCES = (5.0, 12.0, 22.0, 34.0)  # from the point, in points of 1/72 inch
_CORNERS = (("left", 1), ("right", -1), ("center", 0))


def label_points(
    axis: Axes, names: Sequence[str], points: Floats, obstacles: Floats, most: int
) -> list[str]:
    """Name points in the order given, each where there is room.

    Call it last: the limits of the axes and the layout of the figure must be final.

    Parameters
    ----------
    axis : Axes
        Where to.
    names : sequence of str
        A name for each point.
    points : ndarray, shape (K, 2)
        In data coordinates; those outside the axes are passed over.
    obstacles : ndarray, shape (M, 2)
        Points that names should not cover, in data coordinates.
    most : int
        How many names to place.

    Returns
    -------
    list of str
        Names that were placed. One that would cover another name or the legend, or leave
        the axes, in all places tried is left out.
    """
    figure = axis.get_figure(root=True)
    if figure is None:
        return []
    figure.draw_without_rendering()
    frame = axis.get_window_extent()
    in_way = axis.transData.transform(obstacles)
    legend = axis.get_legend()
    taken: list[Bbox] = [] if legend is None else [legend.get_window_extent()]
    placed: list[str] = []
    for name, point in zip(names, points, strict=True):
        if len(placed) == most:
            break
        if not frame.contains(*axis.transData.transform(point)):
            continue
        best: tuple[float, Annotation, Bbox] | None = None
        for cost, text in _tries(axis, name, point):
            text.get_window_extent()  # puts it in its place
            box = Text.get_window_extent(text).padded(1.0)  # without the line to it
            blocked = any(box.overlaps(other) for other in taken)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
            inside = inside and frame.y0 <= box.y0 and box.y1 <= frame.y1
            cost += _covered(box, in_way)
            if blocked or not inside or (best is not None and best[0] <= cost):
                text.remove()
                continue
            if best is not None:
                best[1].remove()
            best = cost, text, box
            if cost < 1:
                break
        if best is not None:
            taken.append(best[2])
            placed.append(name)
    return placed


def _tries(axis: Axes, name: str, point: Floats) -> Iterator[tuple[float, Annotation]]:
    """Yield the name in one place after another, with how far from the point it is."""
    for ring, distance in enumerate(_DISTANCES):
        for horizontal, right in _CORNERS:
            for up in (1, -1, 0):
                if right == up == 0:
                    continue
                vertical = {1: "bottom", -1: "top", 0: "center"}[up]
                length = distance / np.hypot(right, up)
                text = axis.annotate(
                    name, tuple(point), xytext=(length * right, length * up),
                    textcoords="offset points", ha=horizontal, va=vertical, fontsize=8,
                    color=BLACK, zorder=6,
                    path_effects=[withStroke(linewidth=2.0, foreground="white")],
                    arrowprops=None if not ring else {
                        "arrowstyle": "-", "color": GREY, "lw": 0.5, "shrinkA": 0,
                        "shrinkB": 2,
                    },
                )  # fmt: skip
                yield 0.3 * ring, text


def _covered(box: Bbox, in_way: Floats) -> int:
    """Count the points that a box covers."""
    x, y = in_way.T
    inside = (box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1)
    return int(inside.sum())
