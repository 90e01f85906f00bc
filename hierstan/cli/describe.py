"""The command that says what a formula means."""

from json import dumps
from typing import Annotated

import typer

from hierstan.cli.options import Data, Formula, Missing, read


def describe(
    data: Data,
    formula: Formula,
    missing: Missing = "drop",
    json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
) -> None:
    """Say what a formula means for a data set, and how lme4 and MixedLM would be called."""
    from hierstan.description import describe as run

    told = run(formula, read(data), missing)
    typer.echo(dumps(told.to_dict(), indent=2, ensure_ascii=False) if json else str(told))
