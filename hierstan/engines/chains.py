"""CmdStanPy's chains, made to report progress and to end on Ctrl-C."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hierstan.engines.quiet import cmdstanpy
from hierstan.processes import Processes, wait_for
from hierstan.progress import Advance


class ReportingModel(cmdstanpy.CmdStanModel):  # type: ignore[misc]  # untyped to mypy here
    """A compiled program whose chains report to our progress and end when we do.

    CmdStanPy's own method has no public hook for progress, and on Ctrl-C its pool goes on
    to the chains still queued. This one does the same for a chain: run the command, keep
    its console, note its exit status.
    """

    def __init__(self, executable: Path, advance: Advance) -> None:
        super().__init__(exe_file=executable)
        self.processes = Processes()
        self._advance = advance
        self._lock = threading.Lock()
        self._reached: dict[int, int] = {}

    def _run_cmdstan(self, runset: Any, idx: int, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        with Path(runset.stdout_files[idx]).open("w", encoding="utf-8") as console:

            def on_line(line: str) -> None:
                console.write(line)
                self._report(line, idx)

            status = self.processes.run(runset.cmd(idx), on_line=on_line)
        runset._set_retcode(idx, status)

    def _report(self, line: str, chain: int) -> None:
        found = re.match(r"Iteration:\s+(\d+)", line)
        if found:
            with self._lock:
                self._reached[chain] = int(found[1])
                self._advance(sum(self._reached.values()))


def in_thread(
    function: Callable[..., Any],
    *args: Any,
    on_interrupt: Callable[[], None],
    **kwargs: Any,
) -> Any:
    """Call a function that waits for other threads, without being deaf to Ctrl-C."""
    with ThreadPoolExecutor(1) as caller:
        job = caller.submit(function, *args, **kwargs)
        try:
            for _ in wait_for([job]):
                pass
        except KeyboardInterrupt:
            on_interrupt()
            raise
    return job.result()
