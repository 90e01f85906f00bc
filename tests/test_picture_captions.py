"""What is said under pictures holds for the data that they show."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented import grouped_data, invented_analysis
from legends import legend_of, names_in
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.ladder import panels
from hierstan.report.pictures.checks import check_pictures
from hierstan.report.pictures.diagnostics import diagnostic_pictures
from hierstan.report.pictures.estimates import crosscheck_pictures, estimate_pictures
from hierstan.report.pictures.groups import group_pictures
from hierstan.report.pictures.picture import Picture

SLOPES = "y ~ floor + (floor | group)"


def analysis(
    levels: str, formula: str = SLOPES, data: pd.DataFrame | None = None, **options: object
) -> Analysis:
    found = grouped_data(list(levels)) if data is None else data
    return invented_analysis(formula, found, draws=60, failed=(), **options)  # type: ignore[arg-type]


def drawn(source: Analysis, name: str) -> Picture:
    """Return one picture; others of its kind are drawn for nothing, so call it last."""
    kind = name.split("_")[0]
    if kind in ("shrinkage", "ellipses", "panels"):
        found = group_pictures(source, source.design.factors[0])
    else:
        found = {
            "forest": estimate_pictures, "crosscheck": crosscheck_pictures,
            "loo": check_pictures,
        }.get(kind, diagnostic_pictures)(source)  # fmt: skip
    return next(picture for picture in found if picture.name == name)


@pytest.fixture(scope="module")
def eight() -> Analysis:
    """Of eight groups, two in which the predictor does not vary."""
    return analysis("abcdefgh")


@pytest.fixture(scope="module")
def alone() -> Analysis:
    """With one program."""
    return analysis("abcd", programs=("marginal",))


def test_a_slope_that_is_its_priors_is_spoken_of_where_it_is_drawn(
    eight: Analysis,
) -> None:
    told = "do not determine the slope of floor: without pooling it is no finding"
    caption = drawn(eight, "panels_group").caption
    assert f"The own rows of d {told}" in caption
    # Three groups: the predictor varies in each.
    assert "no finding" not in drawn(analysis("abc"), "panels_group").caption
    # Without an unpooled fit, and with slopes that groups share.
    only = drawn(analysis("abcdefgh", programs=("marginal",)), "panels_group")
    assert "no finding" not in only.caption
    shared = drawn(analysis("abcdefgh", "y ~ floor + (1 | group)"), "panels_group")
    assert "no finding" not in shared.caption
    both = drawn(eight, "panels_group")
    for picture, count in ((both, 1), (only, 0), (shared, 0)):
        texts = [text for axis in picture.figure.axes for text in names_in(axis)]
        assert len(texts) == count
        assert all("floor has one value here" in text for text in texts)


def test_no_mean_is_drawn_of_a_slope_that_is_its_priors(eight: Analysis) -> None:
    """It would be Monte Carlo error about the prior's mean."""
    fits = {name: eight.fits[name] for name in ("unpooled", "marginal")}
    figure = hs.plot.panels(fits, "group", "floor", ["d", "a"])
    for axis, ends in zip(figure.axes, (0, 2), strict=True):
        means = [line for line in axis.get_lines() if line.get_linewidth() == 2.2]
        found = {
            str(line.get_label()).split(" ")[0]: len(line.get_xdata()) for line in means
        }
        assert found == {"unpooled": ends, "marginal": 2}
        thin = [line for line in axis.get_lines() if line.get_linewidth() == 0.5]
        assert len(thin) == 120
    assert len(legend_of(figure)) == 2


def test_rows_that_vary_and_do_not_determine_a_slope() -> None:
    """Two rows, three effects."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame(rng.normal(size=(34, 3)), columns=["y", "x", "w"])
    data["group"] = ["few"] * 2 + list("abcd") * 8
    fit = synthetic_fit("y ~ x + w + (x + w | group)", data, "unpooled")
    axis = hs.plot.panels({"none": fit}, "group", "x", "few").axes[0]
    assert names_in(axis) == [
        "these rows do not determine the slope:\nthe unpooled slope is its prior's"
    ]


def test_the_ellipses_say_whose_they_are(eight: Analysis) -> None:
    picture = drawn(eight, "ellipses_group")
    assert picture.title == "Intercept and floor in 6 of 8 levels of group, pooled together"
    assert "Shown are 6 of 8 levels, " in picture.caption
    assert "one whose own rows do not determine both" in picture.caption
    assert "The number behind a level is that of its rows." in picture.caption
    few = drawn(analysis("abc"), "ellipses_group")
    assert few.title == "Intercept and floor in each group, pooled together"
    assert "Shown are" not in few.caption


def test_the_funnel_compares_programs_where_there_are_some(
    eight: Analysis,
) -> None:
    others = "a program that ends above the others"
    assert others in drawn(eight, "funnel_group").caption
    told = "Drawn is d, whose own rows do not determine its floor."
    assert drawn(eight, "funnel_group").caption.endswith(told)
    data = grouped_data(list("abc")).iloc[:-1]
    alone = drawn(analysis("", data=data, programs=("marginal",)), "funnel_group")
    assert others not in alone.caption
    assert alone.caption.endswith("Drawn is c, which has as few rows as any group.")


def test_the_ladder_names_the_curves_that_are_there(eight: Analysis) -> None:
    assert "flat priors is what averaging does" in drawn(eight, "crosscheck").caption
    assert eight.check is not None
    check = replace(eight.check, flat=None)
    picture = drawn(replace(eight, check=check), "crosscheck")
    assert legend_of(picture.figure) == ["likelihood", "posterior", "REML, 95 % interval"]
    assert "there is no posterior under flat priors" in picture.caption
    assert "flat" not in picture.alt
    bare = hs.plot.ladder(panels(replace(check, posterior=None)))
    assert legend_of(bare) == ["likelihood", "REML, 95 % interval"]


def test_estimates_are_diamonds_and_those_without_interval_are_explained(
    eight: Analysis,
) -> None:
    figure = drawn(eight, "forest").figure
    names = list(eight.estimates())
    first = {
        names[int(line.get_ydata()[0])]: line.get_marker()
        for line in figure.axes[0].get_lines()
        if line.get_marker() != "None"
    }
    assert {n for n, marker in first.items() if marker == "D"} == {"OLS", "REML", "ML"}
    assert first["marginal"] == "o"
    data = grouped_data(list("abcdefgh"))
    data["y"] = np.tile([1.3, 2.1, 1.9, 2.6, 1.4, 2.5], 8)  # groups that do not differ
    alone = "A diamond without a line has no interval"
    singular = analysis("", "y ~ 1 + (1 | group)", data)
    assert alone in drawn(singular, "forest").caption
    assert alone in drawn(singular, "crosscheck").caption
    data["y"] += 3.0 * (data["group"] == "b")
    regular = analysis("", "y ~ 1 + (1 | group)", data)
    assert alone not in drawn(regular, "forest").caption
    assert alone not in drawn(regular, "crosscheck").caption


def test_bands_say_their_level(alone: Analysis) -> None:
    caption = drawn(alone, "loo_pit").caption
    assert "at all points at once in 95 % of data sets" in caption
    assert "two standard errors" in drawn(alone, "rank_marginal").caption


def test_the_share_of_the_way_is_what_grows(eight: Analysis) -> None:
    caption = drawn(eight, "shrinkage_group").caption
    assert "larger is the share" in caption
    assert "farther" not in caption


def test_units_are_said_once(alone: Analysis) -> None:
    told = "Intercept, its sds and sigma are in units of y, other coefficients and sds in "
    told += "those per unit of their predictor."
    for name in ("forest", "crosscheck", "trace_marginal"):
        assert drawn(alone, name).caption.count(told) == 1
    flat = analysis("abcd", "y ~ 1 + (1 | group)", programs=("marginal",))
    assert drawn(flat, "forest").caption.endswith(
        "Intercept, its sds and sigma are in units of y."
    )
    none = analysis("abcd", "y ~ 0 + floor + (0 + floor | group)", programs=("marginal",))
    assert " sigma is in units of y, other" in drawn(none, "forest").caption


def test_the_axis_of_divergences_has_the_right_units() -> None:
    data = grouped_data(list("abcd")).rename(columns={"y": "the response"})
    for formula, slopes in (
        ("`the response` ~ floor + (floor | group)", True),
        ("`the response` ~ floor + (1 | group)", False),
    ):
        figure = hs.plot.divergences(synthetic_fit(formula, data, "centered"))
        told = figure.axes[0].get_xlabel()
        assert told.startswith("standard deviation, in units of the response")
        assert ("per unit" in told) == slopes
