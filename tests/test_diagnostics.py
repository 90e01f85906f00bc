"""Verdicts on draws made to have one defect each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from hierstan.arviz_stats import arviz, convergence, ebfmi
from hierstan.design import Design, Floats
from hierstan.diagnostics import Diagnostics, diagnose
from hierstan.draws import name_draws, reported
from hierstan.engines import SamplerSettings, Samples
from hierstan.errors import InputError
from hierstan.priors import resolve_priors
from hierstan.programs import get_program

CHAINS, DRAWS = 4, 500
Change = Callable[[dict[str, Floats], dict[str, Floats]], None]


@pytest.fixture
def state(radon_design: Design) -> Callable[[Change, str], Diagnostics]:
    """Independent draws, changed by the test, and diagnosed."""

    def make(change: Change, program: str) -> Diagnostics:
        rng = np.random.default_rng(8)
        shape = (CHAINS, DRAWS)
        variables = {
            "beta": rng.normal(size=(*shape, 2)),
            "sigma": np.exp(rng.normal(size=shape) / 5),
            "tau": np.exp(rng.normal(size=(*shape, 2)) / 2),
            "u": rng.normal(size=(*shape, 170)),
            "lprior": np.zeros(shape),
        }
        sampler = {
            "diverging": np.zeros(shape),
            "tree_depth": np.full(shape, 4.0),
            "energy": rng.normal(size=shape),
        }
        change(variables, sampler)
        settings = SamplerSettings(CHAINS, 300, DRAWS)
        samples = Samples(variables, sampler, settings, 2.0, 0.0, None)
        chosen = get_program(program)
        draws = name_draws(chosen, radon_design, variables)
        priors = resolve_priors(None, radon_design)
        statistics = convergence(reported(draws))
        return diagnose(chosen, radon_design, priors, draws, samples, statistics)

    return make


State = Callable[[Change, str], Diagnostics]


def test_independent_draws_are_sound(state: State) -> None:
    found = state(lambda v, s: None, "noncentered")
    assert found.sound
    assert found.verdict == "sound"
    assert found.advice == ""
    assert found.ess_per_second > 500
    assert found.rhat_max < 1.01


def test_a_single_divergence_is_told(state: State) -> None:
    def diverge(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["diverging"][2, 17] = 1

    found = state(diverge, "noncentered")
    assert found.divergences == 1
    assert "1 of 2000 transitions diverged" in found.verdict
    assert "adapt_delta" in found.advice


def test_divergences_at_small_sd_name_the_sd_and_the_funnel(state: State) -> None:
    def funnel(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["diverging"] = (v["tau"][:, :, 1] < 0.35).astype(float)

    found = state(funnel, "centered")
    assert found.divergences > 20
    assert "culprit is sd(floor | county)" in found.cause
    assert "where the sampler diverges" in found.cause
    assert 'Use program="marginal"' in found.advice
    assert 'use program="noncentered"' in found.advice


def test_a_slow_coefficient_is_not_called_a_funnel(state: State) -> None:
    """All sds mix well and keep away from zero; only the slope is slow."""

    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"] = np.exp(np.log(v["tau"]) / 10)
        v["beta"][:, :, 1] = np.cumsum(v["beta"][:, :, 1], axis=1) / 20

    found = state(slow, "centered")
    assert not found.sound
    assert found.cause == ""
    assert "no clear cause: take more draws" in found.advice


def test_a_slow_sd_away_from_zero_is_no_funnel(state: State) -> None:
    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        walk = np.cumsum(np.log(v["tau"][:, :, 1]), axis=1)
        v["tau"][:, :, 1] = np.exp(walk / 500)

    found = state(slow, "centered")
    assert found.failing().index[0] == "sd(floor | county)"
    assert found.cause == ""
    assert "no clear cause" in found.advice


def test_a_lone_chain_is_compared_with_itself() -> None:
    """R-hat of one chain compares its halves: near one, or not when it drifts."""
    rng = np.random.default_rng(2)
    still = xr.Dataset({"x": (("chain", "draw"), rng.normal(size=(1, 1000)))})
    drifting = still + xr.DataArray(np.linspace(0, 3, 1000), dims="draw")
    assert convergence(still)["rhat"]["x"].item() == pytest.approx(1.0, abs=0.01)
    assert convergence(drifting)["rhat"]["x"].item() > 1.2


def test_tails_are_the_outer_twentieths_with_every_arviz() -> None:
    """The intervals that ArviZ 1.x shows would move its own choice."""
    rng = np.random.default_rng(8)
    values = np.cumsum(rng.normal(size=(4, 300)), axis=1) * 0.1 + rng.normal(size=(4, 300))
    draws = xr.Dataset({"x": (("chain", "draw"), values)})
    ends = [arviz.ess(draws, method="quantile", prob=p)["x"].item() for p in (0.05, 0.95)]
    assert convergence(draws)["ess_tail"]["x"].item() == pytest.approx(min(ends))


def test_divergences_anywhere_accuse_no_sd_of_being_small(state: State) -> None:
    def scatter(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["diverging"][:, ::20] = 1

    assert "where the sampler diverges" not in state(scatter, "centered").cause


def test_a_chain_elsewhere_is_named_by_r_hat(state: State) -> None:
    def shift(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][3, :, 1] += 2.0

    found = state(shift, "pooled")
    assert found.rhat_max > 1.1
    assert "R-hat is" in found.verdict
    assert "floor" in found.verdict


def test_group_coefficients_have_a_limit_of_their_own(state: State) -> None:
    def shift(by: float) -> Change:
        def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
            v["u"][3, :, 5] += by

        return change

    assert "limit 1.05) for the" in state(shift(2.0), "noncentered").verdict
    mild = state(shift(0.3), "noncentered")
    assert 1.01 < mild.rhat_max < 1.05
    assert "R-hat" not in mild.verdict


def test_slow_draws_are_named_by_ess(state: State) -> None:
    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["u"][:, :, 3] = np.cumsum(v["u"][:, :, 3], axis=1) / 20

    found = state(slow, "noncentered")
    assert found.ess_bulk_min < 100
    assert "BELTRAMI" in found.verdict  # the fourth county
    assert not found.sound


def test_a_stuck_parameter_is_not_sound(state: State) -> None:
    """R-hat of a constant is nan, which must not pass for small."""

    def stick(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["sigma"][:] = 1.25

    found = state(stick, "noncentered")
    assert np.isnan(found.rhat_max)
    assert not found.sound
    assert "R-hat is nan (limit 1.01) for sigma" in found.verdict


def test_low_energy_information_is_told(state: State) -> None:
    def drift(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["energy"][1] = np.cumsum(s["energy"][1])

    found = state(drift, "noncentered")
    assert found.ebfmi < 0.1
    assert "E-BFMI" in found.verdict


def test_deep_trees_are_a_remark_not_a_failure(state: State) -> None:
    def deepen(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["tree_depth"][0, :7] = 10

    found = state(deepen, "noncentered")
    assert found.max_treedepth_hits == 7
    assert found.sound
    assert "7 of 2000 trajectories were cut off at depth 10" in found.verdict


def test_ebfmi_of_known_series() -> None:
    """Independent energies have 2; a random walk of n steps about 6 / n."""
    energy = np.random.default_rng(1).normal(size=(2, 100_000))
    assert ebfmi(energy) == pytest.approx([2.0, 2.0], rel=0.02)
    alternating = np.tile([1.0, -1.0], 50)[None, :]
    assert ebfmi(alternating) == pytest.approx([4.0])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"chains": 0}, "chains is 0; it must be at least 1"),
        ({"warmup": 0}, "warmup is 0"),
        ({"draws": 3}, "draws is 3; it must be at least 4"),
        ({"draws": 2**32 + 5}, "draws is 4294967301; it must be below 2\\*\\*31"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "between 0 and"),
        ({"adapt_delta": 1.0}, "adapt_delta is 1.0"),
        ({"max_treedepth": 0}, "max_treedepth is 0"),
        ({"chains": 2.5}, "chains is 2.5; it must be a whole number"),
        ({"draws": "a"}, "draws is 'a'; it must be a whole number"),
        ({"adapt_delta": "high"}, "adapt_delta is 'high'; it must be a number"),
    ],
)
def test_settings_the_sampler_cannot_use(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        SamplerSettings(**settings)
