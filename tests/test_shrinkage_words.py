"""What the shrinkage table says in words: directions, and why a number needs care."""

import numpy as np
import pandas as pd
import pytest
from invented import invented_analysis
from schools import schools
from synthetic import synthetic_fit
from test_shrinkage_table import block

import hierstan as hs
from hierstan.design import Floats
from hierstan.frequentist import by_group
from hierstan.shrinkage import PRIOR_ONLY, shrinkage_table
from hierstan.shrinkage.table import NO_PLACE, NOT_TOLD, TOO_LARGE


def test_directions_are_in_words() -> None:
    """With two effects, one can be moved away by what the other one is told."""
    model = hs.Model("Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy())
    mixed = model.mixedlm()
    table = shrinkage_table(model.design, model.design.factors[0], mixed=mixed)
    move, pull = table["blup"] - table["ols"], table["pooled"] - table["ols"]
    words = np.where(move * pull < 0, "away", "towards")
    words[(move * pull > 0) & (move.abs() > pull.abs())] = "past"
    assert table["direction"].tolist() == words.tolist()
    assert set(words) == {"past", "towards", "away"}


def test_what_is_monte_carlo_error_is_no_direction() -> None:
    """Where hardly anything is pooled, draws of 40 groups say away of some by chance."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(40), 50)
    data = pd.DataFrame(
        {"g": group, "y": rng.normal(size=40)[group] + rng.normal(size=2000)}
    )
    own = data.groupby("g")["y"].mean().to_numpy()

    def known(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:] = own.mean()
        noise = 0.14 * rng.normal(size=v["u"].shape)
        v["u"][:] = 0.998 * (own - own.mean()) + noise

    table = synthetic_fit("y ~ 1 + (1 | g)", data, change=known).shrinkage()
    assert (table["observed"] > 1).sum() > 5
    assert (table["direction"] == "towards").all()

    def apart(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        known(v, s)
        v["u"][:, :, 0] += 0.5 * np.sign(own[0] - own.mean())

    table = synthetic_fit("y ~ 1 + (1 | g)", data, change=apart).shrinkage()
    assert table["direction"].tolist() == ["away"] + ["towards"] * 39


def test_what_standard_errors_leave_out_is_noted() -> None:
    nested = synthetic_fit("y ~ 1 + (1 | school/room)", schools())
    told = "ols_se leaves out the scatter between levels of school:room"
    assert nested.shrinkage("school")["note"].str.startswith(told).all()
    assert not nested.shrinkage("school:room")["note"].str.contains("ols_se").any()
    rng = np.random.default_rng(2)
    pairs = pd.DataFrame(rng.normal(size=(20, 2)), columns=["x", "y"])
    pairs["g"] = np.repeat(np.arange(10), 2)
    table = synthetic_fit("y ~ x + (x | g)", pairs).shrinkage()
    assert table["ols_se"].isna().all()
    assert table["note"].str.startswith("no degree of freedom is left for ols_se").all()


def test_groups_that_cannot_tell_are_marked() -> None:
    """25 of 85 counties have houses on one floor only."""
    text = "log_radon ~ floor + (floor || county)"
    model = hs.Model(text, hs.data.radon())
    mixed = model.mixedlm()
    table = shrinkage_table(model.design, model.design.factors[0], mixed=mixed)
    floor = block(table, "floor")
    silent = floor[floor["note"] == PRIOR_ONLY]
    assert len(silent) == 25
    nothing = [
        "ols",
        "ols_se",
        "ols_low",
        "moved",
        "moved_in_se",
        "moved_length",
        "observed",
    ]
    assert silent[nothing].isna().all(axis=None)
    assert (silent["direction"] == "").all()
    np.testing.assert_allclose(silent["weight_reml"], 0.0, atol=1e-12)
    cass = block(table, "Intercept").loc["CASS"]
    assert cass["note"] == ""
    assert cass["moved_in_se"] == pytest.approx(cass["moved"] / cass["ols_se"])


def test_what_crossed_factors_do_not_tell_is_noted() -> None:
    data = schools()
    early = data["school"] < 3
    data["rater"] = np.where(early, "early", "late")
    data.loc[early & (data["x"] > 3), "rater"] = "first"
    fit = synthetic_fit("y ~ x + (1 | school) + (1 | rater)", data)
    table = fit.shrinkage("school")
    assert (table["note"].str.startswith(NOT_TOLD)).all()
    assert table["ols"].isna().all()
    assert table["partial"].notna().all()


def test_a_place_that_rows_do_not_tell_is_noted() -> None:
    data = schools()
    data.loc[data["school"] == 2, "x"] = 0.0
    table = synthetic_fit("y ~ x + x:size + (x | school)", data).shrinkage()
    told = block(table, "x")["note"].str.contains(NO_PLACE)
    assert told.to_numpy().tolist() == [j == 2 for j in range(6)]
    assert np.isnan(block(table, "x")["partial"].iloc[2])


def test_too_large_for_least_squares_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_group, "_MOST", 4)
    fit = synthetic_fit("y ~ x + (1 | school) + (1 | rater)", schools())
    table = fit.shrinkage("school")
    assert (table["note"].str.startswith(TOO_LARGE)).all()
    assert "ols" not in table
    assert "moved" not in table
    assert table["partial"].notna().all()


def test_a_failed_fit_is_noted() -> None:
    analysis = invented_analysis(
        "y ~ x + (x | school)", schools(), ["noncentered"], failed=["noncentered"], draws=60
    )
    notes = analysis.shrinkage("school")["note"]
    assert notes.str.contains("the noncentered fit failed its checks").all()
