"""Legends explain everything and cover nothing, in figures of ours and of others."""

import numpy as np
import pytest
from invented import invented_joint
from legends import legend_of, the_legend
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_failed_pictures import analysis
from test_plots import Draw, draw_ellipses, draw_panels, draw_prior, draw_shrinkage

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.ladder import panels
from hierstan.plots.style import AxesLike, color_of


def draw_ladder(source: Analysis, ax: AxesLike) -> Figure:
    assert source.check is not None
    return hs.plot.ladder(panels(source.check), ax=ax)


def draw_joint(source: Analysis, ax: AxesLike) -> Figure:
    return hs.plot.joint(invented_joint(), ax=ax)


def draw_energy(source: Analysis, ax: AxesLike) -> Figure:
    return hs.plot.energy(source.fits["marginal"], ax=ax)


DRAWN: dict[str, tuple[Draw, tuple[int, int]]] = {
    "panels": (draw_panels, (1, 3)),
    "ellipses": (draw_ellipses, (1, 1)),
    "shrinkage": (draw_shrinkage, (1, 1)),
    "joint": (draw_joint, (1, 1)),
    "ladder": (draw_ladder, (2, 3)),
    "energy": (draw_energy, (1, 2)),
}


@pytest.fixture(scope="module")
def source() -> Analysis:
    return analysis(())


def points_of(axis: Axes) -> np.ndarray:
    """Return what the limits were made for, in pixels.

    That is no line across the whole panel, and no ellipse of a group's own rows, which may
    leave the picture.
    """
    drawn = axis.transData
    found = [
        drawn.transform(np.asarray(line.get_xydata(), float))
        for line in axis.get_lines()
        if line.get_transform() == drawn
        and not (line.get_color() == color_of("unpooled") and len(line.get_xdata()) == 181)
    ]
    found += [
        drawn.transform(np.asarray(dots.get_offsets()))
        for dots in axis.collections
        if isinstance(dots, PathCollection)
    ]
    found += [
        np.asarray(patch.get_path().transformed(patch.get_transform()).vertices)
        for patch in axis.patches
    ]
    return np.vstack(found)


@pytest.mark.parametrize("name", DRAWN)
def test_a_legend_covers_no_point_of_its_panel(name: str, source: Analysis) -> None:
    draw, shape = DRAWN[name]
    own = draw(source, None)
    own.draw_without_rendering()
    box = the_legend(own).get_window_extent()
    assert box.width <= own.bbox.width
    for axis in own.axes:
        assert not axis.get_tightbbox().overlaps(box)
    given = Figure(figsize=own.get_size_inches() * 0.8, layout="constrained")
    draw(source, given.subplots(*shape))
    given.draw_without_rendering()
    assert not given.legends
    assert sorted(legend_of(given)) == sorted(legend_of(own))
    first = given.axes[0]
    box = the_legend(given).get_window_extent()
    # Group estimates beyond the fences are not in the picture at all.
    seen = [p for p in points_of(first) if first.bbox.contains(*p)]
    covered = [point for point in seen if box.contains(*point)]
    assert not covered
    for text in first.texts:
        assert not Text.get_window_extent(text).overlaps(box)


@pytest.mark.parametrize("name", DRAWN)
def test_given_axes_get_the_look_of_the_house(name: str, source: Analysis) -> None:
    draw, shape = DRAWN[name]
    own, given = draw(source, None), Figure()
    draw(source, given.subplots(*shape))
    for ours, theirs in zip(own.axes, given.axes, strict=True):
        for side in ("top", "right", "left", "bottom"):
            one, other = ours.spines[side], theirs.spines[side]
            assert one.get_visible() == other.get_visible()
            assert one.get_edgecolor() == other.get_edgecolor()


def test_the_prior_says_its_sentence_wherever_it_is_drawn(source: Analysis) -> None:
    figure = Figure(figsize=(5, 4))  # no layout that would make room outside
    axis = figure.subplots()
    draw_prior(source, axis)
    assert axis.get_xlabel() == "y"
    (told,) = axis.texts
    assert told.get_text().startswith("Before the data, 95 % of responses lie between")
    figure.draw_without_rendering()
    box = told.get_window_extent()
    assert axis.bbox.contains(*box.min)
    assert axis.bbox.contains(*box.max)
    assert not box.overlaps(the_legend(figure).get_window_extent())
    highest = max(axis.transData.transform(line.get_xydata())[:, 1].max()
                  for line in axis.get_lines())  # fmt: skip
    assert highest <= box.y0
