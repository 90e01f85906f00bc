"""What a program says when it fails: where, how it begins, and the exit status.

CmdStanPy searches these texts, so their first words are part of the interface.
"""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toolchain_support import Program, read_csv

pytestmark = pytest.mark.stan

SCHOOLS = json.dumps(
    {
        "J": 8,
        "y": [28, 8, -3, 7, -1, 1, 18, 12],
        "sigma": [15, 10, 16, 11, 9, 11, 10, 18],
    }
)
SHORT = "num_samples=20 num_warmup=20"
OUTPUT = "random seed=3 output file=o.csv"


@pytest.fixture
def here(work: Path) -> Path:
    """Add the data that choose each fault, and a point where all is well."""
    for fault in range(7):
        (work / f"{fault}.json").write_text(json.dumps({"fault": fault}))
    (work / "point.json").write_text('{"x": [-0.5, 1.5], "share": 0.25}')
    return work


def ended(
    program: Program, arguments: str, where: Path, status: int
) -> tuple[list[str], list[str]]:
    """Run to the expected exit status; return the lines of both streams."""
    done = program.run(f"{arguments} {OUTPUT}", where)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines()


BAD_DATA = [
    ('{"y": [0, 1]}', "Exception: variable does not exist; processing stage=data "
     "initialization; variable name=N;"),
    ('{"N": 3, "y": [0, 1]}', "Exception: mismatch in dimension declared"),
    ('{"N": 3, "y": [[0, 1, 1]]}', "Exception: mismatch in number dimensions declared"),
    ('{"N": 2, "y": [0, 2]}', "Exception: bernoulli_model_namespace::bernoulli_model: "
     "y[2] is 2, but must be less than or equal to 1"),
    ('{"N": 2, "y": [0, 0.5]}', "Exception: int variable contained non-int"),
    ('{"N": 2, "y": [0, 1}', "Error in JSON parsing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "begins"), BAD_DATA)
@pytest.mark.parametrize("method", ["sample", "optimize", "pathfinder", "variational"])
def test_bad_data(
    method: str, text: str, begins: str, bernoulli: Program, here: Path
) -> None:
    (here / "bad.json").write_text(text)
    _, errors = ended(bernoulli, f"{method} data file=bad.json", here, 1)
    assert errors[0].startswith(begins)
    assert not (here / "o.csv").exists()


@pytest.mark.parametrize("method", [f"sample {SHORT}", "optimize", "variational"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (1, "Exception: faults_model_namespace::log_prob: bounded[1] is 0."),
        (3, "Exception: this is refused always, share is 0."),
        (4, "  Log probability evaluates to log(0), i.e. negative infinity."),
    ],
)
def test_every_initial_value_is_rejected(
    fault: int, reason: str, method: str, faults: Program, here: Path
) -> None:
    shown, errors = ended(faults, f"{method} data file={fault}.json", here, 1)
    assert shown.count("Rejecting initial value:") == 100
    assert any(line.startswith(reason) for line in shown)
    assert errors[0].startswith("Initialization between (-2, 2) failed after 100 attempts.")
    assert errors[-1] == "Initialization failed."


@pytest.mark.parametrize("method", [f"sample {SHORT}", "optimize", "variational"])
def test_index_out_of_range(method: str, faults: Program, here: Path) -> None:
    _, errors = ended(faults, f"{method} data file=2.json", here, 1)
    assert errors[0].startswith("Unrecoverable error evaluating")
    assert errors[1].startswith("Exception: ")
    assert "accessing element out of range. index 3" in errors[1]


def test_initial_value_of_the_wrong_shape(faults: Program, here: Path) -> None:
    (here / "init.json").write_text('{"x": [0.5, 1.5, 2.5], "share": 0.25}')
    _, errors = ended(faults, f"sample {SHORT} data file=0.json init=init.json", here, 1)
    assert errors[0].startswith("Unrecoverable error evaluating")
    assert errors[1].startswith("Exception: mismatch in dimension declared")


def test_some_evaluations_fail(faults: Program, here: Path) -> None:
    """The sampler goes on; CmdStanPy warns because of the line's beginning."""
    _, errors = ended(faults, f"sample {SHORT} data file=5.json", here, 0)
    assert errors[0].startswith("Informational Message: The current Metropolis proposal")
    assert errors[1].startswith("Exception: this is refused above zero")
    assert max(read_csv(here / "o.csv").column("x.1")) <= 0


@pytest.mark.parametrize("metric", ["diag_e", "dense_e"])
@pytest.mark.parametrize("values", [[1.5, 2.5], [[1.5, 0.0], [0.0, 2.5]]])
def test_metric_of_the_wrong_size(
    metric: str, values: list[float], faults: Program, here: Path
) -> None:
    (here / "metric.json").write_text(json.dumps({"inv_metric": values}))
    _, errors = ended(
        faults,
        f"sample {SHORT} algorithm=hmc metric={metric} metric_file=metric.json "
        "data file=0.json",
        here,
        1,
    )
    kind = "inverse Euclidean metric" if metric == "diag_e" else "inverse metric"
    assert errors[0] == f"Cannot get {kind} from input file."
    assert errors[-1] == "Initialization failure"


def test_line_search_fails(schools: Program, here: Path) -> None:
    """The density has no mode: it grows without bound as tau goes to zero."""
    (here / "schools.json").write_text(SCHOOLS)
    done = schools.run(f"optimize algorithm=bfgs data file=schools.json {OUTPUT}", here)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("Optimization terminated with error:")
    assert done.stderr.splitlines()[1].startswith("  Line search failed")
    assert read_csv(here / "o.csv").column("tau")[-1] < 1e-3  # the last row is written


def test_optimizer_hits_its_limit(intercepts: Program, here: Path) -> None:
    arguments = "optimize iter=2 data file=intercepts.json"
    shown, errors = ended(intercepts, arguments, here, 0)
    assert any(line.startswith("Optimization terminated normally:") for line in shown)
    assert any("Maximum number of iterations hit" in line for line in shown)
    assert errors == []


def test_variational_does_not_converge(intercepts: Program, here: Path) -> None:
    arguments = "variational iter=20 eval_elbo=10 tol_rel_obj=1e-9"
    shown, _ = ended(intercepts, f"{arguments} data file=intercepts.json", here, 0)
    assert any("The algorithm may not have converged." in line for line in shown)


def test_some_paths_fail(bernoulli: Program, here: Path) -> None:
    (here / "init_1.json").write_text('{"theta": 1.1}')
    (here / "init_2.json").write_text('{"theta": 0.3}')
    shown, errors = ended(
        bernoulli,
        "pathfinder num_paths=2 init=init.json data file=bernoulli.json",
        here,
        0,
    )
    assert "Bounded variable is 1.1" in "\n".join(shown)
    assert any(line.startswith("Pathfinder iteration: 0 failed.") for line in errors)
    assert len(read_csv(here / "o.csv").rows) == 1000


def test_all_paths_fail(faults: Program, here: Path) -> None:
    shown, errors = ended(faults, "pathfinder data file=3.json", here, 1)
    # On standard output by Stan 2.35, on standard error by 2.39: it is the service's word.
    said = [line for line in shown + errors if line.startswith("No pathfinders ran")]
    assert len(said) == 1
    failed = [line for line in errors if line.startswith("Pathfinder iteration: ")]
    assert len(failed) == 4


def test_gradient_beyond_the_tolerance(intercepts: Program, here: Path) -> None:
    arguments = "diagnose test=gradient epsilon=0.3 data file=intercepts.json"
    ended(intercepts, arguments, here, 1)
    table = (here / "o.csv").read_text().rpartition("param idx")[2].splitlines()[1:]
    errors = [abs(float(row.split()[-1])) for row in table]
    assert len(errors) == 9
    assert max(errors) > 1e-6
    for share, status in ((0.99, 1), (1.01, 0)):
        tolerance = f"error={share * max(errors)}"
        ended(
            intercepts, arguments.replace("epsilon", f"{tolerance} epsilon"), here, status
        )


def test_nothing_to_generate(bernoulli: Program, here: Path) -> None:
    bernoulli.done(f"sample {SHORT} data file=bernoulli.json output file=fit.csv", here)
    arguments = "generate_quantities fitted_params=fit.csv data file=bernoulli.json"
    _, errors = ended(bernoulli, arguments, here, 1)
    # It begins as CmdStanPy expects of an error, else that would fail on a missing table.
    assert errors == ["Error: Model doesn't generate any quantities of interest."]


@pytest.mark.parametrize(
    ("point", "begins"),
    [
        ('{"x": [0.5, 1.5]}', "Exception: variable does not exist; "),
        ('{"x": 0.5, "share": 0.25}', "Exception: mismatch in number dimensions declared"),
        ('{"x": [0.5, 1.5], "share": 1.25}', "Exception: "),
        ('{"x": [0.5, 1.5', "Error in JSON parsing"),
    ],
)
@pytest.mark.parametrize("method", ["log_prob constrained_params", "laplace mode"])
def test_bad_parameters(
    method: str, point: str, begins: str, faults: Program, here: Path
) -> None:
    (here / "bad.json").write_text(point)
    _, errors = ended(faults, f"{method}=bad.json data file=0.json", here, 1)
    assert errors[0].startswith(begins)


def test_density_refused_at_the_point(faults: Program, here: Path) -> None:
    for method in ("log_prob constrained_params", "laplace mode"):
        _, errors = ended(faults, f"{method}=point.json data file=3.json", here, 1)
        assert errors[0].startswith("Exception: this is refused always")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_endless_constructor_can_be_ended(
    number: signal.Signals, faults: Program, here: Path
) -> None:
    """CmdStanPy's timeouts send SIGTERM; both signals keep their default action."""
    process = subprocess.Popen(
        [faults.executable, "sample", "data", "file=6.json"],
        cwd=here, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "method = sample (Default)\n"
    time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=120)
    assert process.returncode == -number


def test_newton_solver_is_linked(faults: Program, here: Path) -> None:
    ended(faults, f"sample {SHORT} data file=0.json", here, 0)
    roots = read_csv(here / "o.csv").column("root.1")
    assert roots == pytest.approx([2.5] * 20)
