"""Run a command within a time limit, and watch the memory of all its processes."""

import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

# Often enough for what lasts a second, rare enough to take no processor time worth naming.
_INTERVAL = 0.1


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes
    ----------
    status : int or None
        Its exit status; None when it was ended at the limit.
    seconds : float
        Wall time from its start to its end.
    cpu_seconds : float
        Processor time of all its processes; much less than `seconds` is a busy machine.
    peak_mb : float
        Largest memory of its processes together, 10^6 bytes; shared pages count once
        where the system tells (proportional set size on Linux).
    output, errors : str
        What it printed.
    """

    status: int | None
    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str
    errors: str


def run(command: Sequence[str], environment: Mapping[str, str], limit: float) -> Outcome:
    """Run a command to its end, or to the limit in seconds; nothing of it outlives this."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start, used = time.time(), _processor_seconds()
        told = {**environment, "BENCHMARK_STARTED": repr(start)}
        process = psutil.Popen(
            command, env=told, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        peak = 0.0
        ended = False
        try:
            while not ended and time.time() - start < limit:
                peak = max(peak, _memory(process))
                ended = _ended(process)
            seconds = time.time() - start
        finally:
            _stop(process)
        for file in (output, errors):
            file.seek(0)
        status = process.returncode if ended else None
        return Outcome(
            status,
            seconds,
            _processor_seconds() - used,
            peak / 1e6,
            output.read(),
            errors.read(),
        )


def _processor_seconds() -> float:
    """What children that have ended used, and theirs that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ended(process: psutil.Popen) -> bool:
    try:
        process.wait(_INTERVAL)
    except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
        return False
    return True


def _tree(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _memory(process: psutil.Process) -> float:
    total = 0.0
    for one in _tree(process):
        with suppress(psutil.Error):
            held = one.memory_full_info()
            total += getattr(held, "pss", held.uss)
    return total


def _stop(process: psutil.Popen) -> None:
    left = _tree(process)
    for one in left:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(left)
