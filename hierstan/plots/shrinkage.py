"""Arrows from each group's own estimate to the partially pooled one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.design import Floats
from hierstan.errors import InputError
from hierstan.plots.failed import label_of
from hierstan.plots.given import require_columns
from hierstan.plots.labels import label_points
from hierstan.plots.legends import legend_outside
from hierstan.plots.names import shortened, shortened_apart
from hierstan.plots.style import (
    BLACK,
    GREY,
    AxesLike,
    color_of,
    fenced,
    grid,
    house_style,
)
from hierstan.plots.ticks import plain_log
from hierstan.prediction.levels import listed
from hierstan.shrinkage import PRIOR_ONLY

_LABELLED = 8
FAILED = "fit failed its checks"  # in the notes of a table


def shrinkage(
    table: pd.DataFrame,
    effects: str | Sequence[str],
    factor: str,
    ax: AxesLike = None,
) -> Figure:
    """Draw how partial pooling moves the groups.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Fit.shrinkage` or `Analysis.shrinkage`.
    effects : str or sequence of str
        With two or more, the first two span the plane. With one, it is drawn against the
        number of rows; groups with as many are spread apart by up to 5 %, in no order.
    factor : str
        Name of the grouping factor, for the labels.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        An arrow per group, from no pooling (``ols``; Stan's ``unpooled``, which its prior
        pulls in, only in a table without it) to partial pooling (the posterior mean, else
        the BLUP), so that it is the table's ``moved``; a cross at what groups are pulled
        towards, or a dot each where that differs. Groups whose own rows
        do not determine a coefficient have nowhere to come from; they are hollow, at
        their destination only, and counted. The axes hold every destination, and
        own estimates up to three quartile ranges beyond their quartiles; those outside
        are counted. Of a fit that failed its checks the legend says so. Named are those
        in the picture that moved farthest.

    Raises
    ------
    InputError
        When the table has no such effect, or no estimate with pooling, and for anything
        but such a table.
    """
    moves = _Moves.of(table, effects, factor)
    many = len(moves.names)
    size, alpha = (
        np.clip(180 / many**0.5, 5, 36),
        float(np.clip(3.2 / many**0.5, 0.12, 0.6)),
    )
    known, begin, end = moves.known, moves.begin, moves.end
    with house_style():
        figure, (axis,) = grid(1, 1, 7.2, 6.4, ax)
        if moves.logarithmic:
            axis.set_xscale("log")
            plain_log(axis.xaxis, whole=True)
        limits = moves.limits()
        axis.set_xlim(*limits[0])
        axis.set_ylim(*limits[1])
        for some, at, color, label in (
            (known, begin, color_of("unpooled"), f"no pooling, {moves.source}"),
            (known, end, color_of("marginal"), label_of("partial pooling", moves.sound)),
        ):
            axis.scatter(
                at[some, 0], at[some, 1], s=size, color=color, alpha=max(alpha, 0.5), lw=0,
                label=label, zorder=3,
            )  # fmt: skip
        axis.quiver(
            *begin[known].T, *(end - begin)[known].T, angles="xy", scale_units="xy",
            scale=1, units="inches", width=0.004 + 0.01 * alpha, color=BLACK, alpha=alpha,
            headwidth=7, headlength=9, headaxislength=8, zorder=2,
        )  # fmt: skip
        if not known.all():
            axis.scatter(
                end[~known, 0], end[~known, 1], s=size, facecolor="none", lw=0.9,
                edgecolor=color_of("marginal"), zorder=3,
                label=f"{int((~known).sum())} of {many} not determined by own rows",
            )  # fmt: skip
        _draw_targets(axis, moves)
        outside = moves.outside(limits)
        if outside.any():
            count = int(outside.sum())
            text = "1 own estimate" if count == 1 else f"{count} own estimates"
            axis.plot([], [], " ", label=f"{text} outside")
        axis.set_xlabel(moves.labels[0])
        axis.set_ylabel(moves.labels[1])
        legend_outside(figure, [axis], ax)
        order = moves.farthest(limits, ~outside)
        label_points(
            axis,
            [moves.names[k] for k in order],
            begin[order],
            np.concatenate([begin[known], end, moves.line(limits)]),
            _LABELLED,
        )
    return figure


@dataclass(frozen=True, eq=False)
class _Moves:
    """What the table says, as points of the plane; one per group.

    `target` is where groups are pulled towards; a single point if it is the same for all.
    `source` says whose estimates `begin` are; `sound`, whether those at `end` can be
    trusted.
    """

    names: list[str]
    begin: Floats
    end: Floats
    target: Floats
    known: npt.NDArray[np.bool_]
    source: str
    sound: bool
    labels: tuple[str, str]
    logarithmic: bool

    @classmethod
    def of(cls, table: pd.DataFrame, effects: str | Sequence[str], factor: str) -> "_Moves":
        columns = "effect", "level", "n", "note"
        require_columns(table, columns, "the table of Fit.shrinkage or Analysis.shrinkage")
        there = [str(effect) for effect in table["effect"].unique()]
        chosen = listed(effects)[:2]
        if not chosen or not set(chosen) <= set(there):
            raise InputError(
                f"The table has no effect {chosen}; it has {', '.join(map(repr, there))}."
            )
        ends = [name for name in ("partial", "blup") if name in table]
        if not ends:
            raise InputError(
                "The table has no estimate with pooling; make it with a fit by centered, "
                "noncentered or marginal, or with a mixed model."
            )
        blocks = [table[table["effect"] == effect] for effect in chosen]

        def points(name: str) -> Floats:
            if name not in table:
                return np.full((len(blocks[0]), len(blocks)), np.nan)
            return np.column_stack([block[name].to_numpy(float) for block in blocks])

        # Least squares as in the table's `moved`, never some groups by one and some by the
        # other estimate.
        start = "ols" if "ols" in table else "unpooled"
        begin = points(start)
        end, target = points(ends[0]), points("pooled")
        told = [
            # Read back from a CSV file, an empty note is nan.
            ~block["note"].fillna("").str.startswith(PRIOR_ONLY).to_numpy(bool)
            for block in blocks
        ]
        response = table.attrs.get("response")
        labels = [shortened(_label(effect, response), 60) for effect in chosen]
        alone = len(chosen) == 1
        if alone:
            sizes = blocks[0]["n"].to_numpy(float)
            rows = _apart(sizes)
            begin, end, target = (np.column_stack([rows, p]) for p in (begin, end, target))
            spread = (
                " (equal ones spread apart, in no order)" if np.any(rows != sizes) else ""
            )
            labels = [shortened(f"rows of the {factor}", 40) + spread, *labels]
        values = target[:, 1:] if alone else target
        if np.all(np.ptp(values, axis=0) <= 1e-9 * np.abs(values).max(axis=0)):
            target = target[:1]
        return cls(
            names=shortened_apart(map(str, blocks[0]["level"]), 24),
            begin=begin,
            end=end,
            target=target,
            known=np.all(told, axis=0) & np.isfinite(begin).all(axis=1),
            source="least squares" if start == "ols" else "Stan's",
            sound=not table["note"].fillna("").str.contains(FAILED).any(),
            labels=(labels[0], labels[1]),
            logarithmic=alone,
        )

    def limits(self) -> Floats:
        """Return the ends of both axes, shape (2, 2)."""
        found = np.empty((2, 2))
        for k in range(2):
            begin, end = self.begin[self.known, k], self.end[:, k]
            end = np.concatenate([end, self.target[:, k]])
            end = end[np.isfinite(end)]
            low, high = fenced(end, begin)
            if self.logarithmic and k == 0:
                room = (high / low) ** 0.06 if high > low else 1.3
                found[k] = low / room, high * room
            else:
                room = 0.06 * (high - low) or 0.5
                found[k] = low - room, high + room
        return found

    def outside(self, limits: Floats) -> npt.NDArray[np.bool_]:
        """Say which own estimates the picture does not hold."""
        inside = (limits[:, 0] <= self.begin) & (self.begin <= limits[:, 1])
        return np.asarray(self.known & ~inside.all(axis=1))

    def line(self, limits: Floats) -> Floats:
        """Return points of the line across the picture, which names should not cover."""
        if not self.logarithmic or len(self.target) > 1:
            return np.empty((0, 2))
        low, high = limits[0]
        across = np.geomspace(low, high, 200)
        return np.column_stack([across, np.full(200, self.target[0, 1])])

    def farthest(
        self, limits: Floats, shown: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.intp]:
        """Order the groups that are shown by how far they moved, in parts of the axes."""
        move = (self.end - self.begin) / (limits[:, 1] - limits[:, 0])
        distance = np.where(self.known & shown, np.linalg.norm(move, axis=1), -1.0)
        order = np.argsort(-distance, kind="stable")
        return order[distance[order] > 0]


def _apart(rows: Floats) -> Floats:
    """Spread groups with the same number of rows a little, evenly and in no order."""
    out = rows.copy()
    for n in np.unique(rows):
        same = np.flatnonzero(rows == n)
        reach = min(0.02, 0.002 * (len(same) - 1))
        # Multiples of the golden ratio: in order they would look like a trend.
        share = np.arange(1, len(same) + 1) * 0.6180339887498949 % 1.0
        out[same] = n * 10 ** (reach * (2.0 * share - 1.0))
    return out


def _draw_targets(axis: Axes, moves: _Moves) -> None:
    """Show what the groups are pulled towards."""
    label = "pulled towards"
    if len(moves.target) > 1:
        axis.scatter(
            moves.target[:, 0],
            moves.target[:, 1],
            s=6,
            color=GREY,
            lw=0,
            zorder=1,
            label=label,
        )
    elif moves.logarithmic:
        axis.axhline(moves.target[0, 1], color=GREY, lw=0.9, ls="--", zorder=1, label=label)
    else:
        axis.plot(*moves.target[0], "+", color=BLACK, ms=13, mew=1.6, zorder=5, label=label)


def _label(effect: str, response: str | None) -> str:
    """Name an effect with its unit, in terms of the columns."""
    if response is None:
        return effect
    unit = response if effect == "Intercept" else f"{response} per unit of {effect}"
    return f"{effect} ({unit})"
