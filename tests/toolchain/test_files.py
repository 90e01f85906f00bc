"""Input and output files: names, formats, and what happens when they are bad."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toolchain_support import Program, read_csv

pytestmark = pytest.mark.stan

DATA = "data file=bernoulli.json"
SHORT = "sample num_samples=5 num_warmup=20"
# At some starting points the finite differences of `diagnose` exceed its threshold.
INTERCEPTS = "random seed=4 data file=intercepts.json"


def test_settings_as_json(bernoulli: Program, work: Path) -> None:
    bernoulli.done(
        f"{SHORT} adapt delta=0.9 {DATA} init=0.5 output file=o.csv save_cmdstan_config=1",
        work,
    )
    settings = json.loads((work / "o_config.json").read_text())
    assert settings["model_name"] == "bernoulli_model"
    assert settings["method"]["value"] == "sample"
    sample = settings["method"]["sample"]
    assert sample["num_samples"] == 5
    assert sample["adapt"]["delta"] == 0.9
    assert sample["adapt"]["engaged"] is True
    assert sample["algorithm"]["hmc"]["engine"]["nuts"]["max_depth"] == 10
    assert sample["algorithm"]["hmc"]["metric"] == {"value": "diag_e"}
    assert settings["random"]["seed"] == -1
    assert settings["data"]["file"] == "bernoulli.json"
    assert settings["stanc_version"].startswith("stanc3 v2.")


METHODS = [
    "sample num_samples=5 num_warmup=30",
    "optimize jacobian=1",
    "variational",
    "pathfinder",
    "laplace mode=intercepts_mode.json",
    "diagnose",
    "log_prob constrained_params=intercepts_mode.json",
    "generate_quantities fitted_params=fit.csv",
]


@pytest.mark.parametrize("method", METHODS)
def test_settings_are_written_alike(method: str, intercepts: Program, work: Path) -> None:
    """On the console, above the draws and as JSON; CmdStanPy reads the first two."""
    intercepts.done(
        f"sample num_samples=5 num_warmup=30 {INTERCEPTS} output file=fit.csv", work
    )
    shown = intercepts.done(
        f"{method} {INTERCEPTS} output file=o.csv save_cmdstan_config=1", work
    )
    tree = shown.partition("\n\n")[0].splitlines()
    name = method.split()[0]
    assert tree[0] == f"method = {name}" + (" (Default)" if name == "sample" else "")
    comments = [line[2:] for line in read_csv(work / "o.csv").comments]
    start = comments.index(tree[0])
    assert comments[start : start + len(tree)] == tree
    settings = json.loads((work / "o_config.json").read_text())
    assert settings["method"]["value"] == name
    assert settings["output"]["save_cmdstan_config"] is True
    leaves = {line.partition("=")[0].strip() for line in tree if "=" in line}
    for key, value in settings["method"][name].items():
        assert key in leaves or isinstance(value, dict)


@pytest.mark.parametrize(
    ("given", "written"),
    [("o", "o.csv"), ("o.txt", "o.txt"), ("v1.2/o", "v1.2/o.csv"), (".o", ".o.csv")],
)
def test_name_of_the_output(
    given: str, written: str, bernoulli: Program, work: Path
) -> None:
    (work / "v1.2").mkdir()
    bernoulli.done(f"{SHORT} {DATA} output file={given}", work)
    assert len(read_csv(work / written).rows) == 5


@pytest.mark.parametrize("name", ["missing/o.csv", "here/", "..", "here/."])
def test_output_that_cannot_be_written(name: str, bernoulli: Program, work: Path) -> None:
    said = bernoulli.refused(f"{SHORT} {DATA} output file={name}", work)
    assert said.startswith("Error: ")
    assert name in said


def test_full_disk_is_an_error(bernoulli: Program, work: Path) -> None:
    (work / "o.csv").symlink_to("/dev/full")
    said = bernoulli.refused(f"{SHORT} {DATA} output file=o.csv", work)
    assert "o.csv" in said


def test_data_in_an_r_dump(bernoulli: Program, work: Path) -> None:
    (work / "data.R").write_text("N <- 10\ny <- c(0,1,0,0,0,0,0,0,0,1)\n")
    ended = bernoulli.run(f"random seed=4 {SHORT} data file=data.R output file=r.csv", work)
    assert ended.returncode == 0
    assert ended.stderr.startswith("Warning: file")
    bernoulli.done(f"random seed=4 {SHORT} {DATA} output file=o.csv", work)
    assert read_csv(work / "r.csv").rows == read_csv(work / "o.csv").rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"y": [0, 1]}', "Exception: variable does not exist"),
        ('{"N": 3, "y": [0, 1]}', "Exception: mismatch in dimension declared"),
        ('{"N": 2, "y": [0, 2]}', "Exception: bernoulli_model_namespace"),
        ('{"N": 2, "y": [0, 0.5]}', "Exception: int variable contained non-int"),
        ('{"N": 2, "y": [0, 1}', "Error in JSON parsing"),
    ],
)
def test_bad_data(text: str, message: str, bernoulli: Program, work: Path) -> None:
    (work / "bad.json").write_text(text)
    said = bernoulli.refused(f"{SHORT} data file=bad.json output file=o.csv", work)
    assert said.startswith(message)
    assert not (work / "o.csv").exists()


def test_missing_data_file(bernoulli: Program, work: Path) -> None:
    said = bernoulli.refused(f"{SHORT} data file=none.json output file=o.csv", work)
    assert 'Can\'t open specified file, "none.json"' in said


def test_initial_values_from_files_of_each_chain(bernoulli: Program, work: Path) -> None:
    """Numbered from the first id; the plain file need not exist."""
    for chain, theta in ((3, 0.125), (4, 0.875)):
        (work / f"init_{chain}.json").write_text(json.dumps({"theta": theta}))
    arguments = f"{DATA} init=init.json id=3 output file=o.csv sample num_chains=2"
    fixed = "num_samples=1 algorithm=fixed_param"
    bernoulli.done(f"{arguments} {fixed}", work)
    assert read_csv(work / "o_3.csv").column("theta") == [0.125]
    assert read_csv(work / "o_4.csv").column("theta") == [0.875]
    (work / "init_4.json").unlink()
    assert "init_4.json" in bernoulli.refused(f"{arguments} {fixed}", work)
    (work / "init_3.json").unlink()
    assert "init.json" in bernoulli.refused(f"{arguments} {fixed}", work)
    (work / "init.json").write_text('{"theta": 0.625}')
    bernoulli.done(f"{arguments} {fixed}", work)
    assert read_csv(work / "o_4.csv").column("theta") == [0.625]


def test_initial_values_of_one_chain(bernoulli: Program, work: Path) -> None:
    (work / "0xyz.json").write_text('{"theta": 0.375}')  # a name, not the radius 0
    arguments = f"sample num_samples=1 algorithm=fixed_param {DATA} output file=o.csv"
    bernoulli.done(f"{arguments} init=0xyz.json", work)
    assert read_csv(work / "o.csv").column("theta") == [0.375]
    bernoulli.done(f"{arguments} init=0", work)
    assert read_csv(work / "o.csv").column("theta") == [0.5]


def test_impossible_initial_values(bernoulli: Program, work: Path) -> None:
    (work / "init.json").write_text('{"theta": 1.5}')
    ended = bernoulli.run(f"{SHORT} {DATA} init=init.json output file=o.csv", work)
    assert ended.returncode == 1
    assert "Exception: " in ended.stdout + ended.stderr
    assert "Initialization failed." in ended.stdout + ended.stderr
    assert (work / "o.csv").exists()


@pytest.mark.parametrize("radius", ["-1", "nan"])
def test_bad_radius(radius: str, bernoulli: Program, work: Path) -> None:
    said = bernoulli.refused(f"{SHORT} {DATA} init={radius} output file=o.csv", work)
    assert radius in said


def test_output_must_not_be_the_input(bernoulli: Program, work: Path) -> None:
    """Compared as files, not by the ends of their names."""
    bernoulli.done(f"optimize {DATA} output file=mode.csv", work)
    laplace = f"laplace mode=mode.csv draws=3 {DATA} output file="
    (work / "again").mkdir()
    assert "Filename conflict" in bernoulli.refused(f"{laplace}again/../mode.csv", work)
    bernoulli.done(f"{laplace}e.csv", work)
    bernoulli.done(f"{laplace}other_mode.csv", work)


def test_fitted_draws_must_exist(intercepts: Program, work: Path) -> None:
    common = "data file=intercepts.json output file=o.csv"
    said = intercepts.refused(f"generate_quantities {common}", work)
    assert "fitted_params" in said
    said = intercepts.refused(f"generate_quantities fitted_params=none.csv {common}", work)
    assert "none.csv" in said
    header = (work / "empty.csv", "lp__,mu,tau,sigma,a.1,a.2,a.3,a.4,a.5,a.6\n")
    header[0].write_text(header[1])
    said = intercepts.refused(f"generate_quantities fitted_params=empty.csv {common}", work)
    assert "no rows" in said
    header[0].write_text(header[1] + "1,2,3\n")
    said = intercepts.refused(f"generate_quantities fitted_params=empty.csv {common}", work)
    assert "3 columns instead of 10" in said


def test_killed_run_leaves_whole_rows(intercepts: Program, work: Path) -> None:
    process = subprocess.Popen(
        [intercepts.executable, "sample", "num_samples=100000000", "num_warmup=50",
         "data", "file=intercepts.json", "output", "file=o.csv", "refresh=0"],
        cwd=work, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    written = work / "o.csv"
    deadline = time.monotonic() + 30
    while not (written.exists() and written.stat().st_size > 50_000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.terminate()
    assert process.wait(timeout=120) == -signal.SIGTERM
    assert written.read_bytes().endswith(b"\n")
    assert len(read_csv(written).rows) > 10  # every row has all its cells
