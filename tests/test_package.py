"""The wheel: built, installed in an empty environment elsewhere, and run from there."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_programs_data_and_driver(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for program in (ROOT / "stan").rglob("*.stan*"):
        assert f"hierstan/_shipped/stan/{program.relative_to(ROOT / 'stan')}" in names
    for table in (ROOT / "data").glob("*.csv*"):
        assert f"hierstan/_shipped/data/{table.name}" in names
    for part in (ROOT / "hierstan" / "toolchain" / "driver").iterdir():
        assert f"hierstan/toolchain/driver/{part.name}" in names
    assert "hierstan/py.typed" in names
    for part in (ROOT / "hierstan" / "report" / "templates").rglob("*.*"):
        assert str(part.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith(("tests", "notebooks"))]


@pytest.mark.slow
@pytest.mark.stan
def test_the_installed_wheel_runs_away_from_the_checkout(
    wheel: Path, tmp_path: Path
) -> None:
    """Nothing but the wheel and its dependencies, in a folder with a blank in its name."""
    home = tmp_path / "another place"
    venv.create(home / "env", with_pip=True)
    python = home / "env" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel],
        check=True, cwd=home, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(
        [
            home / "env" / "bin" / "hierstan", "analyze", "dyestuff",
            "Yield ~ 1 + (1 | Batch)", "--programs", "noncentered", "--out", "report",
        ],
        check=False, cwd=home, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (home / "report" / "index.html").is_file()
    where = subprocess.run(
        [python, "-c", "import hierstan; print(hierstan.__file__)"],
        check=True, cwd=home, capture_output=True, text=True,
    )  # fmt: skip
    assert str(home) in where.stdout
