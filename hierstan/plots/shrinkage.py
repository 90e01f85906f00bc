"""Arrows from each group's own estimate to the partially pooled one."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.design import Floats
from hierstan.plots.style import BLACK, color_of, grid, house_style, plain_log
from hierstan.shrinkage import PRIOR_ONLY

_LABELLED = 6


def shrinkage(table: pd.DataFrame, effects: tuple[str, ...], factor: str) -> Figure:
    """Draw how partial pooling moves the groups.

    Parameters
    ----------
    table : pandas.DataFrame
        From `hierstan.shrinkage.shrinkage_table`, with ``partial`` and ``unpooled`` or
        ``ols``.
    effects : tuple of str
        With two or more, the first two span the plane. With one, it is drawn against the
        number of rows.
    factor : str
        Name of the grouping factor, for the labels.

    Returns
    -------
    matplotlib.figure.Figure
        An arrow per group. Groups whose own rows do not determine a coefficient have
        nowhere to come from; they are drawn at their destination only, and counted.
    """
    start = "unpooled" if "unpooled" in table else "ols"
    blocks = [table[table["effect"] == effect] for effect in effects[:2]]
    begin = np.column_stack([block[start].to_numpy(float) for block in blocks])
    end = np.column_stack([block["partial"].to_numpy(float) for block in blocks])
    known = np.all(
        [~block["note"].str.startswith(PRIOR_ONLY).to_numpy(bool) for block in blocks],
        axis=0,
    )
    names = blocks[0]["level"].to_numpy()
    labels = list(effects[:2])
    if len(effects) == 1:
        rows = blocks[0]["n"].to_numpy(float)
        begin, end = np.column_stack([rows, begin]), np.column_stack([rows, end])
        labels = [f"rows of the {factor}", *effects]
    with house_style():
        figure, (axis,) = grid(1, 1, 7.2, 6.4)
        for a, b in zip(begin[known], end[known], strict=True):
            axis.annotate(
                "", b, a,
                arrowprops={"arrowstyle": "-|>", "color": BLACK, "alpha": 0.35, "lw": 0.8,
                            "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7},
            )  # fmt: skip
        axis.scatter(
            begin[known, 0], begin[known, 1], s=20, color=color_of("unpooled"),
            alpha=0.7, lw=0, label="no pooling",
        )  # fmt: skip
        axis.scatter(
            end[known, 0],
            end[known, 1],
            s=20,
            color=color_of("noncentered"),
            lw=0,
            label="partial pooling",
        )
        if not known.all():
            axis.scatter(
                end[~known, 0], end[~known, 1], s=22, facecolor="none",
                edgecolor=color_of("noncentered"),
                label=f"{int((~known).sum())} of {len(known)} not determined by own rows",
            )  # fmt: skip
        if len(effects) == 1:
            axis.set_xscale("log")
            plain_log(axis.xaxis)
        _label_movers(axis, names[known], begin[known], end[known])
        axis.set_xlabel(labels[0])
        axis.set_ylabel(labels[1])
        axis.legend(loc="best")
    return figure


def _label_movers(
    axis: Axes, names: npt.NDArray[np.object_], begin: Floats, end: Floats
) -> None:
    """Name the groups that moved most, relative to the spread of each axis."""
    if not len(names):
        return
    spread = np.where(np.ptp(begin, axis=0) > 0, np.ptp(begin, axis=0), 1.0)
    distance = np.linalg.norm((end - begin) / spread, axis=1)
    for k in np.argsort(-distance)[:_LABELLED]:
        axis.annotate(
            str(names[k]), begin[k], xytext=(4, 4), textcoords="offset points", fontsize=8,
            color=BLACK,
        )  # fmt: skip
