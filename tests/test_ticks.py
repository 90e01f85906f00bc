"""Numbers along axes: readable whatever their size."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from artists import ticks_on
from invented import grouped_data, invented_analysis
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import hierstan as hs
from hierstan.ladder import panels
from hierstan.plots.style import grid, house_style
from hierstan.plots.ticks import plain, plain_log, written


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([140000, 145000, 150000], ["140,000", "145,000", "150,000"]),
        ([-0.25, 0.0, 0.25], ["−0.25", "0.00", "0.25"]),
        ([1e6, 1.2e6], ["1,000,000", "1,200,000"]),
        ([0.1, 0.1 + 0.2], ["0.1", "0.3"]),
        ([0, 1.5e9, 3e9], ["0", "1.5e9", "3e9"]),
        ([0, 5e-7, 1e-6], ["0", "5e−7", "1e−6"]),
        ([30], ["30"]),
        ([0], ["0"]),
        ([], []),
    ],
)
def test_numbers_are_written_plainly(values: list[float], expected: list[str]) -> None:
    assert written(values) == expected


def test_a_number_alone_is_written_plainly() -> None:
    assert [plain(v) for v in (0.0031, 66000.0, 1.0, 2e9)] == [
        "0.0031",
        "66,000",
        "1",
        "2e9",
    ]


def boxes(axis: Axes) -> list[tuple[float, float]]:
    """Return from where to where the numbers below a panel reach, in pixels."""
    low, high = axis.get_xlim()
    shown = zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
    found = [label.get_window_extent() for at, label in shown if low <= at <= high]
    return [(box.x0, box.x1) for box in found]


@pytest.mark.parametrize("center", [0.003, 1.3, -247.0, 145_000.0, 3.7e6, 4.2e11])
@pytest.mark.parametrize("spread", [0.04, 0.7])
def test_numbers_stand_apart_within_panels_and_across(center: float, spread: float) -> None:
    with house_style():
        figure, axes = grid(1, 3, 8.0, 2.1)
        for k, axis in enumerate(axes):
            reach = spread * abs(center) * (1 + 0.3 * k)
            axis.set_xlim(center - reach, center + 1.1 * reach)
        figure.draw_without_rendering()
        for axis in axes:
            assert len(boxes(axis)) >= 1
            # Into the next panel reach no more than a few pixels.
            left, right = np.array(boxes(axis)).T
            assert left.min() > axis.bbox.x0 - 10
            assert right.max() < axis.bbox.x1 + 10
            assert axis.xaxis.get_offset_text().get_text() == ""
            assert axis.yaxis.get_offset_text().get_text() == ""
        row = [box for axis in axes for box in boxes(axis)]
        for (_, right), (left, _) in pairwise(row):
            assert left - right > 3


def test_pictures_of_large_values_have_numbers_that_can_be_read() -> None:
    data = grouped_data(list("abcdef"))
    data["y"] = 1e6 + 1.5e5 * data["y"]
    analysis = invented_analysis(
        "y ~ floor + (floor | group)", data, ["marginal"], failed=[], draws=60
    )
    assert analysis.check is not None
    drawn = hs.plot.ladder(
        [
            replace(panel, likelihood=None, flat=None, posterior=None)
            for panel in panels(analysis.check)
        ]
    )
    for figure in (drawn, hs.plot.forest(analysis.estimates())):
        figure.draw_without_rendering()
        told = [text for axis in figure.axes for text in ticks_on(axis.xaxis)]
        assert any("," in text for text in told)
        for axis in figure.axes:
            for (_, right), (left, _) in pairwise(boxes(axis)):
                assert left - right > 3


def test_given_axes_have_such_numbers_as_well() -> None:
    axis = Figure().subplots()
    axis.set_xlim(1e6, 1.2e6)
    grid(1, 1, 3, 3, axis)
    assert all("," in text for text in ticks_on(axis.xaxis))


@pytest.mark.parametrize(
    ("low", "high", "minor"), [(24.0, 37.0, 0), (28.6, 31.4, 0), (0.02, 70.0, 25)]
)
def test_minor_ticks_are_those_between_powers_of_ten(
    low: float, high: float, minor: int
) -> None:
    axis = Figure().subplots()
    axis.set_xscale("log")
    plain_log(axis.xaxis, whole=True)
    axis.set_xlim(low, high)
    there = np.asarray(axis.xaxis.get_minorticklocs())
    assert ((there >= low) & (there <= high)).sum() >= minor
    assert bool(len(there)) == bool(minor)
