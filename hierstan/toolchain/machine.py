"""What this machine offers for building a CmdStan: compiler, make and httpstan's files."""

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hierstan.errors import ToolchainError

Version = tuple[int, int, int]

USE_OWN = (
    "let CMDSTAN name an existing CmdStan directory, or `pip install 'hierstan[stanli]'`, "
    "an engine that needs neither compiler nor CmdStan"
)
INSTALL_COMPILER = (
    "install one (Debian and Ubuntu: `apt-get install g++ make`; macOS: "
    "`xcode-select --install`)"
)


@dataclass(frozen=True)
class Program:
    """A program found on this machine.

    Attributes
    ----------
    command : tuple of str
        How it is started, as the user would write it (``CXX="ccache g++"`` has two words).
    identity : str
        First line of its ``--version``, which changes when the program does.
    """

    command: tuple[str, ...]
    identity: str


@dataclass(frozen=True)
class StanFiles:
    """Where httpstan keeps Stan, and which Stan that is."""

    directory: Path
    httpstan: str
    version: Version


def find_compiler() -> Program:
    """Return the C++ compiler: ``$CXX`` when set, else the first of g++, clang++ and c++.

    Raises
    ------
    hierstan.errors.ToolchainError
        There is none, or ``$CXX`` does not run.
    """
    return _find("C++ compiler", "CXX", ("g++", "clang++", "c++"))


def find_make() -> Program:
    """Return make: ``$MAKE`` when set (CmdStanPy reads it too), else make or gmake.

    Raises
    ------
    hierstan.errors.ToolchainError
        There is none, or ``$MAKE`` does not run.
    """
    return _find("make program", "MAKE", ("make", "gmake"))


def _find(what: str, variable: str, names: tuple[str, ...]) -> Program:
    chosen = os.environ.get(variable, "").strip()
    if chosen:
        command = tuple(shlex.split(chosen))
        if shutil.which(command[0]) is None:
            raise ToolchainError(
                f"{variable}={chosen} is not a program on this machine: unset {variable} "
                f"or let it name a {what}."
            )
        return Program(command, _identity(command))
    for name in names:
        if shutil.which(name) is not None:
            return Program((name,), _identity((name,)))
    raise ToolchainError(
        f"No {what} found to build Stan programs with: {INSTALL_COMPILER}, {USE_OWN}. Set "
        f"{variable} if it has an unusual name."
    )


def _identity(command: tuple[str, ...]) -> str:
    """Return the first line that the program prints for ``--version``."""
    try:
        shown = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"{shlex.join(command)} --version failed: {error}") from error
    lines = (shown.stdout or shown.stderr).splitlines()
    return lines[0].strip() if lines else "unknown"


def find_stan_files() -> StanFiles:
    """Return httpstan's directory, its own version and the version of Stan inside.

    Raises
    ------
    hierstan.errors.ToolchainError
        httpstan is not installed, or is incomplete.
    """
    found = importlib.util.find_spec("httpstan")
    if found is None or not found.submodule_search_locations:
        raise ToolchainError(
            "The package httpstan, from which the embedded CmdStan is built, is not "
            f"installed: `pip install httpstan`, {USE_OWN}."
        )
    directory = Path(found.submodule_search_locations[0])
    for needed in ("stanc", "include/stan/version.hpp", "lib"):
        if not (directory / needed).exists():
            raise ToolchainError(
                f"httpstan in {directory} has no {needed}, so no CmdStan can be built from "
                f"it: reinstall it (`pip install --force-reinstall httpstan`), {USE_OWN}."
            )
    header = (directory / "include/stan/version.hpp").read_text(encoding="utf-8")
    return StanFiles(
        directory, importlib.metadata.version("httpstan"), _stan_version(header)
    )


def _stan_version(header: str) -> Version:
    """Read the version out of Stan's own ``version.hpp``."""

    def part(name: str) -> int:
        match = re.search(rf"#define STAN_{name} (\d+)", header)
        if match is None:
            raise ToolchainError(
                f"httpstan's stan/version.hpp does not define STAN_{name}."
            )
        return int(match.group(1))

    return part("MAJOR"), part("MINOR"), part("PATCH")
