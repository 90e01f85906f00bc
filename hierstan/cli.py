"""The command line.

Exit status: 0 done, 2 the input is at fault, 3 the engine or toolchain is. Results go to
standard output, progress and errors to standard error. Imports wait until a command needs
them, so that help appears at once.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hierstan.errors import HierstanError, InputError

if TYPE_CHECKING:
    import pandas as pd

    from hierstan.progress import Progress

DEMO_FORMULA = "log_radon ~ floor + (floor || county)"

app = typer.Typer(
    help="Multilevel models in Stan, cross-checked against mixed models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
toolchain_app = typer.Typer(help="The embedded CmdStan.", no_args_is_help=True)
data_app = typer.Typer(help="The data sets that come along.", no_args_is_help=True)
app.add_typer(toolchain_app, name="toolchain")
app.add_typer(data_app, name="data")

Out = Annotated[
    Path | None, typer.Option(help="Directory for the report; without it, a table only.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier report.")]
Preset = Annotated[str, typer.Option(help="Prior preset: default or seeds.")]
Programs = Annotated[
    str | None,
    typer.Option(help="Comma-separated Stan programs; all that apply if absent."),
]
Chains = Annotated[int, typer.Option(help="Markov chains.")]
Draws = Annotated[int, typer.Option(help="Draws kept per chain.")]
Warmup = Annotated[int, typer.Option(help="Warm-up iterations per chain.")]
Seed = Annotated[int, typer.Option(help="All randomness follows from it.")]
Missing = Annotated[str, typer.Option(help="Rows with missing values: drop or error.")]
Json = Annotated[bool, typer.Option("--json", help="Print results.json, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


@app.command()
def analyze(
    data: Annotated[str, typer.Argument(help="A CSV or Parquet file, or a packaged name.")],
    formula: Annotated[str, typer.Argument(help="As in lme4: 'y ~ x + (x || group)'.")],
    out: Out = None,
    priors: Preset = "default",
    programs: Programs = None,
    chains: Chains = 4,
    draws: Draws = 1000,
    warmup: Warmup = 1000,
    seed: Seed = 1,
    missing: Missing = "drop",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a model every way, compare, and write a report."""
    if missing not in ("drop", "error"):
        raise InputError(f"--missing is {missing!r}; use drop or error.")
    chosen = None if programs is None else [p.strip() for p in programs.split(",")]
    _analyze(
        _read(data), formula, out, priors, chosen, (chains, warmup, draws, seed),
        missing, force, json, quiet,
    )  # fmt: skip


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Directory for the report.")] = Path(
        "radon-report"
    ),
    seed: Seed = 1,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell the radon story: four programs, a mixed model, and why one program fails."""
    settings = (4, 1000, 1000, seed)
    _analyze(
        _read("radon"),
        DEMO_FORMULA,
        out,
        "seeds",
        None,
        settings,
        "drop",
        force,
        json,
        quiet,
    )


@app.command()
def doctor() -> None:
    """Say which CmdStan is in use and why, and what is wrong with this machine."""
    from hierstan.toolchain import diagnose

    report = diagnose()
    used = report.cmdstan
    rows = {
        "CmdStan": f"{used.path} ({used.reason})" if used else "none",
        "built": ("yes" if used.built else "not yet: built at first use") if used else "no",
        "Stan": report.stan or "unknown",
        "compiler": report.compiler or "none",
        "make": report.make or "none",
        "Python": report.python,
        **{name: version or "not installed" for name, version in report.packages.items()},
        "cache": f"{report.cache} ({report.cache_bytes / 1e6:,.0f} MB)",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:<{width}}  {value}")
    for problem in report.problems:
        typer.echo(f"problem: {problem}")
    if report.problems:
        raise typer.Exit(3)
    typer.echo("No problem found.")


@toolchain_app.command("build")
def toolchain_build(
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Compilers at a time; all cores if absent.")
    ] = None,
    pch: Annotated[
        bool,
        typer.Option(
            help="Precompile Stan's header: programs compile faster, takes 0.8 GB."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Build it anew.")] = False,
    quiet: Quiet = False,
) -> None:
    """Build the embedded CmdStan, print where it is, and show what each step cost."""
    from hierstan.toolchain import build, info

    made = build(jobs=jobs, precompiled_header=pch, force=force, progress=_progress(quiet))
    typer.echo(made)
    if not quiet:
        typer.echo(f"Built in {_costs(info().seconds)}.", err=True)


@toolchain_app.command("path")
def toolchain_path() -> None:
    """Print the CmdStan in use, building the embedded one if there is none."""
    from hierstan.toolchain import ensure

    typer.echo(ensure(progress=_progress(quiet=False)).path)


@toolchain_app.command("info")
def toolchain_info() -> None:
    """Describe the embedded CmdStan: versions, compiler, drivers, size, cost."""
    from hierstan.toolchain import info

    built = info()
    disk, shared = built.disk_bytes / 1e6, built.shared_bytes / 1e6
    rows = [
        ("path", str(built.path)),
        ("Stan", f"{'.'.join(map(str, built.stan))} (httpstan {built.httpstan})"),
        ("compiler", built.compiler),
        *((f"driver {name}", flags) for name, flags in built.drivers.items()),
        ("model header", "precompiled" if built.precompiled_header else "not precompiled"),
        ("size", f"{disk:,.0f} MB, {shared:,.0f} of them shared with httpstan"),
        ("built in", _costs(built.seconds)),
        *(("earlier", f"{path} ({n / 1e6:,.0f} MB)") for path, n in built.others.items()),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{name:<{width}}  {value}")


@toolchain_app.command("clean")
def toolchain_clean() -> None:
    """Delete the embedded CmdStans from the cache."""
    from hierstan.toolchain import clean

    for path in clean():
        typer.echo(f"deleted {path}")


@data_app.command("list")
def data_list() -> None:
    """List the packaged data sets."""
    from hierstan.data import describe, names

    for name in names():
        typer.echo(f"{name:<14} {describe(name)}")


@data_app.command("show")
def data_show(name: str) -> None:
    """Print a packaged data set as CSV."""
    from hierstan.data import load

    typer.echo(load(name).to_csv(index=False), nl=False)


def main() -> None:
    """Run the command line; turn our own errors into one message and an exit status."""
    try:
        app()
    except HierstanError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _analyze(
    frame: "pd.DataFrame",
    formula: str,
    out: Path | None,
    priors: str,
    programs: list[str] | None,
    settings: tuple[int, int, int, int],
    missing: str,
    force: bool,
    json: bool,
    quiet: bool,
) -> None:
    from hierstan.analysis import analyze as run
    from hierstan.report import check_target, to_json

    if out is not None:
        check_target(out, force=force)
    chains, warmup, draws, seed = settings
    progress = _progress(quiet)
    analysis = run(
        formula, frame, priors=priors, programs=programs, chains=chains, warmup=warmup,
        draws=draws, seed=seed, missing="error" if missing == "error" else "drop",
        progress=progress,
    )  # fmt: skip
    if out is not None:
        with progress.task("Writing the report"):
            page = analysis.write(out, force=force)
    typer.echo(to_json(analysis) if json else str(analysis), nl=not json)
    if out is not None:
        typer.echo(f"Report: {page}", err=json)


def _costs(seconds: dict[str, float]) -> str:
    """Return the wall time of each step of a build, and of all."""
    steps = ", ".join(f"{step} {value:.1f} s" for step, value in seconds.items())
    return f"{sum(seconds.values()):.1f} s: {steps}"


def _read(data: str) -> "pd.DataFrame":
    """Read a file, or a packaged data set when there is no such file."""
    from hierstan.data import load, names
    from hierstan.frame import read_frame

    if data in names() and not Path(data).exists():
        return load(data)
    return read_frame(Path(data))


def _progress(quiet: bool) -> "Progress":
    from hierstan.progress import SILENT, Terminal

    return SILENT if quiet else Terminal()
