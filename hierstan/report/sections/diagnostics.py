"""Tables of the section on diagnostics."""

from collections.abc import Iterator

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.report.shown import Shown, shown

_WORST = 10  # failing parameters shown of each program; others are counted


def causes(analysis: Analysis) -> Shown | None:
    """Name what explains each failed fit, and what is true of the model besides."""
    rows = [
        {
            "program": name,
            "finding": cause.kind,
            "parameter": cause.parameter or "the whole fit",
            "evidence": cause.text,
            "what to do": cause.advice or "–",
            "kind": "explains a failure" if cause.explains else "a remark",
        }
        for name, fit in analysis.fits.items()
        for cause in fit.diagnostics.causes
    ]
    if not rows:
        return None
    caption = "What was found in each fit, with its evidence."
    return shown(pd.DataFrame(rows), caption)


def failing(analysis: Analysis) -> Shown | None:
    """List the parameters that fail a check, the worst of each program."""
    tables = list(_failing(analysis))
    if not tables:
        return None
    caption = (
        f"Parameters that fail a check; of each program the {_WORST} with the fewest "
        "effective draws."
    )
    return shown(
        pd.concat(tables),
        caption,
        headings={"rhat": "R‑hat", "ess_bulk": "bulk ESS", "ess_tail": "tail ESS",
                  "mcse_over_sd": "MCSE / sd", "failing": "fails"},
        digits={"ess_bulk": 0, "ess_tail": 0},
        csv="parameters",
    )  # fmt: skip


def _failing(analysis: Analysis) -> Iterator[pd.DataFrame]:
    for name, fit in analysis.fits.items():
        rows = fit.diagnostics.failing().drop(columns="variable").reset_index()
        if len(rows):
            rows.insert(1, "program", name)
            yield rows.head(_WORST)


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
            "ess_per_second": "effective draws a second of sampling, of the population "
            "parameter that has the fewest",
        },
        digits={"ess_bulk_min": 0, "ess_tail_min": 0, "ebfmi": 2, "seconds": 1,
                "compile_seconds": 1, "ess_per_second": 0},
        csv="diagnostics",
    )  # fmt: skip
