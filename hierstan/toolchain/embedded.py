"""The embedded CmdStan's name and files: everything about it but the compiling."""

import errno
import hashlib
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from hierstan.toolchain.machine import StanFiles, find_compiler, find_stan_files

DRIVER = Path(__file__).parent / "driver"

# httpstan ships its own Python bindings' headers, which no Stan program includes.
UNUSED_HEADERS = ("pybind11",)

# How long each step of the build took; written last, so that it tells a whole one.
SECONDS = "seconds.json"

# What CmdStanPy runs beside stanc.
TOOLS = ("bin/stansummary", "bin/diagnose")


def driver_files() -> list[Path]:
    """Return the driver's sources, sorted by name."""
    return sorted(path for path in DRIVER.iterdir() if path.is_file())


def embedded_name() -> str:
    """Return the directory name of the embedded CmdStan for this machine and version.

    It changes with whatever changes the result: the driver's sources, the compiler and
    httpstan.

    Raises
    ------
    hierstan.errors.ToolchainError
        There is no compiler or no httpstan.
    """
    stan = find_stan_files()
    compiler = find_compiler()
    key = hashlib.sha256()
    for text in (*compiler.command, compiler.identity, stan.httpstan):
        key.update(text.encode() + b"\0")
    for path in driver_files():
        key.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"stan-{'.'.join(map(str, stan.version))}-{key.hexdigest()[:12]}"


def is_built(directory: Path) -> bool:
    """Tell whether a directory is a whole embedded CmdStan.

    It is put in place as a whole, but ``cmdstanpy.rebuild_cmdstan`` works inside of it and
    may be interrupted.
    """
    needed = ("makefile", "bin/stanc", *TOOLS, SECONDS)
    return all((directory / name).is_file() for name in needed)


def lay_out(directory: Path) -> Iterator[float]:
    """Fill an empty directory with all that a CmdStan has before compiling.

    Stan's files are hard links where the file system allows it, else copies: the directory
    outlives the environment that it comes from.

    Yields
    ------
    float
        Share done, in [0, 1].
    """
    stan = find_stan_files()
    sources = list(_stan_sources(stan))
    for done, (source, relative) in enumerate(sources):
        target = directory / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(source, target)
        if done % 500 == 0:
            yield done / len(sources)
    (directory / "driver").mkdir()
    for path in driver_files():
        shutil.copyfile(path, directory / "driver" / path.name)
    (directory / "makefile").write_text(_makefile(stan), encoding="utf-8")
    example = directory / "examples" / "bernoulli"
    example.mkdir(parents=True)
    shutil.copyfile(DRIVER / "bernoulli.stan", example / "bernoulli.stan")
    shutil.copyfile(DRIVER / "bernoulli.data.json", example / "bernoulli.data.json")
    yield 1.0


def _makefile(stan: StanFiles) -> str:
    """Return our makefile below the two lines that depend on the machine."""
    version = ".".join(map(str, stan.version))
    compiler = shlex.join(find_compiler().command)
    ours = (DRIVER / "makefile").read_text(encoding="utf-8")
    return f"CMDSTAN_VERSION := {version}\nCOMPILER := {compiler}\n{ours}"


def _stan_sources(stan: StanFiles) -> Iterator[tuple[Path, Path]]:
    """Yield each file of httpstan that is needed, and its place in the directory."""
    yield stan.directory / "stanc", Path("bin/stanc")
    for folder in ("include", "lib"):
        top = stan.directory / folder
        for place, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in UNUSED_HEADERS]
            for name in files:
                path = Path(place) / name
                yield path, Path(folder) / path.relative_to(top)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copy2(source, target)
