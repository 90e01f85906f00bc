"""The tables of a report, as data frames that print and save alike."""

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.diagnostics import NUMBERS
from hierstan.ladder.rungs import to_frame
from hierstan.report.checks import check_tables
from hierstan.report.names import factor_file


def tables(analysis: Analysis) -> dict[str, pd.DataFrame]:
    """Return every table of the report by file name.

    Parameters
    ----------
    analysis : Analysis
        What was run.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``estimates`` (all numbers of all fits, long), ``comparison`` (side by side),
        ``diagnostics``, ``parameters`` (R-hat, ESS and MCSE of everything reported, group
        coefficients included), ``priors``, ``crosscheck`` if there is one (see
        `CrossCheck.to_frame`: parts with ``_sd`` are in sds of the wider of the two
        posteriors, the larger of its columns ``sd`` and ``flat_sd``), one
        ``shrinkage_<factor>`` per grouping factor, ``pooling`` with partial pooling, and
        those of `hierstan.report.checks.check_tables`.
    """
    long = pd.concat(
        {
            name: estimates.to_frame().assign(converged=estimates.converged)
            for name, estimates in analysis.estimates().items()
        },
        names=["fit", "parameter"],
    ).reset_index()
    comparison = analysis.comparison()
    comparison.columns = pd.Index([" ".join(pair) for pair in comparison.columns])
    found = {
        "comparison": comparison.rename_axis("parameter").reset_index(),
        "estimates": long,
        "diagnostics": diagnostics_table(analysis),
        "parameters": pd.concat(
            {name: fit.diagnostics.parameters for name, fit in analysis.fits.items()},
            names=["program"],
        ).reset_index(),
        "priors": pd.DataFrame(
            list(analysis.model.priors.describe(analysis.design).items()),
            columns=["parameter", "prior"],
        ),
    }
    if analysis.check is not None:
        found["crosscheck"] = to_frame(analysis.check.rungs).reset_index()
    for factor in analysis.design.factors:
        found[f"shrinkage_{factor_file(factor)}"] = analysis.shrinkage(factor)
    if (pooling := analysis.pooling_table()) is not None:
        found["pooling"] = pooling
    return found | check_tables(analysis)


def diagnostics_table(analysis: Analysis) -> pd.DataFrame:
    """Return a row per program: its numbers, its verdict and what to do."""
    rows = []
    for name, fit in analysis.fits.items():
        state = fit.diagnostics
        row = {"program": name, "sound": state.sound}
        row |= {number: getattr(state, number) for number in NUMBERS}
        row["mcse_over_sd_max"] = state.mcse_over_sd_max
        rows.append(row | {"verdict": state.verdict, "advice": state.advice})
    return pd.DataFrame(rows)
