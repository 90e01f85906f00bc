"""What was run on what."""

import platform
from importlib.metadata import version

from hierstan.analysis import Analysis
from hierstan.arviz_stats import VERSION as ARVIZ_VERSION
from hierstan.programs import source_sha256
from hierstan.version import __version__


def facts(analysis: Analysis) -> dict[str, str]:
    """Say what was run on what, by the names of the facts."""
    settings, design = analysis.settings, analysis.design
    samples = [fit.samples for fit in analysis.fits.values()]
    seconds = sum(run.seconds for run in samples)
    compiling = sum(run.compile_seconds for run in samples)
    packages = ("statsmodels", "numpy", "pandas")
    versions = [f"ArviZ {ARVIZ_VERSION}", *(f"{name} {version(name)}" for name in packages)]
    levels = ", ".join(f"{f.J} levels of {f.name}" for f in design.factors)
    return {
        "Formula": design.formula.text,
        "Data": f"{analysis.rows_used()} {levels}.",
        "SHA-256 of the rows used": design.sha256,
        "Sampling": f"{settings.chains} chains of {settings.warmup} warm-up and "
        f"{settings.draws} kept draws, seed {settings.seed}",
        "Stan": analysis.ran_by(),
        "SHA-256 of the programs": "; ".join(
            f"{name} {source_sha256(name)[:16]}…" for name in analysis.fits
        ),
        "Time": f"{seconds:.0f} s of sampling, {compiling:.0f} s of compiling",
        "hierstan": __version__,
        "Python": f"{platform.python_version()}, {', '.join(versions)}",
    }
