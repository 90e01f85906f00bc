"""Commands about the CmdStan in use."""

from typing import Annotated

import typer

from hierstan.cli.options import Quiet, terminal

app = typer.Typer(help="The embedded CmdStan.", no_args_is_help=True)


def doctor() -> None:
    """Say which CmdStan is in use and why, and what is wrong with this machine."""
    from hierstan.engines import choose_engine
    from hierstan.toolchain import diagnose

    report = diagnose()
    used, engine = report.cmdstan, choose_engine().name
    rows = {
        "engine": f"{engine} unless another is asked for",
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
    if not report.problems:
        typer.echo("No problem found.")
    elif engine == "cmdstan":
        raise typer.Exit(3)
    else:
        typer.echo(f"Without a CmdStan, models run on {engine}.")


@app.command("build")
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

    made = build(jobs=jobs, precompiled_header=pch, force=force, progress=terminal(quiet))
    typer.echo(made)
    if not quiet:
        typer.echo(f"Built in {_costs(info().seconds)}.", err=True)


@app.command("path")
def toolchain_path() -> None:
    """Print the CmdStan in use, building the embedded one if there is none."""
    from hierstan.toolchain import ensure

    typer.echo(ensure(progress=terminal(quiet=False)).path)


@app.command("info")
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


@app.command("clean")
def toolchain_clean() -> None:
    """Delete the embedded CmdStans from the cache."""
    from hierstan.toolchain import clean

    for path in clean():
        typer.echo(f"deleted {path}")


def _costs(seconds: dict[str, float]) -> str:
    """Return the wall time of each step of a build, and of all."""
    steps = ", ".join(f"{step} {value:.1f} s" for step, value in seconds.items())
    return f"{sum(seconds.values()):.1f} s: {steps}"
