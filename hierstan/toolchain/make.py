"""Runs make, and lets nothing that it started outlive us."""

import errno
import os
import shlex
import signal
import subprocess
from pathlib import Path

from hierstan.errors import ToolchainError
from hierstan.toolchain.machine import USE_OWN

# Of an outer `make` (`make test`): its jobs and options are not ours.
OUTER_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "GNUMAKEFLAGS")

# The watcher reads from a pipe whose other end only we hold. When we are gone, killed or
# not, it reads the end of the file and ends all that runs: a compiler left alone would work
# for a minute and take 3 GB of memory.
WATCHED = """
exec 3<&0 </dev/null
(read -r line <&3; kill -TERM 0) >/dev/null 2>&1 &
watcher=$!
"$@" 3<&-
status=$?
kill "$watcher"
exit "$status"
"""


def run_make(command: tuple[str, ...], directory: Path) -> None:
    """Run make in a directory; when we are interrupted or killed, so is all of it.

    Raises
    ------
    OSError
        The disk is full.
    hierstan.errors.ToolchainError
        Make failed; the message has its last words.
    """
    watched, held = os.pipe()
    try:
        returned, output = _run(command, directory, watched)
    finally:
        os.close(held)
        os.close(watched)
    if returned == 0:
        return
    if os.strerror(errno.ENOSPC) in output:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    last = "\n".join(output.splitlines()[-15:])
    raise ToolchainError(
        f"Building the embedded CmdStan failed: `{shlex.join(command)}` ended with exit "
        f"status {returned}. Mend what the compiler reports, {USE_OWN}. Its last words:\n"
        f"{last}"
    )


def _run(command: tuple[str, ...], directory: Path, watched: int) -> tuple[int, str]:
    """Return exit status and output; end the whole process group if we are interrupted."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", WATCHED, "sh", *command],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if name not in OUTER_MAKE},
        stdin=watched,
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
    return process.returncode, output
