"""Compiled Stan programs, kept by content so that nothing is ever compiled twice."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from filelock import FileLock

from hierstan.cache import cache_directory
from hierstan.errors import EngineError
from hierstan.processes import Processes
from hierstan.toolchain import CmdStan
from hierstan.toolchain.make import OUTER_MAKE

# Radon's noncentered samples in 0.91 s a chain with O1 and 1.54 s without. It keeps vectors
# contiguous, and in 2.35 a copy of such a vector shares its memory: a function that changes
# a copy changes the original. The programs do not; tests/test_stan_density.py would notice.
STANC_OPTIONS = {"O1": True}


def compiled(source: Path, toolchain: CmdStan, processes: Processes) -> tuple[Path, float]:
    """Return the executable of a Stan program, compiling it when it is new.

    The key covers the program, every file it could include, the flags and the toolchain.
    Two processes may ask at once: one compiles, the other waits. An interrupted
    compilation leaves nothing behind that could be taken for a result.

    Parameters
    ----------
    source : pathlib.Path
        A ``.stan`` file; ``#include`` is resolved beside it.
    toolchain : CmdStan
        What compiles it.
    processes : Processes
        Through which the compiler can be ended.

    Returns
    -------
    pathlib.Path
        The executable.
    float
        Seconds spent compiling, 0.0 when it was found.

    Raises
    ------
    EngineError
        When it does not compile; carries the compiler's first error lines.
    """
    home = cache_directory() / "programs" / f"{source.stem}-{_key(source, toolchain)}"
    executable = home / source.stem
    if executable.exists():
        return executable, 0.0
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(home.with_suffix(".lock")):
            if executable.exists():
                return executable, 0.0
            _sweep(home)
            return executable, _compile(source, home, toolchain, processes)
    except OSError as error:
        raise EngineError(
            f"The cache {home.parent} cannot be written ({error}); free space there or "
            "set HIERSTAN_CACHE to another directory."
        ) from error


# In a process of its own, which can be ended; CmdStanPy knows how to talk to make.
_COMPILE = """
import json, sys
import cmdstanpy
cmdstanpy.disable_logging()
try:
    cmdstanpy.compile_stan_file(sys.argv[1], stanc_options=json.loads(sys.argv[2]))
except ValueError as error:
    sys.exit(str(error))
"""


def _compile(source: Path, home: Path, toolchain: CmdStan, processes: Processes) -> float:
    start = time.perf_counter()
    output: list[str] = []
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=f"{home.name}.") as work:
        copy = Path(work) / "program"
        shutil.copytree(source.parent, copy)
        options = json.dumps({**STANC_OPTIONS, "include-paths": [str(copy)]})
        status = processes.run(
            [sys.executable, "-c", _COMPILE, str(copy / source.name), options],
            environment=_environment(toolchain),
            on_line=output.append,
        )
        if status != 0:
            raise EngineError(
                f"The Stan program {source.name} does not compile:\n{_first_errors(output)}"
            )
        for made in copy.iterdir():
            if made.name != source.stem:
                shutil.rmtree(made) if made.is_dir() else made.unlink()
        copy.rename(home)
    return time.perf_counter() - start


def _environment(toolchain: CmdStan) -> dict[str, str]:
    """Return ours, without what a `make` around us tells the makes it starts."""
    ours = {name: value for name, value in os.environ.items() if name not in OUTER_MAKE}
    return {**ours, "CMDSTAN": str(toolchain.path)}


def _sweep(home: Path) -> None:
    """Remove what killed compilations of this program left; we hold its lock."""
    for left in home.parent.glob(f"{home.name}.*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


def _key(source: Path, toolchain: CmdStan) -> str:
    digest = hashlib.sha256()
    for path in sorted([source, *source.parent.rglob("*.stanfunctions")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    identity = (str(toolchain.path), str(toolchain.version), repr(STANC_OPTIONS))
    digest.update("\0".join(identity).encode())
    return digest.hexdigest()[:16]


def _first_errors(output: list[str]) -> str:
    """Return the output from the first line that speaks of an error."""
    first = next((k for k, line in enumerate(output) if "rror" in line), 0)
    return "".join(output[first : first + 12])
