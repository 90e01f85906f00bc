"""Advice on real fits: funnels, boundaries, strong data, crossed factors, nothing wrong."""

import warnings

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.fit import Fit

pytestmark = [pytest.mark.stan, pytest.mark.slow]


def sampled(model: hs.Model, program: str, **settings: int) -> Fit:
    """Sample and keep quiet about checks that fail: the tests are about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hs.ConvergenceWarning)
        return model.sample(program, **{"warmup": 500, "draws": 500, "seed": 2} | settings)


def kinds(fit: Fit, *, explaining: bool = True) -> set[str]:
    return {c.kind for c in fit.diagnostics.causes if c.explains == explaining}


def test_radon_centered_is_told_of_its_funnel(radon_analysis: Analysis) -> None:
    """The tutorials' model: 85 counties, a basement slope about which most say nothing."""
    fit = radon_analysis.fits["centered"]
    advice = hs.advise(fit)
    found = next(cause for cause in advice.causes if cause.kind == "funnel")
    assert found.parameter == "sd(floor | county)"
    assert found.evidence["reliability_low"] < 0.05
    assert advice.proposals == ("marginal", "noncentered")
    # Measured: 217 and 21 times the effective draws a second of centered.
    assert [trial.verdict for trial in advice.trials] == ["better", "better"]
    assert advice.program == "marginal"
    assert all(trial.settings.seed == 7 for trial in advice.trials)
    slowest = advice.to_frame()["slowest"]
    assert slowest["centered"] == "sd(floor | county)"
    gradient = advice.to_frame()["ess_per_gradient"]
    assert gradient["marginal"] > 5 * gradient["centered"]


@pytest.mark.parametrize("program", ["noncentered", "marginal"])
def test_radon_is_left_alone_where_nothing_is_wrong(
    radon_analysis: Analysis, program: str
) -> None:
    advice = hs.advise(radon_analysis.fits[program])
    assert advice.proposals == advice.trials == ()
    assert str(advice).startswith(f"{program} is sound")


def eight_schools() -> pd.DataFrame:
    """Rows with exactly the published effects and standard errors.

    Rubin 1981 (doi:10.3102/10769986006004377), table 1: coaching effects and their
    standard errors. School j has (100 / se)^2 rows, so that sigma is about 100 in all.
    """
    effects = (28, 8, -3, 7, -1, 1, 18, 12)
    errors = (15, 10, 16, 11, 9, 11, 10, 18)
    rng = np.random.default_rng(81)
    schools = []
    for name, effect, error in zip("ABCDEFGH", effects, errors, strict=True):
        rows = round((100 / error) ** 2)
        noise = rng.normal(size=rows)
        noise = (noise - noise.mean()) / noise.std(ddof=1)
        score = effect + error * np.sqrt(rows) * noise
        schools.append(pd.DataFrame({"school": name, "effect": score}))
    return pd.concat(schools, ignore_index=True)


def test_eight_schools_have_their_published_summaries() -> None:
    by_school = eight_schools().groupby("school")["effect"]
    assert by_school.mean().tolist() == pytest.approx([28, 8, -3, 7, -1, 1, 18, 12])
    assert by_school.sem().tolist() == pytest.approx([15, 10, 16, 11, 9, 11, 10, 18])


def test_eight_schools_may_have_no_spread_at_all(engine: CmdStanEngine) -> None:
    """MixedLM puts the sd at zero; the posterior peaks there, and the prior decides."""
    priors = {"sd(Intercept | school)": "half-cauchy(5)"}
    model = hs.Model("effect ~ 1 + (1 | school)", eight_schools(), priors, engine=engine)
    centered = sampled(model, "centered")
    assert model.mixedlm().singular
    assert "funnel" in kinds(centered)
    # Whether the sd may be zero is for a fit to say that knows its density there.
    marginal = sampled(model, "marginal", draws=1500)
    assert marginal.diagnostics.sound
    assert {"boundary", "prior-dominated sd"} == kinds(marginal, explaining=False)
    assert kinds(marginal) == set()


def test_strong_data_are_told_to_marginal_from_either_side(engine: CmdStanEngine) -> None:
    """Forty rows in each of 30 groups, sigma a fifth of the sd of the groups.

    Measured on such data (12 sets): centered had 0.6 to 1.6 times the effective draws a
    second of noncentered, 1.3 in the middle, and marginal 9 to 2,600 times.
    """
    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(30), 40)
    data = pd.DataFrame({"group": [f"g{k:02d}" for k in group]})
    data["y"] = 2.0 + 5 * rng.normal(size=30)[group] + rng.normal(size=group.size)
    model = hs.Model("y ~ 1 + (1 | group)", data, engine=engine)
    noncentered = hs.advise(sampled(model, "noncentered"), trial=False)
    assert noncentered.proposals == ("marginal",)
    assert "strong data" in {cause.kind for cause in noncentered.causes}
    centered = hs.advise(sampled(model, "centered"))
    assert centered.proposals == ("marginal",)
    assert "ridge" in {cause.kind for cause in centered.causes}
    assert centered.program == "marginal"


def test_crossed_factors_are_told_of_noncentered_only(engine: CmdStanEngine) -> None:
    """Twelve groups that hardly differ, crossed with six that do; marginal cannot."""
    rng = np.random.default_rng(5)
    a, b = (v.ravel() for v in np.meshgrid(np.arange(12), np.arange(6)))
    a, b = np.repeat(a, 4), np.repeat(b, 4)
    data = pd.DataFrame({"a": [f"a{k}" for k in a], "b": [f"b{k}" for k in b]})
    data["y"] = 0.7 * rng.normal(size=6)[b] + rng.normal(size=a.size)
    model = hs.Model("y ~ 1 + (1 | a) + (1 | b)", data, engine=engine)
    advice = hs.advise(sampled(model, "centered"))
    assert advice.proposals == ("noncentered",)
    assert next(c for c in advice.causes if c.explains).parameter == "sd(Intercept | a)"
    assert advice.program == "noncentered"


def test_correlated_slopes_that_are_fine_have_no_causes(engine: CmdStanEngine) -> None:
    model = hs.Model("Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(),
                     engine=engine)  # fmt: skip
    fit = sampled(model, "marginal", draws=1000)
    assert fit.diagnostics.verdict == "sound"
    assert kinds(fit) == set()


def test_three_levels_leave_their_sd_to_the_prior(engine: CmdStanEngine) -> None:
    rng = np.random.default_rng(8)
    group = np.repeat(["p", "q", "r"], 30)
    shift = np.repeat([-1.1, 0.4, 1.3], 30)
    data = pd.DataFrame({"group": group, "y": shift + rng.normal(size=90)})
    fit = sampled(hs.Model("y ~ 1 + (1 | group)", data, engine=engine), "marginal",
                  draws=1000)  # fmt: skip
    assert fit.diagnostics.verdict == "sound"
    assert kinds(fit, explaining=False) == {"prior-dominated sd"}
    assert str(hs.advise(fit)).startswith("marginal is sound")


def test_a_short_run_needs_the_draws_it_is_told(engine: CmdStanEngine) -> None:
    model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon(), engine=engine)
    short = sampled(model, "marginal", warmup=300, draws=80)
    cause = next(c for c in short.diagnostics.causes if c.explains)
    assert cause.kind == "too few draws"
    enough = sampled(model, "marginal", draws=int(cause.evidence["draws_needed"]))
    assert enough.diagnostics.sound, enough.diagnostics.verdict
