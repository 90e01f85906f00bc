"""Legends that cover nothing of what they explain."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from hierstan.plots.style import AxesLike

_MOST = 0.5  # of a panel's height, for a legend within it


def legend_outside(
    figure: Figure, axes: Sequence[Axes], ax: AxesLike, title: str | None = None
) -> None:
    """Explain what all panels show, once for all of them.

    Below the panels of a figure of our own; in the head of the first panel where the
    caller's figure may hold other things or have a layout without room for it. All panels
    get that much room above what they hold.

    Call it when the panels have their limits.

    Parameters
    ----------
    figure, axes : Figure, sequence of Axes
        The picture and its panels.
    ax : Axes, array-like of Axes or None
        What the caller gave.
    title : str, optional
        Above the legend.
    """
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    told = list(found.values()), list(found)
    if ax is None:
        width = float(figure.bbox.width)
        _widest(figure, told, width, loc="outside lower center", title=title)
        return
    figure.draw_without_rendering()  # the panels' sizes are final
    first = axes[0]
    legend = _widest(
        first, told, first.bbox.width, loc="upper left", title=title, fontsize="small",
        title_fontsize="small", borderaxespad=0.2, frameon=True, framealpha=0.9,
        edgecolor="none",
    )  # fmt: skip
    legend.set_zorder(10)  # what is beyond the limits is not looked for
    share = min(_MOST, 1.06 * legend.get_window_extent().height / first.bbox.height)
    ends = [_with_head(axis, share) for axis in axes]
    for axis, top in zip(axes, ends, strict=True):
        axis.set_ylim(top=top)


def _widest(
    place: Figure | Axes, told: tuple[list[Any], list[str]], width: float, **options: Any
) -> Legend:
    """Make a legend with as many columns as there is room for."""
    count = len(told[1])
    for rows in range(1, count + 1):
        columns = -(-count // rows)
        legend = place.legend(*told, ncols=columns, **options)
        if columns == 1 or legend.get_window_extent().width <= width:
            break
        legend.remove()
    return legend


def _with_head(axis: Axes, share: float) -> float:
    """Return the upper end of an axis that gives a share of its height to a legend."""
    scale = axis.yaxis.get_transform()
    low, high = (float(scale.transform(end)) for end in axis.get_ylim())
    return float(scale.inverted().transform(low + (high - low) / (1.0 - share)))
