"""The command that compares Stan with MixedLM."""

from typing import Annotated

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


def crosscheck(
    data: Data,
    formula: Formula,
    reml: Annotated[
        bool, typer.Option("--reml/--ml", help="Restricted likelihood, or likelihood.")
    ] = True,
    posterior: Annotated[
        bool, typer.Option("--posterior", help="Sample, and climb all five rungs.")
    ] = False,
    priors: Priors = "default",
    prior: NamedPriors = None,
    chains: Chains = 4,
    draws: Draws = 1000,
    warmup: Warmup = 1000,
    seed: Seed = 1,
    engine: Engine = None,
    missing: Missing = "drop",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check Stan against MixedLM: density, optimum, and why a posterior mean differs."""
    from hierstan.ladder import crosscheck as run
    from hierstan.report import crosscheck_results, to_json

    check = run(
        formula, read(data), reml=reml, posterior=posterior,
        priors=choose_priors(priors, prior), chains=chains, warmup=warmup, draws=draws,
        seed=seed, missing=missing,
        engine=engine, progress=terminal(quiet),
    )  # fmt: skip
    told = to_json(crosscheck_results(check)) if json else f"{check}\n"
    typer.echo(told, nl=False)
