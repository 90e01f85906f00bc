"""What a cross-check says of itself, on quick real fits without a compiler."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.ladder import CrossCheck
from hierstan.report import crosscheck_results

pytest.importorskip("stanli")

STRONG = "sd(Days | Subject)"


@pytest.fixture(scope="module")
def rescued() -> CrossCheck:
    """A fit that MixedLM by itself leaves 0.017 of log likelihood short."""
    formula = "log_radon ~ floor + log_uranium + (1 | county)"
    return hs.crosscheck(formula, hs.data.radon(), engine="stanli")


def test_a_rescued_fit_has_the_optimum_it_was_refitted_to(rescued: CrossCheck) -> None:
    assert rescued.mixed.rescued
    assert rescued.loglik_gap > 0.01
    assert {rung.verdict for rung in rescued.rungs} == {"same optimum"}
    assert rescued.agrees


def test_a_fit_short_of_the_optimum_does_not_agree(rescued: CrossCheck) -> None:
    solution = replace(rescued.mixed.solution, loglik=rescued.mode.solution.loglik - 0.004)
    assert not replace(rescued, mixed=replace(rescued.mixed, solution=solution)).agrees


def test_few_levels_are_no_reason_to_advise_the_priors_in_use() -> None:
    """What must be flat are the ladder's own priors, not the user's."""
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], [15, 18, 17])
    y = rng.normal(100.0, 1.0, 50) + rng.normal(0.0, 1.3, 3)[group]
    data = pd.DataFrame({"g": np.array(list("abc"))[group], "y": y})
    check = hs.crosscheck(
        "y ~ 1 + (1 | g)", data, posterior=True, chains=2, warmup=300, draws=300,
        engine="stanli",
    )  # fmt: skip
    assert check.flat is None
    assert "no flat-prior mean to compare with" in check.stopped
    assert "3 levels of 'g'" in check.stopped
    assert "preset" not in check.verdict
    assert "Give" not in check.verdict


@pytest.fixture(scope="module")
def strong() -> CrossCheck:
    """The README's example: a prior narrower than what the data say."""
    return hs.crosscheck(
        "Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(), posterior=True,
        priors={STRONG: "half-normal(3)"}, seed=1, engine="stanli",
    )  # fmt: skip


def test_parts_are_in_sds_of_the_wider_posterior_and_that_is_said(
    strong: CrossCheck,
) -> None:
    row = strong.to_frame().loc[STRONG]
    assert row["flat_sd"] > 1.3 * row["sd"]
    assert row["prior_sd"] == pytest.approx(row["prior"] / row["flat_sd"], rel=1e-12)
    assert strong.unit == "sds of the wider of the two posteriors (flat priors, yours)"
    words = str(strong)
    assert f"In words, in {strong.unit}:\n" in words
    header = next(line for line in words.splitlines() if "mode_to_mean" in line)
    assert header.split() == [
        "estimate", "engine", "mode_to_mean", "prior", "mean", "monte_carlo",
    ]  # fmt: skip


def test_what_two_optimizers_leave_is_printed_as_nothing(strong: CrossCheck) -> None:
    assert 0 < abs(strong.rungs[-1].engine) < 1e-4
    line = next(line for line in str(strong).splitlines() if line.startswith("sigma "))
    assert line.split()[2] == "0"
    far = [*strong.rungs[:-1], replace(strong.rungs[-1], engine=0.25)]
    line = next(
        line
        for line in str(replace(strong, rungs=tuple(far))).splitlines()
        if line.startswith("sigma ")
    )
    assert line.split()[2] == "0.25"


def test_the_largest_gap_has_its_unit_beside_it(strong: CrossCheck) -> None:
    table = strong.to_frame()
    wider = table[["sd", "flat_sd"]].max(axis=1)
    gaps = ((table["mean"] - table["estimate"]) / wider).abs()
    assert f"at most {gaps.max():.2f} {strong.unit}, for {gaps.idxmax()}." in strong.verdict
    alone = replace(strong, flat=None)
    assert alone.unit == "posterior sds"


def test_the_readme_says_what_its_code_prints(strong: CrossCheck) -> None:
    readme = " ".join((Path(__file__).parent.parent / "README.md").read_text().split())
    told = re.search(r"the prior pulls sd\(Days \| Subject\) down by ([\d.]+) sd", readme)
    assert told is not None
    assert strong.unit in readme
    row = strong.to_frame().loc[STRONG]
    rounding, draws = 0.05, 4 * row["monte_carlo_sd"]
    assert -row["prior_sd"] == pytest.approx(float(told[1]), abs=rounding + draws)


def test_a_check_says_by_what_seed_it_was_made() -> None:
    """Of its optimizer's start, where nothing is sampled."""
    check = hs.crosscheck(
        "Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), seed=29, draws=70, engine="stanli"
    )
    assert (check.settings.seed, check.settings.draws) == (29, 70)
    assert crosscheck_results(check)["seed"] == 29


def test_an_optimizer_that_did_not_arrive_does_not_agree(rescued: CrossCheck) -> None:
    lost = replace(rescued, mode=replace(rescued.mode, converged=False))
    assert rescued.agrees
    assert not lost.agrees
    top = lost.mode.solution.loglik
    assert f"Stan's optimizer did not arrive (log likelihood {top:.4f})." in lost.verdict
    assert "optimum" not in lost.verdict


def test_two_likelihoods_are_not_to_be_compared(rescued: CrossCheck) -> None:
    apart = replace(rescued, density_gap=0.0234)
    assert not apart.agrees
    told = "Stan and MixedLM compute different likelihoods (by 2.3e-02 of their size)"
    assert apart.verdict.startswith(f"{told}: do not compare their results.")


def test_stan_short_of_the_optimum_is_told_with_both_heights(rescued: CrossCheck) -> None:
    short = replace(rescued, loglik_gap=-0.375)
    top = short.mode.solution.loglik
    assert (
        f"Stan's optimizer stopped at {top:.4f}, 0.38 short of the REML optimum of "
        f"MixedLM, {top + 0.375:.4f}." in short.verdict
    )


def test_draws_too_few_for_their_means_are_told(strong: CrossCheck) -> None:
    assert "Take more draws" not in strong.verdict
    *others, last = strong.rungs
    assert last.unit is not None
    noisy = replace(last, monte_carlo=0.06 * last.unit)
    told = replace(strong, rungs=(*others, noisy)).verdict
    assert f"Take more draws: Monte Carlo error is above 0.05 sd for {last.name}." in told
