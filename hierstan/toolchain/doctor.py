"""The state of this machine for Stan, as data."""

import importlib.metadata
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

from hierstan.cache import cache_directory
from hierstan.errors import ToolchainError
from hierstan.toolchain.info import disk_usage
from hierstan.toolchain.locate import CmdStan, locate
from hierstan.toolchain.machine import find_compiler, find_make, find_stan_files

PACKAGES = ("hierstan", "cmdstanpy", "httpstan", "stanli", "arviz", "statsmodels")


@dataclass(frozen=True)
class Report:
    """Facts about this machine, and what is wrong with it.

    Attributes
    ----------
    python : str
        Version of the interpreter.
    packages : dict of str to str or None
        Version of each package that matters; None if it is not installed.
    cmdstan : CmdStan or None
        The CmdStan that would be used, and why; None if there is no usable one.
    stan : str or None
        Version of Stan in it, or in httpstan while the embedded one is not built.
    compiler, make : str or None
        First line of ``--version``.
    cache : pathlib.Path
        The cache directory.
    cache_bytes : int
        What the cache takes on disk, files with several names counted once.
    problems : tuple of str
        Each a sentence with its remedy; empty if all is well.
    """

    python: str
    packages: dict[str, str | None]
    cmdstan: CmdStan | None
    stan: str | None
    compiler: str | None
    make: str | None
    cache: Path
    cache_bytes: int
    problems: tuple[str, ...] = field(default=())


def diagnose() -> Report:
    """Look at this machine: nothing is built or changed, and no problem is raised.

    Returns
    -------
    Report

    Examples
    --------
    >>> from hierstan.toolchain import diagnose
    >>> diagnose().python.split(".")[0]
    '3'
    """
    problems: list[str] = []

    def note(error: ToolchainError) -> None:
        if str(error) not in problems:
            problems.append(str(error))

    cmdstan, stan, compiler, make = None, None, None, None
    try:
        compiler = find_compiler().identity
    except ToolchainError as error:
        note(error)
    try:
        make = find_make().identity
    except ToolchainError as error:
        note(error)
    try:
        cmdstan = locate()
        version = cmdstan.version or find_stan_files().version
        stan = ".".join(map(str, version))
    except ToolchainError as error:
        note(error)
    cache = cache_directory()
    if not _can_write(cache):
        problems.append(
            f"The cache directory {cache} cannot be written: make it writable, or let "
            "HIERSTAN_CACHE name another one."
        )
    return Report(
        python=platform.python_version(),
        packages={name: _version(name) for name in PACKAGES},
        cmdstan=cmdstan,
        stan=stan,
        compiler=compiler,
        make=make,
        cache=cache,
        cache_bytes=disk_usage(cache)[0],
        problems=tuple(problems),
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _can_write(directory: Path) -> bool:
    """Tell whether the directory, or the nearest one above it that exists, is writable."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK)
