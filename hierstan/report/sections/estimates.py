"""Tables of the sections on estimates and on the cross-check."""

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.ladder.rungs import ENGINE
from hierstan.report.numbers import number
from hierstan.report.shown import Cell, Column, Shown, shown
from hierstan.report.verdicts import labels

_FOUR = ("mean", "sd", "low", "high")
_PARTS = {
    "engine": "Stan's optimum less MixedLM's",
    "mode_to_mean": "what averaging does, under flat priors",
    "prior": "what the priors do",
}


def beside(analysis: Analysis) -> Shown | None:
    """Set the posterior to report beside REML; None without a partial-pooling fit."""
    best, reml = analysis.best, analysis.mixed.get("REML")
    if best is None:
        return None
    posterior = best.estimates().to_frame()[list(_FOUR)]
    parts, spans = (
        [posterior],
        [("", 1), (f"{labels(analysis)[best.program.name]}: posterior", 4)],
    )
    if reml is not None:
        theirs = reml.estimates().to_frame()[["estimate", "se", "low", "high"]]
        parts.append(theirs.add_prefix("reml_"))
        spans.append(("REML", 4))
    table = pd.concat(parts, axis=1).rename_axis("parameter").reset_index()
    beside = dict.fromkeys(("mean", "low", "high"), "sd")
    beside |= dict.fromkeys(("reml_estimate", "reml_low", "reml_high"), "reml_se")
    headings = {f"reml_{name}": name for name in ("estimate", "se", "low", "high")}
    ends = {"low": "2.5 %", "high": "97.5 %", "reml_low": "2.5 %", "reml_high": "97.5 %"}
    caption = "Posterior with its 95 % interval"
    if reml is not None:
        caption += (
            " beside the restricted maximum likelihood estimate with its Wald interval "
            "(estimate ± 1.96 se; sds cut at 0, correlations on the atanh scale)"
        )
    return shown(
        # A column without a value would break the headings that span four.
        table.astype(dict.fromkeys(table.columns[1:], float)),
        f"{caption}.",
        headings=headings | ends, uncertainty=beside, spans=tuple(spans), keep_empty=True,
    )  # fmt: skip


def every_fit(analysis: Analysis) -> Shown:
    """Set all fits side by side: estimate and, smaller, its uncertainty."""
    comparison = analysis.comparison()
    fits = list(comparison.columns.get_level_values(0).unique())
    rows = tuple(
        (
            Cell(str(name)),
            *(_pair(*row[fit][["estimate", "uncertainty"]]) for fit in fits),
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
    check, criterion = analysis.check, analysis.check.mode.criterion
    parts = [
        name for name in _PARTS if any(getattr(r, name) is not None for r in check.rungs)
    ]
    rows = []
    for rung in check.rungs:
        values = [getattr(rung, name) for name in parts]
        rows.append(
            (
                Cell(rung.name),
                Cell(number(rung.estimate, uncertainty=rung.unit)),
                *(_part(value, rung.in_sd(value)) for value in values),
                Cell(number(rung.mean, uncertainty=rung.unit)),
                Cell(number(rung.monte_carlo)),
                Cell(rung.verdict),
            )
        )
    noise = "mode to mean and prior together" if "prior" in parts else "the mean"
    columns = (
        Column("parameter", numeric=False),
        Column(criterion),
        *(Column(name.replace("_", " "), meaning=_PARTS[name]) for name in parts),
        Column("mean"),
        Column("Monte Carlo", meaning=f"standard error of {noise}"),
        Column("in words", numeric=False),
    )
    whole = f"Mean − {criterion} = {' + '.join(c.heading for c in columns[2:-3])}; in"
    caption = (
        f"{whole if 'prior' in parts else 'In'} brackets each part in {check.unit}. Less "
        "than 0.0001 of these is shown as 0."
    )
    return Shown(caption, columns, tuple(rows), csv="crosscheck", total=len(rows))


def _part(part: float | None, share: float | None) -> Cell:
    """Return a part with its size in brackets; what two optimizers leave is nothing."""
    if share is not None and abs(share) < ENGINE:
        return Cell("0")
    return Cell(number(part), _bracketed(number(share, 2)))


def _pair(value: float, uncertainty: float) -> Cell:
    """Return an estimate with its uncertainty in brackets, where there is one."""
    return Cell(number(value, uncertainty=uncertainty), _bracketed(number(uncertainty)))


def _bracketed(text: str) -> str:
    return "" if text == "–" else f"({text})"
