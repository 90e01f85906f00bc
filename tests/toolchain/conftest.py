"""Programs that are compiled once for all tests of the toolchain."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cmdstanpy
import pytest
from stand_in import stand_in_machine
from toolchain_support import HERE, REFERENCE, Program, make

from hierstan.toolchain import build
from hierstan.toolchain.locate import read_version
from hierstan.toolchain.machine import Version


@pytest.fixture(scope="session")
def toolchain() -> Iterator[Path]:
    """Build the embedded CmdStan, and set it for CmdStanPy."""
    before = os.environ.get("CMDSTAN")
    directory = build()
    cmdstanpy.set_cmdstan_path(str(directory))
    yield directory
    os.environ.pop("CMDSTAN")
    if before is not None:
        os.environ["CMDSTAN"] = before


@pytest.fixture(scope="session")
def stan_version(toolchain: Path) -> Version:
    """Tell the version of Stan in the embedded CmdStan."""
    version = read_version(toolchain)
    assert version is not None
    return version


Compile = Callable[..., Program]


@pytest.fixture(scope="session")
def compile_program(toolchain: Path, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compile a Stan file with options of make, in a directory of its own."""

    def compiled(source: Path, *options: str) -> Program:
        directory = tmp_path_factory.mktemp(source.stem)
        shutil.copy(source, directory)
        for header in source.parent.glob("*.hpp"):
            shutil.copy(header, directory)
        target = directory / source.stem
        made = make(toolchain, *options, str(target))
        assert made.returncode == 0, made.stdout + made.stderr
        assert "Warning" not in made.stdout + made.stderr  # CmdStanPy would repeat it
        return Program(target)

    return compiled


@pytest.fixture(scope="session")
def bernoulli(compile_program: Compile) -> Program:
    """Compile a program with one bounded parameter."""
    return compile_program(REFERENCE / "bernoulli.stan")


@pytest.fixture(scope="session")
def intercepts(compile_program: Compile) -> Program:
    """Compile a small multilevel model with generated quantities."""
    return compile_program(REFERENCE / "intercepts.stan")


@pytest.fixture(scope="session")
def rolls(compile_program: Compile) -> Program:
    """Compile a program without parameters."""
    return compile_program(HERE / "programs" / "rolls.stan")


@pytest.fixture(scope="session")
def faults(compile_program: Compile) -> Program:
    """Compile a program that goes wrong as its data ask, and uses KINSOL."""
    return compile_program(HERE / "programs" / "faults.stan")


@pytest.fixture(scope="session")
def schools(compile_program: Compile) -> Program:
    """Compile the eight schools."""
    return compile_program(HERE / "programs" / "eight_schools.stan")


@pytest.fixture(scope="session")
def tuples(compile_program: Compile) -> Program:
    """Compile a program with tuples and complex numbers in every block."""
    return compile_program(HERE / "programs" / "tuples.stan")


@pytest.fixture(scope="session")
def external(compile_program: Compile) -> Program:
    """Compile with threads, without range checks, with a header and a profile block."""
    return compile_program(
        HERE / "programs" / "external.stan",
        "STANCFLAGS+=--allow-undefined",
        "STAN_THREADS=False",  # CmdStan's rule: any value switches it on
        "STAN_NO_RANGE_CHECKS=true",
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Make a directory with a blank in its name that holds the data files."""
    directory = tmp_path / "a directory"
    directory.mkdir()
    for path in REFERENCE.glob("*.json"):
        shutil.copy(path, directory)
    return directory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a machine where building is fast, to test the care that is taken."""
    stand_in_machine(tmp_path, monkeypatch)
    return tmp_path
