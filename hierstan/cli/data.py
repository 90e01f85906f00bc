"""Commands about the packaged data sets."""

import typer

app = typer.Typer(help="The data sets that come along.", no_args_is_help=True)


@app.command("list")
def data_list() -> None:
    """List the packaged data sets."""
    from hierstan.data import describe, names

    for name in names():
        typer.echo(f"{name:<14} {describe(name)}")


@app.command("show")
def data_show(name: str) -> None:
    """Print a packaged data set as CSV."""
    from hierstan.data import load

    typer.echo(load(name).to_csv(index=False), nl=False)
