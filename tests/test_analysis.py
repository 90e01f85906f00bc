"""What an analysis says of itself, and hands out; nothing is sampled."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented import diverged, grouped_data, invented_analysis

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.report.tables import tables

FORMULA = "y ~ floor + (floor | group)"
LEVELS = [f"g{k}" for k in range(8)]
PARTIAL = ("centered", "noncentered")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Two programs of one posterior, both sound, and no cross-check."""
    return invented_analysis(FORMULA, grouped_data(LEVELS), PARTIAL, failed=[])


def test_the_last_sound_fit_in_the_order_given_is_reported(analysis: Analysis) -> None:
    fits = analysis.fits
    assert analysis.best is fits["noncentered"]
    turned = replace(analysis, fits=dict(reversed(fits.items())))
    assert turned.best is fits["centered"]
    failed = fits | {"noncentered": diverged(fits["noncentered"])}
    assert replace(analysis, fits=failed).best is fits["centered"]
    both = {name: diverged(fit) for name, fit in fits.items()}
    assert replace(analysis, fits=both).best is both["noncentered"]
    assert replace(analysis, fits={}).best is None


def test_rows_in_use_and_what_the_others_lack() -> None:
    data = grouped_data(LEVELS)
    data.loc[[3, 7, 30], "floor"] = np.nan
    data.loc[[7, 11], "y"] = np.nan
    model = hs.Model(FORMULA, data)
    whole = invented_analysis(FORMULA, grouped_data(LEVELS), ["pooled"], mixed=False)
    assert whole.rows_used() == "48 rows."
    told = replace(whole, model=model).rows_used()
    assert told.startswith("44 of 48 rows; 4 dropped for missing values (")
    assert "3 in 'floor'" in told
    assert "2 in 'y'" in told


def test_what_ran_stan(analysis: Analysis) -> None:
    engine = {"stan": "2.39.1", "through": "CmdStanPy 1.3", "source": "~/.cmdstan"}
    told = replace(analysis, engine=engine).ran_by()
    assert told == "Stan 2.39.1 through CmdStanPy 1.3 (~/.cmdstan)"
    without = replace(analysis, engine={**engine, "stan": ""}).ran_by()
    assert without == "Stan through CmdStanPy 1.3 (~/.cmdstan)"


def test_agreement_without_a_check_is_measured_in_posterior_sds(
    analysis: Analysis,
) -> None:
    assert analysis.check is None
    assert analysis.best is not None
    theirs = dict(analysis.mixed["REML"].estimates().rows())
    gaps = {
        name: abs(value.center - theirs[name].center) / value.spread
        for name, value in analysis.best.estimates().rows()
        if value.spread
    }
    widest = max(gaps, key=gaps.__getitem__)
    assert analysis.agreement() == (
        "Posterior means (noncentered) and REML estimates differ by at most "
        f"{gaps[widest]:.2f} posterior sd, for {widest}."
    )


def test_agreement_of_fits_in_doubt_says_little(analysis: Analysis) -> None:
    reml = replace(analysis.mixed["REML"], converged=False)
    both = {name: diverged(fit) for name, fit in analysis.fits.items()}
    plain = analysis.agreement()
    lost = replace(analysis, mixed={"REML": reml})
    failed = replace(analysis, fits=both)
    told = " But {}, so the gap says little."
    one, other = "MixedLM did not converge", "noncentered failed its checks"
    assert lost.agreement() == plain + told.format(one)
    assert failed.agreement() == plain + told.format(other)
    neither = replace(lost, fits=both)
    assert neither.agreement() == plain + told.format(f"{one} and {other}")


def test_agreement_needs_two(analysis: Analysis) -> None:
    told = "There is no partial-pooling fit and REML fit to compare."
    assert replace(analysis, mixed={}).agreement() == told
    assert replace(analysis, fits={}).agreement() == told


def test_readings_of_groups_are_made_once_and_handed_out_as_copies(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = replace(analysis)
    groups, levels = fresh.shrinkage("group"), fresh.pooling_table()
    assert levels is not None
    groups["partial"], levels["pooling_factor"] = -99.0, -99.0
    for name in ("hierstan.analysis.result.shrinkage_table", "hierstan.fit.Fit.pooling"):
        monkeypatch.setattr(name, None)  # made already
    found = tables(fresh)
    assert found["shrinkage_group"]["partial"].min() > -99
    assert found["pooling"]["pooling_factor"].min() > -99
    assert fresh.shrinkage(fresh.design.factors[0]).equals(found["shrinkage_group"])
    told = fresh.pooling()["group"]["floor"]["pooling_factor"]
    assert told == found["pooling"]["pooling_factor"].iloc[2]


def test_the_table_of_diagnostics_has_what_the_fits_say(analysis: Analysis) -> None:
    fits = analysis.fits | {"centered": diverged(analysis.fits["centered"])}
    table = tables(replace(analysis, fits=fits))["diagnostics"].set_index("program")
    for name, fit in fits.items():
        state, row = fit.diagnostics, table.loc[name]
        values = [v for _, v in fit.estimates().rows()]
        largest = max(v.mcse_mean / v.sd for v in values)  # type: ignore[union-attr]
        assert row["mcse_over_sd_max"] == pytest.approx(largest, rel=1e-9)
        assert row["divergences"] == state.divergences
        assert row["sound"] == state.sound
        assert row["ess_bulk_min"] == state.ess_bulk_min


def test_the_state_of_a_fit_is_itself_and_may_be_a_key() -> None:
    """With causes, too, whose evidence is a mapping."""
    data = grouped_data(LEVELS)
    fits = invented_analysis(FORMULA, data, ["noncentered"], mixed=False, draws=50).fits
    state = fits["noncentered"].diagnostics
    assert state.causes
    assert {state: "kept"}[state] == "kept"
    assert replace(state) != state


def test_pooling_is_for_partial_pooling_only() -> None:
    data = grouped_data(LEVELS)
    without = invented_analysis(FORMULA, data, ["pooled"], mixed=False)
    assert without.pooling_table() is None
    assert without.pooling() == {}
    assert isinstance(without.comparison(), pd.DataFrame)
