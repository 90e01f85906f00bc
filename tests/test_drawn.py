"""What pictures of a sampler's run draw, held against the readings they draw from."""

import numpy as np
import pytest
from artists import of_length, points
from invented import grouped_data
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, StepPatch
from synthetic import ar1, synthetic_fit

import hierstan as hs
from hierstan.design import Floats
from hierstan.diagnostics.chains import energies
from hierstan.diagnostics.ranks import rank_table
from hierstan.fit import Fit

CHAINS, DRAWS = 3, 90
# Where transitions diverge; the counts differ from chain to chain.
BAD = np.zeros((CHAINS, DRAWS), dtype=bool)
BAD[0, [4, 17, 61]] = BAD[1, [17, 30, 31, 88]] = BAD[2, 55] = True


def restless(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    """Chains that differ in place and energy; small tau and large sigma where they end."""
    shift = np.array([-1.5, 0.2, 2.4])[:, None]
    v["beta"] += shift[..., None]
    v["tau"] *= np.exp(0.4 * shift)[..., None]
    v["tau"][BAD, 1] /= 37.0
    v["sigma"][BAD] *= 5.0
    s["diverging"] = BAD.astype(float)
    s["energy"] = np.array([[1.0], [4.0], [9.0]]) * ar1(0.8, BAD.shape, seed=6) + 300.0


@pytest.fixture(scope="module")
def fit() -> Fit:
    """No chain, parameter or part of the run is like another."""
    data = grouped_data(["north", "south", "east", "west", "up"], 7)
    return synthetic_fit(
        "y ~ floor + (floor | group)", data, chains=CHAINS, draws=DRAWS, change=restless
    )


def same_points(found: Floats, x: Floats, y: Floats) -> bool:
    """Whether the points are these, in whatever order."""
    expected = np.column_stack([np.ravel(x), np.ravel(y)])
    return np.array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_traces_are_the_chains_from_first_to_last_draw(fit: Fit) -> None:
    figure = hs.plot.trace(fit)
    marked = tuple(np.flatnonzero(BAD.any(axis=0)))
    assert len(figure.axes) == 2 * len(fit.series()) == 12
    for row, (name, draws) in enumerate(fit.series().items()):
        density, path = figure.axes[2 * row : 2 * row + 2]
        assert density.get_title("left") == name
        paths = of_length(path, DRAWS)
        np.testing.assert_array_equal([p[:, 1] for p in paths], draws)
        assert all(np.array_equal(p[:, 0], np.arange(DRAWS)) for p in paths)
        (ticks,) = of_length(path, len(marked))
        assert tuple(ticks[:, 0]) == marked
        assert ticks[:, 1].max() < draws.min()
        rhat = fit.diagnostics.parameters["rhat"][name]
        assert f"{rhat:.3f}" in path.get_title("left")


def test_the_densities_beside_traces_are_those_of_the_chains(fit: Fit) -> None:
    """Each is highest amid its chain's draws; coefficients' have their mean and sd."""
    figure = hs.plot.trace(fit)
    for row, (name, draws) in enumerate(fit.series().items()):
        curves = [points(line) for line in figure.axes[2 * row].get_lines()]
        assert len(curves) == CHAINS
        for curve, values in zip(curves, draws, strict=True):
            x, height = curve.T
            low, high = np.quantile(values, [0.05, 0.95])
            assert x[0] < low < x[height.argmax()] < high < x[-1]
            if name in fit.terms:  # normal draws: the kernel hardly widens them
                whole = np.trapezoid(height, x)
                mean = np.trapezoid(x * height, x) / whole
                spread = np.sqrt(np.trapezoid((x - mean) ** 2 * height, x) / whole)
                assert whole == pytest.approx(1.0, abs=0.05)
                assert mean == pytest.approx(values.mean(), abs=0.15 * values.std())
                assert spread == pytest.approx(values.std(), rel=0.15)


def test_ranks_are_those_of_the_table(fit: Fit) -> None:
    figure = hs.plot.rank(fit)
    panels = [axis for axis in figure.axes if axis.axison]
    for axis, (name, draws) in zip(panels, fit.series().items(), strict=True):
        assert axis.get_title("left") == name
        table = rank_table(draws)
        stairs = [patch for patch in axis.patches if isinstance(patch, StepPatch)]
        for patch in stairs:
            edges = patch.get_data().edges
            np.testing.assert_array_equal(edges, [*table["left"], 1.0])
        chains = [p.get_data().values for p in stairs if p.get_data().baseline is None]
        np.testing.assert_array_equal(chains, table[list(range(CHAINS))].T)
        (band,) = [p.get_data() for p in stairs if p.get_data().baseline is not None]
        np.testing.assert_allclose(band.values - 1, 2 * table["error"])
        np.testing.assert_allclose(1 - band.baseline, 2 * table["error"])


def histogram(axis: Axes, *, steps: bool) -> tuple[Floats, Floats]:
    """Return edges and heights of the bars for the energy, or for its steps."""
    (patch,) = [
        patch for patch in axis.patches
        if isinstance(patch, Polygon) and ("steps" in str(patch.get_label())) == steps
    ]  # fmt: skip
    outline = patch.get_xy()
    edges = np.unique(outline[:, 0])
    # From the base at the first edge: two corners for each bar.
    tops = outline[1 : 2 * len(edges) - 1]
    np.testing.assert_array_equal(tops[::2, 0], edges[:-1])
    np.testing.assert_array_equal(tops[1::2, 0], edges[1:])
    np.testing.assert_array_equal(tops[::2, 1], tops[1::2, 1])
    return edges, tops[::2, 1]


def test_energies_are_not_their_steps(fit: Fit) -> None:
    level, step = energies(fit.samples)
    ebfmi = fit.diagnostics.chains["ebfmi"]
    panels = [axis for axis in hs.plot.energy(fit).axes if axis.axison]
    assert len(panels) == CHAINS
    for chain, axis in enumerate(panels):
        for steps, values in ((False, level[chain]), (True, step[chain])):
            edges, heights = histogram(axis, steps=steps)
            assert (edges[0], edges[-1]) == (values.min(), values.max())
            expected, _ = np.histogram(values, edges, density=True)
            np.testing.assert_allclose(heights, expected)
        assert f"chain {chain}" in axis.get_title("left")
        assert f"{ebfmi[chain]:.2f}" in axis.get_title("left")


def test_the_funnel_marks_the_draws_that_diverged(fit: Fit) -> None:
    calm = synthetic_fit(
        "y ~ floor + (floor | group)", fit.design.frame, chains=CHAINS, draws=DRAWS, seed=3
    )
    fits = {"centered": fit, "noncentered": calm}
    figure = hs.plot.funnel(fits, "group", "floor", level="south")
    for axis, (name, one) in zip(figure.axes, fits.items(), strict=True):
        bad = one.samples.sampler["diverging"] > 0
        where = {"effect of group": "floor", "level of group": "south"}
        x = one.draws["coef[group]"].sel(where).to_numpy()
        tau = one.series()["sd(floor | group)"]
        marked, calmly = of_length(axis, bad.sum()), of_length(axis, (~bad).sum())
        assert [same_points(found, x[bad], tau[bad]) for found in marked] == [True]
        assert [same_points(found, x[~bad], tau[~bad]) for found in calmly] == [True]
        (lowest,) = [p for p in of_length(axis, 2) if p[0, 1] == p[1, 1]]
        assert lowest[0, 1] == tau.min()
        assert name in axis.get_title("left")
        assert f"{tau.min():.2g}" in axis.get_title("left")
        (legend,) = [text.get_text() for text in axis.get_legend().get_texts()]
        assert legend == f"{bad.sum()} diverging"
    assert len({axis.get_ylim() for axis in figure.axes}) == 1


def test_the_funnels_level_is_one_that_its_rows_tell_least_about(fit: Fit) -> None:
    """The smallest of those that do not determine the effect, else the smallest."""
    data = grouped_data(list("abcdefgh"), 9)  # floor has one value in d and in h
    smaller = data[~((data["group"] == "h") & (data.index % 2 == 0))].drop(index=[0, 1, 2])
    (factor,) = synthetic_fit("y ~ floor + (floor | group)", smaller).design.factors
    assert dict(zip(factor.levels, factor.sizes, strict=True))["h"] == 5
    assert hs.plot.funnel_level(factor, "floor") == "h"
    assert hs.plot.funnel_level(factor, "Intercept") == "h"
    told = smaller[~smaller["group"].isin(["d", "h"])]
    (factor,) = synthetic_fit("y ~ floor + (floor | group)", told).design.factors
    assert hs.plot.funnel_level(factor, "floor") == "a"
    figure = hs.plot.funnel({"noncentered": fit}, "group", "floor")
    assert figure.axes[0].get_xlabel() == "floor in west"


def test_divergences_are_drawn_where_they_sit(fit: Fit) -> None:
    (axis,) = hs.plot.divergences(fit).axes
    places, count = fit.diagnostics.places, int(BAD.sum())
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names == ["sd(Intercept | group)", "sd(floor | group)", "sigma"]
    np.testing.assert_array_equal(axis.get_yticks(), np.arange(3))
    marks, dots = of_length(axis, count), of_length(axis, BAD.size - count)
    told = {round(text.xy[1]): text.get_text() for text in axis.texts}
    for row, name in enumerate(names):
        values = fit.series()[name]
        np.testing.assert_array_equal(marks[row][:, 0], values[BAD])
        np.testing.assert_array_equal(dots[row][:, 0], values[~BAD])
        for drawn in (marks[row], dots[row]):
            assert np.abs(drawn[:, 1] - row).max() < 0.5
        times = places["times_lower"][name]
        word = f"{times:.2g}x lower" if times > 1 else f"{1 / times:.2g}x higher"
        assert told[row].startswith(word)
        assert f"({abs(places['score'][name]):.1f} se)" in told[row]
    assert len(marks) == len(dots) == 3
    assert "lower" in told[1]
    assert "higher" in told[2]
    assert f"{count} of {BAD.size} " in axis.get_title("left")
