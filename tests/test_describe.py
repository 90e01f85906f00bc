"""The translation of a formula, printed and as JSON."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import hierstan as hs

Run = Callable[..., tuple[int, str, str]]


def test_a_page_says_it_all() -> None:
    data = hs.data.radon()
    data.loc[[3, 5], "floor"] = np.nan
    data.loc[5, "log_radon"] = np.nan
    page = str(hs.describe("log_radon ~ floor * log_uranium + (floor | county)", data))
    assert page.splitlines()[2:5] == [
        "Rows        917 used of 919; 2 dropped for missing values: floor 2, log_radon 1",
        "Response    log_radon: mean 1.266, sd 0.8193, from -2.303 to 3.877",
        "",
    ]
    assert "log_uranium              county     85 levels of county" in page
    assert "county      85      1 to 116, median 5  Intercept, floor" in page
    assert "Parameters  8: 4 coefficients, 2 standard deviations, 1 correlation, 1" in page
    assert 'groups="county",' in page
    assert max(map(len, page.splitlines())) <= 88


def test_structure_and_notes_are_on_the_page() -> None:
    data = hs.data.pastes()
    nested = str(hs.Model("strength ~ 1 + (1 | batch) + (1 | sample)", data).describe())
    assert "Structure   sample is nested in batch" in nested
    assert "6 each" in nested
    crossed = str(hs.describe("strength ~ 1 + (1 | batch) + (1 | cask)", data))
    assert "batch and cask are crossed: all 30 combinations occur" in crossed
    assert "Note        cask has 3 levels that are used again" in crossed
    assert 'vc_formula={"batch": "0 + C(batch)", "cask": "0 + C(cask)"})' in crossed


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("Reaction ~ bs(Days, df=4) + (1 | Subject)", "bs() has columns"),
        ("Reaction ~ Days + (scale(Days) | Subject)", "scale() divides by"),
        ("Reaction ~ poly(Days, 2) + (center(Days) | Subject)", ""),
    ],
)
def test_columns_that_are_not_rs_are_noted(formula: str, says: str) -> None:
    data = hs.data.sleepstudy()
    told = " ".join(hs.describe(formula, data).notes)
    assert ("bs()" in told, "scale()" in told) == ("bs()" in says, "scale()" in says)
    assert says in told


def test_a_call_is_not_folded_inside_of_quotes() -> None:
    formula = "Reaction ~ Days + (Days || Subject) + (1 | lot) + (0 + Days | lot)"
    data = hs.data.sleepstudy().assign(lot=lambda d: d["Subject"].astype(int) % 7)
    page = str(hs.describe(formula, data)).splitlines()
    start = next(k for k, line in enumerate(page) if line.startswith("MixedLM"))
    assert len(page[start:]) > 1
    assert all(line.count('"') % 2 == 0 for line in page[start:])


def test_the_model_in_words() -> None:
    told = hs.describe("diameter ~ 0 + (1 | plate) + (1 | sample)", hs.data.penicillin())
    assert told.model == (
        "diameter is normal around its mean with standard deviation sigma. The mean adds "
        "up for every level of plate, deviations of its own in Intercept; for every level "
        "of sample, deviations of its own in Intercept. Deviations are normal around zero."
    )
    both = hs.describe(
        "Reaction ~ Days + offset(2 * Days) + (Days || Subject)", hs.data.sleepstudy()
    )
    assert "Reaction (less its offset) is normal" in both.model
    assert "Response    Reaction (less its offset): mean 289.5, sd" in str(both)
    assert both.to_dict()["response"]["less_offset"] is True
    assert told.to_dict()["response"]["less_offset"] is False
    assert "population coefficients (Intercept, Days) and, for every level of" in both.model
    assert "in Intercept, and independently in Days." in both.model


def test_many_columns_are_cut_short() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        rng.normal(size=(90, 31)), columns=["y", *(f"x{k}" for k in range(30))]
    )
    data["g"] = np.arange(90) % 6
    names = [f"x{k}" for k in range(30)]
    page = str(hs.describe(f"y ~ {' + '.join(names)} + (1 | g)", data))
    assert "and 7 more: x23, x24, x25 and 4 more" in page
    assert max(map(len, page.splitlines()[1:])) <= 200  # the call's formula is one string


def test_json_holds_what_the_page_says(hierstan_command: Run) -> None:
    formula = "strength ~ 1 + (1 | batch/cask)"
    status, out, err = hierstan_command("describe", "pastes", formula, "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert told == hs.describe(formula, hs.data.pastes()).to_dict()
    assert told["rows"] == {"data": 60, "used": 60, "dropped": 0, "missing": {}}
    assert told["population"] == [
        {"column": "Intercept", "term": "Intercept", "level": "all", "groups": 1,
         "suspect": None, "suspect_levels": []},
    ]  # fmt: skip
    assert told["factors"][1] == {
        "name": "batch:cask", "levels": 30, "effects": [["Intercept"]],
        "rows_per_level": {"min": 2, "median": 2.0, "max": 2},
    }  # fmt: skip
    assert told["structure"] == [
        {"one": "batch:cask", "other": "batch", "kind": "nested", "cells": 30,
         "possible": 300},
    ]  # fmt: skip
    assert told["parameters"]["standard deviations"] == 2
    assert (
        told["lme4"]["call"] == "lmer(strength ~ 1 + (1 | batch) + (1 | batch:cask), data)"
    )
    assert told["mixedlm"]["reason"] == ""


def test_the_command_prints_the_page_and_names_what_is_wrong(hierstan_command: Run) -> None:
    formula = "Reaction ~ Days + (Days | Subject)"
    status, out, _ = hierstan_command("describe", "sleepstudy", formula)
    assert status == 0
    assert out.rstrip() == str(hs.describe(formula, hs.data.sleepstudy()))
    for arguments, says in [
        (("sleepstudy", "Reaction ~ Day + (1 | Subject)"), "did you mean 'Days'"),
        (("no.csv", formula), "There is no data file no.csv"),
    ]:
        status, out, err = hierstan_command("describe", *arguments)
        assert (status, out) == (2, "")
        assert says in err


@pytest.mark.parametrize("name", ["describe", "Description"])
def test_the_names_are_there(name: str) -> None:
    assert name in hs.__all__
    assert callable(getattr(hs, name))
