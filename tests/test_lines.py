"""Lines of groups along a column of the data: those of the model, whatever its terms."""

import numpy as np
import pandas as pd
import pytest
from invented import grouped_data, invented_analysis
from matplotlib import pyplot
from synthetic import example, synthetic_fit

import hierstan as hs
from hierstan.design import Floats
from hierstan.errors import DataError, FormulaError, InputError
from hierstan.evaluate import build_design
from hierstan.fit import Fit
from hierstan.prediction import lines
from hierstan.prediction.lines import line_columns
from hierstan.report.pictures.groups import group_pictures

# Formula, program, and whether the lines are straight.
MODELS = [
    ("y ~ x + (x | g)", "noncentered", True),
    ("y ~ w + (0 + x | g)", "marginal", True),
    ("y ~ x * w + k + (x | g)", "noncentered", True),
    ("y ~ x:k + offset(3 * w + 1000) + (x:w || g) + (1 | h)", "noncentered", True),
    ("y ~ x + I(x**2) + (1 | g)", "noncentered", False),
    ("y ~ bs(x, df=5) + k + (1 | g) + (1 | h)", "noncentered", False),
    ("y ~ scale(x) + (np.log(x) | g/h)", "noncentered", False),
    ("y ~ offset(np.log(x)) + x:w + (x | g)", "noncentered", False),
    ("y ~ x * w + (x + w | g)", "unpooled", True),
    ("y ~ x * w + (1 | g)", "pooled", True),
]


def by_prediction(fit: Fit, level: str, column: str, values: Floats) -> Floats:
    """Return the mean prediction of a level's rows at each value, (values, draws)."""
    own = fit.design.frame[fit.design.frame["g"] == level]
    means = []
    for value in values:
        found = fit.predict(own.assign(**{column: value}), draws=True).draws
        assert found is not None
        means.append(found["expected"].mean("row").to_numpy().ravel())
    return np.array(means)


@pytest.mark.parametrize(("formula", "program", "straight"), MODELS)
def test_a_line_is_what_is_predicted_of_the_rows_of_its_group(
    formula: str, program: str, straight: bool
) -> None:
    fit = synthetic_fit(formula, example(), program)
    levels = [fit.design.factors[0].levels[j] for j in (2, 0)]
    found = fit.lines("x", levels, "g")
    assert found.levels == tuple(levels)
    assert len(found.x) == (2 if straight else 61)
    assert found.x[[0, -1]].tolist() == [example()["x"].min(), example()["x"].max()]
    some = np.arange(len(found.x))[::20]
    for k, level in enumerate(levels):
        expected = by_prediction(fit, level, "x", found.x[some])
        np.testing.assert_allclose(found.draws[k, some], expected, rtol=1e-9, atol=1e-12)
    mean = found.table.loc[levels[1], "mean"].to_numpy()
    np.testing.assert_allclose(mean, found.draws[1].mean(axis=1), rtol=1e-12)


def test_a_straight_line_is_straight_in_between() -> None:
    fit = synthetic_fit("y ~ x * w + (x | g)", example())
    level = fit.design.factors[0].levels[1]
    found = fit.lines("x", level)
    halfway = by_prediction(fit, level, "x", found.x.mean(keepdims=True))
    np.testing.assert_allclose(found.draws[0].mean(axis=0), halfway[0], rtol=1e-9)


def test_whole_numbers_have_values_in_between() -> None:
    data = example().assign(n=lambda d: d["n"].astype("Int64"))
    fit = synthetic_fit("y ~ I(n**2) + (1 | g)", data)
    level = fit.design.factors[0].levels[0]
    found = fit.lines("n", level, "g")
    assert found.x[[0, -1]].tolist() == [3.0, 5.0]
    expected = by_prediction(fit, level, "n", found.x[[7, 40]])
    np.testing.assert_allclose(found.draws[0, [7, 40]], expected, rtol=1e-9)


def test_chunks_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = synthetic_fit("y ~ bs(x, df=4) + w + (x | g)", example())
    whole = fit.lines("x", fit.design.factors[0].levels)
    monkeypatch.setattr(lines, "_ROWS", 1)
    parts = fit.lines("x", fit.design.factors[0].levels)
    np.testing.assert_allclose(parts.draws, whole.draws, rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("y ~ x + w + (x | g)", ("x", "w")),
        ("y ~ k:w + np.log(x) + C(n) + b + (1 | g)", ("x", "w")),
        ("y ~ o + offset(w) + (0 + x | g)", ("x",)),
        ("y ~ x + c + (1 | c)", ("x",)),
        ("y ~ bs(x, df=4) + x:w + (1 | g)", ("x", "w")),
        ("y ~ 0 + one + (w | g)", ("w",)),
        ("y ~ k + (1 | g)", ()),
    ],
)
def test_lines_run_along_numbers_that_predict(
    formula: str, columns: tuple[str, ...]
) -> None:
    data = example().assign(one=1.0, c=np.arange(60) % 12)
    assert line_columns(build_design(formula, data)) == columns


def test_what_is_no_axis_is_refused() -> None:
    fit = synthetic_fit("y ~ bs(x, df=4) + w + C(n) + (w | g)", example())
    level = fit.design.factors[0].levels[0]
    for wrong in ("bs(x, df=4)[0]", "n", "g", "Dayz", "y"):
        with pytest.raises(InputError, match="predict y are 'x', 'w'"):
            fit.lines(wrong, level)
    with pytest.raises(InputError, match="no level 'nowhere'"):
        fit.lines("w", "nowhere")
    with pytest.raises(InputError, match="no factor 'h'"):
        fit.lines("w", level, "h")
    none = synthetic_fit("y ~ k + (1 | g)", example())
    with pytest.raises(InputError, match="predict y are none"):
        none.lines("k", level)


def test_lines_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = synthetic_fit("y ~ x + (x | g)", example())
    monkeypatch.setattr(lines, "KEPT_CELLS", 2 * 61 * 100)
    assert fit.lines("x", fit.design.factors[0].levels[:2]).draws.shape == (2, 2, 100)
    with pytest.raises(InputError, match=r"3 levels and 100 draws .* at most 2 levels"):
        fit.lines("x", fit.design.factors[0].levels[:3])


def test_terms_without_a_value_in_between_say_so() -> None:
    data = example().assign(z=np.where(np.arange(60) % 3, 2.0, -2.0))
    level = str(data["g"].iloc[0])
    with pytest.raises(DataError, match="'I\\(1 / z\\)' is infinite or undefined"):
        synthetic_fit("y ~ I(1 / z) + (1 | g)", data).lines("z", level)
    with pytest.raises(FormulaError, match="depends on all rows"):
        synthetic_fit("y ~ I(x - np.mean(x)) + (1 | g)", data).lines("x", level)


def test_lines_print_as_a_table() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", example())
    found = fit.lines("x", fit.design.factors[0].levels)
    assert list(found.table.columns) == ["mean", "sd", "low", "high"]
    assert found.table.index.names == ["g", "x"]
    assert (found.table["low"] < found.table["high"]).all()
    assert repr(found).split()[:4] == ["mean", "sd", "low", "high"]
    pd.testing.assert_index_equal(
        found.table.index.levels[0], pd.Index(fit.design.factors[0].levels, name="g")
    )


@pytest.mark.parametrize(
    ("formula", "program"),
    [
        ("y ~ x * w + offset(3 * w) + (x | g)", "noncentered"),
        ("y ~ bs(x, df=4) + (1 | g)", "noncentered"),
        ("y ~ x + I(x**2) + (x | g)", "unpooled"),
        ("y ~ x * w + (1 | g)", "pooled"),
    ],
)
def test_panels_draw_these_lines_and_the_response(formula: str, program: str) -> None:
    fit, data = synthetic_fit(formula, example(), program), example()
    levels = [fit.design.factors[0].levels[j] for j in (3, 1)]
    found = fit.lines("x", levels)
    figure = hs.plot.panels({program: fit}, "g", "x", levels)
    for k, (axis, level) in enumerate(zip(figure.axes, levels, strict=True)):
        own = data[data["g"] == level]
        *thin, thick, dots = axis.get_lines()
        np.testing.assert_array_equal(thick.get_xdata(), found.x)
        np.testing.assert_allclose(thick.get_ydata(), found.mean[k], rtol=1e-12)
        drawn = {tuple(line.get_ydata()) for line in thin}
        assert len(drawn) == 60
        assert drawn <= {tuple(line) for line in found.draws[k].T}
        np.testing.assert_array_equal(dots.get_xdata(), own["x"])
        np.testing.assert_allclose(dots.get_ydata(), own["y"], rtol=1e-12)
        low, high = axis.get_ylim()
        assert low < data["y"].min() < data["y"].max() < high
    pyplot.close(figure)


@pytest.mark.parametrize(
    ("formula", "axis"),
    [
        ("y ~ bs(floor, df=4) + (1 | group)", "floor"),
        ("y ~ 0 + one + w + (w | group)", "w"),
        ("y ~ C(whole) + (1 | group)", None),
        ("y ~ one:w + (1 | group)", "w"),
        ("y ~ I(floor - np.mean(floor)) + (1 | group)", None),
        ("y ~ I(1 / sign) + (1 | group)", None),
    ],
)
def test_a_report_draws_lines_where_there_are_some(formula: str, axis: str | None) -> None:
    data = grouped_data(list("abcde"))
    rng = np.random.default_rng(2)
    data = data.assign(
        one=1.0,
        w=rng.normal(size=30),
        whole=np.arange(30) % 3,
        sign=rng.choice([-1, 1], 30),
    )
    analysis = invented_analysis(formula, data, ["noncentered"], draws=60)
    found = [
        picture for picture in group_pictures(analysis, analysis.design.factors[0])
        if picture.name == "panels_group"
    ]  # fmt: skip
    labels = [picture.figure.axes[0].get_xlabel() for picture in found]
    assert labels == ([] if axis is None else [axis])
