"""The toolchain as a CmdStan installation: for other programs, and rebuilt in place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cmdstanpy
import pytest
from toolchain_support import REFERENCE, Program, make, read_csv

pytestmark = pytest.mark.stan

SCRIPT = """
import sys, cmdstanpy
model = cmdstanpy.CmdStanModel(stan_file="bernoulli.stan", force_compile=True)
fit = model.sample("bernoulli.json", chains=2, seed=4, show_progress=False)
print(cmdstanpy.cmdstan_path(), len(fit.summary()), fit.diagnose().count("satisfactory"))
assert not any(name.split(".")[0] == "hierstan" for name in sys.modules)
"""


def copied(toolchain: Path, place: Path) -> Path:
    """Copy the toolchain as hard links, so that it can be changed at no cost."""
    shutil.copytree(toolchain, place, copy_function=os.link, symlinks=True)
    return place


def test_program_that_knows_nothing_of_us(toolchain: Path, tmp_path: Path) -> None:
    """A fresh process with only CMDSTAN set to what `hierstan toolchain path` prints."""
    command = [sys.executable, "-c", "from hierstan.cli import main; main()"]
    shown = subprocess.run(
        [*command, "toolchain", "path"], capture_output=True, text=True, check=True
    ).stdout
    assert shown == f"{toolchain}\n"
    for name in ("bernoulli.stan", "bernoulli.json"):
        shutil.copy(REFERENCE / name, tmp_path)
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=tmp_path,
        env={"CMDSTAN": shown.strip(), "HOME": str(tmp_path), **kept},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{toolchain} 2 4\n"


def test_rebuild_with_options_of_the_user(
    toolchain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cmdstanpy.rebuild_cmdstan` in a moved copy whose make/local sets STAN_CPP_OPTIMS."""
    ours = copied(toolchain, tmp_path / "my cmdstan")
    (ours / "make").mkdir()
    (ours / "make" / "local").write_text("STAN_CPP_OPTIMS = true\n")
    monkeypatch.setenv("CMDSTAN", str(ours))
    monkeypatch.chdir(tmp_path)
    cmdstanpy.rebuild_cmdstan(progress=False, cores=2)
    for tool in ("stansummary", "diagnose"):
        assert (ours / "bin" / tool).exists()
    example = Program(ours / "examples" / "bernoulli" / "bernoulli")
    shown = example.done("info", tmp_path)
    assert "STAN_CPP_OPTIMS=true" in shown
    assert "STAN_THREADS=false" in shown
    shutil.copy(REFERENCE / "bernoulli.json", tmp_path)
    # The same draws as without: loops are unrolled, no arithmetic is reordered.
    run = "id=1 random seed=1234 data file=bernoulli.json output sig_figs=17 file=o.csv"
    example.done(f"{run} method=sample num_samples=100 num_warmup=200", tmp_path)
    if "stan_version_minor = 35" in shown:
        recorded = read_csv(REFERENCE / "bernoulli_nuts.csv")
        assert read_csv(tmp_path / "o.csv").rows == recorded.rows
    assert len(read_csv(tmp_path / "o.csv").rows) == 100
    cleaned = make(ours, "clean-all")
    assert cleaned.returncode == 0
    assert not (ours / "build").exists()
    assert not (ours / "bin" / "stansummary").exists()
    assert (ours / "bin" / "stanc").exists()


@pytest.mark.parametrize("target", ["help", "clean"])
def test_targets_that_leave_all_as_it_is(target: str, toolchain: Path) -> None:
    assert make(toolchain, target).returncode == 0
    assert make(toolchain, "-n", "build").stdout.count("driver.cpp") == 0


def test_last_line_of_build(toolchain: Path) -> None:
    """CmdStanPy takes this line for the end of its progress bar."""
    assert make(toolchain, "build", "-j2").stdout.splitlines()[-1].startswith("--- CmdStan")


def test_variables_of_make_reach_the_compiler(toolchain: Path, tmp_path: Path) -> None:
    """CmdStanPy passes its `cpp_options` as they are; a dry run shows the commands."""
    (tmp_path / "x.stan").write_text("parameters { real x; } model { x ~ normal(0, 1); }\n")
    shown = make(
        toolchain, "-n", "O=2", "CXXFLAGS=-DOURS", "CPPFLAGS=-DTHEIRS", "LDFLAGS=-Wl,-x",
        "LDLIBS=-lm", "CXX=some-compiler", "STAN_NO_RANGE_CHECKS=true",
        "STANCFLAGS+=--allow-undefined", "STANCFLAGS+=--O1",
        f"USER_HEADER={tmp_path}/mine.hpp", str(tmp_path / "x"),
    ).stdout  # fmt: skip
    commands = [line for line in shown.splitlines() if line.startswith("some-compiler")]
    driver, model, link = commands
    for command in (driver, model):
        assert "-DTHEIRS -DOURS" in command
        assert "-DSTAN_NO_RANGE_CHECKS" in command
    assert " -O2 " in model
    assert f'-include "{tmp_path}/mine.hpp"' in model
    assert "-Wl,-x" in link
    assert "-lm" in link
    assert "bin/stanc --allow-undefined --O1 --o=" in shown
