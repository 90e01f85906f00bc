"""Commands that fit models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hierstan.cli.options import (
    Chains,
    Data,
    Draws,
    Engine,
    Formula,
    Json,
    Missing,
    NamedPriors,
    Priors,
    Quiet,
    Seed,
    Warmup,
    choose_priors,
    read,
    terminal,
)

if TYPE_CHECKING:
    import pandas as pd

DEMO_FORMULA = "log_radon ~ floor + (floor || county)"

Out = Annotated[
    Path | None, typer.Option(help="Directory for the report; without it, a table only.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier report.")]
Programs = Annotated[
    str | None,
    typer.Option(help="Comma-separated Stan programs; all that apply if absent."),
]


def analyze(
    data: Data,
    formula: Formula,
    out: Out = None,
    priors: Priors = "default",
    prior: NamedPriors = None,
    programs: Programs = None,
    chains: Chains = 4,
    draws: Draws = 1000,
    warmup: Warmup = 1000,
    seed: Seed = 1,
    engine: Engine = None,
    missing: Missing = "drop",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a model every way, compare, and write a report."""
    chosen = None if programs is None else [p.strip() for p in programs.split(",")]
    _analyze(
        read(data), formula, out, choose_priors(priors, prior), chosen,
        (chains, warmup, draws, seed), engine, missing, force, json, quiet,
    )  # fmt: skip


def demo(
    out: Annotated[Path, typer.Option(help="Directory for the report.")] = Path(
        "radon-report"
    ),
    seed: Seed = 1,
    engine: Engine = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell the radon story: four programs, a mixed model, and why one program fails."""
    settings = (4, 1000, 1000, seed)
    _analyze(
        read("radon"),
        DEMO_FORMULA,
        out,
        "seeds",
        None,
        settings,
        engine,
        "drop",
        force,
        json,
        quiet,
    )


def _analyze(
    frame: "pd.DataFrame",
    formula: str,
    out: Path | None,
    priors: str | dict[str, str],
    programs: list[str] | None,
    settings: tuple[int, int, int, int],
    engine: Engine,
    missing: Missing,
    force: bool,
    json: bool,
    quiet: bool,
) -> None:
    from hierstan.analysis import analyze as run
    from hierstan.report import check_target, results, to_json

    if out is not None:
        check_target(out, force=force)
    chains, warmup, draws, seed = settings
    progress = terminal(quiet)
    analysis = run(
        formula, frame, priors=priors, programs=programs, chains=chains, warmup=warmup,
        draws=draws, seed=seed, engine=engine, missing=missing,
        progress=progress,
    )  # fmt: skip
    if out is not None:
        with progress.task("Writing the report"):
            page = analysis.write(out, force=force)
    typer.echo(to_json(results(analysis)) if json else str(analysis), nl=not json)
    if out is not None:
        typer.echo(f"Report: {page}", err=json)
