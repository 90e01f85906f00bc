"""Identities between runs, where no recording exists: what must give the same draws."""

import json
from itertools import product
from pathlib import Path

import pytest
from toolchain_support import Program, read_csv

pytestmark = pytest.mark.stan

PARAMETERS = 9  # of intercepts.stan
RUN = "num_samples=25 num_warmup=60"
DATA = "data file=intercepts.json random seed=77"
METRICS = ["unit_e", "diag_e", "dense_e"]


def text_of(path: Path) -> list[str]:
    """Return all lines of an output file below its settings, but for the times.

    Nothing is rounded: equal texts are equal draws to the last digit.
    """
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return [line for line in lines[start:] if "seconds" not in line]


def matrix(scale: float = 1.0) -> list[list[float]]:
    """Return a positive definite matrix that is not diagonal."""
    return [
        [scale * (2.5 if i == j else 0.125 / (1 + abs(i - j))) for j in range(PARAMETERS)]
        for i in range(PARAMETERS)
    ]


def unit_metric(metric: str) -> list[float] | list[list[float]]:
    """Return the metric that every sampler starts from without a file."""
    size = range(PARAMETERS)
    if metric == "dense_e":
        return [[float(i == j) for j in size] for i in size]
    return [1.0 for _ in size]


def other_metric(metric: str, scale: float = 1.0) -> list[float] | list[list[float]]:
    """Return a metric that makes a difference."""
    return matrix(scale) if metric == "dense_e" else [row[0] for row in matrix(scale)]


def write_metric(path: Path, metric: list[float] | list[list[float]]) -> None:
    """Write a metric file; CmdStanPy writes the same."""
    path.write_text(json.dumps({"inv_metric": metric}))


@pytest.mark.parametrize(
    ("engine", "metric", "engaged"), list(product(["nuts", "static"], METRICS, [0, 1]))
)
def test_metric_file_is_honoured(
    engine: str, metric: str, engaged: int, intercepts: Program, work: Path
) -> None:
    """The unit metric changes nothing, another one does; unit_e ignores the file."""
    write_metric(work / "unit.json", unit_metric(metric))
    write_metric(work / "other.json", other_metric(metric))
    common = f"sample {RUN} adapt engaged={engaged} algorithm=hmc engine={engine}"
    common += f" metric={metric} stepsize=0.05"
    for name, file in (("none", ""), ("unit", "unit.json"), ("other", "other.json")):
        given = f"metric_file={file}" if file else ""
        intercepts.done(f"{common} {given} {DATA} output file={name}.csv sig_figs=17", work)
    plain = text_of(work / "none.csv")
    assert text_of(work / "unit.csv") == plain
    assert (text_of(work / "other.csv") == plain) is (metric == "unit_e")
    if metric != "unit_e" and not engaged:
        comments = read_csv(work / "other.csv").comments
        title = next(i for i, line in enumerate(comments) if "inverse mass matrix" in line)
        rows = other_metric(metric)
        rows = [rows] if metric == "diag_e" else rows
        for line, row in zip(comments[title + 1 :], rows, strict=False):
            assert [float(x) for x in line[1:].split(",")] == pytest.approx(row, rel=1e-5)


@pytest.mark.parametrize(("metric", "engaged"), list(product(METRICS, [0, 1])))
@pytest.mark.parametrize(("first", "chains"), [(1, 2), (3, 4)])
def test_chain_of_many_is_a_chain_alone(
    first: int, chains: int, metric: str, engaged: int, intercepts: Program, work: Path
) -> None:
    """With its own initial values, its own metric, its own stream of random numbers."""
    for chain in range(first, first + chains):
        write_metric(work / f"metric_{chain}.json", other_metric(metric, 1 + chain / 8))
        init = {"mu": 1 + chain / 4, "tau": 1.5, "sigma": 0.5, "a": [1.5] * 6}
        (work / f"init_{chain}.json").write_text(json.dumps(init))
    common = f"sample {RUN} adapt engaged={engaged} algorithm=hmc metric={metric} "
    common += "stepsize=0.05"
    output = f"{DATA} output sig_figs=17 file="
    intercepts.done(
        f"id={first} init=init.json {common} metric_file=metric.json "
        f"num_chains={chains} {output}o.csv",
        work,
    )
    for chain in range(first, first + chains):
        intercepts.done(
            f"id={chain} init=init_{chain}.json {common} "
            f"metric_file=metric_{chain}.json {output}alone.csv",
            work,
        )
        assert text_of(work / f"o_{chain}.csv") == text_of(work / "alone.csv")


@pytest.mark.parametrize("program", ["intercepts", "rolls"])
def test_fixed_param_chain_of_many_is_a_chain_alone(
    program: str, intercepts: Program, rolls: Program, work: Path
) -> None:
    (work / "rolls.json").write_text('{"sides": 17}')
    chosen = {"intercepts": intercepts, "rolls": rolls}[program]
    run = "sample num_samples=30 algorithm=fixed_param"
    common = f"random seed=9 data file={program}.json output sig_figs=17 file="
    chosen.done(f"id=3 {run} num_chains=2 {common}o.csv", work)
    for chain in (3, 4):
        chosen.done(f"id={chain} {run} {common}alone.csv", work)
        assert text_of(work / f"o_{chain}.csv") == text_of(work / "alone.csv")


def test_no_parameters_is_fixed_param(rolls: Program, work: Path) -> None:
    (work / "dice.json").write_text('{"sides": 17}')
    common = "data file=dice.json random seed=9 output file"
    rolls.done(f"sample num_samples=30 {common}=a.csv", work)
    rolls.done(f"sample num_samples=30 algorithm=fixed_param {common}=b.csv", work)
    assert text_of(work / "a.csv") == text_of(work / "b.csv")


@pytest.mark.parametrize("digits", [9, 18])
@pytest.mark.parametrize("metric", METRICS)
def test_thinned_warmup_picks_rows(
    metric: str, digits: int, bernoulli: Program, work: Path
) -> None:
    """Rows 0, 3, 6, ... of each phase of all draws, and unsaved warmup is left out.

    Not so for a program that draws generated quantities: they use the same stream of
    random numbers, and only for rows that are written.
    """
    run = "sample num_samples=20 num_warmup=61 algorithm=hmc"
    output = f"data file=bernoulli.json random seed=7 output sig_figs={digits} file"
    written = {}
    for name, options in (
        ("all", "save_warmup=1"),
        ("some", "save_warmup=1 thin=3"),
        ("sampling", "save_warmup=0 thin=1"),
    ):
        bernoulli.done(f"{run} metric={metric} {options} {output}=o.csv", work)
        lines = text_of(work / "o.csv")[1:]
        written[name] = [line for line in lines if not line.startswith("#")]
    every = written["all"]
    assert len(every) == 81
    assert written["some"] == every[:61:3] + every[61::3]
    assert written["sampling"] == every[61:]


@pytest.mark.parametrize("save", [0, 1])
def test_no_draws_but_warmup(save: int, intercepts: Program, work: Path) -> None:
    intercepts.done(
        f"sample num_samples=0 num_warmup=40 save_warmup={save} {DATA} output file=o.csv",
        work,
    )
    assert len(read_csv(work / "o.csv").rows) == 40 * save


def test_diagnostic_file_changes_no_draw(intercepts: Program, work: Path) -> None:
    common = f"sample {RUN} num_chains=2 {DATA} output sig_figs=17 file="
    intercepts.done(f"{common}a.csv", work)
    intercepts.done(f"{common}b.csv diagnostic_file=d.csv profile_file=p.csv", work)
    for chain in (1, 2):
        assert text_of(work / f"a_{chain}.csv") == text_of(work / f"b_{chain}.csv")
        diagnosed = read_csv(work / f"d_{chain}.csv")
        assert diagnosed.column("mu") == read_csv(work / f"a_{chain}.csv").column("mu")
    assert not (work / "p.csv").exists()  # the program has no profile block


@pytest.mark.parametrize(
    ("algorithm", "jacobian"), list(product(["bfgs", "lbfgs", "newton"], [0, 1]))
)
def test_saved_iterations_end_in_the_same_optimum(
    algorithm: str, jacobian: int, intercepts: Program, work: Path
) -> None:
    common = f"init=0.5 optimize algorithm={algorithm} jacobian={jacobian} iter=30"
    for name, save in (("a", 0), ("b", 1)):
        intercepts.run(
            f"{common} save_iterations={save} {DATA} output sig_figs=17 file={name}.csv",
            work,
        )
    # lp__ and the parameters; the random numbers of y_rep are used up row by row
    one, saved = ([row[: 1 + PARAMETERS] for row in read_csv(work / f"{name}.csv").rows]
                  for name in "ab")  # fmt: skip
    assert len(saved) > 2
    assert one == saved[-1:]


@pytest.mark.parametrize("jacobian", [0, 1])
def test_laplace_from_csv_and_json(jacobian: int, intercepts: Program, work: Path) -> None:
    intercepts.done(f"optimize jacobian=1 {DATA} output sig_figs=17 file=mode.csv", work)
    row = dict(zip(read_csv(work / "mode.csv").names, read_csv(work / "mode.csv").rows[-1],
                   strict=True))  # fmt: skip
    point = {name: row[name] for name in ("mu", "tau", "sigma")}
    values = [row[f"a.{i}"] for i in range(1, 7)]
    (work / "mode.json").write_text(json.dumps({**point, "a": values}))
    draws = {}
    for kind in ("csv", "json"):
        intercepts.done(
            f"id=5 laplace mode=mode.{kind} jacobian={jacobian} draws=30 {DATA} "
            f"output sig_figs=12 file={kind}_draws.csv",
            work,
        )
        draws[kind] = read_csv(work / f"{kind}_draws.csv").rows
    for a, b in zip(draws["csv"], draws["json"], strict=True):
        assert a == pytest.approx(b, rel=1e-6)


def test_laplace_ignores_the_id(intercepts: Program, work: Path) -> None:
    intercepts.done(f"optimize jacobian=1 {DATA} output file=mode.csv", work)
    for chain in (1, 8):
        intercepts.done(
            f"id={chain} laplace mode=mode.csv draws=20 {DATA} output file={chain}.csv",
            work,
        )
    assert text_of(work / "1.csv") == text_of(work / "8.csv")


def test_path_of_many_is_a_path_alone(intercepts: Program, work: Path) -> None:
    """Without resampling, after which Stan 2.39 draws anew for the files of the paths."""
    common = f"num_draws=30 num_elbo_draws=20 {DATA} output sig_figs=17"
    intercepts.done(
        f"id=5 pathfinder num_paths=4 psis_resample=0 save_single_paths=1 {common} "
        "file=o.csv",
        work,
    )
    together = read_csv(work / "o_path_7.csv")
    intercepts.done(f"id=7 pathfinder num_paths=1 {common} file=alone.csv", work)
    alone = read_csv(work / "alone.csv")
    assert together.names == alone.names
    assert together.rows == alone.rows


@pytest.mark.parametrize("algorithm", ["meanfield", "fullrank"])
def test_variational_draws_depend_on_seed_and_id(
    algorithm: str, intercepts: Program, work: Path
) -> None:
    common = f"variational algorithm={algorithm} output_samples=10 data "
    common += "file=intercepts.json output sig_figs=17 file="
    rows = []
    for stream in ("id=1 random seed=5", "id=1 random seed=5", "id=2 random seed=5",
                   "id=1 random seed=6"):  # fmt: skip
        intercepts.done(f"{stream} {common}o.csv", work)
        rows.append(text_of(work / "o.csv"))
    assert rows[0] == rows[1]
    assert len({tuple(text) for text in rows}) == 3


def test_generated_quantities_are_those_of_their_draws(
    intercepts: Program, work: Path
) -> None:
    """A file in an in-process run has stream i + 1, a file alone has stream 1."""
    intercepts.done(f"sample {RUN} {DATA} output sig_figs=17 file=fit.csv", work)
    for chain in (4, 5):
        (work / f"fit_{chain}.csv").write_bytes((work / "fit.csv").read_bytes())
    run = "generate_quantities fitted_params=fit.csv"
    output = f"{DATA} output sig_figs=17 file="
    intercepts.done(f"{run} {output}a.csv", work)
    intercepts.done(f"id=4 {run} num_chains=2 {output}b.csv", work)
    alone = read_csv(work / "a.csv").rows
    assert read_csv(work / "b_4.csv").rows == alone
    assert read_csv(work / "b_5.csv").rows != alone


def test_r_dumps_say_the_same_as_json(intercepts: Program, work: Path) -> None:
    """Initial values and metric of each chain, and the point of a density."""
    metric = other_metric("diag_e")
    (work / "metric.R").write_text(f"inv_metric <- c({', '.join(map(str, metric))})\n")
    write_metric(work / "metric.json", metric)
    for chain in (1, 2):
        point = {"mu": 1.25 + chain, "tau": 1.5, "sigma": 0.5, "a": [1.5] * 6}
        (work / f"init_{chain}.json").write_text(json.dumps(point))
        dump = [f"{name} <- {point[name]}" for name in ("mu", "tau", "sigma")]
        dump.append(f"a <- c({', '.join(['1.5'] * 6)})")
        (work / f"init_{chain}.R").write_text("\n".join(dump) + "\n")
    for kind in ("json", "R"):
        intercepts.done(
            f"init=init.{kind} sample {RUN} num_chains=2 algorithm=hmc "
            f"metric_file=metric.{kind} {DATA} output file={kind}.csv sig_figs=17",
            work,
        )
        intercepts.done(
            f"log_prob constrained_params=init_2.{kind} {DATA} output file=p_{kind}.csv",
            work,
        )
    for chain in (1, 2):
        assert text_of(work / f"R_{chain}.csv") == text_of(work / f"json_{chain}.csv")
    assert text_of(work / "p_R.csv") == text_of(work / "p_json.csv")
