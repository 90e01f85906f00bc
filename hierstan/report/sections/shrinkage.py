"""Tables of the section on shrinkage."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.design import Factor
from hierstan.report.names import factor_file
from hierstan.report.numbers import number
from hierstan.report.shown import Cell, Column, Shown, shown

# Of the columns of the shrinkage table, those that the page has room for.
_GROUP_COLUMNS = {
    "level": "",
    "n": "rows",
    "ols": "own rows",
    "ols_se": "se",
    "unpooled": "no pooling",
    "unpooled_sd": "sd",
    "pooled": "pulled towards",
    "partial": "partial pooling",
    "partial_sd": "sd",
    "blup": "BLUP",
    "moved": "moved",
    "direction": "direction",
    "weight": "weight",
    "observed": "kept",
    "note": "note",
}
_ESTIMATES = ("ols", "unpooled", "pooled", "partial", "blup")
MEANINGS = {
    "ols": "least squares on the group's own rows, with its standard error",
    "unpooled": "Stan without pooling: posterior mean and sd",
    "pooled": "what the group is pulled towards: what the model expects of such a group "
    "before its own rows",
    "partial": "posterior mean and sd",
    "blup": "the same by REML: best linear unbiased prediction",
    "moved": "partial pooling less own rows",
    "direction": "whether it moved towards what it is pulled towards, past it, or away",
    "weight": "what the group's own estimate keeps of its distance from there, in theory: "
    "the reliability of its own rows (1: no pooling, 0: complete; effects that are "
    "correlated move one another, and it can leave this range)",
    "observed": "what it did keep; with several effects one is moved by the others, too",
}


def pooling(table: pd.DataFrame | None, program: str) -> Shown | None:
    """Say how much is pooled and explained at each level; None without partial pooling."""
    if table is None:
        return None
    rows: list[tuple[Cell, ...]] = [
        (
            Cell(f"{row['effect']} | {row['level']}" if place else "data"),
            Cell(number(row["units"])),
            Cell(number(row["pooling_factor"], 2)),
            _between(row, "mean_pooling"),
            _explained(row),
            Cell(row["predictors"]),
            Cell(row["note"]),
        )
        for place, row in enumerate(table.to_dict("records"))
    ]
    columns: tuple[Column, ...] = (
        Column("level", numeric=False),
        Column("units"),
        Column(
            "pooling factor",
            meaning="0 where every group keeps its own estimate, 1 where all share one; "
            "above a half the population tells more than the group (Gelman and Pardoe "
            "2006, doi:10.1198/004017005000000517)",
        ),
        Column(
            "mean pooling",
            meaning="1 less the weight of a group's own estimate, averaged over the "
            "groups, with its 95 % interval; with correlated effects it can leave 0 to 1",
        ),
        Column(
            "R²",
            meaning="share of the variance at this level that its predictors explain, with "
            "the 95 % interval of the share in each draw; a dash where there is none",
        ),
        Column(
            "explained by",
            numeric=False,
            meaning="predictors, of a level those that vary between its units only",
        ),
        Column("note", numeric=False),
    )
    if not table["note"].any():
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    caption = f"Pooling and explained variance at every level, by {program}."
    return Shown(caption, columns, tuple(rows), csv="pooling", total=len(rows))


def _explained(row: dict[Hashable, Any]) -> Cell:
    """R-squared, or a dash where no predictor is there to explain: then it is 0 by rule."""
    names = ("r_squared", "r_squared_low", "r_squared_high")
    return _between(row, "r_squared") if any(row[name] for name in names) else Cell("–")


def _between(row: dict[Hashable, Any], name: str) -> Cell:
    low, high = (number(row[f"{name}_{end}"], 2) for end in ("low", "high"))
    return Cell(number(row[name], 2), "" if low == "–" else f"({low} to {high})")


def groups(analysis: Analysis, table: pd.DataFrame, factor: Factor) -> dict[str, Shown]:
    """Return the group coefficients of a factor by effect, those that moved most first."""
    response = analysis.design.formula.response
    chosen = [name for name in _GROUP_COLUMNS if name in table]
    if "ols" in chosen and not table["ols"].isna().all():
        # Stan's say the same, and where they do not, they are the prior come back.
        chosen = [name for name in chosen if not name.startswith("unpooled")]
    found = {}
    for effect, rows in table.groupby("effect", sort=False):
        order = rows.index
        if "moved" in rows:
            far = rows["moved"].abs()
            order = far.sort_values(ascending=False, kind="stable").index
        unit = response if effect == "Intercept" else f"{response} per unit of {effect}"
        found[str(effect)] = shown(
            rows.loc[order, chosen].round({"weight": 6}),  # 0 is 0, not 1e-19
            f"{effect} of each {factor.name}, in units of {unit}; those that moved most "
            "first.",
            headings=_GROUP_COLUMNS | {"level": factor.name},
            meanings=MEANINGS,
            digits={"weight": 2, "observed": 2},
            uncertainty=dict.fromkeys(_ESTIMATES, "partial_sd"),
            csv=f"shrinkage_{factor_file(factor)}",
        )
    return found
