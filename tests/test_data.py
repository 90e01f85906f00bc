"""The packaged data sets are what their documentation says, and what lme4 was given."""

import csv
import doctest
import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from pandas.api.types import is_string_dtype

import hierstan.data
from hierstan.data import describe, load, names, radon, radon_us
from hierstan.errors import InputError
from hierstan.resources import directory

FloatArray = npt.NDArray[np.float64]

SHAPES = {
    "radon": (919, 6),
    "radon_us": (12289, 9),
    "eight_schools": (8, 3),
    "sleepstudy": (180, 3),
    "dyestuff": (30, 2),
    "dyestuff2": (30, 2),
    "penicillin": (144, 3),
    "pastes": (60, 4),
}
GROUPS = {
    "radon": {"county": 85},
    "radon_us": {"survey": 8, "state": 9, "county": 384, "fips": 467},
    "eight_schools": {"school": 8},
    "sleepstudy": {"Subject": 18},
    "dyestuff": {"Batch": 6},
    "dyestuff2": {"Batch": 6},
    "penicillin": {"plate": 24, "sample": 6},
    "pastes": {"batch": 10, "cask": 3, "sample": 30},
}
MISSING = {"radon_us": {"uranium": 165, "log_uranium": 165}}

REFERENCE = pd.read_csv(
    Path(__file__).parent / "data" / "lme4_reference.csv", keep_default_na=False
)

# --- all data sets ---


def test_the_tables_above_cover_every_data_set() -> None:
    assert set(names()) == set(SHAPES) == set(GROUPS)
    assert len(names()) == len(set(names()))


@pytest.mark.parametrize("name", names())
def test_shape_groups_types_and_missing_values(name: str) -> None:
    frame = load(name)
    assert frame.shape == SHAPES[name]
    for column in frame.columns:
        if column in GROUPS[name]:
            assert is_string_dtype(frame[column].dtype)
            assert frame[column].nunique() == GROUPS[name][column]
            assert (frame[column] == frame[column].str.strip()).all()
            assert (frame[column] != "").all()
        else:
            counted = column in {"floor", "Days"}
            assert frame[column].dtype == (np.int64 if counted else np.float64)
    missing = frame.isna().sum()
    assert missing[missing > 0].to_dict() == MISSING.get(name, {})
    assert isinstance(frame.index, pd.RangeIndex)


@pytest.mark.parametrize("name", names())
def test_each_call_gives_a_fresh_frame(name: str) -> None:
    original = load(name).copy()
    spoilt = load(name)
    spoilt.iloc[:, 0] = spoilt.iloc[::-1, 0].to_numpy()
    spoilt["more"] = 1.5
    pd.testing.assert_frame_equal(load(name), original)


@pytest.mark.parametrize("name", names())
def test_load_is_the_function_of_that_name(name: str) -> None:
    function: Callable[[], pd.DataFrame] = getattr(hierstan.data, name)
    pd.testing.assert_frame_equal(load(name), function())


@pytest.mark.parametrize("name", names())
def test_every_column_is_documented(name: str) -> None:
    docstring = inspect.getdoc(getattr(hierstan.data, name)) or ""
    readme = (directory("data") / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}.csv`"))
    for column in load(name).columns:
        assert f"``{column}``" in docstring
        assert f"`{column}`" in row
    assert f"{len(load(name)):,} rows" in docstring


@pytest.mark.parametrize("name", names())
def test_description_is_the_title_of_the_documentation(name: str) -> None:
    title = describe(name)
    assert title.endswith(".")
    assert "\n" not in title
    assert (inspect.getdoc(getattr(hierstan.data, name)) or "").startswith(f"{title}\n\n")


def test_examples_in_the_documentation_run() -> None:
    result = doctest.testmod(hierstan.data)
    assert result.attempted > len(names())
    assert result.failed == 0


@pytest.mark.parametrize("function", [load, describe])
@pytest.mark.parametrize(
    ("wrong", "meant"), [("RADON", "radon"), ("dyestuf2", "dyestuff2"), ("paste", "pastes")]
)
def test_an_unknown_name_is_answered_with_close_ones(
    function: Callable[[str], object], wrong: str, meant: str
) -> None:
    with pytest.raises(InputError, match=rf"'{wrong}'\. Did you mean .*\b{meant}\b.*\?"):
        function(wrong)


def test_a_name_like_no_other_gets_the_whole_list() -> None:
    with pytest.raises(InputError) as caught:
        load("mtcars")
    assert "Did you mean" not in str(caught.value)
    assert all(name in str(caught.value) for name in names())


# --- eight schools ---


def test_eight_schools_pool_to_the_estimate_of_the_textbook() -> None:
    schools = load("eight_schools")
    assert schools["school"].tolist() == list("ABCDEFGH")
    assert schools["sigma"].tolist() == [15, 10, 16, 11, 9, 11, 10, 18]
    precision = schools["sigma"] ** -2
    # Gelman et al., Bayesian Data Analysis, section 5.5: mean 7.7, standard error 4.1.
    assert round((schools["y"] * precision).sum() / precision.sum(), 1) == 7.7
    assert round(precision.sum() ** -0.5, 1) == 4.1


# --- radon ---


def test_first_homes_are_those_of_the_literature() -> None:
    head = radon().head(5)
    assert head["county"].tolist() == ["AITKIN"] * 4 + ["ANOKA"]
    assert head["floor"].tolist() == [1, 0, 0, 0, 0]
    np.testing.assert_allclose(
        head["log_radon"], [0.832909, 0.832909, 1.098612, 0.095310, 1.163151], atol=5e-7
    )


@pytest.mark.parametrize("name", ["radon", "radon_us"])
def test_numbers_are_read_to_the_last_digit(name: str) -> None:
    with (directory("data") / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        written = [float(row["log_radon"]) for row in csv.DictReader(stream)]
    assert load(name)["log_radon"].tolist() == written


@pytest.mark.parametrize("homes", [radon, radon_us])
def test_logarithms_are_those_of_the_measurements(
    homes: Callable[[], pd.DataFrame],
) -> None:
    # The files hold correctly rounded logarithms; NumPy's may differ in the last bit.
    frame = homes()
    np.testing.assert_array_max_ulp(frame["log_radon"], np.log(frame["activity"] + 0.1))
    known = frame.dropna()
    np.testing.assert_array_max_ulp(known["log_uranium"], np.log(known["uranium"]))


def test_minnesota_is_one_survey_of_the_national_file() -> None:
    national = radon_us()
    part = national.loc[national["survey"] == "MN"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part[radon().columns], radon())
    assert (part["state"] == "MN").all()
    assert (national["state"] == "MN").sum() == 919 + 262


def test_counties_of_minnesota_have_1_to_116_homes() -> None:
    by_county = radon().groupby("county")
    sizes = by_county.size()
    assert sizes[sizes == 1].index.tolist() == ["MAHNOMEN", "MURRAY", "WILKIN"]
    assert (sizes == 2).sum() == 8
    assert (sizes.idxmax(), sizes.max(), sizes.median()) == ("ST LOUIS", 116, 5)
    assert (by_county["floor"].max() == 0).sum() == 25
    assert (by_county["floor"].min() == 0).all()
    assert radon()["floor"].value_counts().to_dict() == {0: 766, 1: 153}
    assert (radon()["activity"] == 0).sum() == 3


def test_a_county_is_its_fips_code_and_has_one_uranium() -> None:
    homes = radon_us()
    assert homes["fips"].str.fullmatch(r"\d{5}").all()
    assert homes.groupby("fips")["state"].nunique().eq(1).all()
    assert homes.groupby("fips")["uranium"].nunique(dropna=False).eq(1).all()
    assert homes.groupby("fips")["county"].nunique().max() > 1
    states = homes.loc[homes["county"] == "WASHINGTON", "state"]
    assert sorted(states.unique()) == ["IN", "MN", "MO", "PA"]
    outside_r5 = homes.loc[homes["survey"] != "R5"]
    assert outside_r5.groupby(["state", "county"])["fips"].nunique().eq(1).all()


def test_counts_of_the_national_file() -> None:
    homes = radon_us()
    assert len(homes) == 12777 - 287 - 201
    assert homes["floor"].value_counts().to_dict() == {0: 8299, 1: 3949, 2: 22, 3: 19}
    assert (homes["activity"] == 0).sum() == 83
    assert not homes["fips"].str.endswith("999").any()
    unmeasured = homes.loc[homes["uranium"].isna(), "fips"].unique()
    assert sorted(unmeasured) == ["04012", "25001", "25007", "25025"]
    assert homes["uranium"].min() > 0.2


# --- lme4 was given the same numbers ---

LOADED_AS = {
    "radon_mn_posteriordb": "radon",
    **{name: name.lower() for name in ("Dyestuff", "Dyestuff2", "Penicillin", "Pastes")},
    "sleepstudy": "sleepstudy",
}
INTERCEPTS_ONLY = [
    ("radon_mn_posteriordb", "log_radon ~ floor + log_uppm + (1 | county)", ["county"]),
    ("sleepstudy", "Reaction ~ Days + (1 | Subject)", ["Subject"]),
    ("Dyestuff", "Yield ~ 1 + (1 | Batch)", ["Batch"]),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)", ["Batch"]),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", ["plate", "sample"]),
    ("Pastes", "strength ~ 1 + (1 | batch/cask)", ["batch", "cask:batch"]),
]


def log_likelihood(y: FloatArray, mean: FloatArray, covariance: FloatArray) -> float:
    factor = np.linalg.cholesky(covariance)
    standardized = np.linalg.solve(factor, y - mean)
    constant = len(y) * np.log(2 * np.pi)
    return -0.5 * float(standardized @ standardized + constant) - float(
        np.log(np.diag(factor)).sum()
    )


@pytest.mark.parametrize(("dataset", "formula", "groups"), INTERCEPTS_ONLY)
def test_log_likelihood_at_the_estimates_of_lme4(
    dataset: str, formula: str, groups: list[str]
) -> None:
    rows = REFERENCE.query("dataset == @dataset and formula == @formula and method == 'ML'")
    kinds = {
        kind: part.set_index("term")["estimate"] for kind, part in rows.groupby("kind")
    }
    frame = load(LOADED_AS[dataset])
    if dataset == "radon_mn_posteriordb":
        frame["log_uppm"] = np.log(frame["uranium"] + 0.1)
    if dataset == "Pastes":
        frame["cask:batch"] = frame["cask"] + ":" + frame["batch"]
    assert len(frame) == kinds["nobs"].iloc[0]

    frame["(Intercept)"] = 1.0
    mean = frame[list(kinds["fixef"].index)].to_numpy() @ kinds["fixef"].to_numpy()
    sd = kinds["sd"]
    covariance = sd["Residual||"] ** 2 * np.eye(len(frame))
    for group in groups:
        level = frame[group].to_numpy()
        covariance += sd[f"{group}|(Intercept)|"] ** 2 * (level[:, None] == level[None, :])
    assert len(sd) == len(groups) + 1
    y = frame[formula.split()[0]].to_numpy(dtype=float)
    # Both sides are exact up to rounding, which grows with the size of the likelihood.
    assert log_likelihood(y, mean, covariance) == pytest.approx(
        kinds["logLik"].iloc[0], rel=1e-11
    )
