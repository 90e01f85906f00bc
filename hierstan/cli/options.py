"""What several commands share: options, where data come from, who is told of progress."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from hierstan.progress import Progress

Seed = Annotated[int, typer.Option(help="All randomness follows from it.")]
Missing = Annotated[str, typer.Option(help="Rows with missing values: drop or error.")]
Json = Annotated[bool, typer.Option("--json", help="Print results.json, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def read(data: str) -> "pd.DataFrame":
    """Read a file, or a packaged data set when there is no such file."""
    from hierstan.data import load, names
    from hierstan.frame import read_frame

    if data in names() and not Path(data).exists():
        return load(data)
    return read_frame(Path(data))


def terminal(quiet: bool) -> "Progress":
    """Return who shows progress on the terminal, or nobody."""
    from hierstan.progress import SILENT, Terminal

    return SILENT if quiet else Terminal()
