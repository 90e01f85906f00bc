"""One virtual environment per peer, so that no pins conflict."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.registry import ENVIRONMENTS, OWN, Contender

from hierstan.cache import cache_directory

# Reported beside every peer; what else is installed follows from these.
SHOWN = (
    "hierstan", "stanli", "cmdstanpy", "pymc", "pytensor", "nutpie", "bambi", "numpyro",
    "jax", "statsmodels", "numba", "numpy",
)  # fmt: skip
_IN_R = 'if (!requireNamespace("{}", quietly = TRUE)) quit(status = 1)'


def home() -> Path:
    """Return the folder of environments and of what contenders keep."""
    return cache_directory() / "benchmarks"


def interpreter(name: str) -> Path | None:
    """Return what runs an environment's scripts, making the environment when it is new.

    None where that cannot be made here: R is taken as it is, or not at all.

    Raises
    ------
    subprocess.CalledProcessError
        When pip fails; carries what pip said.
    """
    if name == OWN:
        return Path(sys.executable)
    if name == "R":
        found = shutil.which("Rscript")
        return Path(found) if found else None
    folder = home() / "environments" / name
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _call([sys.executable, "-m", "venv", str(folder)])
        _call([str(python), "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]])
        done.touch()
    return python


def lacking(contender: Contender, program: Path) -> str | None:
    """Name what an environment lacks for a contender; None if nothing."""
    for module in contender.needs:
        question = [str(program), "-c", f"import {module}"]
        if contender.environment == "R":
            question = [str(program), "-e", _IN_R.format(module)]
        if subprocess.run(question, capture_output=True, check=False).returncode:
            return f"{module} is not installed"
    return None


def versions(name: str, program: Path) -> dict[str, str]:
    """Return the versions of what matters in an environment."""
    if name == "R":
        return {"R": _call([str(program), "-e", "cat(as.character(getRversion()))"])}
    listed = json.loads(_call([str(program), "-m", "pip", "list", "--format", "json"]))
    found = {package["name"].lower(): package["version"] for package in listed}
    shown: Sequence[str] = [package for package in SHOWN if package in found]
    return {package: found[package] for package in shown}


def _call(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done.stdout
