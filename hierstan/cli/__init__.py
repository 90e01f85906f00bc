"""The command line.

Exit status: 0 done, 2 the input is at fault, 3 the engine or toolchain is. Results go to
standard output, progress and errors to standard error. Imports wait until a command needs
them, so that help appears at once.
"""

import sys

import typer

from hierstan.cli import analysis, crosscheck, data, describe, toolchain
from hierstan.errors import HierstanError

app = typer.Typer(
    help="Multilevel models in Stan, cross-checked against mixed models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(analysis.analyze)
app.command()(analysis.demo)
app.command()(crosscheck.crosscheck)
app.command()(describe.describe)
app.command()(toolchain.doctor)
app.add_typer(toolchain.app, name="toolchain")
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line; turn our own errors into one message and an exit status."""
    try:
        app()
    except HierstanError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
