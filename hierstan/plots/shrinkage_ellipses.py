"""Ellipses of what groups know by themselves, of the population, and of both together."""

from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.design import Floats
from hierstan.errors import InputError
from hierstan.plots.given import require
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
from hierstan.shrinkage import Region, Regions

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 181)


def shrinkage_ellipses(
    regions: Regions, probability: float = 0.5, ax: AxesLike = None
) -> Figure:
    """Draw how two effects of selected groups are pooled together.

    Each ellipse is the contour that holds `probability` of a bivariate normal
    distribution: points c with (c - m)' C^-1 (c - m) = -2 log(1 - probability).

    Parameters
    ----------
    regions : Regions
        From `Fit.shrinkage_regions`.
    probability : float
        Held by each ellipse, between 0 and 1.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        Dashed and black, the population: m is what groups are pulled towards (averaged over
        the levels where that differs, and then a grey cross each) and C the posterior mean
        of Sigma. Thin, a group's own rows: its least squares estimate and the inverse of
        its information; where its rows do not determine it, the two lines between which
        as much probability is, dotted. Filled, the group's posterior: mean and covariance
        of the draws. The curve is the path that partial pooling takes as Sigma grows from
        nothing (all groups as the population) without bound (each its own estimate). As in
        `shrinkage`, own estimates more than three quartile ranges beyond their quartiles do
        not stretch the axes; those outside are named in the legend.

    Raises
    ------
    InputError
        When the probability is not between 0 and 1, and for anything but Regions.
    """
    require(regions, Regions, "what Fit.shrinkage_regions returns")
    if not 0.0 < probability < 1.0:
        raise InputError(f"probability is {probability!r}; it must be between 0 and 1.")
    radius = float(np.sqrt(-2.0 * np.log1p(-probability)))
    names = shortened_apart([group.level for group in regions.groups], 24)
    own_color, both_color = color_of("unpooled"), color_of("marginal")
    with house_style():
        figure, (axis,) = grid(1, 1, 7.2, 6.4, ax)
        whole = _ellipse(regions.center, regions.covariance, radius)
        axis.plot(*whole.T, color=BLACK, ls="--", lw=1.2, label="population", zorder=2)
        axis.plot(*regions.center, "+", color=BLACK, ms=13, mew=1.6, zorder=5)
        points = [regions.center[None], whole]
        labels = dict.fromkeys(("own", "untold", "both", "path", "target"), True)

        def label(kind: str, text: str) -> str:
            first, labels[kind] = labels[kind], False
            return text if first else ""

        for group in regions.groups:
            if group.determined:
                own = _ellipse(group.own, _inverse(group.information), radius)
                axis.plot(*own.T, color=own_color, lw=0.9, alpha=0.8, zorder=2,
                          label=label("own", "own rows"))  # fmt: skip
                axis.plot(*group.own, "o", color=own_color, ms=4, zorder=4)
            inside = _ellipse(group.mean, group.covariance, radius)
            axis.fill(*inside.T, facecolor=both_color, alpha=0.25, zorder=3, lw=0,
                      label=label("both", "partial pooling"))  # fmt: skip
            axis.plot(*inside.T, color=both_color, lw=0.9, zorder=3)
            axis.plot(*group.mean, "o", color=both_color, ms=4.5, zorder=5,
                      mfc=both_color if group.determined else "white")  # fmt: skip
            axis.plot(*group.path.T, color=GREY, lw=1.1, zorder=2,
                      label=label("path", "path of shrinkage"))  # fmt: skip
            if not regions.alike:
                axis.plot(*group.pooled, "x", color=GREY, ms=5, zorder=4,
                          label=label("target", "pulled towards"))  # fmt: skip
            points += [inside, group.pooled[None]]
        own_points = [group.own for group in regions.groups if group.determined]
        _limit(axis, np.vstack(points), np.array(own_points).reshape(-1, 2))
        outside = [g for g in regions.groups if g.determined and not _inside(axis, g.own)]
        if outside:
            gone = ", ".join(shortened(group.level, 16) for group in outside)
            axis.plot([], [], " ", label=f"outside, own rows of {shortened(gone, 40)}")
        for group in regions.groups:
            if not group.determined:
                text = label(
                    "untold",
                    f"own rows of {shortened(group.level, 24)}: a direction unknown",
                )
                _draw_band(axis, group, probability, color=own_color, label=text)
        axis.set_xlabel(shortened(_unit(regions, 0), 60))
        axis.set_ylabel(shortened(_unit(regions, 1), 60))
        legend_outside(figure, [axis], ax, f"ellipses hold {100 * probability:g} %")
        label_points(
            axis,
            [f"{name} ({g.n})" for name, g in zip(names, regions.groups, strict=True)],
            np.array(
                [
                    g.own if g.determined and g not in outside else g.mean
                    for g in regions.groups
                ]
            ),
            np.array([p for g in regions.groups for p in (g.own, g.mean)]),
            len(regions.groups),
        )
    return figure


def _ellipse(center: Floats, covariance: Floats, radius: float) -> Floats:
    """Return points of a contour, shape (K, 2)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    circle = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
    return np.asarray(center + radius * circle @ root.T)


def _inverse(information: Floats) -> Floats:
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def _limit(axis: Axes, points: Floats, own: Floats) -> None:
    """Set limits around all points and around the groups' own but for outliers."""
    ends = np.array([fenced(points[:, k], own[:, k]) for k in range(2)])
    span = np.ptp(ends, axis=1)
    room = 0.07 * np.where(span > 0, span, 1.0)
    axis.set_xlim(ends[0, 0] - room[0], ends[0, 1] + room[0])
    axis.set_ylim(ends[1, 0] - room[1], ends[1, 1] + room[1])


def _inside(axis: Axes, point: Floats) -> bool:
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    return bool(left <= point[0] <= right and low <= point[1] <= high)


def _draw_band(axis: Axes, group: Region, probability: float, **style: Any) -> None:
    """Draw the edges of what a group's own rows leave open, an ellipse without end."""
    radius = NormalDist().inv_cdf((1.0 + probability) / 2.0)
    values, vectors = np.linalg.eigh(group.information)
    if values[1] <= 0:
        return  # they say nothing at all
    reach = radius / np.sqrt(values[1]) * vectors[:, 1]
    for sign in (1, -1):
        start = group.own + sign * reach
        axis.axline(tuple(start), tuple(start + vectors[:, 0]), ls=":", lw=1.0, zorder=2,
                    **style)  # fmt: skip
        style.pop("label", None)


def _unit(regions: Regions, k: int) -> str:
    effect = regions.effects[k]
    unit = "" if effect == "Intercept" else f" per unit of {effect}"
    return f"{effect} ({regions.response}{unit})"
