"""What is drawn in a panel, found by data and label: colours and lines may change."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D

from hierstan.design import Floats


def points(line: Line2D) -> Floats:
    """Return what a line goes through, or its dots, shape (K, 2)."""
    return np.asarray(line.get_xydata(), dtype=np.float64)


def of_length(axis: Axes, count: int) -> list[Floats]:
    """Return the points of all lines that have so many."""
    return [found for found in map(points, axis.get_lines()) if len(found) == count]


def labelled(axis: Axes, start: str) -> Floats:
    """Return the points of the one line whose label begins so."""
    (found,) = [
        points(line) for line in axis.get_lines() if str(line.get_label()).startswith(start)
    ]
    return found


def dots(axis: Axes, start: str) -> Floats:
    """Return the places of the scattered dots whose label begins so, shape (K, 2)."""
    (found,) = [
        one for one in axis.collections
        if isinstance(one, PathCollection) and str(one.get_label()).startswith(start)
    ]  # fmt: skip
    return np.asarray(found.get_offsets(), dtype=np.float64)


def ticks_on(axis: Axis) -> list[str]:
    """Labels that are seen: those within the ends of the axis."""
    low, high = sorted(axis.get_view_interval())
    places = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [label.get_text() for place, label in places if low <= place <= high]
