"""Stan's mode as a mixed-model fit, and the ladder from there to the posterior."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import Run
from exact import exact_posterior
from lme4 import FITS, assert_equals_lme4, design_of

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError
from hierstan.frequentist import fit_at, fit_mixedlm
from hierstan.ladder import CrossCheck, joint_mode
from hierstan.ladder.density import FlatDensity
from hierstan.structure import chain

pytestmark = pytest.mark.stan
RADON = "log_radon ~ floor + (floor || county)"
MCSE = 4.0

MARGINAL = [fit for fit in FITS if chain(design_of(*fit[:2]).factors) is not None]


@pytest.mark.parametrize(("dataset", "formula", "method"), MARGINAL)
def test_stans_mode_is_the_fit_of_lme4(
    engine: CmdStanEngine, dataset: str, formula: str, method: str
) -> None:
    design, reml = design_of(dataset, formula), method == "REML"
    mode = FlatDensity.of(design, engine, reml=reml).mode(seed=3)
    estimates = fit_at(design, mode, reml=reml).estimates()
    assert_equals_lme4(estimates, dataset, formula, method)


@pytest.fixture(scope="module")
def three_effects() -> pd.DataFrame:
    """Three correlated effects, and 40 groups of uneven size."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame(rng.normal(size=(400, 3)), columns=["y", "x", "w"])
    data["g"] = np.append(np.arange(40), rng.integers(0, 40, 360))
    root = np.array([[1.2, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.3, 0.4, 0.6]])
    u = (rng.normal(size=(40, 3)) @ root.T)[data["g"]]
    data["y"] += 3.0 + u[:, 0] + (0.7 + u[:, 1]) * data["x"] + u[:, 2] * data["w"]
    return data


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_three_correlated_effects(
    engine: CmdStanEngine, three_effects: pd.DataFrame, reml: bool
) -> None:
    """Flat correlation matrices are not flat in the coordinates that Stan climbs in."""
    formula = "y ~ x + w + (x + w | g)"
    check = hs.crosscheck(formula, three_effects, reml=reml, engine=engine)
    assert check.agrees, check.verdict
    best = dict(fit_mixedlm(check.model.design, reml=reml).estimates().rows())
    for name, value in check.stan_mode().rows():
        assert value.center == pytest.approx(best[name].center, abs=1e-4 * value.spread)


def test_both_likelihoods_and_optima_are_one(engine: CmdStanEngine) -> None:
    check = hs.crosscheck(RADON, hs.data.radon(), engine=engine)
    assert check.agrees
    assert check.density_gap < 1e-12
    assert "same likelihood" in check.verdict
    assert "same REML optimum" in check.verdict
    for rung in check.rungs:
        assert rung.se is not None
        assert abs(rung.engine) < 1e-4 * rung.se
        assert rung.mean is None


def test_a_fit_that_mixedlm_leaves_short_is_rescued(engine: CmdStanEngine) -> None:
    formula = "log_radon ~ floor + log_uranium + (1 | county)"
    check = hs.crosscheck(formula, hs.data.radon(), engine=engine)
    assert check.mixed.rescued
    assert check.loglik_gap > 1e-3
    top = check.mode.solution.loglik
    assert top == pytest.approx(-1029.8223, abs=1e-4)
    assert f"stops at {top - check.loglik_gap:.4f}" in check.verdict
    assert check.to_dict()["rescued"]


def test_where_mixedlm_cannot_follow_our_own_climb_is_the_other_side(
    engine: CmdStanEngine,
) -> None:
    """Correlated slopes within nested groups, which MixedLM has no words for."""
    rng = np.random.default_rng(21)
    data = pd.DataFrame({"a": np.repeat(np.arange(12), 40), "x": rng.normal(size=480)})
    data["b"] = np.tile(np.repeat(np.arange(5), 8), 12)
    inner = rng.normal(size=(60, 2)) @ np.array([[0.8, 0.3], [0.0, 0.5]])
    u = inner[data["a"] * 5 + data["b"]] + rng.normal(size=(12, 2))[data["a"]]
    data["y"] = u[:, 0] + (1 + u[:, 1]) * data["x"] + rng.normal(size=480)
    check = hs.crosscheck("y ~ x + (x | a/b)", data, engine=engine)
    assert check.mixed.substitute is not None
    assert "MixedLM cannot express" in check.verdict
    assert "Stan and our own code compute the same likelihood" in check.verdict
    assert check.agrees, check.verdict
    assert check.mixed.variances is not check.mode.variances


def test_a_standard_deviation_at_zero_is_exactly_zero(engine: CmdStanEngine) -> None:
    check = hs.crosscheck("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff2(), engine=engine)
    assert check.stan_mode().sd["Batch"]["Intercept"].center == 0.0
    assert check.mode.singular
    assert "singular" in check.verdict
    least_squares = float(hs.data.dyestuff2()["Yield"].std(ddof=1))
    assert check.stan_mode().sigma.center == pytest.approx(least_squares, rel=1e-6)


@pytest.fixture(scope="module")
def radon(engine: CmdStanEngine) -> CrossCheck:
    """All five rungs, with a prior that says something."""
    return hs.crosscheck(
        RADON, hs.data.radon(), posterior=True, priors={"floor": "normal(0, 0.1)"},
        seed=4, draws=2000, engine=engine,
    )  # fmt: skip


def test_the_flat_posterior_is_the_exact_one(radon: CrossCheck) -> None:
    """By quadrature over the three standard deviations, up to where nothing is left."""
    exact = exact_posterior(
        radon.model.design, lambda tau, sigma: 0.0, [0.75, 1.2], (0.63, 0.82)
    )
    assert radon.flat is not None
    values = dict(radon.flat.estimates().rows())
    for rung in radon.rungs:
        assert rung.mode_to_mean is not None
        truth = exact.mean[rung.name] - rung.mode
        bound = MCSE * values[rung.name].mcse_mean
        assert rung.mode_to_mean == pytest.approx(truth, abs=bound), rung.name


def test_the_parts_add_up(radon: CrossCheck) -> None:
    for rung in radon.rungs:
        assert rung.mean is not None
        assert rung.mode_to_mean is not None
        assert rung.prior is not None
        parts = rung.engine + rung.mode_to_mean + rung.prior
        assert parts == pytest.approx(rung.mean - rung.estimate, abs=1e-12)


def test_it_is_a_table_and_curves_by_name(radon: CrossCheck) -> None:
    table, curves = radon.to_frame(), radon.panels()
    assert [panel.name for panel in curves] == list(table.index)
    for rung, panel in zip(radon.rungs, curves, strict=True):
        assert table.loc[rung.name, "mean"] == rung.mean
        assert table.loc[rung.name, "prior_sd"] == rung.in_sd(rung.prior)
        assert panel.estimate == rung.mode


def test_a_prior_is_blamed_for_what_it_does(radon: CrossCheck) -> None:
    """It pulls floor from -0.65 towards 0 with more than half of the data's weight."""
    floor = next(rung for rung in radon.rungs if rung.name == "floor")
    assert floor.prior is not None
    assert floor.prior > 0.1
    assert "the prior pulls floor up by" in floor.verdict
    assert "for floor." in radon.verdict


def test_intervals_are_profiled(radon: CrossCheck) -> None:
    """Longer above than below, and from zero where the likelihood does not fall enough."""
    value = radon.stan_mode().sigma
    assert value.low is not None
    assert value.high is not None
    assert value.center - value.low < value.high - value.center
    assert radon.profile is not None
    assert radon.stan_mode().sd["county"]["floor"].low == 0.0


def test_few_levels_stop_the_ladder(engine: CmdStanEngine) -> None:
    """Four levels bound a flat sd, but not its variance."""
    data = hs.data.dyestuff().query("Batch in ['A', 'B', 'C', 'D']")
    check = hs.crosscheck("Yield ~ 1 + (1 | Batch)", data, posterior=True, engine=engine)
    assert check.flat is None
    assert "no finite mean" in check.verdict
    tau = next(rung for rung in check.rungs if rung.name.startswith("sd("))
    assert tau.prior is None
    assert tau.mean is not None


def test_crossed_factors_are_refused_with_the_reason(engine: CmdStanEngine) -> None:
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    with pytest.raises(DataError, match="crossed"):
        hs.crosscheck(formula, hs.data.penicillin(), engine=engine)


def test_maximizing_over_group_effects_runs_away(engine: CmdStanEngine) -> None:
    fit = hs.Model(RADON, hs.data.radon()).mixedlm()
    found = joint_mode(fit, engine)
    assert found.smallest_tau < 1e-6
    assert found.end.log_density > fit.solution.loglik + 100
    ray = found.ray.sort_values("share")
    best = ray.loc[ray["marginal"].idxmax()]
    assert best["share"] == pytest.approx(1.0, rel=1e-6)
    assert best["marginal"] == pytest.approx(fit.solution.loglik, abs=1e-9)
    near_zero = ray[ray["share"] < 0.1]
    assert np.all(np.diff(near_zero["joint"]) < 0)


def test_an_analysis_carries_its_cross_check(radon_analysis: Analysis) -> None:
    from hierstan.report import results

    told = results(radon_analysis)
    assert told["crosscheck"]["density_gap"] < 1e-8
    assert told["crosscheck"]["rows"][0]["name"] == "Intercept"
    assert told["stan_mode"]["criterion"] == "REML"
    assert told["stan_mode"]["sd"]["county"]["floor"]["low"] == 0.0
    assert radon_analysis.joint is not None
    assert radon_analysis.agreement() == radon_analysis.check.verdict


def test_command(hierstan_command: Run) -> None:
    formula = "Reaction ~ Days + (Days | Subject)"
    status, out, _ = hierstan_command("crosscheck", "sleepstudy", formula, "--quiet")
    assert status == 0
    assert "same REML optimum" in out
    assert "corr(Intercept, Days | Subject)" in out
    status, out, _ = hierstan_command(
        "crosscheck", "sleepstudy", formula, "--ml", "--json", "--quiet"
    )
    told = json.loads(out)
    assert status == 0
    assert told["stan_mode"]["criterion"] == "ML"
    assert told["stan_mode"]["loglik"] == pytest.approx(-875.9697, abs=1e-3)
    assert told["posterior"] == {}


def test_command_refuses_bad_input(hierstan_command: Run) -> None:
    status, out, told = hierstan_command("crosscheck", "sleepstudy", "Reaction ~ Days")
    assert (status, out) == (2, "")
    assert "group term" in told
