"""The grammar of a program's command line."""

from pathlib import Path

import pytest
from toolchain_support import Program, read_csv

from hierstan.toolchain.machine import Version

pytestmark = pytest.mark.stan

SHORT = "sample num_samples=5 num_warmup=20"
DATA = "data file=bernoulli.json"


def test_info_tells_the_build(
    bernoulli: Program, work: Path, stan_version: Version
) -> None:
    major, minor, patch = stan_version
    assert bernoulli.done("info", work).splitlines() == [
        f"stan_version_major = {major}",
        f"stan_version_minor = {minor}",
        f"stan_version_patch = {patch}",
        "STAN_THREADS=false",
        "STAN_MPI=false",
        "STAN_OPENCL=false",
        "STAN_NO_RANGE_CHECKS=false",
        "STAN_CPP_OPTIMS=false",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # a group hands back what it does not know
        (f"{DATA} sample adapt engaged=0 num_samples=7", {"num_samples": "7"}),
        (f"{DATA} method=sample algorithm=hmc engine=nuts max_depth=4 stepsize=0.5",
         {"max_depth": "4", "stepsize": "0.5"}),
        # inside a group the last value wins, and a group may open again
        (f"{DATA} sample num_samples=3 adapt delta=0.7 num_samples=4 adapt delta=0.9",
         {"num_samples": "4", "delta": "0.9"}),
        # items of the top level come in any order
        (f"id=3 random seed=9 {SHORT} {DATA} init=0.5", {"id": "3", "seed": "9"}),
        (f"{DATA} {SHORT} random seed=4294967295", {"seed": "4294967295"}),
        (f"{DATA} {SHORT} save_warmup=true", {"save_warmup": "true"}),
    ],
)  # fmt: skip
def test_legal(
    arguments: str, expected: dict[str, str], bernoulli: Program, work: Path
) -> None:
    shown = bernoulli.done(f"{arguments} output file=o.csv", work)
    written = read_csv(work / "o.csv")
    for key, value in expected.items():
        assert written.setting(key) == value
        assert f"{key} = {value}" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("sample num_sampels=3", "num_sampels=3 is either mistyped or misplaced."),
        (f"{DATA} sample algorithm=hmc engine=nuts stepsize=1 max_depth=4",
         "max_depth=4 is either mistyped or misplaced."),
        (f"{DATA} {SHORT} output file=o.csv draws=2", "draws=2 is either mistyped"),
        (f"{DATA} {SHORT} {DATA}", "data is either mistyped or misplaced."),
        ("id=1 id=2 sample", "id=2 is either mistyped or misplaced."),
        ("sample optimize", "optimize is either mistyped or misplaced."),
        ("sample num_samples", "num_samples is either mistyped or misplaced."),
        ("sample data=bernoulli.json", "data=bernoulli.json is either mistyped"),
        ("method=guess", 'guess is not a valid value for "method"'),
        ("sample num_samples=10abc", '10abc is not a valid value for "num_samples"'),
        ("sample num_samples=1e3", '1e3 is not a valid value for "num_samples"'),
        ("sample num_samples=-1", '-1 is not a valid value for "num_samples"'),
        ("sample num_samples=", ' is not a valid value for "num_samples"'),
        ("sample num_samples=99999999999", "99999999999 is not a valid value"),
        ("sample thin=0", '0 is not a valid value for "thin"'),
        ("sample save_warmup=yes", 'yes is not a valid value for "save_warmup"'),
        ("sample adapt delta=1", '1 is not a valid value for "delta"'),
        ("sample adapt delta=nan", 'nan is not a valid value for "delta"'),
        ("sample adapt gamma=0", '0 is not a valid value for "gamma"'),
        ("random seed=4294967296 sample", "4294967296 is not a valid value"),
        ("output sig_figs=19 sample", '19 is not a valid value for "sig_figs"'),
        (DATA, "A method must be specified!"),
    ],
)  # fmt: skip
def test_illegal(arguments: str, message: str, bernoulli: Program, work: Path) -> None:
    said = bernoulli.refused(arguments, work)
    assert said.startswith(message) or message in said.splitlines()[0]
    assert said.endswith("Failed to parse command arguments, cannot run model.\n")
    assert list(work.glob("*.csv")) == []


def test_bad_value_names_the_legal_ones(bernoulli: Program, work: Path) -> None:
    said = bernoulli.refused("sample adapt delta=2", work)
    assert "  Valid values: 0.1 <= delta < 1" in said
    said = bernoulli.refused("random seed=x sample", work)
    assert "-1 <= seed <= 4294967295" in said


def test_misplaced_argument_is_told_where_it_belongs(
    bernoulli: Program, work: Path
) -> None:
    said = bernoulli.refused("id=1 max_depth=3", work)
    assert "It belongs to: method=sample algorithm=hmc engine=nuts" in said


def test_help_at_every_level(bernoulli: Program, work: Path) -> None:
    assert "num_warmup" in bernoulli.done("sample help", work)
    assert "max_depth" in bernoulli.done("sample help-all", work)
    assert "max_depth" not in bernoulli.done("sample help", work)
    assert "seed" in bernoulli.done("help-all", work)


def test_no_arguments_print_usage(bernoulli: Program, work: Path) -> None:
    ended = bernoulli.run("", work)
    assert ended.returncode == 1
    assert "Usage:" in ended.stdout


def test_seed_from_the_clock_is_printed(bernoulli: Program, work: Path) -> None:
    bernoulli.done(f"{SHORT} {DATA} output file=o.csv", work)
    written = read_csv(work / "o.csv")
    assert int(written.setting("seed")) > 0
    again = f"{SHORT} {DATA} random seed={written.setting('seed')} output file=p.csv"
    bernoulli.done(again, work)
    assert read_csv(work / "p.csv").rows == written.rows
