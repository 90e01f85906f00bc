"""Which CmdStan is used, and why that one."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hierstan.cache import cache_directory
from hierstan.errors import ToolchainError
from hierstan.toolchain.embedded import embedded_name, is_built
from hierstan.toolchain.machine import (
    Version,
    find_compiler,
    find_make,
    find_stan_files,
)

Source = Literal["argument", "CMDSTAN", "home", "embedded"]
MARK = "CMDSTAN_VERSION := "


@dataclass(frozen=True)
class CmdStan:
    """One CmdStan directory.

    Attributes
    ----------
    path : pathlib.Path
        The directory, absolute.
    source : {"argument", "CMDSTAN", "home", "embedded"}
        Who named it.
    reason : str
        Why this one is used, as a sentence.
    version : tuple of three int or None
        Version of Stan, from its makefile; None if the makefile does not tell.
    built : bool
        Whether it can be used now. Only an embedded one may still have to be built.
    """

    path: Path
    source: Source
    reason: str
    version: Version | None
    built: bool


def locate(path: Path | None = None) -> CmdStan:
    """Find the CmdStan to use; nothing is built or changed.

    The first that is named wins: the argument, the environment variable ``CMDSTAN``, the
    newest in ``~/.cmdstan`` (where CmdStanPy installs), else the embedded one. A named
    directory that cannot be used is an error: another CmdStan is never taken in silence.

    Parameters
    ----------
    path : pathlib.Path, optional
        A CmdStan directory.

    Returns
    -------
    CmdStan

    Raises
    ------
    hierstan.errors.ToolchainError
        The named directory is missing or is no built CmdStan; or the embedded one is meant
        and this machine lacks a compiler or httpstan.

    Examples
    --------
    >>> from pathlib import Path
    >>> from hierstan.toolchain import locate
    >>> locate(Path("/nowhere"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    hierstan.errors.ToolchainError: The path given names /nowhere, which is not ...
    """
    if path is not None:
        return _named(path, "argument", "The path given")
    environment = os.environ.get("CMDSTAN")
    if environment:
        return _named(Path(environment), "CMDSTAN", "The environment variable CMDSTAN")
    newest = _newest_at_home()
    if newest is not None:
        return _named(newest, "home", "~/.cmdstan, where CmdStanPy installs,")
    return _embedded()


def obstacle() -> str:
    """Say what keeps this machine from having a CmdStan; nothing is built or changed.

    Returns
    -------
    str
        A clause; empty when one is named, even if it cannot be used, or can be built.
    """
    if os.environ.get("CMDSTAN"):
        return ""
    try:
        if _newest_at_home() is not None:
            return ""
    except ToolchainError:
        return ""
    try:
        for find in (find_compiler, find_make, find_stan_files):
            find()
    except ToolchainError as error:
        return str(error).partition(":")[0]
    return ""


def _named(path: Path, source: Source, who: str) -> CmdStan:
    directory = path.expanduser().absolute()
    if not directory.is_dir():
        raise ToolchainError(
            f"{who} names {directory}, which is not a directory: correct it, or leave it "
            "out to use another CmdStan."
        )
    for needed in ("makefile", "bin/stanc"):
        if not (directory / needed).exists():
            raise ToolchainError(
                f"{who} names {directory}, which is no built CmdStan: it has no {needed}. "
                "Run `make build` there, or leave it out to use another CmdStan."
            )
    return CmdStan(directory, source, f"{who} names it.", read_version(directory), True)


def _newest_at_home() -> Path | None:
    """Return the newest CmdStan in ``~/.cmdstan`` by CmdStanPy's own rule, if any."""
    from cmdstanpy.utils import get_latest_cmdstan  # slow to import, rarely needed

    home = Path("~/.cmdstan").expanduser()
    if not home.is_dir():
        return None
    try:
        newest = get_latest_cmdstan(str(home))
    except (IndexError, ValueError) as error:
        raise ToolchainError(
            f"The versions in {home} cannot be told apart by their names: let CMDSTAN name "
            "the directory to use."
        ) from error
    return None if newest is None else home / newest


def _embedded() -> CmdStan:
    directory = cache_directory() / "toolchain" / embedded_name()
    built = is_built(directory)
    return CmdStan(
        directory,
        "embedded",
        "No path is given, CMDSTAN is not set and ~/.cmdstan has none: the one built from "
        "httpstan is used.",
        read_version(directory) if built else None,
        built,
    )


def read_version(directory: Path) -> Version | None:
    """Return the version that the makefile of a CmdStan tells, None if it tells none."""
    text = (directory / "makefile").read_text(encoding="utf-8", errors="replace")
    _, mark, rest = text.partition(MARK)
    parts = rest.partition("\n")[0].strip().split("-")[0].split(".")
    if not mark or len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])
