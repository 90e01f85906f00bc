"""Causes in the chains: too few draws, short runs, chains apart or stuck."""

import numpy as np
import pytest
from causes import fit_of, kinds, named
from synthetic import Change, ar1

from hierstan.design import Floats
from hierstan.diagnostics.spread import density_at_zero


# An AR(1) series has an ESS of N (1 - phi) / (1 + phi): 210 of 4,000 at 0.9.
def test_too_few_draws_says_how_many_are_needed() -> None:
    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)

    fit = fit_of(slow)
    found = named(fit)["too few draws"]
    assert kinds(fit) == ["too few draws"]
    assert found.parameter == "x"
    exact = 4000 * 0.1 / 1.9
    # ESS is estimated to a standard deviation of about a tenth here.
    assert found.evidence["ess"] == pytest.approx(exact, rel=0.3)
    needed = int(found.evidence["draws_needed"])
    assert f"draws={needed} " in fit.diagnostics.advice
    assert 400 <= needed * 4 * 0.1 / 1.9 <= 700


def test_enough_effective_draws_and_too_high_an_r_hat() -> None:
    """One chain is wider, which ranks of distances show and ESS does not."""

    def apart(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][0, :, 1] = 1.3 + 1.45 * (v["beta"][0, :, 1] - 1.3)

    fit = fit_of(apart, seed=2)
    rhat = float(fit.diagnostics.parameters["rhat"].max())
    assert fit.diagnostics.parameters[["ess_bulk", "ess_tail"]].min().min() >= 400
    assert 1.01 < rhat < 1.05
    found = named(fit)["too few draws"]
    assert found.parameter == "x"
    assert f"R-hat is {rhat:.3f} for x, though all have at least" in found.text
    assert "are wanted" not in found.text
    needed = found.evidence["draws_needed"]
    exact = 1200 * (rhat**2 - 1) / (1.01**2 - 1)
    assert exact <= needed < exact + 100


def test_a_short_run_is_told_its_length_and_its_warm_up() -> None:
    fit = fit_of(draws=60, warmup=100)
    assert kinds(fit) == ["too few draws"]
    needed = named(fit)["too few draws"].evidence["draws_needed"]
    # 120 for independent draws; the least ESS of 40 quantities is half of that at times.
    assert 100 <= needed <= 300
    assert "after warmup=1000" in fit.diagnostics.advice


def test_trajectories_that_are_cut_off_are_why_draws_are_few() -> None:
    def cut(share: float) -> Change:
        def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
            v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)
            s["tree_depth"].reshape(-1)[: int(4000 * share)] = 10

        return change

    fit = fit_of(cut(0.2))
    assert kinds(fit) == ["cut off"]
    assert "800 of 4000 trajectories were cut off at depth 10" in fit.diagnostics.verdict
    assert "set max_treedepth=12" in fit.diagnostics.advice
    few = fit_of(cut(0.05))
    assert kinds(few) == ["too few draws"]
    assert few.diagnostics.max_treedepth_hits == 200


def slow_everywhere(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    """Let every population parameter creep, as a sampler that has not adapted does."""
    shape = v["sigma"].shape
    v["tau"][:, :, 0] = 0.2 * np.abs(ar1(0.9, shape, seed=1))
    v["sigma"] = np.exp(0.1 * ar1(0.95, shape, seed=2))
    s["diverging"][0, 3] = 1


@pytest.mark.parametrize(("warmup", "draws"), [(50, 30), (1000, 40), (60, 1000)])
def test_a_run_too_short_to_tell_more_is_told_so(warmup: int, draws: int) -> None:
    fit = fit_of(slow_everywhere, "marginal", warmup=warmup, draws=draws)
    found = named(fit)["too few draws"]
    assert kinds(fit) == ["too few draws"]
    assert ("warm-up of" in found.text) == (warmup < 150)
    assert ("draws a chain" in found.text) == (draws < 100)
    assert fit.diagnostics.advice == "Sample again with warmup=1000 and draws=1000."


def test_a_few_effective_draws_say_nothing_of_zero() -> None:
    fit = fit_of(slow_everywhere, "marginal", warmup=50, draws=30)
    assert fit.diagnostics.parameters["ess_bulk"]["sd(Intercept | g)"] < 40
    tau = fit.draws["tau"].to_numpy().ravel()
    assert density_at_zero(tau) > 0.147
    assert "boundary" not in kinds(fit, explaining=False)


@pytest.mark.parametrize("fault", ["divergence", "energy", "crawl"])
def test_more_than_too_few_draws(fault: str) -> None:
    """One further fault, and more draws are not the whole answer."""

    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        phi = 0.9995 if fault == "crawl" else 0.9
        v["beta"][:, :, 1] = ar1(phi, (4, 1000), seed=5)
        if fault == "divergence":
            s["diverging"][1, 3] = 1
        if fault == "energy":
            s["energy"] = ar1(0.95, (4, 1000), seed=6)

    fit = fit_of(slow)
    assert "too few draws" not in kinds(fit)
    assert "o clear cause" in fit.diagnostics.advice


def test_a_chain_elsewhere_is_counted_and_measured() -> None:
    def shift(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][2, :, 1] += 6 * v["beta"][:, :, 1].std()

    found = named(fit_of(shift))["stuck chain"]
    assert found.parameter == "x"
    assert found.evidence["chain"] == 2
    assert found.evidence["distance"] == pytest.approx(6, rel=0.1)
    assert found.evidence["rhat_without"] < 1.01 < 1.5 < found.evidence["rhat"]
    assert "Chain 2 (counted from 0) is 6" in found.text
    assert "another seed" in found.advice


def test_a_chain_that_does_not_move_is_stuck() -> None:
    def stop(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        for name in ("beta", "sigma", "tau", "u"):
            v[name][1] = v[name][1, 0]

    found = named(fit_of(stop))["stuck chain"]
    assert found.evidence["chain"] == 1
    assert "has not moved" in found.text


def test_chains_in_two_places_are_several_modes() -> None:
    def part(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][2:, :, 1] += 6 * v["beta"][:, :, 1].std()

    fit = fit_of(part)
    assert kinds(fit) == ["several modes"]
    assert named(fit)["several modes"].parameter == "x"


def test_chains_that_crawl_are_not_several_modes() -> None:
    def crawl(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = np.cumsum(ar1(0.0, (4, 1000), seed=7), axis=1)

    fit = fit_of(crawl)
    assert fit.diagnostics.rhat_max > 1.1
    assert kinds(fit) == []
