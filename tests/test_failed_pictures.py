"""A fit that failed its checks is never drawn like one that did not."""

from collections.abc import Callable

import pytest
from invented import diverged, grouped_data, invented_analysis
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_plots import Draw, draw_funnel, draw_panels

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.fit import Fit
from hierstan.plots.style import AxesLike
from hierstan.report.pictures import pictures

PROGRAMS = ("unpooled", "centered", "noncentered", "marginal")
# What shows no fit, or shows failed and sound ones side by side.
OF_NO_FIT = {"joint_mode", "prior_predictive"}


def analysis(failed: tuple[str, ...]) -> Analysis:
    data = grouped_data(list("abcdefg"))
    return invented_analysis(
        "y ~ floor + (floor | group)", data, PROGRAMS, failed=failed, draws=600
    )


@pytest.fixture(scope="module")
def failed() -> Analysis:
    return analysis(PROGRAMS)


@pytest.fixture(scope="module")
def sound() -> Analysis:
    return analysis(())


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_every_picture_of_a_failed_fit_says_so_wherever_it_goes(failed: Analysis) -> None:
    for picture in pictures(failed):
        if picture.name in OF_NO_FIT:
            continue
        told = words(picture.figure)
        assert "failed" in told, picture.name
        assert "failed" in picture.caption, picture.name


def test_no_picture_of_sound_fits_speaks_of_failure(sound: Analysis) -> None:
    assert sound.best is not None
    assert sound.best.diagnostics.sound
    for picture in pictures(sound):
        assert "failed" not in words(picture.figure), picture.name
        assert "Mind that" not in picture.caption, picture.name


def test_only_the_fit_that_failed_is_named() -> None:
    """The reported one is sound, so that its pictures say nothing."""
    found = {p.name: p for p in pictures(analysis(("centered",)))}
    assert found["trace_centered"].figure.get_suptitle() == "centered failed its checks"
    assert found["trace_marginal"].figure.get_suptitle() == ""
    assert found["replications"].figure.get_suptitle() == ""
    funnel = found["funnel_group"]
    titles = [axis.get_title("left").split("\n")[0] for axis in funnel.figure.axes]
    assert titles == ["centered (failed)", "noncentered", "marginal"]
    assert funnel.caption.startswith("Mind that centered failed its checks. ")
    forest = found["forest"].figure
    labels = [label.get_text() for label in forest.axes[0].get_yticklabels()]
    assert "centered (failed)" in labels
    assert "marginal" in labels


def test_mean_lines_of_a_failed_fit_are_broken(failed: Analysis, sound: Analysis) -> None:
    def kinds(source: Analysis) -> dict[str, str]:
        lines = draw_panels(source, None).axes[0].get_lines()
        return {
            str(line.get_label()): line.get_linestyle()
            for line in lines
            if not str(line.get_label()).startswith("_")
        }

    assert kinds(sound) == {"unpooled": "--", "noncentered": "-"}
    assert kinds(failed) == {"unpooled (failed)": "-.", "noncentered (failed)": ":"}


def test_the_arrows_of_a_table_with_a_failed_fit_say_so(
    failed: Analysis, sound: Analysis
) -> None:
    for source, label in ((failed, "partial pooling (failed)"), (sound, "partial pooling")):
        table = source.shrinkage("group")
        figure = hs.plot.shrinkage(table, ("Intercept", "floor"), "group")
        assert label in words(figure).split("\n")


Single = Callable[[Fit, AxesLike], Figure]
OF_ONE_FIT: dict[str, tuple[Single, tuple[int, int]]] = {
    "trace": (lambda fit, ax: hs.plot.trace(fit, ax=ax), (6, 2)),
    "rank": (lambda fit, ax: hs.plot.rank(fit, ax=ax), (2, 3)),
    "energy": (lambda fit, ax: hs.plot.energy(fit, ax=ax), (1, 2)),
    "divergences": (lambda fit, ax: hs.plot.divergences(fit, ax=ax), (1, 1)),
}


@pytest.mark.parametrize("name", OF_ONE_FIT)
def test_it_is_above_the_panels_of_ours_and_in_the_title_of_others(
    name: str, sound: Analysis
) -> None:
    draw, shape = OF_ONE_FIT[name]
    good, bad = sound.fits["centered"], diverged(sound.fits["centered"])
    alone, plain = draw(bad, None), draw(good, None)
    assert alone.get_suptitle() == "centered failed its checks"
    assert alone.get_figheight() > plain.get_figheight()
    alone.draw_without_rendering()
    (told,) = [t for t in alone.findobj(Text) if t.get_text() == alone.get_suptitle()]
    box = told.get_window_extent()
    for axis in alone.axes:
        panel = axis.get_tightbbox()
        assert panel is None or not panel.overlaps(box)
    given = Figure(figsize=(9, 12))
    axes = given.subplots(*shape)
    draw(bad, axes)
    assert given.get_suptitle() == ""
    assert given.axes[0].get_title("left").startswith("centered failed its checks\n")
    draw(good, axes)
    assert "failed" not in given.axes[0].get_title("left")


@pytest.mark.parametrize("draw", [draw_funnel, draw_panels])
def test_pictures_of_several_fits_name_them_in_given_axes(
    draw: Draw, failed: Analysis
) -> None:
    shape = {draw_funnel: 2, draw_panels: 3}[draw]
    figure = Figure()
    draw(failed, figure.subplots(1, shape))
    assert "noncentered (failed)" in words(figure)
