"""Profile-likelihood intervals, against lme4, closed forms and dense searches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from dense import loglik as dense_loglik
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm

import hierstan as hs
from hierstan.design import Floats
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.frequentist import MixedFit, fit_mixedlm, ray
from hierstan.frequentist.climb import Peak
from hierstan.frequentist.ray import Ray
from hierstan.frequentist.variances import Variances
from hierstan.progress import Advance

CUT = float(norm.ppf(0.975))

# Brightness of paper by operator, 5 sheets of each of 4; from R package faraway.
PULP = pd.DataFrame(
    {
        "bright": [59.8, 60.0, 60.8, 60.8, 59.8, 59.8, 60.2, 60.4, 59.9, 60.0,
                   60.7, 60.7, 60.5, 60.9, 60.3, 61.0, 60.8, 60.6, 60.5, 60.5],
        "operator": list("aaaaabbbbbcccccddddd"),
    }
)  # fmt: skip


def fitted(formula: str, data: pd.DataFrame, *, reml: bool) -> MixedFit:
    return fit_mixedlm(build_design(formula, data), reml=reml)


@pytest.mark.parametrize(
    ("formula", "data", "told", "rtol"),
    [
        # confint(profile(m)), printed at stats.stackexchange.com/questions/462982.
        ("Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(), {
            "sd(Intercept | Subject)": (14.3816801, 37.7159899),
            "corr(Intercept, Days | Subject)": (-0.4815003, 0.6849854),
            "sd(Days | Subject)": (3.8011760, 8.7533385),
            "sigma": (22.8982726, 28.8579967),
            "Intercept": (237.6806976, 265.1295148),
            "Days": (7.3586541, 13.5759163)}, 2e-4),
        # From the examples of lme4's own help page confint.merMod, version 1.1-35.5,
        # which interpolate between 8 points.
        ("Reaction ~ Days + (Days || Subject)", hs.data.sleepstudy(), {
            "sd(Intercept | Subject)": (15.25847, 37.78184),
            "sd(Days | Subject)": (3.964157, 8.768238),
            "sigma": (22.88062, 28.78768),
            "Intercept": (237.5732, 265.2383),
            "Days": (7.33431, 13.60057)}, 4e-4),
        # people.bath.ac.uk/jjf23/mixchange/onewayanova.html, five digits.
        ("bright ~ 1 + (1 | operator)", PULP, {
            "sd(Intercept | operator)": (0.0, 0.61790),
            "sigma": (0.23891, 0.48218),
            "Intercept": (60.07130, 60.72870)}, 2e-4),
    ],
    ids=["correlated", "independent", "at zero"],
)  # fmt: skip
def test_intervals_equal_lme4(
    formula: str, data: pd.DataFrame, told: dict[str, tuple[float, float]], rtol: float
) -> None:
    """lme4 profiles the ML likelihood; tolerances are those of its interpolation."""
    found = fitted(formula, data, reml=False).profile()
    assert set(found.curves) == set(told)
    for name, ends in told.items():
        curve = found.curves[name]
        np.testing.assert_allclose((curve.low, curve.high), ends, rtol=rtol)
        assert curve.low_at_bound == (ends[0] == 0.0)
        assert not curve.high_at_bound
        assert not curve.notes


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize("level", [0.8, 0.99])
def test_ends_of_a_balanced_one_way_layout_are_exact(level: float, reml: bool) -> None:
    """Dyestuff: the likelihood is a function of two sums of squares."""
    fit = fitted("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), reml=reml)
    groups = hs.data.dyestuff().groupby("Batch")["Yield"]
    within = float(groups.var(ddof=0).sum() * 5)
    between = float(groups.mean().var(ddof=0) * 30)

    def deviance(tau: float, sigma: float) -> float:
        total = sigma**2 + 5 * tau**2
        freedom = 5 if reml else 6
        logs = 24 * np.log(sigma**2) + freedom * np.log(total)
        return logs + within / sigma**2 + between / total

    best = deviance(fit["Batch"].tau[0], fit.sigma)
    drop = float(norm.ppf(0.5 + level / 2)) ** 2
    found = fit.profile(level, ["sd(Intercept | Batch)", "sigma"]).curves
    for end in (found["sigma"].low, found["sigma"].high):
        free = minimize_scalar(deviance, args=(end,), bounds=(0, 300))
        assert free.fun - best == pytest.approx(drop, abs=1e-4)
    sd = found["sd(Intercept | Batch)"]
    for end in (sd.low, sd.high):
        free = minimize_scalar(
            lambda sigma, tau: deviance(tau, sigma), args=(end,), bounds=(10, 200)
        )
        if end > 0:
            assert free.fun - best == pytest.approx(drop, abs=1e-4)
        else:
            assert sd.low_at_bound
            assert free.fun - best < drop
    assert sd.low_at_bound == (level == 0.99)


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_a_correlations_end_is_where_no_dense_search_does_better(reml: bool) -> None:
    fit = fitted("Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(), reml=reml)
    design = fit.design
    subject = design.factors[0]
    together = subject.index[:, None] == subject.index
    name = "corr(Intercept, Days | Subject)"
    curve = fit.profile(parameters=[name]).curves[name]

    def loss(logs: Floats, rho: float) -> float:
        a, b, sigma = np.exp(logs)
        Sigma = np.array([[a * a, rho * a * b], [rho * a * b, b * b]])
        V = together * (subject.Z @ Sigma @ subject.Z.T) + sigma**2 * np.eye(design.N)
        return -dense_loglik(design.y, design.X, V, reml=reml)

    for end in (curve.low, curve.high):
        found = minimize(loss, np.log([24, 6, 25]), args=(end,), method="Nelder-Mead",
                         options={"xatol": 1e-5, "fatol": 1e-7})  # fmt: skip
        drop = 2 * (fit.solution.loglik + found.fun)
        assert drop == pytest.approx(CUT**2, abs=1e-4)


def test_a_coefficients_ends_are_where_no_dense_search_does_better() -> None:
    """Unbalanced, so that the best intercept moves with the slope that is held."""
    data = hs.data.radon().iloc[:90]
    fit = fitted("log_radon ~ floor + (1 | county)", data, reml=False)
    design = fit.design
    together = design.factors[0].index[:, None] == design.factors[0].index
    curve = fit.profile(parameters=["floor"]).curves["floor"]
    rest, floor = design.X[:, :1], design.X[:, 1]

    def loss(logs: Floats, slope: float) -> float:
        tau, sigma = np.exp(logs)
        V = tau**2 * together + sigma**2 * np.eye(design.N)
        return -dense_loglik(design.y - slope * floor, rest, V, reml=False)

    for end in (curve.low, curve.high):
        found = minimize(loss, np.log([0.3, 0.8]), args=(end,), method="Nelder-Mead",
                         options={"xatol": 1e-5, "fatol": 1e-7})  # fmt: skip
        drop = 2 * (fit.solution.loglik + found.fun)
        assert drop == pytest.approx(CUT**2, abs=1e-4)


def test_units_and_origin_move_the_ends_as_they_move_the_estimates() -> None:
    """Days since the start or since day -40, in hours; the reaction in seconds."""
    data = hs.data.sleepstudy()
    formula = "Reaction ~ Days + (Days | Subject)"
    names = ["sd(Days | Subject)", "sigma"]
    base = fitted(formula, data, reml=True).profile(parameters=names).curves
    moved = data.assign(Reaction=data.Reaction / 1000, Days=24 * (data.Days + 40))
    found = fitted(formula, moved, reml=True).profile(parameters=names).curves
    for name, unit in zip(names, (24000, 1000), strict=True):
        ends = np.array([found[name].low, found[name].high]) * unit
        np.testing.assert_allclose(ends, [base[name].low, base[name].high], rtol=1e-5)


def test_what_is_at_its_bound_is_said() -> None:
    """The first 200 homes of radon: a correlation of -1, a slope that may not vary."""
    data = hs.data.radon().iloc[:200]
    fit = fitted("log_radon ~ floor + (floor | county)", data, reml=True)
    found = fit.profile()
    rho = found.curves["corr(Intercept, floor | county)"]
    assert (rho.low, rho.high, rho.low_at_bound, rho.high_at_bound) == (-1, 1, True, True)
    slope = found.curves["sd(floor | county)"]
    assert (slope.low, slope.low_at_bound, slope.high_at_bound) == (0, True, False)
    table = found.to_frame()
    assert table.loc["sd(floor | county)", "note"] == "low is the end of the range"
    assert "95% profile-likelihood intervals (REML)" in str(found)


def test_the_curve_rises_through_the_estimate_and_both_ends() -> None:
    fit = fitted("strength ~ 1 + (1 | batch/cask)", hs.data.pastes(), reml=True)
    for curve in fit.profile().curves.values():
        assert (np.diff(curve.value) > 0).all()
        assert (np.diff(curve.zeta) > -1e-6).all()
        assert curve.zeta[curve.value == curve.estimate] == 0
        for end, sign, bound in ((curve.low, -1, curve.low_at_bound),
                                 (curve.high, 1, curve.high_at_bound)):  # fmt: skip
            assert end in curve.value
            at_end = sign * curve.zeta[curve.value == end][0]
            assert at_end < CUT if bound else at_end == pytest.approx(CUT, abs=1e-4)


def test_a_fit_that_is_not_at_its_optimum_is_noticed() -> None:
    fit = fitted("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), reml=True)
    off = Variances((1.5 * fit.variances.Sigmas[0],), 1.1 * fit.sigma)
    (note,) = (
        replace(fit, variances=off).profile(parameters=["sigma"]).curves["sigma"].notes
    )
    assert "higher than the fit's, which is not at its optimum" in note
    with pytest.raises(DataError, match="did not converge"):
        replace(fit, converged=False).profile()


def made_up(
    shape: Callable[[float], float], monkeypatch: pytest.MonkeyPatch, slope: float = 0.0
) -> Ray:
    """A ray along which zeta has a given shape, from 1 on between 0 and infinity."""
    here = Variances((np.eye(1),), 1.0)
    monkeypatch.setattr(
        ray, "climb", lambda value, starts: Peak(here, -0.5 * shape(value) ** 2, slope)
    )
    return Ray(lambda value: value, 1.0, 0.3, (0.0, np.inf), True, 0.0, [here])


def test_a_curve_that_is_not_monotone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    two_hills = made_up(lambda v: (v - 1) + 0.9 * np.sin(2.2 * (v - 1)), monkeypatch)
    assert any("not monotone between" in note for note in two_hills.trace(CUT).notes)
    one_hill = made_up(lambda v: (v - 1) + 0.3 * np.sin(2.2 * (v - 1)), monkeypatch)
    assert not one_hill.trace(CUT).notes


def test_a_cut_off_that_is_never_reached_leaves_the_end_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    curve = made_up(lambda v: np.tanh(v - 1), monkeypatch).trace(CUT)
    assert (curve.low, curve.low_at_bound) == (0.0, True)
    assert (curve.high, curve.high_at_bound) == (np.inf, True)


def test_a_value_that_makes_no_sense_is_never_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A residual sd of zero is no normal distribution."""
    sigma = made_up(lambda v: 0.5 * (v - 1) if v < 1 else 3 * (v - 1), monkeypatch)
    curve = replace(sigma, closed=False).trace(CUT)
    assert (curve.low, curve.low_at_bound) == (0.0, True)
    assert curve.value.min() > 0
    assert curve.high == pytest.approx(1 + CUT / 3, rel=1e-5)


def test_a_search_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    curve = made_up(lambda v: v - 1, monkeypatch, slope=1.0).trace(CUT)
    assert all("did not end at an optimum" in note for note in curve.notes)
    assert curve.notes


def test_what_cannot_be_profiled_is_refused_by_name() -> None:
    fit = fitted("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), reml=True)
    with pytest.raises(DataError, match=r"no parameter 'Intercept'.*reml=False"):
        fit.profile(parameters=["Intercept"])
    with pytest.raises(DataError, match="no parameter 'Intercept'"):
        fit.profile(parameters="Intercept")
    with pytest.raises(DataError, match="between 0 and 1, not 95"):
        fit.profile(95)


def test_progress_is_told() -> None:
    seen: list[float | None] = []

    class Listener:
        @contextmanager
        def task(self, _: str, total: float | None = None) -> Iterator[Advance]:
            seen.append(total)
            yield seen.append

    fit = fitted("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), reml=True)
    fit.profile(progress=Listener())
    assert seen == [2, 1, 2]
    seen.clear()
    fit.bootstrap(3, progress=Listener())
    assert seen == [3, 1, 2, 3]
