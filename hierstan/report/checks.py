"""How well all fits of an analysis predict, in sample and left out."""

from collections.abc import Callable

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.errors import HierstanError
from hierstan.fit import Fit
from hierstan.prediction.comparison import compare_loo
from hierstan.report.names import factor_file

# Rows times draws of a fit that are left out one by one without being asked: ten seconds.
_MOST_CELLS = 2**25

Tables = dict[str, pd.DataFrame]


def check_tables(analysis: Analysis) -> Tables:
    """Return how well complete, partial and no pooling predict.

    Of the programs with partial pooling, which have one posterior, the best speaks for
    all.

    Parameters
    ----------
    analysis : Analysis
        What was run.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``rmsd``, deviations in sample and left out of every fit; ``loo``, the comparison
        by rows left out, and ``loo_<factor>`` by groups; ``predictive``, the posterior
        predictive p-values of the best fit; ``not_computed``, what is missing and why.
    """
    fits = _one_of_each(analysis)
    readings: dict[str, tuple[str, Callable[[], pd.DataFrame]]] = {}
    missing: list[dict[str, str]] = []
    if leaves_out_rows(analysis):
        readings["rmsd"] = "Deviations", lambda: _deviations(fits)
        readings["loo"] = "Leave-one-out", lambda: compare_loo(fits).reset_index()
    else:
        reason = (
            f"{analysis.design.N:,} rows are many to leave out one by one; "
            "analysis.loo() does it, in minutes."
        )
        missing.append({"reading": "Leave-one-out", "reason": reason})
    pooled = {name: fit for name, fit in fits.items() if fit.program.pooling != "none"}
    for factor in analysis.design.factors if pooled else ():
        title = f"Leave-one-{factor.name}-out"
        readings[f"loo_{factor_file(factor)}"] = title, _by_group(pooled, factor.name)
    found: Tables = {}
    for name, (title, reading) in readings.items():
        try:
            found[name] = reading()
        except HierstanError as error:
            missing.append({"reading": title, "reason": str(error)})
    if analysis.best is not None:
        found["predictive"] = analysis.best.predictive_checks().statistics.reset_index()
    if missing:
        found["not_computed"] = pd.DataFrame(missing)
    return found


def leaves_out_rows(analysis: Analysis) -> bool:
    """Whether leaving out all rows takes so little time that nobody need ask for it."""
    settings = analysis.settings
    return analysis.design.N * settings.chains * settings.draws <= _MOST_CELLS


def _one_of_each(analysis: Analysis) -> dict[str, Fit]:
    return {
        name: fit
        for name, fit in analysis.fits.items()
        if fit.program.pooling != "partial" or fit is analysis.best
    }


def _deviations(fits: dict[str, Fit]) -> pd.DataFrame:
    return pd.concat(
        {name: fit.rmsd().table for name, fit in fits.items()}, names=["fit"]
    ).reset_index()


def _by_group(fits: dict[str, Fit], factor: str) -> Callable[[], pd.DataFrame]:
    return lambda: compare_loo(fits, by=factor).reset_index()
