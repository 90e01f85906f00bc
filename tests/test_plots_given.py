"""What pictures refuse, in words that name a way out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from artists import points
from invented import grouped_data
from matplotlib.figure import Figure
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.errors import InputError
from hierstan.fit import Fit

FORMULA = "y ~ floor + (floor | group)"
DATA = grouped_data(list("abcdefgh"), 9)


@pytest.fixture(scope="module")
def fits() -> dict[str, Fit]:
    names = ("pooled", "unpooled", "noncentered")
    return {name: synthetic_fit(FORMULA, DATA, name) for name in names}


Draw = Callable[..., Figure]


def panels(fits: Any, predictor: str = "floor", factor: Any = "group") -> Figure:
    return hs.plot.panels(fits, factor, predictor, "a")


def funnel(fits: Any, effect: str = "floor", factor: Any = "group") -> Figure:
    return hs.plot.funnel(fits, factor, effect)


@pytest.mark.parametrize("draw", [panels, funnel])
def test_fits_that_are_none_are_refused(draw: Draw, fits: dict[str, Fit]) -> None:
    one = {"noncentered": fits["noncentered"]}
    wanted = r"takes fits by name, as in \{'noncentered': fit\}"
    with pytest.raises(InputError, match=f"nothing to draw; this picture {wanted}"):
        draw({})
    with pytest.raises(InputError, match=f"{wanted}, not a Fit"):
        draw(fits["noncentered"])
    with pytest.raises(InputError, match=f"{wanted}, not a list"):
        draw([fits["noncentered"]])
    with pytest.raises(InputError, match=f"{wanted}; 'REML' is a MixedFit"):
        draw(one | {"REML": hs.Model(FORMULA, DATA).mixedlm()})
    with pytest.raises(InputError, match="no factor 'grp'; the formula has 'group'"):
        draw(one, factor="grp")
    with pytest.raises(InputError, match="a grouping factor, or its name, not an int"):
        draw(one, factor=3)


def test_the_funnel_takes_standard_deviations(fits: dict[str, Fit]) -> None:
    for name in ("pooled", "unpooled"):
        with pytest.raises(InputError, match="'apart' has no group standard deviations; t"):
            funnel({"noncentered": fits["noncentered"], "apart": fits[name]})


def test_every_fit_must_have_what_is_drawn(fits: dict[str, Fit]) -> None:
    one = {"noncentered": fits["noncentered"]}
    plain = synthetic_fit("y ~ floor + (1 | group)", DATA)
    with pytest.raises(InputError, match="no effect 'floor' of 'group'; there are 'Interc"):
        funnel(one | {"plain": plain})
    assert len(funnel(one | {"plain": plain}, "Intercept").axes) == 2
    with pytest.raises(InputError, match="no effect 'floor' of 'group'"):
        funnel(one, factor=plain.design.factors[0])
    fewer = one | {"fewer": synthetic_fit(FORMULA, DATA[DATA["group"] != "c"])}
    for draw in (hs.plot.panels, hs.plot.funnel):
        with pytest.raises(InputError, match="no level 'c'; 'group' has 7 levels"):
            draw(fewer, "group", "floor", "c")
    other = synthetic_fit("y ~ floor + (1 | town)", DATA.rename(columns={"group": "town"}))
    for draw in (panels, funnel):
        with pytest.raises(InputError, match="no factor 'group'; the formula has 'town'"):
            draw(one | {"other": other})


def test_predictors_and_effects_that_are_not_there_are_named(fits: dict[str, Fit]) -> None:
    one = {"noncentered": fits["noncentered"]}
    for name in ("flor", "Intercept"):
        with pytest.raises(InputError, match=f"'{name}'.* 'floor'"):
            panels(one, name)
    with pytest.raises(InputError, match="seed is -1; it must be a whole number"):
        hs.plot.panels(one, "group", "floor", "a", seed=-1)
    flat = synthetic_fit("y ~ 0 + flat + (1 | group)", DATA.assign(flat=2.5))
    with pytest.raises(InputError, match=r"along 'flat'; columns of .* are none"):
        panels({"noncentered": flat}, "flat")
    known = "there are 'Intercept', 'floor'"
    with pytest.raises(InputError, match=f"no effect 'flor' of 'group'; {known}"):
        funnel(one, "flor")
    with pytest.raises(InputError, match=f"no effect 'flor' of 'group'; {known}"):
        hs.plot.funnel(one, "group", "flor", level="a")
    with pytest.raises(InputError, match=f"no effect 'flor' of 'group'; {known}"):
        hs.plot.funnel_level(fits["noncentered"].design.factors[0], "flor")


def test_empty_sequences_and_what_is_no_estimate_are_refused(fits: dict[str, Fit]) -> None:
    with pytest.raises(
        InputError, match=r"nothing to draw; .* as CrossCheck\.panels gives"
    ):
        hs.plot.ladder([])
    with pytest.raises(InputError, match=r"as CrossCheck\.panels gives them, not None"):
        hs.plot.ladder(None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"gives them; 0 is a Fit"):
        hs.plot.ladder([fits["noncentered"]])  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"nothing to draw; .* fit\.estimates\(\)"):
        hs.plot.forest({})
    with pytest.raises(InputError, match=r"fit\.estimates\(\)\}; 'pooled' is a Fit"):
        hs.plot.forest(fits)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [list, np.asarray, pd.DataFrame])
def test_replications_may_be_any_array_like(kind: Callable[..., Any]) -> None:
    again = [[1.0, 2.5, 4.0, 2.0], [3.0, 4.0, 6.0, 5.5], [2.0, 2.0, 7.0, 1.0]]
    observed = pd.Series([1.5, 2.0, 4.5, 3.0], index=[4, 2, 7, 8])
    for y in (observed, observed.tolist()):
        (axis,) = hs.plot.replications(y, kind(again), "y").axes
        (expected,) = hs.plot.replications(observed.to_numpy(), np.array(again), "y").axes
        assert len(axis.get_lines()) == 4
        for line, other in zip(axis.get_lines(), expected.get_lines(), strict=True):
            np.testing.assert_array_equal(points(line), points(other))


def test_replications_of_constant_data_are_lines() -> None:
    (axis,) = hs.plot.replications([3.5, 3.5], [[3.5, 3.5]], "y").axes
    low, high = axis.get_xlim()
    assert low < 3.5 < high
    for line in axis.get_lines():
        np.testing.assert_array_equal(points(line), [[3.5, 0.0], [3.5, 1.0]])


@pytest.mark.parametrize(
    ("observed", "again", "says"),
    [
        ([1.0, 2.0], [1.0, 2.0], r"replicated has shape \(2,\); it takes shape \(dr"),
        ([[1.0, 2.0]], [[1.0, 2.0]], r"observed has shape \(1, 2\); it takes shape \(r"),
        ([1.0, 2.0], np.empty((0, 2)), r"replicated has shape \(0, 2\)"),
        ([1.0, 2.0], [[1.0, 2.0, 3.0]], "3 columns, and observed 2 rows.*Fit.replicate"),
        ([1.0, np.nan], [[1.0, 2.0]], "observed is missing or infinite in 1 of 2 values"),
        ([1.0, 2.0], [[np.inf, np.nan]], "replicated is missing or infinite in 2 of 2"),
        (["low", "high"], [[1.0, 2.0]], "observed has to be numbers"),
        ([1.0, 2.0], [[1.0, 2.0], [1.0]], "replicated has to be numbers"),
    ],
)
def test_replications_of_other_data_are_refused(
    observed: Any, again: Any, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        hs.plot.replications(observed, again, "y")


def test_tables_are_not_taken_for_fits_nor_for_other_tables(fits: dict[str, Fit]) -> None:
    fit = fits["noncentered"]
    readings: dict[str, tuple[Callable[[Any], Figure], str]] = {
        "shrinkage": (
            lambda given: hs.plot.shrinkage(given, "floor", "group"), "Fit.shrinkage"
        ),
        "group_means": (lambda given: hs.plot.group_means(given, "y"), "Fit.group_means"),
        "loo_pit": (hs.plot.loo_pit, "LeaveOneOut.calibration"),
    }  # fmt: skip
    for draw, source in readings.values():
        with pytest.raises(InputError, match=f"{source}.*, not a Fit"):
            draw(fit)
        with pytest.raises(InputError, match=f"The table has no column '.*{source}"):
            draw(DATA)


def test_pictures_of_one_reading_say_which(fits: dict[str, Fit]) -> None:
    fit, plot = fits["noncentered"], hs.plot
    wanted: list[tuple[Callable[[Any], Figure], Any, str]] = [
        (plot.shrinkage_ellipses, fit, r"Fit\.shrinkage_regions returns, not a Fit"),
        (plot.joint, None, r"joint_mode returns, not None"),
        (plot.prior_predictive, fit, r"Model\.prior_predictive returns, not a Fit"),
    ]
    a_fit = r"takes a Fit, as Model\.sample returns, not a dict"
    wanted += [
        (draw, fits, a_fit)
        for draw in (plot.trace, plot.rank, plot.energy, plot.divergences)
    ]
    for draw, given, says in wanted:
        with pytest.raises(InputError, match=says):
            draw(given)
