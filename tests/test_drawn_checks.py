"""What pictures of checks draw, held against the readings they draw from."""

import numpy as np
import pytest
from artists import of_length, points
from invented import grouped_data
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from test_check_pictures import means

import hierstan as hs
from hierstan.design import Floats
from hierstan.prediction.calibration import ecdf_difference


def line_of_data(axis: Axes) -> tuple[Line2D, list[Line2D]]:
    """Return the line that is called the data's, and the others."""
    (data,) = [line for line in axis.get_lines() if line.get_label() == "the data"]
    return data, [line for line in axis.get_lines() if line is not data]


def center(line: Line2D) -> float:
    """Mean of the distribution whose density is drawn, up to a factor."""
    x, height = points(line).T
    return float(np.trapezoid(x * height, x) / np.trapezoid(height, x))


def normals(centers: Floats, rows: int = 400) -> Floats:
    """Return rows of normal values, sd 1.3, with these means exactly."""
    values = np.random.default_rng(3).normal(0.0, 1.3, (len(centers), rows))
    return values - values.mean(axis=1, keepdims=True) + centers[:, None]


def test_replications_are_drawn_one_by_one_and_the_data_as_such() -> None:
    (observed,) = normals(np.array([4.7]))
    wanted = np.linspace(-3.0, 8.0, 12)
    (axis,) = hs.plot.replications(observed, normals(wanted), "seconds").axes
    data, others = line_of_data(axis)
    assert center(data) == pytest.approx(4.7, abs=0.02)
    assert [center(line) for line in others] == pytest.approx(wanted, abs=0.02)


def test_the_prior_and_the_data_are_not_taken_for_each_other() -> None:
    data = grouped_data(list("abcd"), 30)
    prior = hs.Model(
        "y ~ 1 + (1 | group)",
        data,
        {"Intercept": "normal(40, 3)", "sd(group)": "half-normal(1)",
         "sigma": "half-normal(1)"},
    ).prior_predictive(draws=50)  # fmt: skip
    (axis,) = hs.plot.prior_predictive(prior).axes
    line, others = line_of_data(axis)
    assert center(line) == pytest.approx(data["y"].mean(), abs=0.05)
    assert len(others) == 40
    low, high = np.quantile(prior.y_rep, [0.01, 0.99])  # what the picture holds
    whole = 0
    for one, values in zip(others, prior.y_rep, strict=False):
        if low < values.min() and values.max() < high:
            assert center(one) == pytest.approx(values.mean(), abs=0.05)
            whole += 1
    assert whole > 30
    (area,) = [one for one in axis.collections if isinstance(one, PolyCollection)]
    corners = area.get_paths()[0].vertices
    low, high = np.quantile(prior.y_rep, [0.2, 0.8])
    assert low < corners[corners[:, 1].argmax(), 0] < high


@pytest.mark.parametrize("groups", [12, 60])
def test_observed_means_stand_at_their_groups(groups: int) -> None:
    table = means(groups).sample(frac=1, random_state=4)
    (axis,) = hs.plot.group_means(table, "log_radon").axes
    order = table.sort_values("mean")
    place = np.arange(groups)
    inside = order["inside"].to_numpy()
    observed = np.column_stack([place, order["observed"]])
    kinds = {str(line.get_label()).split(" (")[0]: line for line in axis.get_lines()}
    np.testing.assert_array_equal(points(kinds["observed, inside"]), observed[inside])
    np.testing.assert_array_equal(points(kinds["observed, outside"]), observed[~inside])
    (bars,) = axis.collections
    left = [segment[0, 0] for segment in bars.get_segments()]
    np.testing.assert_array_equal(left, place)
    for text in axis.texts:
        where = order.index.get_loc(text.get_text())
        assert tuple(text.xy) == tuple(observed[where])


def test_calibration_is_drawn_with_its_band() -> None:
    table = ecdf_difference(np.random.default_rng(7).beta(0.6, 0.6, 300))
    (axis,) = hs.plot.loo_pit(table).axes
    (curve,) = of_length(axis, len(table))
    np.testing.assert_array_equal(
        curve, np.column_stack([table.index, table["difference"]])
    )
    outside = table[~table["inside"]]
    (marks,) = of_length(axis, len(outside))
    np.testing.assert_array_equal(marks[:, 1], outside["difference"])
    (band,) = axis.collections
    assert isinstance(band, PolyCollection)
    corners = band.get_paths()[0].vertices
    assert np.isin(corners[:, 1], table[["low", "high"]]).all()
    assert set(table["low"]) | set(table["high"]) <= set(corners[:, 1])
