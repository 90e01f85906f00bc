"""The picture of arrows: what it draws, says and leaves out."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from artists import ticks_on
from legends import legend_of, names_in, overlaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from matplotlib.text import Text
from schools import schools
from scipy import stats
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.errors import InputError
from hierstan.plots.labels import label_points
from hierstan.shrinkage import shrinkage_table


def made_up(levels: int, outlier: float | None = None) -> pd.DataFrame:
    """A table as `shrinkage_table` makes them, with what the picture needs of it."""
    rng = np.random.default_rng(levels)
    blocks = []
    for effect in ("Intercept", "x"):
        own = rng.normal(2.0, 1.5, levels)
        if outlier is not None:
            own[0] = outlier
        blocks.append(
            pd.DataFrame(
                {
                    "effect": effect,
                    "level": [f"level {k}" for k in range(levels)],
                    "n": rng.integers(2, 30, levels),
                    "ols": own,
                    "pooled": 2.0,
                    "partial": 2.0 + 0.4 * (np.clip(own, -3, 7) - 2.0),
                    "note": "",
                }
            )
        )
    table = pd.concat(blocks, ignore_index=True)
    table.attrs = {"response": "seconds"}
    return table


def arrows(axis: Axes) -> Quiver:
    (found,) = [one for one in axis.collections if isinstance(one, Quiver)]
    return found


@pytest.mark.parametrize("levels", [3, 85, 1000])
def test_an_arrow_per_group_and_names_that_can_be_read(levels: int) -> None:
    table = made_up(levels)
    figure = hs.plot.shrinkage(table, ("Intercept", "x"), "school")
    axis = figure.axes[0]
    found = arrows(axis)
    assert levels == found.N
    blocks = [table[table["effect"] == effect] for effect in ("Intercept", "x")]
    begin = np.column_stack([block["ols"] for block in blocks])
    end = np.column_stack([block["partial"] for block in blocks])
    np.testing.assert_allclose(found.XY, begin)
    np.testing.assert_allclose(np.column_stack([found.U, found.V]), end - begin)
    assert axis.get_xlabel() == "Intercept (seconds)"
    assert axis.get_ylabel() == "x (seconds per unit of x)"
    assert len(names_in(axis)) == min(levels, 8)
    assert overlaps(figure) == 0
    # The farthest move in parts of the axes is among the named.
    spans = np.array([np.ptp(axis.get_xlim()), np.ptp(axis.get_ylim())])
    farthest = np.argmax(np.linalg.norm((end - begin) / spans, axis=1))
    assert f"level {farthest}" in names_in(axis)


def test_arrows_are_the_moves_of_the_table() -> None:
    """From least squares, though Stan's own estimate, pulled in by a prior, is there."""
    table = made_up(12)
    table["unpooled"] = 0.8 * table["ols"] + 0.1
    figure = hs.plot.shrinkage(table, ("Intercept", "x"), "school")
    found = arrows(figure.axes[0])
    moved = (table["partial"] - table["ols"]).to_numpy().reshape(2, 12)
    np.testing.assert_allclose([found.U, found.V], moved)
    assert "no pooling, least squares" in legend_of(figure)
    figure = hs.plot.shrinkage(table.drop(columns="ols"), ("Intercept", "x"), "school")
    begin = table["unpooled"].to_numpy().reshape(2, 12).T
    np.testing.assert_allclose(arrows(figure.axes[0]).XY, begin)
    assert "no pooling, Stan's" in legend_of(figure)


def test_more_groups_are_drawn_more_lightly() -> None:
    weights = []
    for levels in (3, 85, 1000):
        figure = hs.plot.shrinkage(made_up(levels), ("Intercept", "x"), "school")
        alpha = arrows(figure.axes[0]).get_alpha()
        assert alpha is not None
        weights.append(alpha)
    assert 0.6 >= weights[0] > weights[1] > weights[2] >= 0.1


def test_outliers_do_not_squeeze_the_rest() -> None:
    figure = hs.plot.shrinkage(made_up(85, outlier=400.0), ("Intercept", "x"), "school")
    axis = figure.axes[0]
    assert axis.get_xlim()[1] < 20
    assert axis.get_ylim()[1] < 20
    assert "1 own estimate outside" in legend_of(figure)
    assert "level 0" not in names_in(axis)
    figure = hs.plot.shrinkage(made_up(85), ("Intercept", "x"), "school")
    assert not any("outside" in text for text in legend_of(figure))


def test_a_table_from_a_file_is_drawn_alike() -> None:
    table = made_up(20)
    table.loc[4, "note"] = "not determined by its own rows"
    back = pd.read_csv(StringIO(table.to_csv(index=False)))
    figure = hs.plot.shrinkage(back, ("Intercept", "x"), "school")
    assert arrows(figure.axes[0]).N == 19
    assert figure.axes[0].get_xlabel() == "Intercept"


def test_every_destination_is_in_the_picture() -> None:
    table = made_up(85)
    table.loc[3, "partial"] = 60.0
    axis = hs.plot.shrinkage(table, ("Intercept", "x"), "school").axes[0]
    assert axis.get_xlim()[1] > 60


def test_groups_that_cannot_tell_are_hollow_and_counted() -> None:
    model = hs.Model("log_radon ~ floor + (floor || county)", hs.data.radon())
    factor = model.design.factors[0]
    table = shrinkage_table(model.design, factor, mixed=model.mixedlm())
    figure = hs.plot.shrinkage(table, factor.effects, "county")
    assert "25 of 85 not determined by own rows" in legend_of(figure)
    assert arrows(figure.axes[0]).N == 60
    hollow = [
        one for one in figure.axes[0].collections
        if not isinstance(one, Quiver) and len(one.get_facecolor()) == 0
    ]  # fmt: skip
    assert [len(np.asarray(one.get_offsets())) for one in hollow] == [25]


def test_one_effect_is_drawn_against_the_rows() -> None:
    table = made_up(85)
    figure = hs.plot.shrinkage(table, ("x",), "school")
    axis = figure.axes[0]
    assert axis.get_xscale() == "log"
    assert axis.get_xlabel() == (
        "rows of the school (equal ones spread apart, in no order)"
    )
    rows = table.loc[table["effect"] == "x", "n"].to_numpy()
    np.testing.assert_allclose(np.asarray(arrows(axis).XY)[:, 0], rows, rtol=0.05)
    np.testing.assert_allclose(arrows(axis).U, 0.0, atol=1e-12)
    assert overlaps(figure) == 0


def test_names_keep_off_the_line_that_groups_are_pulled_towards() -> None:
    """Those of groups just below it would stand above them, on the line."""
    table = made_up(10)
    table["n"] = np.tile(np.geomspace(3, 3000, 10).round(), 2)
    table["ols"] = table["partial"] = np.tile([1.1, 2.9], 10)
    moved = np.tile(np.arange(10) > 3, 2)
    table.loc[moved, "ols"], table.loc[moved, "partial"] = 1.95, 1.99
    figure = hs.plot.shrinkage(table, "x", "school")
    axis = figure.axes[0]
    (dashed,) = [line for line in axis.lines if line.get_linestyle() == "--"]
    figure.draw_without_rendering()
    height = axis.transData.transform((1.0, dashed.get_ydata()[0]))[1]
    assert len(axis.texts) == 6
    for text in axis.texts:
        box = Text.get_window_extent(text)
        assert not box.y0 < height < box.y1


def test_groups_of_one_size_are_spread_in_no_order() -> None:
    table = made_up(18)
    table["n"] = 10
    figure = hs.plot.shrinkage(table, "x", "subject")
    axis = figure.axes[0]
    x = np.asarray(arrows(axis).XY)[:, 0]
    assert len(np.unique(x)) == 18
    # Not by the place in the table, and not by the estimate: others stand at the same x.
    assert abs(stats.spearmanr(x, np.arange(18)).statistic) < 0.35
    turned = table.assign(ols=-table["ols"], partial=-table["partial"], pooled=-2.0)
    again = arrows(hs.plot.shrinkage(turned, "x", "subject").axes[0])
    np.testing.assert_array_equal(np.asarray(again.XY)[:, 0], x)
    # The groups take most of the width, and a number stands below them.
    low, high = axis.get_xlim()
    assert np.log(x.max() / x.min()) > 0.8 * np.log(high / low)
    assert "10" in ticks_on(axis.xaxis)
    table["n"] = np.tile(np.arange(3, 21), 2)
    axis = hs.plot.shrinkage(table, "x", "subject").axes[0]
    assert axis.get_xlabel() == "rows of the subject"


def test_what_groups_are_pulled_towards_is_one_cross_or_a_dot_each() -> None:
    table = made_up(12)
    figure = hs.plot.shrinkage(table, ("Intercept", "x"), "school")
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "+"]
    assert [line.get_xydata().tolist() for line in crosses] == [[[2.0, 2.0]]]
    table["pooled"] = np.linspace(1, 3, 24)
    figure = hs.plot.shrinkage(table, ("Intercept", "x"), "school")
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "+"]
    assert "pulled towards" in legend_of(figure)


def test_pictures_are_drawn_into_axes_that_are_given() -> None:
    figure, axes = Figure(), None
    axes = figure.subplots(1, 2)
    assert hs.plot.shrinkage(made_up(20), ("Intercept", "x"), "g", ax=axes[0]) is figure
    regions = synthetic_fit("y ~ x + (x | school)", schools()).shrinkage_regions()
    assert hs.plot.shrinkage_ellipses(regions, ax=axes[1]) is figure
    assert axes[0].get_legend() is not None
    assert axes[1].get_legend() is not None


def test_one_effect_may_be_named_alone() -> None:
    found, same = (
        arrows(hs.plot.shrinkage(made_up(9), effects, "school").axes[0])
        for effects in ("Intercept", ("Intercept",))
    )
    np.testing.assert_array_equal(found.XY, same.XY)


def test_tables_without_what_is_drawn_are_refused() -> None:
    with pytest.raises(InputError, match=r"no effect \['z'\]; it has 'Intercept', 'x'"):
        hs.plot.shrinkage(made_up(5), ("z",), "school")
    table = made_up(5).drop(columns="partial")
    with pytest.raises(InputError, match="no estimate with pooling"):
        hs.plot.shrinkage(table, ("x",), "school")


def test_names_do_not_cover_points_if_there_is_room() -> None:
    figure = Figure(figsize=(5, 5))
    axis = figure.subplots()
    axis.set_xlim(0, 10)
    axis.set_ylim(0, 10)
    ring = np.linspace(0, 2 * np.pi, 9)[:-1]
    near = 5 + 0.25 * np.column_stack([np.cos(ring), np.sin(ring)])
    points = np.array([[5.0, 5.0], [5.05, 5.05], [50.0, 5.0]])
    placed = label_points(axis, ["one", "two", "gone"], points, near, 3)
    assert placed == ["one", "two"]
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axis.texts]
    pixels = axis.transData.transform(near)
    assert not boxes[0].overlaps(boxes[1])
    assert not any(box.contains(*pixel) for box in boxes for pixel in pixels)


def test_names_do_not_cover_the_legend() -> None:
    figure = Figure(figsize=(5, 5))
    axis = figure.subplots()
    axis.set_xlim(0, 10)
    axis.set_ylim(0, 10)
    axis.plot([], [], label="a line that is explained")
    box = axis.legend(loc="upper left").get_window_extent()
    right = axis.transData.inverted().transform((box.x1, box.y0))
    beside = right + np.array([0.1, 0.2])
    # Elsewhere stand points that a name would rather not cover.
    steps = np.arange(-2.0, 2.1, 0.2)
    crowd = beside + np.array([(x, y) for x in steps for y in steps if x >= 0 or y < 0])
    assert label_points(axis, ["name"], beside[None], crowd, 1) == ["name"]
    (text,) = axis.texts
    assert not Text.get_window_extent(text).overlaps(box)
