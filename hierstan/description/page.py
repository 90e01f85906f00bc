"""What a formula says about a data set, in words and numbers, before anything is fitted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierstan.description.layout import code, entry, table
from hierstan.description.notes import notes
from hierstan.description.translate import Call, lme4_call
from hierstan.description.translate_mixedlm import mixedlm_call
from hierstan.description.variation import Variation, variations
from hierstan.design import Design, Factor
from hierstan.evaluate import build_design
from hierstan.frame import Missing
from hierstan.prediction.levels import some
from hierstan.structure import Relation, relations


@dataclass(frozen=True, eq=False)
class Description:
    """The translation of a formula for one data set; printed, it is a page.

    Attributes
    ----------
    design : Design
        What it describes.
    population : tuple of Variation
        Columns of X: their term, and the level at which they vary.
    structure : tuple of Relation
        How every pair of factors lies: nested, crossed, how many cells are filled.
    lme4, mixedlm : Call
        The calls that fit the same model elsewhere, or why there is none.
    notes : tuple of str
        What is legal but may not be meant.
    """

    design: Design
    population: tuple[Variation, ...]
    structure: tuple[Relation, ...]
    lme4: Call
    mixedlm: Call
    notes: tuple[str, ...]

    @classmethod
    def of(cls, design: Design) -> "Description":
        """Describe a design."""
        found = variations(design)
        return cls(
            design, found, relations(design), lme4_call(design), mixedlm_call(design),
            notes(design, found),
        )  # fmt: skip

    @property
    def parameters(self) -> dict[str, int]:
        """Number of parameters of the partially pooled model, by kind."""
        return {
            "coefficients": self.design.P,
            "standard deviations": len(self.design.effects),
            "correlations": sum(len(factor.pairs) for factor in self.design.factors),
            "residual standard deviation": 1,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything that is printed, for JSON."""
        design = self.design
        return {
            "formula": design.formula.text,
            "rows": {
                "data": design.rows,
                "used": design.N,
                "dropped": design.dropped,
                "missing": dict(design.missing),
            },
            "response": {
                "name": design.formula.response,
                "less_offset": bool(self._less_offset),
                **_moments(design),
            },
            "population": [
                {
                    "column": found.column,
                    "term": found.term,
                    "level": found.level,
                    "groups": found.groups,
                    "suspect": found.suspect or None,
                    "suspect_levels": list(found.suspect_levels),
                }
                for found in self.population
            ],
            "factors": [
                {
                    "name": factor.name,
                    "levels": factor.J,
                    "rows_per_level": _spread(factor),
                    "effects": [list(block) for block in _blocks(factor)],
                }
                for factor in design.factors
            ],
            "structure": [
                {
                    "one": relation.one,
                    "other": relation.other,
                    "kind": relation.kind,
                    "cells": relation.cells,
                    "possible": relation.possible,
                }
                for relation in self.structure
            ],
            "parameters": self.parameters,
            "model": self.model,
            "lme4": {"call": self.lme4.code, "reason": self.lme4.reason},
            "mixedlm": {"call": self.mixedlm.code, "reason": self.mixedlm.reason},
            "notes": list(self.notes),
        }

    @property
    def _less_offset(self) -> str:
        offset = "offset(" in self.design.formula.population
        return " (less its offset)" if offset else ""

    @property
    def model(self) -> str:
        """The model in words."""
        design = self.design
        response = design.formula.response
        own = "; ".join(
            f"for every level of {factor.name}, deviations of its own in {_words(factor)}"
            for factor in design.factors
        )
        common = ""
        if design.P:
            names = some(design.terms, limit=8, quote=False)
            common = f"population coefficients ({names}) and, "
        return (
            f"{response}{self._less_offset} is normal around its mean with standard "
            f"deviation sigma. The mean adds up {common}{own}. Deviations are normal "
            "around zero."
        )

    def __str__(self) -> str:
        """Return the page, at most 88 columns wide where names allow."""
        design = self.design
        lacking = ", ".join(f"{name} {n}" for name, n in design.missing.items())
        dropped = f"; {design.dropped:,} dropped for missing values: {lacking}"
        moments = _moments(design)
        lines = [
            design.formula.text,
            "",
            entry(
                "Rows",
                f"{design.N:,} used of {design.rows:,}{dropped if design.dropped else ''}",
            ),
            entry(
                "Response",
                f"{design.formula.response}{self._less_offset}: mean "
                f"{moments['mean']:.4g}, sd {moments['sd']:.4g}, "
                f"from {moments['min']:.4g} to {moments['max']:.4g}",
            ),
            "",
            *table(
                ["Population", "term", "varies by", "informed by"],
                [
                    [v.column, "" if v.term == v.column else v.term, *_informed(v)]
                    for v in self.population
                ],
            ),
            "",
            *table(
                ["Factor", "levels", "rows per level", "effects; | independent of"],
                [
                    [
                        factor.name,
                        f"{factor.J:,}",
                        _rows_per_level(factor),
                        " | ".join(", ".join(block) for block in _blocks(factor)),
                    ]
                    for factor in design.factors
                ],
            ),
            "",
            *(entry("Structure", str(relation)) for relation in self.structure),
            entry("Model", self.model),
            entry("Parameters", _count(self.parameters)),
            code("lme4", str(self.lme4)),
            code("MixedLM", str(self.mixedlm)),
            *(entry("Note", note) for note in self.notes),
        ]
        return "\n".join(lines)

    __repr__ = __str__


def describe(formula: str, data: pd.DataFrame, missing: Missing = "drop") -> Description:
    """Translate a formula for a data set, without fitting anything.

    Parameters
    ----------
    formula : str
        In lme4's notation.
    data : pandas.DataFrame
        One row per observation.
    missing : {"drop", "error"}
        What to do with rows that lack a value.

    Returns
    -------
    Description
        Rows, columns with the level they vary at, factors and how they lie, the model in
        words, and the calls of lme4 and MixedLM. Categories are coded as formulae does
        it, with a column for all of them but the first beside an intercept, and for all
        without one, in group effects as well: ``(k || g)`` has an intercept, and for
        the categories of k, correlated with each other, their differences from the first.
        Ordered categories are coded likewise, where R has polynomials (contr.poly).
        ``scale`` divides by the standard deviation of the rows, with N and not R's N - 1.

    Raises
    ------
    FormulaError, DataError
        As `hierstan.evaluate.build_design` does.

    Examples
    --------
    >>> import hierstan as hs
    >>> told = hs.describe("log_radon ~ floor + (floor || county)", hs.data.radon())
    >>> print(told.lme4)
    lmer(log_radon ~ floor + (floor || county), data)
    >>> [(found.column, found.level) for found in told.population]
    [('Intercept', 'all'), ('floor', 'row')]
    """
    return Description.of(build_design(formula, data, missing))


def _moments(design: Design) -> dict[str, float]:
    y = design.y
    return {
        "mean": float(np.mean(y)),
        "sd": float(np.std(y, ddof=1)),
        "min": float(np.min(y)),
        "max": float(np.max(y)),
    }


def _spread(factor: Factor) -> dict[str, float]:
    sizes = factor.sizes
    return {
        "min": int(sizes.min()),
        "median": float(np.median(sizes)),
        "max": int(sizes.max()),
    }


def _rows_per_level(factor: Factor) -> str:
    spread = _spread(factor)
    if spread["min"] == spread["max"]:
        return f"{spread['min']:,} each"
    return f"{spread['min']:,} to {spread['max']:,}, median {spread['median']:,g}"


def _blocks(factor: Factor) -> list[tuple[str, ...]]:
    """Return the effects of a factor by block: correlated within, independent between."""
    return [
        factor.effects[start : start + size]
        for start, size in zip(factor.starts, factor.blocks, strict=True)
    ]


def _words(factor: Factor) -> str:
    blocks = [
        " and ".join(block) + (", correlated" if len(block) > 1 else "")
        for block in _blocks(factor)
    ]
    return ", and independently in ".join(blocks)


def _informed(variation: Variation) -> tuple[str, str]:
    if variation.level == "all":
        return "", "all rows"
    if variation.level == "row":
        return "row", f"{variation.groups:,} rows"
    return variation.level, f"{variation.groups:,} levels of {variation.level}"


def _count(parameters: dict[str, int]) -> str:
    listed = ", ".join(
        f"{n} {name[:-1] if n == 1 and name.endswith('s') else name}"
        for name, n in parameters.items()
        if n
    )
    return f"{sum(parameters.values())}: {listed}"
