"""What results.json holds: every promised key, with the number it is named for."""

import json
from typing import Any

import pytest
from invented import grouped_data, invented_analysis

from hierstan.analysis import Analysis
from hierstan.report.results import crosscheck_results, results, to_json

FORMULA = "y ~ floor + (floor | group)"
LEVELS = [f"g{k}" for k in range(8)]
PARTS = ("engine", "mode_to_mean", "prior", "monte_carlo")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Three programs, one of which failed, with a cross-check."""
    data = grouped_data(LEVELS)
    return invented_analysis(FORMULA, data, ["unpooled", "centered", "marginal"])


@pytest.fixture(scope="module")
def told(analysis: Analysis) -> dict[str, Any]:
    """The file, read back."""
    content: dict[str, Any] = json.loads(to_json(results(analysis)))
    return content


def test_both_criteria_are_told_apart(analysis: Analysis, told: dict[str, Any]) -> None:
    for key, criterion in (("mixedlm", "REML"), ("mixedlm_ml", "ML")):
        part, fit = told["frequentist"][key], analysis.mixed[criterion]
        assert part["criterion"] == criterion
        assert part["loglik"] == fit.solution.loglik
        assert part["fixed"]["floor"]["estimate"] == fit.estimates().fixed["floor"].center
    likelihoods = [fit.solution.loglik for fit in analysis.mixed.values()]
    assert abs(likelihoods[0] - likelihoods[1]) > 0.1
    assert told["stan_mode"]["criterion"] == "REML"


def test_the_cross_check_is_there_rung_by_rung(
    analysis: Analysis, told: dict[str, Any]
) -> None:
    check = analysis.check
    assert check is not None
    part = told["crosscheck"]
    assert set(part) >= {
        "criterion", "loglik_gap", "density_gap", "rescued", "verdict", "rows",
    }  # fmt: skip
    assert (part["loglik_gap"], part["density_gap"]) == (2e-9, 3e-13)
    assert part["verdict"] == check.verdict
    assert part["rescued"] is False
    assert [row["name"] for row in part["rows"]] == [r.name for r in check.rungs]
    for row, rung in zip(part["rows"], check.rungs, strict=True):
        for name in ("estimate", "se", "mode", "flat_mean", "mean", "sd", *PARTS):
            assert row[name] == getattr(rung, name), (rung.name, name)
        for name in PARTS:
            assert row[f"{name}_sd"] == rung.in_sd(getattr(rung, name))
        assert row["verdict"] == rung.verdict


def test_every_program_has_its_diagnostics(
    analysis: Analysis, told: dict[str, Any]
) -> None:
    numbers = (
        "divergences", "max_treedepth_hits", "ebfmi", "rhat_max", "ess_bulk_min",
        "ess_tail_min", "seconds", "compile_seconds", "ess_per_second",
    )  # fmt: skip
    assert list(told["diagnostics"]) == list(analysis.fits)
    for name, fit in analysis.fits.items():
        part, state = told["diagnostics"][name], fit.diagnostics
        assert set(part) == {*numbers, "verdict", "advice", "causes"}
        for number in numbers:
            assert part[number] == getattr(state, number), (name, number)
        assert (part["verdict"], part["advice"]) == (state.verdict, state.advice)
        assert [cause["text"] for cause in part["causes"]] == [c.text for c in state.causes]
    assert told["diagnostics"]["centered"]["divergences"] == 34


def test_groups_and_shrinkage_are_by_factor(
    analysis: Analysis, told: dict[str, Any]
) -> None:
    assert told["groups"] == {"group": 8}
    table = analysis.pooling_table()
    assert table is not None
    rows = table[table["level"] == "group"].set_index("effect")
    assert {name: list(part) for name, part in told["shrinkage"].items()} == {
        "group": list(rows.index)
    }
    for effect, part in told["shrinkage"]["group"].items():
        assert set(part) == {
            "pooling_factor", "pooling_factor_mcse", "r_squared", "r_squared_mcse",
            "r_squared_low", "r_squared_high", "mean_pooling", "mean_pooling_low",
            "mean_pooling_high",
        }  # fmt: skip
        for name, value in part.items():
            assert value == rows.loc[effect, name]


def test_a_cross_check_alone_fills_its_part(
    analysis: Analysis, told: dict[str, Any]
) -> None:
    check = analysis.check
    assert check is not None
    part = json.loads(to_json(crosscheck_results(check)))
    assert part["crosscheck"] == told["crosscheck"]
    assert part["groups"] == told["groups"]
    assert part["seed"] == check.settings.seed == 11
    assert part["frequentist"] == {"mixedlm": told["frequentist"]["mixedlm"]}
    assert list(part["posterior"]) == ["marginal", "marginal, flat priors"]
    assert part["posterior"]["marginal"] == told["posterior"]["marginal"]
    assert part["diagnostics"]["marginal"] == told["diagnostics"]["marginal"]
