"""Advice put to the test by an engine whose draws, and their number, are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import Change, ar1, normal, synthetic_fit
from test_diagnostics_causes import crawling_sd, grouped

import hierstan as hs
from hierstan.design import Floats
from hierstan.diagnostics.coefficients import find_far_from_zero
from hierstan.diagnostics.findings import general_step
from hierstan.engines.base import SamplerSettings, Samples
from hierstan.errors import InputError
from hierstan.evaluate import build_design
from hierstan.fit import Fit
from hierstan.progress import Progress

CROSSED = "y ~ x + (1 | g) + (1 | h)"


def same_posterior(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    """Make the first sd that of `crawling_sd(0.1)`, independent draws of it."""
    v["tau"][:, :, 0] = 0.1 * np.exp(0.8 * normal(v["sigma"].shape, seed=31))


@dataclass
class Invented:
    """An engine that samples by inventing draws, in the seconds it is told."""

    seconds: float = 0.1
    change: Change = same_posterior
    asked: list[tuple[str, SamplerSettings]] = field(default_factory=list)
    name: str = "invented"

    def sample(
        self,
        program: str,
        data: Mapping[str, Any],  # noqa: ARG002
        inits: Sequence[Mapping[str, Any]],
        settings: SamplerSettings,
        progress: Progress,  # noqa: ARG002
    ) -> Samples:
        """Remember what was asked for."""
        self.asked.append((program, settings))
        assert len(inits) == settings.chains
        fit = synthetic_fit(
            CROSSED, grouped(20, 12), program, chains=settings.chains,
            draws=settings.draws, warmup=settings.warmup, change=self.change,
        )  # fmt: skip
        return replace(fit.samples, settings=settings, seconds=self.seconds)


def failed(engine: Invented, change: Change = crawling_sd(0.1)) -> Fit:  # noqa: B008
    """Return a centered fit in a funnel: 2 seconds for some 100 effective draws."""
    fit = synthetic_fit(
        CROSSED, grouped(20, 12), "centered", chains=4, draws=1000, change=change, seed=23
    )
    return replace(fit, engine=engine)  # type: ignore[arg-type]  # samples only


def test_what_is_no_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"Model.sample returns it; a str was given"):
        hs.advise("x")  # type: ignore[arg-type]


def test_a_faster_program_is_tried_and_advised() -> None:
    engine = Invented(seconds=0.1)
    fit = failed(engine)
    advice = hs.advise(fit, warmup=250, draws=400)
    ((program, settings),) = engine.asked
    assert program == "noncentered"
    assert (settings.chains, settings.warmup, settings.draws) == (4, 250, 400)
    assert settings.seed == 23
    (trial,) = advice.trials
    assert trial.settings == settings
    # Independent draws: about 1,600 of them in a tenth of a second.
    assert trial.ess == pytest.approx(1600, rel=0.3)
    assert trial.ess_per_second == pytest.approx(trial.ess / 0.1)
    assert trial.ess_per_gradient == pytest.approx(trial.ess / (1600 * 15))
    before = fit.diagnostics.ess_per_second
    assert trial.faster == pytest.approx(trial.ess_per_second / before)
    assert trial.verdict == "better"
    assert advice.program == "noncentered"
    told = str(advice)
    assert '\nUse program="noncentered".' in told
    assert "4 x 400 draws after 250, seed 23" in told
    rough = float(f"{trial.faster:.2g}")
    assert f"({rough:.0f} times the fit's)" in told


def test_a_trial_adapts_as_the_fit_did() -> None:
    engine = Invented()
    fit = failed(engine)
    settings = replace(fit.samples.settings, adapt_delta=0.87, max_treedepth=7)
    hs.advise(replace(fit, samples=replace(fit.samples, settings=settings)))
    ((_, asked),) = engine.asked
    assert (asked.adapt_delta, asked.max_treedepth) == (0.87, 7)


def test_the_table_sets_fit_and_trials_side_by_side() -> None:
    fit = failed(Invented())
    table = hs.advise(fit, seed=5).to_frame()
    assert table.index.tolist() == ["centered", "noncentered"]
    assert table["run"].tolist() == ["fit", "trial"]
    assert table["seed"].tolist() == [23, 5]
    assert table["draws"].tolist() == [1000, 300]
    assert table["slowest"].iloc[0] == "sd(Intercept | g)"
    own = fit.diagnostics
    assert table["ess_per_second"].iloc[0] == own.ess_per_second
    assert table["ess"].iloc[0] == own.parameters["ess_bulk"]["sd(Intercept | g)"]
    assert table["verdict"].tolist() == ["", "better"]
    assert pd.isna(table["faster"].iloc[0])


def test_a_slower_program_is_not_advised() -> None:
    engine = Invented(seconds=200.0)
    advice = hs.advise(failed(engine))
    assert engine.asked
    assert [trial.verdict for trial in advice.trials] == ["worse"]
    assert advice.program == ""
    assert "did not prove better in the trial: keep centered" in str(advice)
    assert "1/" in str(advice)


def test_a_program_as_fast_is_no_clear_difference() -> None:
    fit = failed(Invented())
    seconds = 1200 / fit.diagnostics.ess_per_second
    advice = hs.advise(replace(fit, engine=Invented(seconds=seconds)))  # type: ignore[arg-type]
    assert [trial.verdict for trial in advice.trials] == ["no clear difference"]
    assert advice.program == ""


def diverge(share: float) -> Change:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        flags = s["diverging"].reshape(-1)
        flags[: int(share * flags.size)] = 1
        s["diverging"] = flags.reshape(s["diverging"].shape)

    return change


def test_a_program_that_diverges_more_is_worse_however_fast() -> None:
    advice = hs.advise(failed(Invented(seconds=0.01, change=diverge(0.02))))
    (trial,) = advice.trials
    assert trial.divergences == 24
    assert trial.faster > 100
    assert trial.verdict == "worse"
    assert advice.program == ""


def diverging_funnel(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    crawling_sd(0.1)(v, s)
    s["diverging"] = (v["tau"][:, :, 0] < 0.02).astype(float)


def test_a_cure_of_divergences_is_better_at_the_same_speed() -> None:
    fit = failed(Invented(), diverging_funnel)
    assert fit.diagnostics.divergences > 40
    same = 1200 / fit.diagnostics.ess_per_second
    advice = hs.advise(replace(fit, engine=Invented(seconds=same)))  # type: ignore[arg-type]
    assert [trial.verdict for trial in advice.trials] == ["better"]


def test_a_cure_of_divergences_is_better_though_slower() -> None:
    """A fit that does not enter a part of the posterior is fast in the rest of it."""
    fit = failed(Invented(), diverging_funnel)
    slower = 3 * 1200 / fit.diagnostics.ess_per_second
    advice = hs.advise(replace(fit, engine=Invented(seconds=slower)))  # type: ignore[arg-type]
    (trial,) = advice.trials
    assert trial.faster < 1 / 1.5
    assert trial.verdict == "better"


def test_what_is_to_be_mended_in_the_model_comes_first() -> None:
    data = grouped(12, 10).assign(x=lambda d: d["x"] + 200)
    (far,) = find_far_from_zero(build_design("y ~ x + (x | g)", data))
    better, worse = (
        replace(hs.advise(failed(Invented(seconds=seconds))), causes=(far,))
        for seconds in (0.1, 200.0)
    )
    first = "Write center(x) in the formula. For the model as it is: "
    assert str(better).splitlines()[-1] == f'{first}use program="noncentered".'
    assert str(worse).splitlines()[-1].startswith(f"{first}the causes speak for noncent")
    assert str(worse).endswith("keep centered; take more draws (and as long a warm-up), "
                               "and look at the trace picture.")  # fmt: skip


def test_steps_against_divergences_go_further_than_the_fit_did() -> None:
    assert "adapt_delta" not in general_step(0, 0.8)
    assert general_step(3, 0.95).startswith("raise adapt_delta (0.99), ")
    assert general_step(3, 0.99).startswith("raise adapt_delta (0.999), ")
    assert general_step(3, 0.999).startswith("take more draws")


def test_trajectories_cut_off_are_told_of_a_sound_fit() -> None:
    def cut(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["tree_depth"].reshape(-1)[:300] = 10

    fit = failed(Invented(), cut)
    told = str(hs.advise(fit))
    assert "300 of 4000 trajectories were cut off at depth 10" in told
    assert "nothing to change" not in told

    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)
        s["tree_depth"][:] = 10

    told = str(hs.advise(failed(Invented(), slow)))
    assert told.count("trajectories were cut off") == 1
    assert "Remark" not in told


def test_chains_of_the_trial_that_disagree_count_against_it() -> None:
    def part(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][0] += 5.0

    advice = hs.advise(failed(Invented(seconds=0.01, change=part)))
    assert advice.trials[0].rhat > 1.05
    assert advice.trials[0].verdict == "worse"
    assert f"its chains do not agree, R-hat is {advice.trials[0].rhat:.2f}" in str(advice)


def test_means_that_differ_are_measured_in_standard_errors() -> None:
    def move(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        same_posterior(v, s)
        v["beta"][:, :, 1] += 0.4

    agree = hs.advise(failed(Invented())).trials[0]
    assert agree.agrees
    (trial,) = hs.advise(failed(Invented(change=move))).trials
    # Independent draws of sd 0.7: 0.4 over 0.7 sqrt(1 / 4000 + 1 / 1200).
    exact = 0.4 / (0.7 * np.sqrt(1 / 4000 + 1 / 1200))
    assert trial.gap == pytest.approx(exact, rel=0.25)
    assert trial.gap_at == "x"
    assert not trial.agrees
    assert trial.verdict == "better"  # the fit failed; it is its means that are in doubt
    told = str(hs.advise(failed(Invented(change=move))))
    assert "Means differ" in told
    assert "not to be trusted" in told


def test_a_sound_fit_is_left_alone() -> None:
    engine = Invented()
    fit = failed(engine, lambda v, s: None)
    assert fit.diagnostics.sound
    advice = hs.advise(fit)
    assert engine.asked == []
    assert str(advice) == "centered is sound: there is nothing to change."
    assert advice.program == ""
    assert len(advice.to_frame()) == 1


def test_remarks_on_a_sound_fit_are_told() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = np.abs(ar1(0.0, (4, 1000), seed=1)) / 5

    told = str(hs.advise(failed(Invented(), change)))
    assert told.startswith("centered is sound: the sampler did its work")
    assert "nothing to change" not in told
    assert "Remark: sd(Intercept | g) may be zero" in told


def test_words_only_without_a_trial() -> None:
    engine = Invented()
    advice = hs.advise(failed(engine), trial=False)
    assert engine.asked == []
    assert advice.program == "noncentered"
    assert advice.proposals == ("noncentered",)
    assert "Trial" not in str(advice)
    assert 'Advice: Use program="noncentered"' in str(advice)


def test_nothing_is_run_where_nothing_is_proposed() -> None:
    def slow(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)

    engine = Invented()
    advice = hs.advise(failed(engine, slow))
    assert engine.asked == []
    assert advice.program == ""
    assert "Advice: Take draws=" in str(advice)
