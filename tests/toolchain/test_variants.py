"""Programs compiled with threads and other options."""

import shutil
import subprocess
from pathlib import Path

import pytest
from toolchain_support import REFERENCE, Program, make, read_csv

pytestmark = pytest.mark.stan

RUN = "sample num_samples=200 num_warmup=200 data file=data.json output file=o.csv"


@pytest.fixture
def data(work: Path) -> Path:
    (work / "data.json").write_text('{"center": 1.75}')
    return work


def test_info_tells_the_options(external: Program, data: Path) -> None:
    shown = external.done("info", data)
    assert "STAN_THREADS=true" in shown
    assert "STAN_NO_RANGE_CHECKS=true" in shown
    assert "STAN_CPP_OPTIMS=false" in shown


def test_function_of_the_user_header_is_used(external: Program, data: Path) -> None:
    external.done("optimize data file=data.json output file=o.csv sig_figs=9", data)
    mode = read_csv(data / "o.csv").column("x")[-1]
    assert mode == pytest.approx(1.75 - 3.25, abs=1e-6)


def test_profile_is_written_once_per_process(external: Program, data: Path) -> None:
    external.done(f"{RUN} profile_file=p.csv", data)
    lines = (data / "p.csv").read_text().splitlines()
    assert lines[0] == (
        "name,thread_id,total_time,forward_time,reverse_time,chain_stack,no_chain_stack,"
        "autodiff_calls,no_autodiff_calls"
    )
    assert lines[1].startswith("density,")
    assert int(lines[1].split(",")[-2]) > 200


def test_threads_come_from_the_environment(external: Program, data: Path) -> None:
    external.done(RUN, data, STAN_NUM_THREADS="2")
    assert read_csv(data / "o.csv").setting("num_threads") == "2"
    external.done(f"{RUN} num_threads=3", data)
    assert read_csv(data / "o.csv").setting("num_threads") == "3"
    external.done(f"{RUN} num_threads=2", data, STAN_NUM_THREADS="2")
    for bad in ("0", "many"):
        assert external.refused(RUN, data, STAN_NUM_THREADS=bad)
    said = external.refused(f"{RUN} num_threads=3", data, STAN_NUM_THREADS="2")
    assert "STAN_NUM_THREADS=2" in said
    assert external.refused(f"{RUN} num_threads=0", data)


def test_parallel_chains_are_those_of_one_thread(external: Program, data: Path) -> None:
    rows = []
    for threads in ("1", "4"):
        shown = external.done(
            "sample num_samples=200 num_warmup=200 num_chains=4 random seed=6 "
            f"data file=data.json output file=t{threads}.csv",
            data,
            STAN_NUM_THREADS=threads,
        )
        rows.append([read_csv(data / f"t{threads}_{i}.csv").rows for i in range(1, 5)])
        lines = [line for line in shown.splitlines() if "Iteration:" in line]
        assert all(line.startswith("Chain [") for line in lines)
    assert rows[0] == rows[1]


@pytest.mark.parametrize("resample", [0, 1])
def test_parallel_paths_write_whole_rows(
    resample: int, external: Program, data: Path
) -> None:
    external.done(
        f"pathfinder num_paths=4 num_draws=300 num_psis_draws=250 psis_resample={resample} "
        "data file=data.json random seed=6 output file=o.csv",
        data,
        STAN_NUM_THREADS="4",
    )
    draws = read_csv(data / "o.csv").column("x")
    assert len(draws) == (250 if resample else 4 * 300)
    # The density is normal around 1.75 - 3.25 with unit sd; four standard errors.
    assert sum(draws) / len(draws) == pytest.approx(-1.5, abs=4 / len(draws) ** 0.5)


def test_program_without_threads_ignores_the_environment(
    bernoulli: Program, work: Path
) -> None:
    run = "sample num_samples=5 num_warmup=20 data file=bernoulli.json output file=o.csv"
    bernoulli.done(run, work, STAN_NUM_THREADS="many")
    assert read_csv(work / "o.csv").setting("num_threads") == "1"
    assert '"num_threads"' in bernoulli.refused(f"{run} num_threads=2", work)


@pytest.mark.parametrize("option", ["STAN_OPENCL=1", "STAN_MPI=1"])
def test_what_is_not_there_is_refused(option: str, toolchain: Path, work: Path) -> None:
    made = make(toolchain, option, str(work / "x"))
    assert made.returncode != 0
    assert f"{option[:-2]} is not supported" in made.stderr


def test_bad_program_shows_what_stanc_says(toolchain: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.stan").write_text("parameters { real x } model { }\n")
    made = make(toolchain, str(tmp_path / "bad"))
    assert made.returncode != 0
    assert "Syntax error" in made.stdout + made.stderr


def test_a_moved_toolchain_compiles(toolchain: Path, tmp_path: Path) -> None:
    """Nothing points to the place, or the environment, that it was built in."""
    moved = tmp_path / "a place, elsewhere"
    shutil.copytree(toolchain, moved, copy_function=_link, symlinks=True)
    program = tmp_path / "bernoulli"
    shutil.copy(REFERENCE / "bernoulli.stan", tmp_path)
    made = make(moved, str(program))
    assert made.returncode == 0, made.stderr
    assert "Compiling the driver" not in made.stdout
    libraries = subprocess.run(
        [shutil.which("ldd") or "ldd", program], capture_output=True, text=True, check=True
    )
    assert str(moved / "lib" / "libtbb.so.2") in libraries.stdout
    shutil.copy(REFERENCE / "bernoulli.json", tmp_path)
    Program(program).done("optimize data file=bernoulli.json output file=o.csv", tmp_path)
    assert [path for path in toolchain.rglob("*") if path.is_symlink()] == []


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def test_examples_are_there(toolchain: Path) -> None:
    assert (toolchain / "examples/bernoulli/bernoulli.stan").read_text().startswith("data")
