"""The command that says what a formula means."""

from json import dumps
from typing import Annotated

import typer

from hierstan.cli.options import Missing, read
from hierstan.errors import InputError


def describe(
    data: Annotated[str, typer.Argument(help="A CSV or Parquet file, or a packaged name.")],
    formula: Annotated[str, typer.Argument(help="As in lme4: 'y ~ x + (x || group)'.")],
    missing: Missing = "drop",
    json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
) -> None:
    """Say what a formula means for a data set, and how lme4 and MixedLM would be called."""
    from hierstan.description import describe as run

    if missing not in ("drop", "error"):
        raise InputError(f"--missing is {missing!r}; use drop or error.")
    told = run(formula, read(data), "error" if missing == "error" else "drop")
    typer.echo(dumps(told.to_dict(), indent=2, ensure_ascii=False) if json else str(told))
