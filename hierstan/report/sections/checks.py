"""Tables of the section on checks of fit."""

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.report.names import factor_file
from hierstan.report.numbers import number
from hierstan.report.shown import Cell, Column, Shown, shown
from hierstan.report.verdicts import labels

Tables = dict[str, pd.DataFrame]


def deviations(analysis: Analysis, tables: Tables) -> Shown | None:
    """Set deviations in sample beside those of rows left out, a row per fit."""
    if "rmsd" not in tables:
        return None
    told, response = labels(analysis), analysis.design.formula.response
    wide = tables["rmsd"].pivot_table(index="fit", columns="of")
    kinds = tables["rmsd"]["of"].unique()
    three = {
        "in_sample": Column(
            "in sample", meaning="root mean square of data less posterior means"
        ),
        "replicated": Column(
            "replicated", meaning="of data less new observations of each draw"
        ),
        "left_out": Column("left out", meaning="of data less what all other rows predict"),
    }
    shown_of = [(name, of) for of in kinds for name in three if (name, of) in wide]
    rows = tuple(
        (Cell(told[fit]), *(Cell(number(float(wide.loc[fit, cell]))) for cell in shown_of))
        for fit in tables["rmsd"]["fit"].unique()
    )
    spans = [("", 1)]
    for of in kinds:
        heading = f"rows{of[3:]}" if of.startswith("row") else of
        spans.append((heading, sum(kind == of for _, kind in shown_of)))
    caption = (
        f"Root mean square deviations, in units of {response}; by a factor, each of its "
        "levels counts once."
    )
    columns = (Column("fit", numeric=False), *(three[name] for name, _ in shown_of))
    return Shown(caption, columns, rows, tuple(spans), "rmsd", len(rows))


def left_out(analysis: Analysis, tables: Tables) -> list[Shown]:
    """Compare fits by what they predict of rows, and of groups, left out."""
    names = {"loo": "Each row predicted from all others"}
    for factor in analysis.design.factors:
        name = f"loo_{factor_file(factor)}"
        names[name] = f"Each {factor.name} predicted from all others"
    return [
        _comparison(
            tables[name].replace({"fit": labels(analysis)}),
            f"{title}, the best first.",
            name,
        )
        for name, title in names.items()
        if name in tables
    ]


def _comparison(table: pd.DataFrame, caption: str, csv: str) -> Shown:
    rows = tuple(
        (
            Cell(row["fit"]),
            _beside(row["elpd"], row["se"]),
            _beside(row["difference"], row["se_difference"]),
            Cell(number(row["p_loo"], 1)),
            Cell(number(row["khat"], 2)),
            Cell(number(int(row["high"]))),
            Cell(row["warning"]),
        )
        for row in table.to_dict("records")
    )
    columns = (
        Column("fit", numeric=False),
        Column(
            "elpd",
            meaning="expected log predictive density, higher is better, with its standard "
            "error in brackets",
        ),
        Column("difference", meaning="from the best, with the standard error of the pairs"),
        Column("p_loo", meaning="effective number of parameters"),
        Column(
            "k-hat",
            meaning="largest; above min(1 - 1 / log10 S, 0.7), for S draws, the elpd is "
            "not to be trusted",
        ),
        Column("too high", meaning="how many k-hat are above that limit"),
        Column("warning", numeric=False),
    )
    return Shown(caption, columns, rows, csv=csv, total=len(rows))


def _beside(value: float, se: float) -> Cell:
    return Cell(number(value, 1), f"({number(se, 1)})")


def predictive(tables: Tables) -> Shown | None:
    """Hold statistics of the data against those of replications."""
    if "predictive" not in tables:
        return None
    return shown(
        tables["predictive"],
        "Statistics of the data beside those of data sets that the fit expects, with 95 % "
        "intervals.",
        headings={"low": "2.5 %", "high": "97.5 %", "p_value": "p"},
        meanings={"p_value": "share of replications that reach the observed value; near 0 "
                  "or 1 the fit does not expect such data"},
        digits={"p_value": 2},
        csv="predictive",
    )  # fmt: skip
