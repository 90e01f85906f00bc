"""Programs started from threads that can all be ended at once."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any


def wait_for(jobs: Iterable["Future[Any]"]) -> Iterator[int]:
    """Yield how many jobs are done, each time that changes, until all are.

    Looks in ten times a second: some libraries install signal handlers after which a plain
    wait in the main thread sleeps through Ctrl-C.
    """
    left = set(jobs)
    total, told = len(left), -1
    while left:
        left = wait(left, timeout=0.1, return_when=FIRST_COMPLETED).not_done
        if total - len(left) != told:
            told = total - len(left)
            yield told


class Processes:
    """Runs commands; after `stop` runs none, and ends those that are running.

    A thread pool that waits for its queue starts what is queued even after Ctrl-C. Each
    command gets a session of its own, so that it can be ended with all it started, and a
    Ctrl-C in the terminal reaches us alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> int:
        """Run a command to its end, or not at all after `stop`.

        Parameters
        ----------
        command : sequence of str
            Program and arguments.
        environment : mapping, optional
            Its environment; ours by default.
        on_line : callable
            Gets every line of output, errors included.

        Returns
        -------
        int
            Exit status, negative for the signal that ended it.
        """
        with self._lock:
            if self._stopped:
                return -signal.SIGTERM
            process = subprocess.Popen(
                list(command),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            with process:
                for line in process.stdout or ():
                    on_line(line)
            return process.returncode
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """End everything that runs, and let nothing start."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
