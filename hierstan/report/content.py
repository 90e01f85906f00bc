"""What stands in the tables of each section of the page."""

import platform
from importlib.metadata import version

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.arviz_stats import VERSION as ARVIZ_VERSION
from hierstan.design import Factor
from hierstan.report.numbers import number
from hierstan.report.shown import Cell, Column, Shown, shown
from hierstan.report.tables import factor_file
from hierstan.version import __version__

_FOUR = ("mean", "sd", "low", "high")


def beside(analysis: Analysis) -> Shown | None:
    """Set the posterior to report beside REML; None without a partial-pooling fit."""
    best, reml = analysis.best, analysis.mixed.get("REML")
    if best is None:
        return None
    posterior = best.estimates().to_frame()[list(_FOUR)]
    parts, spans = [posterior], [("", 1), (f"{best.program.name}: posterior", 4)]
    if reml is not None:
        theirs = reml.estimates().to_frame()[["estimate", "se", "low", "high"]]
        parts.append(theirs.add_prefix("reml_"))
        spans.append(("REML", 4))
    table = pd.concat(parts, axis=1).rename_axis("parameter").reset_index()
    headings = {f"reml_{name}": name for name in ("estimate", "se", "low", "high")}
    ends = {"low": "2.5 %", "high": "97.5 %", "reml_low": "2.5 %", "reml_high": "97.5 %"}
    caption = "Posterior with its 95 % interval"
    if reml is not None:
        caption += " beside the restricted maximum likelihood estimate with its own"
    return shown(
        # A column without a value would break the headings that span four.
        table.astype(dict.fromkeys(table.columns[1:], float)),
        f"{caption}.",
        headings=headings | ends, spans=tuple(spans), keep_empty=True,
    )  # fmt: skip


def every_fit(analysis: Analysis) -> Shown:
    """Set all fits side by side: estimate and, smaller, its uncertainty."""
    comparison = analysis.comparison()
    fits = list(comparison.columns.get_level_values(0).unique())
    rows = tuple(
        (
            Cell(str(name)),
            *(_pair(row[(fit, "estimate")], row[(fit, "uncertainty")]) for fit in fits),
        )
        for name, row in comparison.iterrows()
    )
    columns = (Column("parameter", numeric=False), *(Column(fit) for fit in fits))
    caption = (
        "Every fit: posterior mean or estimate, with posterior sd or standard error in "
        "brackets. Standard deviations are standard deviations, not variances."
    )
    return Shown(caption, columns, rows, csv="comparison", total=len(rows))


def ladder(analysis: Analysis) -> Shown | None:
    """Split the gap between REML and the posterior mean, a row per parameter."""
    if analysis.check is None:
        return None
    criterion = analysis.check.mode.criterion
    rows = []
    for rung in analysis.check.rungs:
        parts = (rung.engine, rung.mode_to_mean, rung.prior)
        rows.append(
            (
                Cell(rung.name),
                Cell(number(rung.estimate)),
                *(_pair(part, rung.in_sd(part), 2) for part in parts),
                Cell(number(rung.mean)),
                Cell(number(rung.monte_carlo)),
                Cell(rung.verdict),
            )
        )
    columns = (
        Column("parameter", numeric=False),
        Column(criterion),
        Column("engine", meaning="Stan's optimum less MixedLM's"),
        Column("mode to mean", meaning="what averaging does, under flat priors"),
        Column("prior", meaning="what the priors do"),
        Column("mean"),
        Column("Monte Carlo", meaning="standard error of mode to mean and prior together"),
        Column("in words", numeric=False),
    )
    caption = (
        f"Mean − {criterion} = engine + mode to mean + prior; in brackets each part in "
        "posterior standard deviations."
    )
    return Shown(caption, columns, tuple(rows), csv="crosscheck", total=len(rows))


def pooling(analysis: Analysis) -> Shown | None:
    """Say how much each effect is pooled; None without partial pooling."""
    rows = [
        {"effect": f"{effect} | {factor}", **reading}
        for factor, effects in analysis.pooling().items()
        for effect, reading in effects.items()
    ]
    if not rows:
        return None
    caption = (
        "Pooling factor: 0 where every group keeps its own estimate, 1 where all share one "
        "(Gelman and Pardoe 2006)."
    )
    return shown(pd.DataFrame(rows), caption, digits={"pooling_factor": 2})


def groups(analysis: Analysis, table: pd.DataFrame, factor: Factor) -> dict[str, Shown]:
    """Return the group coefficients of a factor by effect, those that moved most first."""
    response = analysis.design.formula.response
    found = {}
    for effect, rows in table.groupby("effect", sort=False):
        ordered = rows.drop(columns="effect")
        if "moved" in ordered and len(ordered) > 0:
            far = ordered["moved"].abs().sort_values(ascending=False, kind="stable").index
            ordered = ordered.loc[far]
        unit = response if effect == "Intercept" else f"{response} per unit of {effect}"
        found[str(effect)] = shown(
            ordered[["level", *(c for c in ordered if c != "level")]],
            f"{effect} of each {factor.name}, in units of {unit}; those that moved most "
            "first.",
            headings={"level": factor.name, "n": "rows", "ols": "own rows", "ols_se": "se",
                      "unpooled_sd": "sd", "partial_sd": "sd", "blup": "BLUP"},
            csv=f"shrinkage_{factor_file(factor)}",
        )  # fmt: skip
    return found


def states(table: pd.DataFrame) -> Shown:
    """Say how each program sampled."""
    return shown(
        table.drop(columns=["verdict", "advice"]),
        "How each program sampled: the worst of all its parameters.",
        headings={
            "rhat_max": "R‑hat", "ess_bulk_min": "bulk ESS", "ess_tail_min": "tail ESS",
            "mcse_over_sd_max": "MCSE / sd", "max_treedepth_hits": "depth hits",
            "ebfmi": "E‑BFMI", "ess_per_second": "ESS / s", "seconds": "sampling, s",
            "compile_seconds": "compiling, s",
        },
        meanings={
            "rhat_max": "largest; 1 when the chains agree",
            "ess_bulk_min": "fewest effective draws for a mean",
            "ess_tail_min": "fewest effective draws for the 5 % and 95 % quantiles",
            "mcse_over_sd_max": "largest Monte Carlo error of a mean, in posterior sds",
            "max_treedepth_hits": "trajectories cut off at the limit: slow, not wrong",
            "ebfmi": "smallest of the chains; below 0.3 the energy is explored poorly",
        },
        digits={"ess_bulk_min": 0, "ess_tail_min": 0, "ebfmi": 2, "seconds": 1,
                "compile_seconds": 1, "ess_per_second": 0},
        csv="diagnostics",
    )  # fmt: skip


def run(analysis: Analysis) -> dict[str, str]:
    """Say what was run on what, by the names of the facts."""
    settings, design = analysis.settings, analysis.design
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
        "hierstan": __version__,
        "Python": f"{platform.python_version()}, {', '.join(versions)}",
    }


def _pair(value: object, aside: object, digits: int = 3) -> Cell:
    """Return a number with another one in brackets, where there is one."""
    beside = number(aside, digits)
    return Cell(number(value), "" if beside == "–" else f"({beside})")
