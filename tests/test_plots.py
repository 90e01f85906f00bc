"""Every picture of `hs.plot`: alone and in a caller's figure, with names of any length."""

import inspect
from collections.abc import Callable

import pytest
from invented import grouped_data, invented_analysis, invented_joint
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.errors import InputError
from hierstan.ladder import panels
from hierstan.plots import style
from hierstan.plots.style import AxesLike, leftmost

LONG = "a_name_of_two_hundred_characters_" * 6 + "or_so"


def story(predictor: str, levels: list[str]) -> Analysis:
    data = grouped_data(levels, 7, predictor=predictor)
    return invented_analysis(f"y ~ {predictor} + ({predictor} | group)", data, draws=60)


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    """One with plain names, one with unreasonable ones."""
    return {
        "plain": story("floor", ["north $1$", "south", "east & west", "up"]),
        "long": story(LONG, [f"{name}_{LONG}" for name in "abcd"]),
    }


Draw = Callable[[Analysis, AxesLike], Figure]


def draw_panels(analysis: Analysis, ax: AxesLike) -> Figure:
    fits = {name: analysis.fits[name] for name in ("unpooled", "noncentered")}
    factor, predictor = analysis.design.factors[0], analysis.design.terms[1]
    return hs.plot.panels(fits, factor, predictor, factor.levels[:3], ax=ax)


def draw_prior(analysis: Analysis, ax: AxesLike) -> Figure:
    return hs.plot.prior_predictive(analysis.model.prior_predictive(draws=50), ax=ax)


def draw_funnel(analysis: Analysis, ax: AxesLike) -> Figure:
    fits = {name: analysis.fits[name] for name in ("centered", "noncentered")}
    factor = analysis.design.factors[0]
    return hs.plot.funnel(fits, factor.name, factor.effects[-1], ax=ax)


def draw_shrinkage(analysis: Analysis, ax: AxesLike) -> Figure:
    factor = analysis.design.factors[0]
    table = analysis.shrinkage(factor)
    return hs.plot.shrinkage(table, factor.effects, factor.name, ax=ax)


def draw_ellipses(analysis: Analysis, ax: AxesLike) -> Figure:
    regions = analysis.fits["noncentered"].shrinkage_regions("group")
    return hs.plot.shrinkage_ellipses(regions, ax=ax)


def draw_replications(analysis: Analysis, ax: AxesLike) -> Figure:
    fit, design = analysis.fits["noncentered"], analysis.design
    response = "log y" if LONG not in design.terms else LONG
    return hs.plot.replications(design.frame["y"], fit.replicate(20), response, ax=ax)


def draw_group_means(analysis: Analysis, ax: AxesLike) -> Figure:
    means = analysis.fits["noncentered"].group_means("group")
    return hs.plot.group_means(means, "log y", ax=ax)


def draw_calibration(analysis: Analysis, ax: AxesLike) -> Figure:
    loo = analysis.fits["noncentered"].loo()
    return hs.plot.loo_pit(loo.calibration(), ax=ax)


# What each picture needs, and a name from the data that has to be on it.
PICTURES: dict[str, tuple[Draw, str]] = {
    "divergences": (
        lambda a, ax: hs.plot.divergences(a.fits["centered"], ax=ax),
        "sd(floor | group)",
    ),
    "energy": (lambda a, ax: hs.plot.energy(a.fits["centered"], ax=ax), "chain 1"),
    "forest": (lambda a, ax: hs.plot.forest(a.estimates(), ax=ax), "sd(floor | group)"),
    "funnel": (draw_funnel, "sd(floor | group)"),
    "group_means": (draw_group_means, "south"),
    "joint": (lambda a, ax: hs.plot.joint(invented_joint(), ax=ax), "group sds"),
    "ladder": (
        lambda a, ax: hs.plot.ladder(panels(a.check), ax=ax) if a.check else Figure(),
        "corr(Intercept, floor | group)",
    ),
    "loo_pit": (draw_calibration, "the rows"),
    "panels": (draw_panels, "north $1$"),
    "prior_predictive": (draw_prior, "y"),
    "rank": (lambda a, ax: hs.plot.rank(a.fits["noncentered"], ax=ax), "sd(floor | group)"),
    "replications": (draw_replications, "log y"),
    "shrinkage": (draw_shrinkage, "south"),
    "shrinkage_ellipses": (draw_ellipses, "south"),
    "trace": (lambda a, ax: hs.plot.trace(a.fits["noncentered"], ax=ax), "floor"),
}


def drawing_functions() -> set[str]:
    """Names of everything in `hs.plot` that returns a Figure."""
    return {
        name
        for name in hs.plot.__all__
        if inspect.signature(getattr(hs.plot, name)).return_annotation is Figure
    }


def test_every_picture_takes_ax_last_and_is_drawn_here() -> None:
    assert drawing_functions() == set(PICTURES)
    for name in drawing_functions():
        *_, last = inspect.signature(getattr(hs.plot, name)).parameters.values()
        assert (last.name, last.default) == ("ax", None), name


def texts(figure: Figure) -> list[Text]:
    """Text that is seen, once the figure has been laid out."""
    FigureCanvasAgg(figure).draw()
    found = figure.findobj(Text)
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def assert_legible(figure: Figure) -> None:
    """Nothing is drawn beyond the figure, and every axis that is on says what it shows."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox(canvas.get_renderer())  # in inches
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.01
    assert box.x1 < width + 0.01
    assert box.y1 < height + 0.01
    titled = False
    for axis in figure.axes:
        # A path beside its density shares the title on its left.
        titled = titled and not leftmost(axis)
        titles = [axis.get_title(loc) for loc in ("left", "center", "right")]
        titled = titled or any([*titles, axis.get_xlabel(), axis.get_ylabel()])
        assert titled or not axis.axison


@pytest.mark.parametrize("names", ["plain", "long"])
@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_hold_names_of_any_length(
    picture: str, names: str, analyses: dict[str, Analysis]
) -> None:
    draw, word = PICTURES[picture]
    figure = draw(analyses[names], None)
    assert_legible(figure)
    assert not pyplot.get_fignums()
    if names == "plain":
        assert any(word in text.get_text() for text in texts(figure))


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_are_drawn_into_axes_of_the_caller(
    picture: str, analyses: dict[str, Analysis]
) -> None:
    draw, word = PICTURES[picture]
    alone = draw(analyses["plain"], None)
    place = alone.axes[0].get_gridspec()
    ours = Figure(figsize=alone.get_size_inches() * 1.1, layout="constrained")
    beside, below = ours.subfigures(2, 1, height_ratios=[1, 12])
    beside.suptitle("Something else")
    axes = below.subplots(place.nrows, place.ncols, squeeze=False)
    before = set(ours.axes)
    assert draw(analyses["plain"], axes) is ours
    assert set(ours.axes) == before
    assert not ours.legends
    assert_legible(ours)
    assert not pyplot.get_fignums()
    assert any(word in text.get_text() for text in texts(ours))


def test_too_few_axes_are_refused(analyses: dict[str, Analysis]) -> None:
    with pytest.raises(InputError, match=r"at least 6 Axes as ax.*subplots\(2, 3\).* 2 g"):
        hs.plot.forest(analyses["plain"].estimates(), ax=Figure().subplots(1, 2))
    with pytest.raises(InputError, match="at least 6 Axes"):
        hs.plot.forest(analyses["plain"].estimates(), ax=Figure().subplots())
    with pytest.raises(InputError, match="one Axes as ax"):
        hs.plot.joint(invented_joint(), ax="here")  # type: ignore[arg-type]


def test_axes_left_over_are_switched_off(analyses: dict[str, Analysis]) -> None:
    axes = Figure().subplots(2, 5).ravel()
    hs.plot.forest(analyses["plain"].estimates(), ax=axes)
    assert [axis.axison for axis in axes] == [True] * 6 + [False] * 4


def test_the_funnels_legend_covers_no_line(analyses: dict[str, Analysis]) -> None:
    figure = draw_funnel(analyses["plain"], None)
    FigureCanvasAgg(figure).draw()
    for axis in figure.axes:
        legend, lines = axis.get_legend(), axis.get_lines()
        assert legend is not None
        (dashed,) = [line for line in lines if line.get_linestyle() == "--"]
        at = axis.transData.transform((0.0, dashed.get_ydata()[0]))[1]
        assert legend.get_window_extent().y1 < at


def test_a_colour_means_the_same_in_every_picture(analyses: dict[str, Analysis]) -> None:
    """Partial pooling has the colour of the program that a report shows it by."""
    marginal = style.color_of("marginal")
    analysis = analyses["plain"]
    assert analysis.check is not None
    curves = {
        line.get_label(): line.get_color()
        for line in hs.plot.ladder(panels(analysis.check)).axes[0].get_lines()
    }
    assert curves["posterior"] == marginal
    assert curves["posterior, flat priors"] not in {
        style.color_of(name) for name in ("marginal", "noncentered", "centered")
    }
    (pooled,) = [
        dots
        for dots in draw_shrinkage(analysis, None).axes[0].collections
        if dots.get_label() == "partial pooling (failed)"
    ]
    assert to_hex(pooled.get_facecolor()[0]) == marginal.lower()
    fills = [
        to_hex(p.get_facecolor()) for p in draw_ellipses(analysis, None).axes[0].patches
    ]
    assert set(fills) == {marginal.lower()}


def test_lines_that_meet_differ_by_more_than_colour(analyses: dict[str, Analysis]) -> None:
    analysis = analyses["plain"]
    assert analysis.check is not None
    for figure in (
        hs.plot.ladder(panels(analysis.check)),
        hs.plot.joint(invented_joint()),
        draw_panels(analysis, None),
    ):
        lines = [
            line
            for line in figure.axes[0].get_lines()
            if not str(line.get_label()).startswith("_") and line.get_linestyle() != "None"
        ]
        looks = {(line.get_linestyle(), line.get_marker()) for line in lines}
        assert len(looks) == len(lines) >= 2
