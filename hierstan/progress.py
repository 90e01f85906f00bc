"""How long work tells the user how far it is, without knowing who listens."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

Advance = Callable[[float], None]
"""Tells how much of a task is done, in the units of its total."""


class Progress(Protocol):
    """Anything that shows tasks: a terminal, a log, or nobody."""

    def task(
        self, description: str, total: float | None = None
    ) -> AbstractContextManager[Advance]:
        """Open one task; `total` is None when its length is unknown beforehand."""
        ...


class Silent:
    """Shows nothing: the default of every function that takes a `Progress`."""

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Run the task unseen."""
        del description, total
        yield lambda done: None


class Terminal:
    """Bars on standard error, so that standard output stays free for results.

    Where standard error is not a terminal (a log file, CI) each task is a line when it
    starts, because a log without lines looks like a hung program.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Show one bar for as long as the task runs, and leave its time behind."""
        if not self.console.is_terminal:
            self.console.print(f"{description} ...")
            yield lambda done: None
            return
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"))
        with Bar(*columns, BarColumn(), TimeElapsedColumn(), console=self.console) as bar:
            shown = bar.add_task(description, total=total)
            yield lambda done: bar.update(shown, completed=done)
            bar.update(shown, total=total or 1, completed=total or 1)


SILENT: Progress = Silent()
