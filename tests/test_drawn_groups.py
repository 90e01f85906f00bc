"""What pictures of groups draw, held against the readings they draw from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from artists import dots, labelled, of_length, points
from invented import grouped_data
from matplotlib.quiver import Quiver
from schools import schools
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.design import Floats
from hierstan.fit import Fit
from hierstan.shrinkage import Regions

FORMULA = "y ~ floor + w + (floor | group)"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Groups a to h; the floor has one value in d and in h."""
    data = grouped_data(list("abcdefgh"), 9)
    return data.assign(w=np.random.default_rng(8).normal(-2.0, 1.4, len(data)))


def expected_lines(fit: Fit, level: str, x: Floats) -> Floats:
    """Expected values at x in a group, w being at its mean there; shape (draws, K)."""
    frame = fit.design.frame
    w = frame.loc[frame["group"] == level, "w"].mean()
    rows = pd.DataFrame({"floor": x, "w": w, "group": level})
    found = fit.predict(rows, draws=True).draws
    assert found is not None
    return (
        found["expected"].transpose("chain", "draw", "row").to_numpy().reshape(-1, len(x))
    )


def test_panels_draw_what_the_fits_expect(data: pd.DataFrame) -> None:
    """Thick lines are means over the draws, thin ones draws of a fit, dots the rows."""
    fits = {
        "unpooled": synthetic_fit(FORMULA, data, "unpooled"),
        "noncentered": synthetic_fit(FORMULA, data, seed=4),
    }
    figure = hs.plot.panels(fits, "group", "floor", ["e", "b"])
    assert len(figure.axes) == 2
    for level, axis in zip("eb", figure.axes, strict=True):
        rows = data[data["group"] == level]
        assert axis.get_title("left") == f"{level} (n = 9)"
        (dots,) = of_length(axis, len(rows))
        np.testing.assert_array_equal(dots, rows[["floor", "y"]])
        thick = {name: labelled(axis, name) for name in fits}
        for name, fit in fits.items():
            x, height = thick[name].T
            expected = expected_lines(fit, level, x)
            np.testing.assert_allclose(height, expected.mean(axis=0), rtol=1e-9)
            assert x.min() <= data["floor"].min()
            assert x.max() >= data["floor"].max()
        thin = [
            points(line) for line in axis.get_lines()
            if str(line.get_label()).startswith("_") and len(line.get_xydata()) != len(rows)
        ]  # fmt: skip
        x = thin[0][:, 0]
        draws = np.vstack([expected_lines(fit, level, x) for fit in fits.values()])
        same = np.array([np.abs(draws - line[:, 1]).max(axis=1) < 1e-9 for line in thin])
        np.testing.assert_array_equal(same.sum(axis=1), 1)
        assert len(np.unique(same.argmax(axis=1))) == len(thin) == 120
        low, high = axis.get_ylim()
        assert low < data["y"].min() < data["y"].max() < high


def test_panels_spread_rows_apart_that_share_an_x(data: pd.DataFrame) -> None:
    few = data.assign(floor=np.arange(len(data)) % 3 * 2.5)
    fit = synthetic_fit(FORMULA, few)
    (axis,) = hs.plot.panels({"noncentered": fit}, "group", "floor", "c").axes
    rows = few[few["group"] == "c"]
    (dots,) = of_length(axis, len(rows))
    np.testing.assert_array_equal(dots[:, 1], rows["y"])
    assert 0 < np.abs(dots[:, 0] - rows["floor"]).max() < 0.3
    assert len(np.unique(dots[:, 0])) == len(rows)


def test_the_panels_worth_looking_at_are_named(data: pd.DataFrame) -> None:
    """The largest level that cannot tell the slope, the largest that can, the smallest."""
    ragged = data.drop(index=[0, 1, 2, 18, 19, 27, 28, 63])  # a 6, c 7, d 7 and h 8 rows
    design = synthetic_fit(FORMULA, ragged).design
    (factor,) = design.factors
    assert dict(zip(factor.levels, factor.sizes, strict=True)) == {
        "a": 6, "b": 9, "c": 7, "d": 7, "e": 9, "f": 9, "g": 9, "h": 8,
    }  # fmt: skip
    assert hs.plot.panel_levels(factor, "floor") == ["h", "b", "a"]
    assert hs.plot.panel_levels(factor, "floor", 5) == ["h", "b", "a", "c", "g"]
    # By w, which does not vary by group, all levels are alike.
    assert hs.plot.panel_levels(factor, "w") == ["b", "a", "d"]
    assert hs.plot.panel_predictor(design) == "floor"
    without = synthetic_fit("y ~ 0 + w + (1 | group)", data).design
    assert hs.plot.panel_predictor(without) == "w"
    flat = synthetic_fit("y ~ 0 + flat + w + (1 | group)", data.assign(flat=2.5)).design
    assert hs.plot.panel_predictor(flat) == "w"
    constant = synthetic_fit("y ~ 1 + (1 | group)", data).design
    assert hs.plot.panel_predictor(constant) is None


def test_shrinkage_leads_from_own_estimates_to_pooled_ones(data: pd.DataFrame) -> None:
    """Groups d and h have no slope of their own: they are where they end, and hollow."""
    fit = synthetic_fit(FORMULA, data)
    table = fit.shrinkage("group")
    effects = ("Intercept", "floor")
    wide = table.pivot_table(index="level", columns="effect", sort=False,
                             values=["ols", "partial", "pooled"])  # fmt: skip
    told = [level for level in "abcdefgh" if level not in "dh"]
    (axis,) = hs.plot.shrinkage(table, effects, "group").axes
    own, end = (
        wide[name][list(effects)].reindex(list("abcdefgh")) for name in ("ols", "partial")
    )
    np.testing.assert_allclose(dots(axis, "no pooling"), own.loc[told])
    np.testing.assert_allclose(dots(axis, "partial pooling"), end.loc[told])
    np.testing.assert_allclose(dots(axis, "2 of 8"), end.loc[["d", "h"]])
    named = {text.get_text(): text.xy for text in axis.texts}
    assert named.keys() <= set(told)
    for level, place in named.items():
        np.testing.assert_allclose(place, own.loc[level])
    cross = labelled(axis, "pulled towards")
    np.testing.assert_allclose(cross, wide["pooled"][list(effects)].iloc[:1])


def test_what_groups_are_pulled_towards_is_drawn_where_it_is(data: pd.DataFrame) -> None:
    """A level's own where a predictor of groups shifts it; with one effect, a height."""
    table = synthetic_fit(FORMULA, data).shrinkage("group")
    (axis,) = hs.plot.shrinkage(table, "floor", "group").axes
    floor = table[table["effect"] == "floor"]
    np.testing.assert_allclose(
        labelled(axis, "pulled towards")[:, 1], floor["pooled"].iloc[0]
    )
    (arrows,) = [one for one in axis.collections if isinstance(one, Quiver)]
    told = ~floor["level"].isin(["d", "h"])
    np.testing.assert_allclose(arrows.V, floor.loc[told, "moved"])
    fit = synthetic_fit("y ~ x * size + w + (x + w | school)", schools())
    table = fit.shrinkage("school")
    (axis,) = hs.plot.shrinkage(table, ("x", "Intercept"), "school").axes
    pooled = [table.loc[table["effect"] == e, "pooled"] for e in ("x", "Intercept")]
    np.testing.assert_allclose(dots(axis, "pulled towards"), np.column_stack(pooled))
    assert len(np.unique(pooled[0])) == 6


def regions_of(formula: str) -> Regions:
    data = schools()
    data.loc[data["school"] == 4, "x"] = 2.0  # which does not tell its slope
    return synthetic_fit(formula, data).shrinkage_regions("school", effects=("x", "w"))


def test_ellipses_have_their_centers_paths_and_targets() -> None:
    regions = regions_of("y ~ x * size + w + (x + w | school)")
    (axis,) = hs.plot.shrinkage_ellipses(regions).axes
    single = np.vstack(of_length(axis, 1)).tolist()
    told = [group for group in regions.groups if group.determined]
    assert len(told) == len(regions.groups) - 1
    assert regions.center.tolist() in single
    for group in regions.groups:
        assert (group.own.tolist() in single) == group.determined
        assert group.mean.tolist() in single
        assert group.pooled.tolist() in single
    assert len(single) == 1 + len(told) + 2 * len(regions.groups)
    paths = of_length(axis, len(regions.groups[0].path))
    np.testing.assert_array_equal(paths, [group.path for group in regions.groups])
    areas = [patch.get_xy() for patch in axis.patches]
    for area, group in zip(areas, regions.groups, strict=True):
        np.testing.assert_allclose(area[:180].mean(axis=0), group.mean)
    names = {text.get_text(): text.xy for text in axis.texts}
    for group in regions.groups:
        place = group.own if group.determined else group.mean
        np.testing.assert_allclose(names[f"{group.level} ({group.n})"], place)


def test_ellipses_of_one_population_have_one_target() -> None:
    regions = regions_of("y ~ x + w + (x + w | school)")
    assert regions.alike
    (axis,) = hs.plot.shrinkage_ellipses(replace(regions, groups=regions.groups[:2])).axes
    single = np.vstack(of_length(axis, 1)).tolist()
    assert single[0] == regions.center.tolist()
    assert len(single) == 1 + 2 * 2
