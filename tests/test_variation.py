"""At which level columns vary, and what a reader is told about it."""

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.description.notes import notes
from hierstan.description.variation import Variation, variations
from hierstan.evaluate import build_design


def levels_of(formula: str, data: pd.DataFrame) -> dict[str, tuple[str, int]]:
    found = variations(build_design(formula, data))
    return {one.column: (one.level, one.groups) for one in found}


def test_uranium_is_a_county_predictor_with_85_values() -> None:
    text = "log_radon ~ floor * log_uranium + scale(uranium) + (floor | county)"
    assert levels_of(text, hs.data.radon()) == {
        "Intercept": ("all", 1),
        "floor": ("row", 919),
        "log_uranium": ("county", 85),
        "scale(uranium)": ("county", 85),
        "floor:log_uranium": ("row", 919),
    }


def test_the_coarsest_factor_counts() -> None:
    data = hs.data.radon_us().assign(south=lambda d: d["state"].isin(["MO", "AZ", "MA"]))
    text = "log_radon ~ south + log_uranium + south:log_uranium + (1 | state/fips)"
    assert list(levels_of(text, data).values()) == [
        ("all", 1), ("state", 9), ("state:fips", 463), ("state:fips", 463),
    ]  # fmt: skip
    swapped = "log_radon ~ south + log_uranium + (1 | fips) + (1 | state)"
    assert list(levels_of(swapped, data).values())[1:] == [("state", 9), ("fips", 463)]


def test_two_crossed_factors_can_share_a_predictor() -> None:
    data = pd.concat([hs.data.penicillin()] * 2, ignore_index=True)
    rng = np.random.default_rng(0)
    cell = data.groupby(["plate", "sample"]).ngroup()
    data = data.assign(dose=rng.normal(size=144)[cell], time=rng.normal(size=288))
    text = "diameter ~ dose + time + (1 | plate) + (1 | sample)"
    assert levels_of(text, data) == {
        "Intercept": ("all", 1), "dose": ("plate:sample", 144), "time": ("row", 288),
    }  # fmt: skip


def test_columns_of_a_basis_are_constant_up_to_rounding() -> None:
    found = levels_of("log_radon ~ poly(log_uranium, 3) + (1 | county)", hs.data.radon())
    assert set(found.values()) == {("all", 1), ("county", 85)}


def test_rounding_errors_are_no_variation() -> None:
    data = hs.data.radon()
    data["log_uranium"] += np.random.default_rng(1).normal(0, 1e-14, len(data))
    found = levels_of("log_radon ~ log_uranium + (1 | county)", data)
    assert found["log_uranium"] == ("county", 85)


def test_terms_of_columns() -> None:
    data = hs.data.sleepstudy().assign(k=np.resize(list("abc"), 180))
    found = variations(
        build_design("Reaction ~ k:Days + poly(Days ** 2, 2) + (1 | Subject)", data)
    )
    assert {one.column: one.term for one in found} == {
        "Intercept": "Intercept",
        "poly(Days ** 2, 2)[0]": "poly(Days ** 2, 2)",
        "poly(Days ** 2, 2)[1]": "poly(Days ** 2, 2)",
        "k[a]:Days": "k:Days", "k[b]:Days": "k:Days", "k[c]:Days": "k:Days",
    }  # fmt: skip


def test_a_county_predictor_that_varies_within_counties_is_named() -> None:
    data = hs.data.radon()
    data.loc[data.query("county == 'ANOKA'").index[:3], "log_uranium"] += 0.1
    data.loc[data.query("county == 'CLAY'").index[-1], "log_uranium"] = 0.0
    design = build_design("log_radon ~ log_uranium + (1 | county)", data)
    found = variations(design)[1]
    assert found == Variation(
        "log_uranium", "log_uranium", "row", 919, "county", ("ANOKA", "CLAY")
    )
    assert notes(design) == (
        "log_uranium varies within 2 of 85 levels of county: ANOKA, CLAY; a predictor of "
        "county should not.",
    )


@pytest.mark.parametrize("column", ["floor", "rare", "common"])
def test_row_predictors_are_not_suspected(column: str) -> None:
    """Not even a rare event, which most counties lack, or one that most have."""
    data = hs.data.radon()
    data["rare"] = (np.arange(919) % 201 == 7).astype(int)
    data["common"] = 1 - data["rare"]
    found = variations(build_design(f"log_radon ~ {column} + (1 | county)", data))[1]
    assert (found.level, found.suspect) == ("row", "")


def test_labels_used_again_are_pointed_out() -> None:
    data = hs.data.pastes()
    reused = (
        "cask has 3 levels that are used again in each of the 10 levels of batch; if a "
    )
    told = notes(build_design("strength ~ 1 + (1 | batch) + (1 | cask)", data))
    assert told[0] == reused + (
        "cask of one batch is not that of another, write (1 | batch/cask)."
    )
    ragged = data[~((data["batch"] == "C") & (data["cask"] == "c"))]
    assert (
        notes(build_design("strength ~ 1 + (1 | cask) + (1 | batch)", ragged))[0] == told[0]
    )
    gap = data[~((data["batch"] == "C") & (data["cask"] == "a"))]
    for formula, frame in [
        ("(1 | batch) + (1 | cask)", gap),  # no numbering leaves its first number out
        ("(1 | batch) + (1 | sample)", data),
        ("(1 | batch/cask)", data),
        ("(1 | batch) + (1 | cask) + (1 | batch:cask)", data),
    ]:
        told = notes(build_design(f"strength ~ 1 + {formula}", frame))
        assert not any("used again" in note for note in told), formula


def test_factors_that_say_little_are_pointed_out() -> None:
    data = hs.data.radon().assign(one=lambda d: np.where(d.index < 600, d.index, -1))
    data["half"] = np.arange(919) % 3
    told = notes(build_design("log_radon ~ floor + (1 | one) + (1 | half)", data))
    assert told == (
        "600 of the 601 levels of one have one row; only the others tell its standard "
        "deviation from sigma.",
        "half has 3 levels; so few say little about a standard deviation, and its prior "
        "will show.",
    )


def test_slopes_that_no_group_can_show_are_pointed_out() -> None:
    text = "log_radon ~ floor + log_uranium + (floor + log_uranium | county)"
    assert notes(build_design(text, hs.data.radon())) == (
        "log_uranium does not vary within county, so its effect by county only makes the "
        "variance of the intercepts depend on it.",
    )
    assert (
        notes(build_design("log_radon ~ floor + (floor | county)", hs.data.radon())) == ()
    )


def test_categories_beside_double_bars_are_pointed_out() -> None:
    data = hs.data.sleepstudy().assign(k=np.resize(list("abc"), 180))
    told = notes(build_design("Reaction ~ Days + (k || Subject)", data))
    assert told[0].startswith("(k || Subject): effects of a category are differences")
    for effects in ("k | Subject", "0 + k || Subject", "poly(Days, 2) || Subject"):
        assert notes(build_design(f"Reaction ~ Days + ({effects})", data)) == ()
