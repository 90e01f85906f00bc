"""What several commands share: options, where data come from, who is told of progress."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import pandas as pd

    from hierstan.progress import Progress

Data = Annotated[str, typer.Argument(help="A CSV or Parquet file, or a packaged name.")]
Formula = Annotated[str, typer.Argument(help="As in lme4: 'y ~ x + (x || group)'.")]
Seed = Annotated[int, typer.Option(help="All randomness follows from it.")]
Missing = Annotated[
    Literal["drop", "error"], typer.Option(help="What to do with rows with missing values.")
]
Json = Annotated[bool, typer.Option("--json", help="Print results.json, nothing else.")]
Chains = Annotated[int, typer.Option(help="Markov chains.")]
Draws = Annotated[int, typer.Option(help="Draws kept per chain.")]
Warmup = Annotated[int, typer.Option(help="Warm-up iterations per chain.")]
Engine = Annotated[
    str | None,
    typer.Option(help="cmdstan or stanli; if absent, stanli only where no CmdStan can be."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

Priors = Annotated[
    str, typer.Option(help="Prior preset (default, seeds, flat) or a TOML file.")
]
NamedPriors = Annotated[
    list[str] | None,
    typer.Option(
        "--prior",
        help="One prior by name, as in 'sd(x | group)=half-normal(0.5)'; repeatable.",
    ),
]


def choose_priors(priors: str, named: list[str] | None) -> str | dict[str, str]:
    """Put ``--prior`` options on top of a preset or file.

    Raises
    ------
    PriorError
        When one is not of form NAME=DISTRIBUTION, or sets a name again.
    """
    from hierstan.errors import PriorError
    from hierstan.priors import read_priors

    if not named:
        return priors
    chosen = read_priors(priors) if priors.endswith(".toml") else {"preset": priors}
    given = set()
    for text in named:
        # Names may hold an equals sign, as C(x, levels=[1, 2]) does; distributions do not.
        name, equals, distribution = (part.strip() for part in text.rpartition("="))
        if not (equals and name):
            raise PriorError(
                f"--prior {text!r} is not of form NAME=DISTRIBUTION, such as "
                "'sigma=half-normal(2)'."
            )
        if name in given or name == "preset":
            raise PriorError(
                f"--prior sets {name!r} twice."
                if name in given
                else "The preset is chosen with --priors, not with --prior."
            )
        given.add(name)
        chosen[name] = distribution
    return chosen


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
