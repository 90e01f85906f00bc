"""The command line as a shell sees it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hierstan as hs

Run = Callable[..., tuple[int, str, str]]
RADON = "log_radon ~ floor + (floor || county)"


@pytest.fixture
def run(hierstan_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return hierstan_command


BAD_INPUT = [
    ("data.csv", "log_radon ~ flor + (1 | county)", [], "no column 'flor'"),
    ("empty.csv", RADON, [], "empty.csv is empty"),
    ("header.csv", RADON, [], "no rows"),
    ("nowhere.csv", RADON, [], "no data file nowhere.csv"),
    ("missing.csv", RADON, ["--missing", "error"], "2 in column 'floor'"),
    ("infinite.csv", RADON, [], "'floor' has 1 infinite value(s), the first in data row 4"),
    ("constant.csv", RADON, [], "Response 'log_radon' is constant"),
    ("data.csv", "county ~ floor + (1 | floor)", [], "Response 'county' holds"),
    ("one.csv", RADON, [], "'county' has one level"),
    ("data.csv", "log_radon ~ floor + I(2*floor) + (1 | county)", [], "is collinear"),
    ("data.csv", "log_radon ~ floor + (1 | county", [], "unclosed bracket"),
    ("data.csv", "log_radon + floor", [], "exactly one '~'"),
    ("data.csv", RADON, ["--programs", "half"], "no program 'half'"),
    ("data.csv", RADON, ["--priors", "vague"], "no prior preset 'vague'"),
    ("data.csv", RADON, ["--priors", "nowhere.toml"], "nowhere.toml cannot be read"),
    ("data.csv", RADON, ["--priors", "bad.toml"], "bad.toml is not TOML"),
    ("data.csv", RADON, ["--prior", "floor"], "'floor' is not of form NAME=DISTRIBUTION"),
    ("data.csv", RADON, ["--prior", "flor=flat"], "Did you mean 'floor'?"),
    ("data.csv", RADON, ["--prior", "sigma=normal(0, 1)"], "it is a standard deviation"),
    ("data.csv", RADON, ["--prior", "floor=normal(0, -1)"], "has scale -1"),
    ("data.csv", RADON, ["--prior", "preset=flat"], "is chosen with --priors"),
    ("data.csv", RADON, ["--prior", "floor=flat", "--prior", "floor=flat"], "twice"),
    ("data.csv", RADON, ["--priors", "flat", "--programs", "unpooled"], "25 of the 85"),
    ("data.csv", RADON, ["--chains", "0"], "chains is 0"),
    ("data.csv", RADON, ["--seed", "-3"], "seed is -3"),
    ("data.csv", RADON, ["--out", "taken"], "taken exists and is not empty"),
    ("data.csv", RADON, ["--out", "no/such/place"], "There is no directory"),
]


@pytest.mark.parametrize("command", ["analyze", "crosscheck", "describe"])
def test_a_choice_that_is_none_names_the_choices(run: Run, command: str) -> None:
    status, shown, told = run(command, "radon", RADON, "--missing", "maybe")
    assert (status, shown) == (2, "")
    for word in ("--missing", "maybe", "drop", "error"):
        assert word in told


@pytest.mark.parametrize(("file", "formula", "options", "says"), BAD_INPUT)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    run: Run, file: str, formula: str, options: list[str], says: str
) -> None:
    radon = hs.data.radon()[["county", "log_radon", "floor"]]
    frames = {
        "data.csv": radon,
        "missing.csv": radon.assign(floor=radon["floor"].where(radon.index > 1)),
        "infinite.csv": radon.assign(floor=np.where(radon.index == 3, np.inf, 1.0)),
        "constant.csv": radon.assign(log_radon=1.7),
        "one.csv": radon.assign(county="AITKIN"),
        "header.csv": radon.iloc[:0],
    }
    for name, frame in frames.items():
        frame.to_csv(name, index=False)
    Path("empty.csv").write_text("")
    Path("bad.toml").write_text("sd(floor | county) = 'flat'")
    Path("taken").mkdir()
    Path("taken/notes.txt").write_text("mine")
    before = sorted(Path().rglob("*"))
    out = [] if "--out" in options else ["--out", "report"]
    status, shown, told = run("analyze", file, formula, *out, *options)
    assert status == 2
    assert shown == ""
    assert told.startswith("Error: ")
    assert says in told
    assert "Traceback" not in told
    assert sorted(Path().rglob("*")) == before


def test_unknown_options_are_a_usage_error(run: Run) -> None:
    assert run("analyze", "data.csv", RADON, "--drawz", "10")[0] == 2


def test_data_sets_are_listed_and_shown(run: Run) -> None:
    status, shown, _ = run("data", "list")
    assert status == 0
    assert len(shown.splitlines()) == 8
    assert "919 homes" in shown
    status, shown, _ = run("data", "show", "sleepstudy")
    assert shown.splitlines()[0] == "Reaction,Days,Subject"
    assert len(shown.splitlines()) == 181
    status, _, told = run("data", "show", "sleep")
    assert status == 2
    assert "sleepstudy" in told


def test_help_needs_no_heavy_import() -> None:
    """Help and errors about options must not wait for statsmodels, arviz or matplotlib."""
    code = (
        "import sys; sys.argv = ['hierstan', '--help']\n"
        "from hierstan.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'arviz', 'statsmodels', 'matplotlib', 'pandas', 'cmdstanpy'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"analyze" in done.stdout


def test_without_a_compiler_one_sentence_and_status_3(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HIERSTAN_CACHE", str(tmp_path / "empty cache"))
    for name in ("CXX", "MAKE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "stanli", None)
    status, shown, told = run("analyze", "radon", RADON, "--quiet", "--out", "report")
    assert status == 3
    assert shown == ""
    assert "g++" in told
    assert not Path("report").exists()
    status, shown, _ = run("doctor")
    assert status == 3
    assert "problem: " in shown


@pytest.mark.stan
def test_priors_come_from_preset_file_and_option(run: Run) -> None:
    """An option goes over the file, the file over the preset; results.json has them all."""
    Path("my priors.toml").write_text(
        'preset = "seeds"\n[priors]\nfloor = "normal(0, 2)"\nsigma = "half-normal(2)"\n'
    )
    settings = ["--programs", "pooled", "--chains", "2", "--draws", "200", "--json"]
    named = ["--prior", "sigma=half-cauchy(0, 0.125)", "--prior", "sd(county)=flat"]
    status, shown, _ = run(
        "analyze", "radon", RADON, "--priors", "my priors.toml", *named, *settings
    )
    assert status == 0
    assert json.loads(shown)["priors"] == {
        "preset": "seeds",
        "named": ["floor", "sd(Intercept | county)", "sd(floor | county)", "sigma"],
        "distributions": {
            "Intercept": "normal(0, 10000)",
            "floor": "normal(0, 2)",
            "coef(Intercept | county)": "normal(0, 100)",
            "sd(Intercept | county)": "flat",
            "coef(floor | county)": "normal(0, 100)",
            "sd(floor | county)": "flat",
            "sigma": "half-cauchy(0.125)",
        },
    }
    settings.remove("--json")
    _, shown, _ = run("analyze", "radon", RADON, *named[:2], *settings, "--out", "report")
    assert "Priors: default; sigma half-cauchy(0.125)." in shown
    page = Path("report/index.html").read_text()
    assert "Priors (default, with 1 set by name), in units of the data" in page
    assert "<code>half-cauchy(0.125)</code>" in page
    assert "<code>half-student-t(3, 2.2)</code>" in page


@pytest.mark.stan
def test_json_is_alone_on_standard_output(run: Run) -> None:
    frame = hs.data.radon().iloc[:200]
    frame.to_parquet("homes.parquet")
    frame.to_csv("homes.csv", index=False)
    settings = ["--programs", "pooled,noncentered", "--chains", "2", "--draws", "200"]
    settings += ["--warmup", "300", "--seed", "12", "--json"]
    results = {}
    for name in ("homes.parquet", "homes.csv"):
        status, shown, _ = run("analyze", name, RADON, *settings)
        assert status == 0
        results[name] = json.loads(shown)
        for state in results[name]["diagnostics"].values():
            for timing in ("seconds", "ess_per_second", "compile_seconds"):
                del state[timing]
    assert results["homes.csv"]["data"]["used"] == 200
    assert list(results["homes.csv"]["posterior"]) == ["pooled", "noncentered"]
    assert results["homes.parquet"] == results["homes.csv"]


@pytest.mark.stan
def test_demo_writes_its_report_and_says_where(run: Run) -> None:
    status, shown, _ = run("demo", "--quiet", "--seed", "3")
    assert status == 0
    assert "centered: failed" in shown
    assert "noncentered: sound" in shown
    assert shown.splitlines()[-1] == "Report: radon-report/index.html"
    assert Path("radon-report/index.html").is_file()
    status, _, told = run("demo", "--quiet")
    assert status == 2
    assert "--force" in told


@pytest.mark.stan
def test_doctor_names_the_cmdstan_in_use(run: Run) -> None:
    status, shown, _ = run("doctor")
    assert status == 0
    assert "No problem found." in shown
    assert "CmdStan" in shown
    assert "g++" in shown
