"""Builds the embedded CmdStan, once per machine.

How the driver is compiled was chosen by measurement (two cores, gcc 12, Stan 2.35; 40,000
draws of eight schools, non-centered, and 4,000 draws of a model with 201 parameters):

==================  ====  ====  ====  ====
seconds              -O0   -O1   -O2   -O3
==================  ====  ====  ====  ====
compile the driver    40    47    54    58
eight schools       2.77  0.51  0.51  0.51
201 parameters      2.77  0.32  0.31  0.29
==================  ====  ====  ====  ====

-O1 it is: the model itself is always compiled with -O3, and all draws are the same to the
last digit. The compiler needs 2.9 GB of memory for it. One object, not several: reading
Stan's headers takes 12 s, so a second one costs as much again in total, and 2 GB more.
A model takes 13 s, with a precompiled header 4.5 s (20 s and 0.8 GB to make it). The driver
does without: a header of its own options takes it from 63 s to 42 s, and 33 s to make.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hierstan.cache import cache_directory
from hierstan.errors import ToolchainError
from hierstan.progress import SILENT, Progress
from hierstan.toolchain.embedded import TOOLS, embedded_name, is_built, lay_out
from hierstan.toolchain.info import has_header, read_seconds, write_seconds
from hierstan.toolchain.locate import CmdStan, locate
from hierstan.toolchain.machine import find_make
from hierstan.toolchain.make import run_make


def ensure(path: Path | None = None, progress: Progress = SILENT) -> CmdStan:
    """Return a CmdStan that is ready to use; build the embedded one if need be.

    Parameters
    ----------
    path : pathlib.Path, optional
        A CmdStan directory, as for `locate`.
    progress : Progress
        Who is shown the building.

    Returns
    -------
    CmdStan
        With ``built`` true.

    Raises
    ------
    hierstan.errors.ToolchainError
        The named directory cannot be used, or building failed.
    """
    found = locate(path)
    if found.built:
        return found
    build(progress=progress)
    return locate(path)


def build(
    *,
    jobs: int | None = None,
    precompiled_header: bool = False,
    force: bool = False,
    progress: Progress = SILENT,
) -> Path:
    """Build the embedded CmdStan unless it is there already.

    It is built beside its place and moved there when complete, under a lock: two processes
    may ask at once, and an interrupted build leaves nothing half made.

    Parameters
    ----------
    jobs : int, optional
        Compilers at a time; as many as there are processors by default.
    precompiled_header : bool
        Also compile Stan's model header, which takes 0.8 GB of disk and halves the time in
        which a program compiles.
    force : bool
        Build again even if it is there, with the precompiled header if it has one.
    progress : Progress
        Who is shown the building.

    Returns
    -------
    pathlib.Path
        The directory, for ``CMDSTAN`` or `cmdstanpy.set_cmdstan_path`.

    Raises
    ------
    hierstan.errors.ToolchainError
        There is no compiler, make or httpstan; or the cache cannot be written; or the
        compiler failed.

    Examples
    --------
    >>> from hierstan.toolchain import build
    >>> (build() / "bin" / "stanc").exists()  # doctest: +SKIP
    True
    """
    make = find_make().command
    root = cache_directory() / "toolchain"
    target = root / embedded_name()
    header = precompiled_header or (force and has_header(target))
    if is_built(target) and not force and not (header and not has_header(target)):
        return target
    with _writable(root), FileLock(root / f"{target.name}.lock"):
        _sweep(root, ours=target.name)
        if force or not is_built(target):
            _build_beside(target, (*make, f"-j{jobs or os.cpu_count() or 1}"), progress)
        if header and not has_header(target):
            _add_header(target, make, progress)
    return target


def clean() -> list[Path]:
    """Remove every embedded CmdStan from the cache.

    Programs that were compiled with one of them no longer run: they share its libraries.

    Returns
    -------
    list of pathlib.Path
        The directories removed.

    Raises
    ------
    hierstan.errors.ToolchainError
        Another process is building one, or the cache cannot be written.
    """
    root = cache_directory() / "toolchain"
    if not root.is_dir():
        return []
    removed = sorted(path for path in root.iterdir() if path.name.startswith("stan-"))
    removed = [path for path in removed if path.is_dir()]
    with _writable(root):
        for path in removed:
            with _lock_now(root, path.name):
                path.rename(root / f".{path.name}.removed")
        _sweep(root)
    return removed


def _build_beside(target: Path, make: tuple[str, ...], progress: Progress) -> None:
    """Build in a sibling directory, then put it in place in one step."""
    beside = target.parent / f".{target.name}.{os.getpid()}"
    seconds: dict[str, float] = {}
    try:
        beside.mkdir()
        with (
            _timed(seconds, "headers linked"),
            progress.task("Linking Stan's headers", total=1) as advance,
        ):
            for share in lay_out(beside):
                advance(share)
        with _timed(seconds, "tools compiled"), progress.task("Compiling the tools"):
            run_make((*make, *TOOLS), beside)
        with (
            _timed(seconds, "driver compiled"),
            progress.task("Compiling the driver (about a minute, once per machine)"),
        ):
            run_make((*make, "build"), beside)
        write_seconds(beside, seconds)
        if target.is_dir():
            target.rename(target.parent / f".{target.name}.old")
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(target.parent / f".{target.name}.old", ignore_errors=True)


def _add_header(target: Path, make: tuple[str, ...], progress: Progress) -> None:
    """Precompile Stan's header; make itself puts it in place in one step."""
    for left in target.glob("build/*/model_header.hpp.gch.*"):
        left.unlink()  # 0.8 GB that a killed compiler left
    seconds = read_seconds(target)
    with (
        _timed(seconds, "model header precompiled"),
        progress.task("Compiling Stan's model header (about half a minute)"),
    ):
        run_make((*make, "precompiled-header"), target)
    write_seconds(target, seconds)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note how long a step takes, if it succeeds."""
    start = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - start, 2)


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Create the directory; say what to do when it or the disk refuses."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        room = "make room for 250 MB there, 1.2 GB with the precompiled header"
        advice = room if full else "make it writable"
        raise ToolchainError(
            f"Cannot write the embedded CmdStan to {root} ({error.strerror}): {advice}, or "
            "let HIERSTAN_CACHE name another directory."
        ) from error


@contextmanager
def _lock_now(root: Path, name: str) -> Iterator[None]:
    """Take the lock of one toolchain, or say that somebody is building it."""
    lock = FileLock(root / f"{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ToolchainError(
            f"Another process is building {root / name}: try again when it is done."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _sweep(root: Path, ours: str = "") -> None:
    """Remove what ended processes left; what a running one builds is under its lock."""
    for left in root.glob(".stan-*"):
        name = left.name[1:].rsplit(".", 1)[0]
        if name == ours:  # its lock is held by us
            shutil.rmtree(left, ignore_errors=True)
            continue
        try:
            with _lock_now(root, name):
                shutil.rmtree(left, ignore_errors=True)
        except ToolchainError:
            continue
