"""method=sample in all its forms."""

import json
import math
import re
from pathlib import Path

import pytest
from toolchain_support import Program, read_csv

pytestmark = pytest.mark.stan

DATA = "data file=intercepts.json"
PARAMETERS = 9  # mu, tau, sigma and six intercepts
PROGRESS = re.compile(r"(Chain \[(\d+)\] )?Iteration:\s+(\d+)")  # as CmdStanPy reads it


def sampled(program: Program, arguments: str, where: Path) -> str:
    return program.done(f"{arguments} {DATA}", where)


@pytest.mark.parametrize("engine", ["nuts", "static"])
@pytest.mark.parametrize("metric", ["unit_e", "diag_e", "dense_e"])
@pytest.mark.parametrize("engaged", [0, 1])
def test_every_sampler_runs(
    engine: str, metric: str, engaged: int, intercepts: Program, work: Path
) -> None:
    sampled(
        intercepts,
        f"sample num_samples=40 num_warmup=150 algorithm=hmc engine={engine} "
        f"metric={metric} stepsize=0.05 adapt engaged={engaged} random seed=8 "
        "output file=o.csv",
        work,
    )
    written = read_csv(work / "o.csv")
    assert len(written.rows) == 40
    assert len({tuple(row) for row in written.rows}) > 10
    block = written.comments.index("# Adaptation terminated")
    assert written.comments[block + 1].startswith("# Step size = ")
    step = float(written.comments[block + 1].split("=")[1])
    assert (step == 0.05) is (engaged == 0)
    title = {
        "unit_e": "# No free parameters for unit metric",
        "diag_e": "# Diagonal elements of inverse mass matrix:",
        "dense_e": "# Elements of inverse mass matrix:",
    }[metric]
    assert written.comments[block + 2] == title
    rows = {"unit_e": 0, "diag_e": 1, "dense_e": PARAMETERS}[metric]
    numbers = written.comments[block + 3 : block + 3 + rows]
    assert all(line.count(",") == PARAMETERS - 1 for line in numbers)


@pytest.mark.parametrize("first", [1, 3])
def test_chains_of_one_process_are_those_of_separate_ones(
    first: int, intercepts: Program, work: Path
) -> None:
    common = "sample num_samples=30 num_warmup=60"
    shown = sampled(
        intercepts,
        f"id={first} random seed=77 output file=o.csv {common} num_chains=3",
        work,
    )
    assert {int(found[2]) for found in PROGRESS.finditer(shown)} == {
        first,
        first + 1,
        first + 2,
    }
    for chain in range(first, first + 3):
        sampled(intercepts, f"id={chain} random seed=77 output file=s.csv {common}", work)
        together, alone = read_csv(work / f"o_{chain}.csv"), read_csv(work / "s.csv")
        assert together.rows == alone.rows
        assert together.setting("id") == str(first)
    assert not (work / "o.csv").exists()


def test_thinning_keeps_the_first_of_each_phase(bernoulli: Program, work: Path) -> None:
    common = "random seed=5 data file=bernoulli.json sample num_samples=20 num_warmup=11"
    bernoulli.done(f"{common} save_warmup=1 output file=all.csv", work)
    bernoulli.done(f"{common} save_warmup=1 thin=3 output file=some.csv", work)
    every = read_csv(work / "all.csv").rows
    warmup, sampling = every[:11], every[11:]
    assert len(warmup[::3]) == 4
    assert read_csv(work / "some.csv").rows == warmup[::3] + sampling[::3]


def test_no_draws_at_all(intercepts: Program, work: Path) -> None:
    sampled(intercepts, "sample num_samples=0 num_warmup=30 output file=o.csv", work)
    written = read_csv(work / "o.csv")
    assert written.rows == []
    assert any(line.startswith("#  Elapsed Time:") for line in written.comments)


def test_progress_can_be_silenced(intercepts: Program, work: Path) -> None:
    arguments = "sample num_samples=20 num_warmup=30 output file=o.csv"
    assert PROGRESS.search(sampled(intercepts, f"{arguments} refresh=10", work))
    assert not PROGRESS.search(sampled(intercepts, f"{arguments} refresh=0", work))


def test_significant_digits(intercepts: Program, work: Path) -> None:
    arguments = "random seed=5 sample num_samples=4 num_warmup=30 output"
    texts = {}
    for digits in (3, 6, 17):
        sampled(intercepts, f"{arguments} file=o.csv sig_figs={digits}", work)
        texts[digits] = read_csv(work / "o.csv").rows
    sampled(intercepts, f"{arguments} file=o.csv", work)
    assert read_csv(work / "o.csv").rows == texts[6]
    exact = texts[17]
    assert texts[3] == [[float(f"{x:.3g}") for x in row] for row in exact]


def test_program_without_parameters_switches_to_fixed_param(
    rolls: Program, work: Path
) -> None:
    (work / "dice.json").write_text('{"sides": 20}')
    arguments = (
        "random seed=3 sample num_samples=500 num_chains=2 data file=dice.json output"
    )
    shown = rolls.done(f"{arguments} file=o.csv", work)
    assert "running fixed_param sampler" in shown
    written = read_csv(work / "o_2.csv")
    assert written.names[:2] == ["lp__", "accept_stat__"]
    assert written.names[3:9] == [f"table.{i}.{j}" for j in (1, 2, 3) for i in (1, 2)]
    assert written.names[9:] == ["pair:1", "pair:2.1", "pair:2.2"]
    assert set(written.column("table.2.3")) == {23.0}
    assert len(set(written.column("roll"))) == 20
    assert not any("Adaptation" in line for line in written.comments)
    assert read_csv(work / "o_1.csv").rows != written.rows


def test_fixed_param_keeps_the_parameters(intercepts: Program, work: Path) -> None:
    shown = sampled(
        intercepts,
        "sample num_samples=15 algorithm=fixed_param output file=o.csv",
        work,
    )
    assert "no parameters" not in shown
    written = read_csv(work / "o.csv")
    assert len(set(written.column("mu"))) == 1
    assert len(set(written.column("y_rep.7"))) == 15


def test_metric_starts_from_a_file(intercepts: Program, work: Path) -> None:
    metric = [0.25 + i / 8 for i in range(PARAMETERS)]
    (work / "metric.json").write_text(json.dumps({"inv_metric": metric}))
    arguments = "sample num_samples=5 num_warmup=30 adapt engaged=0 algorithm=hmc"
    sampled(intercepts, f"{arguments} metric_file=metric.json output file=o.csv", work)
    comments = read_csv(work / "o.csv").comments
    title = comments.index("# Diagonal elements of inverse mass matrix:")
    assert [float(x) for x in comments[title + 1][1:].split(",")] == metric


def test_metric_of_the_wrong_size_is_refused(intercepts: Program, work: Path) -> None:
    (work / "metric.json").write_text('{"inv_metric": [1.5, 2.5]}')
    said = intercepts.refused(
        f"sample algorithm=hmc metric_file=metric.json {DATA} output file=o.csv", work
    )
    assert "Cannot get inverse" in said
    assert "Initialization failure" in said


@pytest.mark.parametrize("metric", ["unit_e", "diag_e", "dense_e"])
def test_adapted_metric_is_written_and_read_again(
    metric: str, intercepts: Program, work: Path
) -> None:
    sampled(
        intercepts,
        f"sample num_chains=2 num_samples=5 num_warmup=200 algorithm=hmc metric={metric} "
        "adapt save_metric=1 random seed=2 output file=o.csv",
        work,
    )
    for chain in (1, 2):
        saved = json.loads((work / f"o_metric_{chain}.json").read_text())
        step = read_csv(work / f"o_{chain}.csv").column("stepsize__")[-1]
        assert saved["stepsize"] == pytest.approx(step, rel=1e-5)
        assert saved["metric_type"] == metric
        assert len(saved["inv_metric"]) == PARAMETERS
    sampled(
        intercepts,
        f"sample num_chains=2 num_samples=5 num_warmup=20 algorithm=hmc metric={metric} "
        "metric_file=o_metric.json output file=p.csv",
        work,
    )


def test_diagnostic_file(intercepts: Program, work: Path) -> None:
    sampled(
        intercepts,
        "sample num_chains=2 num_samples=6 num_warmup=40 output file=o.csv "
        "diagnostic_file=d.csv",
        work,
    )
    written = read_csv(work / "d_2.csv")
    assert len(written.rows) == 6
    assert "g_mu" in written.names
    assert not any("start_datetime" in line for line in written.comments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("num_chains=2 algorithm=hmc engine=static", "num_chains"),
        ("adapt engaged=0 save_metric=1", "save_metric"),
        ("num_warmup=0", "num_warmup"),
    ],
)
def test_contradictions_are_refused(
    arguments: str, message: str, intercepts: Program, work: Path
) -> None:
    said = intercepts.refused(f"sample {arguments} {DATA} output file=o.csv", work)
    assert said.startswith("Error")
    assert message in said


def test_no_warmup_without_adaptation(intercepts: Program, work: Path) -> None:
    sampled(
        intercepts, "sample num_samples=5 num_warmup=0 adapt engaged=0 output file=o", work
    )
    assert len(read_csv(work / "o.csv").rows) == 5


def test_non_finite_values_are_readable(intercepts: Program, work: Path) -> None:
    """A draw that cannot be transformed is written as nan, not left out."""
    sampled(intercepts, "sample num_samples=50 num_warmup=100 output file=o.csv", work)
    rows = read_csv(work / "o.csv").rows
    assert all(math.isfinite(x) or math.isnan(x) for row in rows for x in row)
