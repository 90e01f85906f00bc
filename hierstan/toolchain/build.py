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
A model takes 13 s, with a precompiled header 4.5 s (20 s and 0.8 GB to make it).
"""

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hierstan.cache import cache_directory
from hierstan.errors import ToolchainError
from hierstan.progress import SILENT, Progress
from hierstan.toolchain.embedded import embedded_name, lay_out
from hierstan.toolchain.locate import CmdStan, locate
from hierstan.toolchain.machine import USE_OWN, find_make

# Of an outer `make` (`make test`): its jobs and options are not ours.
OUTER_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "GNUMAKEFLAGS")


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
        Build again even if it is there.
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
    header = precompiled_header and not list(target.glob("build/*/model_header.hpp.gch"))
    if target.is_dir() and not force and not header:
        return target
    parallel = jobs or os.cpu_count() or 1
    with _writable(root), FileLock(root / f"{target.name}.lock"):
        _sweep(root, ours=target.name)
        if force or not target.is_dir():
            _build_beside(target, [*make, f"-j{parallel}", "build"], progress)
        if header:
            with progress.task("Compiling Stan's model header (about half a minute)"):
                _run([*make, "precompiled-header"], target)
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


def _build_beside(target: Path, make: list[str], progress: Progress) -> None:
    """Build in a sibling directory, then put it in place in one step."""
    beside = target.parent / f".{target.name}.{os.getpid()}"
    try:
        beside.mkdir()
        with progress.task("Linking Stan's headers", total=1) as advance:
            for share in lay_out(beside):
                advance(share)
        with progress.task("Compiling the driver (about a minute, once per machine)"):
            _run(make, beside)
        if target.is_dir():
            target.rename(target.parent / f".{target.name}.old")
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(target.parent / f".{target.name}.old", ignore_errors=True)


def _run(command: list[str], directory: Path) -> None:
    """Run make; end it with all that it started if we are interrupted."""
    environment = {
        name: value for name, value in os.environ.items() if name not in OUTER_MAKE
    }
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    if process.returncode != 0:
        if os.strerror(errno.ENOSPC) in output:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        last = "\n".join(output.splitlines()[-15:])
        raise ToolchainError(
            f"Building the embedded CmdStan failed with exit status {process.returncode}. "
            f"Mend what the compiler reports, {USE_OWN}. Its last words:\n{last}"
        )


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Create the directory; say what to do when it or the disk refuses."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room for about 500 MB there" if full else "make it writable"
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
