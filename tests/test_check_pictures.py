"""The pictures of the checks: everything is on them, in figures and in given axes."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from invented import grouped_data, invented_analysis
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import hierstan as hs
from hierstan.prediction.calibration import ecdf_difference
from hierstan.report.pictures.checks import check_pictures

Draw = Callable[..., Figure]


def means(groups: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    mean = rng.normal(3.0, 2.0, groups)
    observed = mean + rng.normal(0, 0.5, groups)
    table = pd.DataFrame({"n": 4, "observed": observed, "mean": mean})
    table["low"], table["high"] = mean - 0.7, mean + 0.7
    table["inside"] = np.abs(observed - mean) <= 0.7
    names = [f"county $ {k}" for k in range(groups)]
    return table.set_index(pd.Index(names, name="county"))


def replications(ax: Axes | None = None) -> Figure:
    rng = np.random.default_rng(6)
    y = rng.normal(5.0, 2.0, 80)
    return hs.plot.replications(y, rng.normal(5.0, 2.0, (30, 80)), "log_radon", ax=ax)


def group_means(ax: Axes | None = None) -> Figure:
    return hs.plot.group_means(means(85), "log_radon", ax=ax)


def loo_pit(ax: Axes | None = None) -> Figure:
    pit = np.random.default_rng(7).beta(0.6, 0.6, 300)
    return hs.plot.loo_pit(ecdf_difference(pit), ax=ax)


@pytest.mark.parametrize("draw", [replications, group_means, loo_pit])
def test_they_draw_into_a_given_axes(draw: Draw) -> None:
    alone = draw()
    assert len(alone.axes) == 1
    given = Figure()
    left, right = given.subplots(1, 2)
    assert draw(ax=right) is given
    assert not left.lines
    assert right.get_xlabel() == alone.axes[0].get_xlabel() != ""
    assert right.get_ylabel() == alone.axes[0].get_ylabel() != ""
    assert len(right.lines) == len(alone.axes[0].lines) > 0
    given.draw_without_rendering()


def test_replications_are_thin_lines_below_the_data() -> None:
    (axis,) = replications().axes
    *thin, data = axis.lines
    assert len(thin) == 30
    assert data.get_linewidth() > 2 * thin[0].get_linewidth()
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts == ["30 replications", "the data"]
    x, height = data.get_data()
    assert np.trapezoid(height, x) == pytest.approx(1.0, abs=0.01)
    assert "log_radon" in axis.get_ylabel()


@pytest.mark.parametrize("groups", [3, 40, 85, 1000])
def test_group_means_show_every_group_once(groups: int) -> None:
    table = means(groups)
    (axis,) = hs.plot.group_means(table, "log_radon").axes
    inside, outside = axis.lines
    drawn = np.concatenate([inside.get_ydata(), outside.get_ydata()])
    np.testing.assert_array_equal(np.sort(drawn), np.sort(table["observed"]))
    assert len(outside.get_ydata()) == (~table["inside"]).sum()
    (bars,) = axis.collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    order = table.sort_values("mean")
    np.testing.assert_array_equal(ends, order[["low", "high"]].to_numpy())
    names = [label.get_text() for label in axis.get_xticklabels()]
    marked = [text.get_text() for text in axis.texts]
    if groups <= 40:
        assert names == list(order.index)
        assert not marked
    else:
        assert not names
        beyond = (table["observed"] - table["mean"]).abs().sort_values(ascending=False)
        assert set(marked) == set(beyond.index[:8])


def test_points_outside_the_band_are_marked() -> None:
    pit = np.random.default_rng(7).beta(0.6, 0.6, 300)
    table = ecdf_difference(pit)
    (axis,) = loo_pit().axes
    marks = axis.lines[-1]
    np.testing.assert_array_equal(marks.get_xdata(), table.index[~table["inside"]])
    count = int((~table["inside"]).sum())
    assert 0 < count < len(table)
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert f"outside at {count} of 99 points" in texts
    calm = ecdf_difference(np.linspace(0.001, 0.999, 300))
    assert len(hs.plot.loo_pit(calm).axes[0].lines) == 2


def test_group_means_are_said_to_be_in_sample() -> None:
    """A fit that has seen the means can hardly miss them."""
    assert "the fit has seen" in group_means().axes[0].get_title("left")
    analysis = invented_analysis(
        "y ~ 1 + (1 | group)", grouped_data(list("abcd")), draws=60
    )
    (caption,) = (
        picture.caption
        for picture in check_pictures(analysis)
        if picture.name.startswith("group_means")
    )
    assert "The fit has seen these rows" in caption
