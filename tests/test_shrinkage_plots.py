"""The two pictures of shrinkage: what they draw, say and leave out."""

from dataclasses import replace
from io import StringIO
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import AxLine
from matplotlib.quiver import Quiver
from matplotlib.text import Text
from schools import schools
from scipy import stats
from synthetic import flat, synthetic_fit
from test_plots import ticks_on

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


def legend_of(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def arrows(axis: Axes) -> Quiver:
    (found,) = [one for one in axis.collections if isinstance(one, Quiver)]
    return found


def names_in(axis: Axes) -> list[str]:
    return [text.get_text() for text in axis.texts]


def overlaps(figure: Figure) -> int:
    """Pairs of names that cover each other, on the picture as it is saved."""
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    return sum(one.overlaps(other) for one, other in combinations(boxes, 2))


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


@pytest.mark.parametrize(
    ("given", "found"),
    [([3, 0], ["3", "0"]), (np.array([5]), ["5"]), (4.0, ["4"]), ("2", ["2"])],
)
def test_levels_are_named_by_value_or_by_how_they_read(
    given: object, found: list[str]
) -> None:
    fit = synthetic_fit("y ~ x + (x | school)", schools())
    regions = fit.shrinkage_regions("school", levels=given)
    assert [group.level for group in regions.groups] == found
    factor = fit.design.factors[0]
    figure = hs.plot.panels({"noncentered": fit}, factor, "x", given)
    titles = [axis.get_title("left").split()[0] for axis in figure.axes]
    assert titles == found


def test_the_funnel_of_a_level_by_value() -> None:
    fit = synthetic_fit("y ~ x + (x | school)", schools())
    factor = fit.design.factors[0]
    figure = hs.plot.funnel({"noncentered": fit}, factor, "x", level=0)
    assert figure.axes[0].get_xlabel() == "x in 0"
    with pytest.raises(InputError, match=r"no level '7'; 'school' has 6 levels: '0', "):
        hs.plot.funnel({"noncentered": fit}, factor, "x", level=7)


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


RAGGED = "y ~ x * size + w + (x + w | school) + (1 | rater)"


def test_regions_are_those_of_the_table_and_of_the_draws() -> None:
    fit = synthetic_fit(RAGGED, schools())
    regions = fit.shrinkage_regions("school", effects=("x", "w"))
    table = fit.shrinkage("school")
    draws = flat(fit, "u[school]")
    assert regions.effects == ("x", "w")
    assert not regions.alike
    tau2 = np.mean(flat(fit, "tau")[:, 1:3] ** 2, axis=0)
    np.testing.assert_allclose(np.diag(regions.covariance), tau2)
    beta = dict(zip(fit.design.terms, flat(fit, "beta").T, strict=True))
    sizes = schools().groupby("school")["size"].first()
    for group in regions.groups:
        rows = table[table["level"] == group.level].set_index("effect").loc[["x", "w"]]
        np.testing.assert_allclose(group.mean, rows["partial"])
        np.testing.assert_allclose(group.pooled, rows["pooled"])
        np.testing.assert_allclose(np.sqrt(np.diag(group.covariance)), rows["partial_sd"])
        j = int(group.level)
        x = beta["x"] + sizes[j] * beta["x:size"] + draws[:, 1, j]
        w = beta["w"] + draws[:, 2, j]
        np.testing.assert_allclose(group.covariance, np.cov([x, w]))
        assert group.n == rows["n"].iloc[0]
        assert group.determined
    told = [group.n for group in regions.groups]
    assert told == sorted(fit.design.factors[0].sizes.tolist(), reverse=True)


def test_the_path_leads_from_the_population_to_the_own_estimate() -> None:
    """(S + (t Sigma)^-1)^-1 S (own - pooled), from t = 1e-5 to 1e5."""
    fit = synthetic_fit(RAGGED, schools())
    regions = fit.shrinkage_regions("school", effects=("x", "w"))
    school, rater = fit.design.factors
    tau, rho = flat(fit, "tau"), flat(fit, "rho")
    Omega = np.tile(np.eye(3), (len(tau), 1, 1))
    for k, (a, b) in enumerate(school.pairs):
        Omega[:, a, b] = Omega[:, b, a] = rho[:, k]
    Sigma = np.mean(Omega * tau[:, :3, None] * tau[:, None, :3], axis=0)
    sigma2 = np.mean(flat(fit, "sigma") ** 2)
    rest = fit.design.y - flat(fit, "u[rater]").mean(axis=0)[0, rater.index]
    for group in regions.groups:
        rows = school.index == school.levels.index(group.level)
        Z = school.Z[rows]
        S = Z.T @ Z / sigma2
        own = np.linalg.solve(S, Z.T @ rest[rows] / sigma2)
        X, beta = fit.design.X[rows], flat(fit, "beta").mean(axis=0)
        pooled = np.linalg.lstsq(Z, X @ beta, rcond=None)[0]
        np.testing.assert_allclose(group.own, own[1:], rtol=1e-7)
        np.testing.assert_allclose(group.pooled, pooled[1:], rtol=1e-7)
        information = np.linalg.inv(np.linalg.inv(S)[1:, 1:])
        np.testing.assert_allclose(group.information, information, rtol=1e-8)
        np.testing.assert_allclose(group.path[0], group.pooled)
        for row, t in ((1, 1e-5), (31, 10**-2.5), (61, 1.0), (121, 1e5)):
            W = np.linalg.inv(S + np.linalg.inv(t * Sigma)) @ S
            expected = pooled + W @ (own - pooled)
            np.testing.assert_allclose(group.path[row], expected[1:], rtol=1e-6)
        assert len(group.path) == 122


def test_ellipses_hold_what_they_say() -> None:
    """Points of each contour are at the same distance in its own metric."""
    regions = synthetic_fit("y ~ x + (x | school)", schools()).shrinkage_regions()
    figure = hs.plot.shrinkage_ellipses(regions, probability=0.8)
    contours = [
        np.asarray(line.get_xydata())
        for line in figure.axes[0].lines
        if len(np.asarray(line.get_xydata())) == 181
    ]
    expected = [(regions.center, regions.covariance)]
    for group in regions.groups:
        expected.append((group.own, np.linalg.inv(group.information)))
        expected.append((group.mean, group.covariance))
    assert len(contours) == len(expected) == 13
    for contour, (center, covariance) in zip(contours, expected, strict=True):
        apart = contour - center
        distance = np.einsum("ka,ab,kb->k", apart, np.linalg.inv(covariance), apart)
        np.testing.assert_allclose(distance, stats.chi2(2).ppf(0.8))
    assert figure.axes[0].get_xlabel() == "Intercept (y)"
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "ellipses hold 80 %"
    assert overlaps(figure) == 0


def test_an_own_estimate_far_off_does_not_squeeze_the_ellipses() -> None:
    regions = synthetic_fit("y ~ x + (x | school)", schools()).shrinkage_regions()
    near = hs.plot.shrinkage_ellipses(regions)
    assert not any("outside" in text for text in legend_of(near))
    first, *rest = regions.groups
    far = replace(regions, groups=(replace(first, own=np.array([4e3, -7e3])), *rest))
    figure = hs.plot.shrinkage_ellipses(far)
    axis = figure.axes[0]
    assert np.ptp(axis.get_xlim()) < 1.5 * np.ptp(near.axes[0].get_xlim())
    assert np.ptp(axis.get_ylim()) < 1.5 * np.ptp(near.axes[0].get_ylim())
    assert f"outside, own rows of {first.level}" in legend_of(figure)
    assert f"{first.level} ({first.n})" in names_in(axis)


def test_a_group_that_cannot_tell_a_slope_has_a_band() -> None:
    """Its rows are at x = 2: a line of intercepts and slopes fits them equally well."""
    data = schools()
    data.loc[data["school"] == 4, "x"] = 2.0
    regions = synthetic_fit("y ~ x + (x | school)", data).shrinkage_regions()
    (group,) = [group for group in regions.groups if not group.determined]
    assert group.level == "4"
    figure = hs.plot.shrinkage_ellipses(regions, probability=0.8)
    (text,) = [text for text in legend_of(figure) if "direction" in text]
    assert text == "own rows of 4: a direction unknown"
    lines = [line for line in figure.axes[0].lines if isinstance(line, AxLine)]
    assert len(lines) == 2
    reach = stats.norm.ppf(0.9) * np.sqrt(1 / group.information[0, 0])
    at_two = []
    for line in lines:
        intercept, slope = line.get_xy1()
        at_two.append(intercept + 2 * slope)
        assert line.get_xy2()[0] - intercept == pytest.approx(
            -2 * (line.get_xy2()[1] - slope)
        )
    middle = group.own[0] + 2 * group.own[1]
    assert sorted(at_two) == pytest.approx([middle - reach, middle + reach])


def test_regions_of_what_is_not_there_are_refused() -> None:
    fit = synthetic_fit("y ~ x + (x | school) + (1 | rater)", schools())
    with pytest.raises(InputError, match=r"'rater' has one effect, 'Intercept'"):
        fit.shrinkage_regions("rater")
    with pytest.raises(InputError, match="Name two effects of 'school'; it has 'Interce"):
        fit.shrinkage_regions("school", effects=("x", "x"))
    with pytest.raises(InputError, match="There is no level '9'; 'school' has 6 levels"):
        fit.shrinkage_regions("school", levels=["3", "9"])
    with pytest.raises(InputError, match=r"no level named; 'school' has 6 levels: '0', "):
        fit.shrinkage_regions("school", levels=[])
    regions = fit.shrinkage_regions("school", levels=["3", "1"])
    assert [group.level for group in regions.groups] == ["3", "1"]
    with pytest.raises(
        InputError, match=r"probability is 1\.0; it must be between 0 and 1"
    ):
        hs.plot.shrinkage_ellipses(regions, probability=1.0)
