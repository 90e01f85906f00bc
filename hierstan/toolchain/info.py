"""What the embedded CmdStan is made of, and what it took to make it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from hierstan.cache import cache_directory
from hierstan.errors import ToolchainError
from hierstan.toolchain.embedded import SECONDS, embedded_name, is_built
from hierstan.toolchain.machine import Version, find_compiler, find_stan_files


@dataclass(frozen=True)
class Info:
    """Facts about the embedded CmdStan.

    Attributes
    ----------
    path : pathlib.Path
        The directory.
    stan : tuple of three int
        Version of Stan.
    httpstan : str
        Version of the package that it was built from.
    compiler : str
        First line of ``--version``.
    drivers : dict of str to str
        Compiler flags of each driver built so far, by its options (``default``,
        ``threads``, ...). Another one is built when a program first asks for its options.
    precompiled_header : bool
        Whether programs are compiled with it.
    disk_bytes, shared_bytes : int
        What the directory takes, and how much of that is shared with httpstan's own files.
    seconds : dict of str to float
        Wall time of each step of the build, in order.
    others : dict of pathlib.Path to int
        Earlier embedded CmdStans, of other compilers or versions, and their bytes.
    """

    path: Path
    stan: Version
    httpstan: str
    compiler: str
    drivers: dict[str, str]
    precompiled_header: bool
    disk_bytes: int
    shared_bytes: int
    seconds: dict[str, float]
    others: dict[Path, int]


def info() -> Info:
    """Describe the embedded CmdStan; nothing is built or changed.

    Returns
    -------
    Info

    Raises
    ------
    hierstan.errors.ToolchainError
        None is built for this compiler and httpstan, or one of these is missing.

    Examples
    --------
    >>> from hierstan.toolchain import info
    >>> info().seconds["driver compiled"]  # doctest: +SKIP
    47.3
    """
    root = cache_directory() / "toolchain"
    path = root / embedded_name()
    if not is_built(path):
        raise ToolchainError(
            f"There is no embedded CmdStan in {path}: build it with `hierstan toolchain "
            "build`."
        )
    others = [other for other in root.glob("stan-*") if other.is_dir() and other != path]
    stan = find_stan_files()
    disk, shared = disk_usage(path)
    return Info(
        path=path,
        stan=stan.version,
        httpstan=stan.httpstan,
        compiler=find_compiler().identity,
        drivers=_drivers(path),
        precompiled_header=has_header(path),
        disk_bytes=disk,
        shared_bytes=shared,
        seconds=read_seconds(path),
        others={other: disk_usage(other)[0] for other in sorted(others)},
    )


def _drivers(directory: Path) -> dict[str, str]:
    """Return the flags of each driver; make names its directory by options and a key."""
    found = {}
    for driver in sorted(directory.glob("build/*/driver.o")):
        *options, key = driver.parent.name.split("-")
        name = "-".join(options) or "default"
        if name in found:  # the user's own compiler flags
            name = f"{name} ({key})"
        found[name] = (driver.parent / "flags").read_text(encoding="utf-8").strip()
    return found


def has_header(directory: Path) -> bool:
    """Tell whether Stan's model header is precompiled."""
    return any(directory.glob("build/*/model_header.hpp.gch"))


def read_seconds(directory: Path) -> dict[str, float]:
    """Return how long each step of the build took."""
    text = (directory / SECONDS).read_text(encoding="utf-8")
    return {step: float(value) for step, value in json.loads(text).items()}


def write_seconds(directory: Path, seconds: dict[str, float]) -> None:
    """Note how long each step of the build took, in one step."""
    fresh = directory / f"{SECONDS}.{os.getpid()}"
    fresh.write_text(json.dumps(seconds), encoding="utf-8")
    fresh.replace(directory / SECONDS)


def disk_usage(directory: Path) -> tuple[int, int]:
    """Return the bytes below a directory, and those that files elsewhere share.

    A file with several names counts once; it is shared when some of them are elsewhere.
    """
    sizes: dict[tuple[int, int], int] = {}
    elsewhere: dict[tuple[int, int], int] = {}
    for place, _, files in os.walk(directory):
        for name in files:
            try:
                status = (Path(place) / name).lstat()
            except OSError:
                continue  # removed while we look
            key = status.st_dev, status.st_ino
            sizes[key] = status.st_size
            elsewhere[key] = elsewhere.get(key, status.st_nlink) - 1
    return sum(sizes.values()), sum(sizes[key] for key, n in elsewhere.items() if n > 0)
