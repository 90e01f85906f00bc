"""What pictures of estimates draw, held against the readings they draw from."""

import numpy as np
from artists import of_length, points
from invented import diverged, grouped_data, invented_joint
from matplotlib.collections import PolyCollection
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.estimates import Estimates
from hierstan.frequentist import fit_ols
from hierstan.ladder.curves import Curve, Panel

FORMULA = "y ~ floor + (floor | group)"


def test_forests_show_centers_and_intervals_row_by_row() -> None:
    data = grouped_data(list("abcdefgh"), 9)
    model = hs.Model(FORMULA, data)
    columns: dict[str, Estimates] = {
        "OLS": fit_ols(model.design),
        "centered": diverged(synthetic_fit(FORMULA, data, "centered")).estimates(),
        "noncentered": synthetic_fit(FORMULA, data, seed=9).estimates(),
        "REML": model.mixedlm().estimates(),
    }
    panels = [axis for axis in hs.plot.forest(columns).axes if axis.axison]
    titles = [axis.get_title("left") for axis in panels]
    assert titles == [name for name, _ in columns["REML"].rows()]
    ticks = [label.get_text() for label in panels[0].get_yticklabels()]
    assert all(t.startswith(c) for t, c in zip(ticks, columns, strict=True))
    for axis, name in zip(panels, titles, strict=True):
        np.testing.assert_array_equal(axis.get_yticks(), np.arange(4))
        assert axis.get_ylim()[0] > axis.get_ylim()[1]
        for row, estimates in enumerate(columns.values()):
            drawn = [p for p in map(points, axis.get_lines()) if np.all(p[:, 1] == row)]
            value = dict(estimates.rows()).get(name)
            if value is None:
                assert not drawn
                continue
            (dot,) = [p[0, 0] for p in drawn if len(p) == 1]
            (ends,) = [p[:, 0].tolist() for p in drawn if len(p) == 2]
            assert dot == value.center
            low = value.center if value.low is None else value.low
            high = value.center if value.high is None else value.high
            assert ends == [low, high]
    assert [len(p.get_lines()) for p in panels] == [8, 8, 6, 6, 6, 8]


def bump(center: float, width: float) -> Curve:
    x = np.linspace(center - 3 * width, center + 3 * width, 200)
    return Curve(x, np.exp(-0.5 * ((x - center) / width) ** 2))


def test_ladders_draw_each_curve_as_what_it_is() -> None:
    given = [
        Panel("x", 1.3, 0.7, 1.9, bump(1.3, 0.3), bump(1.4, 0.4), bump(1.1, 0.2)),
        Panel("sd(x | g)", 0.6, 0.2, None, None, bump(0.8, 0.1), bump(0.5, 0.15)),
        Panel("sigma", 2.1, 1.8, 2.6, bump(2.1, 0.2), None, None),
    ]
    panels = [axis for axis in hs.plot.ladder(given, "ML").axes if axis.axison]
    for axis, panel in zip(panels, given, strict=True):
        assert axis.get_title("left") == panel.name
        drawn = {
            str(line.get_label()): points(line) for line in axis.get_lines()
            if not str(line.get_label()).startswith("_")
        }  # fmt: skip
        for label, curve in (
            ("likelihood", panel.likelihood),
            ("posterior, flat priors", panel.flat),
            ("posterior", panel.posterior),
        ):
            found = drawn.get(label, np.empty((0, 2)))  # not drawn, or without points
            expected = np.empty((0, 2))
            if curve is not None:
                expected = np.column_stack([curve.x, curve.height])
            np.testing.assert_array_equal(found, expected)
        (mark,) = drawn["ML, 95 % interval"]
        (ends,) = of_length(axis, 2)
        assert mark[0] == panel.estimate
        assert ends[:, 0].tolist() == [panel.low, panel.high or panel.estimate]
        np.testing.assert_array_equal(ends[:, 1], mark[1])
        areas = [one for one in axis.collections if isinstance(one, PolyCollection)]
        assert len(areas) == (panel.posterior is not None)
        for area in areas:
            assert panel.posterior is not None
            box = area.get_paths()[0].get_extents()
            assert (box.x0, box.x1) == (panel.posterior.x[0], panel.posterior.x[-1])
            assert box.y1 == panel.posterior.height.max()


def test_joint_densities_are_drawn_from_large_to_small_sds() -> None:
    found = invented_joint()
    (axis,) = hs.plot.joint(found).axes
    lines = [p for p in map(points, axis.get_lines()) if len(p) == len(found.ray)]
    labels = [str(line.get_label()) for line in axis.get_lines()]
    assert ["at their best" in label for label in labels[:2]] == [True, False]
    assert ["integrated out" in label for label in labels[:2]] == [False, True]
    at_fit = found.ray["share"].sub(1.0).abs().idxmin()
    for line, name in zip(lines, ("joint", "marginal"), strict=True):
        np.testing.assert_array_equal(line[:, 0], found.ray["share"])
        height = found.ray[name].to_numpy()
        np.testing.assert_allclose(line[:, 1], height - height[at_fit])
    assert lines[0][-1, 1] > 1000 > 0 > lines[1][-1, 1]
    left, right = axis.get_xlim()
    assert left > 1 > right
    assert [p[0, 0] for p in of_length(axis, 2)] == [1.0]
