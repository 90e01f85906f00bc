"""Rows to predict: their columns, their groups, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats, Integers
from hierstan.errors import DataError, InputError
from hierstan.evaluate import columns_of, evaluate_terms
from hierstan.formula import GroupTerm
from hierstan.prediction.encoding import Part, complete
from hierstan.prediction.levels import match_levels, some

GroupChoice = Literal["same", "new", "population"]
Groups = GroupChoice | Mapping[str, GroupChoice] | None


@dataclass(frozen=True, eq=False)
class GroupRows:
    """Where rows stand in one factor.

    Attributes
    ----------
    factor : Factor
        The factor as it was fitted.
    Z : ndarray, shape (M, Q)
        Effect columns.
    level : ndarray of int, shape (M,)
        Level of each row: below J a level of the factor, J + k the new level k.
    new : tuple of str
        Levels that were not in the fitted data, in order of appearance.
    """

    factor: Factor
    Z: Floats
    level: Integers
    new: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to predict.

    Attributes
    ----------
    index : pandas.Index
        Index of the data they come from, length M.
    X : ndarray, shape (M, P)
        Population design.
    offset : ndarray, shape (M,)
        Sum of the formula's offset() terms, in units of the response.
    groups : tuple of GroupRows
        The factors whose effects count; those left to the population are not among them.
    """

    index: "pd.Index[Any]"
    X: Floats
    offset: Floats
    groups: tuple[GroupRows, ...]

    def __len__(self) -> int:
        """Return the number of rows M."""
        return len(self.X)

    def __getitem__(self, part: slice) -> "Rows":
        """Select consecutive rows."""
        groups = tuple(
            GroupRows(group.factor, group.Z[part], group.level[part], group.new)
            for group in self.groups
        )
        return Rows(self.index[part], self.X[part], self.offset[part], groups)

    def linear_predictor(self, beta: Floats, effects: Mapping[str, Floats]) -> Floats:
        """Return offset + X beta + sum_f Z_f u_f for any number of draws.

        Parameters
        ----------
        beta : ndarray, shape (P, S)
            Population coefficients, a column per draw.
        effects : mapping of str to ndarray, shape (levels, Q, S)
            Group effects by factor, in the order that `GroupRows.level` counts.

        Returns
        -------
        ndarray, shape (M, S)
            Expected values in units of the response.
        """
        mu = self.X @ beta + self.offset[:, None]
        for group in self.groups:
            u = effects[group.factor.name]
            for q in range(group.factor.Q):
                mu += group.Z[:, q, None] * u[group.level, q]
        return np.asarray(mu)

    def point(self, beta: Floats, effects: Mapping[str, Floats]) -> Floats:
        """Return expected values at one set of estimates; a new level's effects are zero.

        Parameters
        ----------
        beta : ndarray, shape (P,)
            Population coefficients.
        effects : mapping of str to ndarray, shape (J, Q)
            Group effects by factor.

        Returns
        -------
        ndarray, shape (M,)
            Expected values in units of the response.
        """
        padded = {
            group.factor.name: np.pad(
                effects[group.factor.name], ((0, len(group.new)), (0, 0))
            )[:, :, None]
            for group in self.groups
        }
        return self.linear_predictor(beta[:, None], padded)[:, 0]


def resolve_groups(groups: Groups, design: Design) -> dict[str, GroupChoice]:
    """Give every factor its choice.

    Parameters
    ----------
    groups : {"same", "new", "population"} or mapping of factor to one of them, optional
        One choice for all factors, or one each; ``"same"`` where none is made.
    design : Design
        The model.

    Returns
    -------
    dict of str to str
        Choice by factor, in the order of the formula.

    Raises
    ------
    InputError
        When a choice or a factor is unknown.
    """
    names = [factor.name for factor in design.factors]
    if isinstance(groups, Mapping):
        for name in groups:
            if name not in names:
                raise InputError(
                    f"groups names {name!r}, which is no factor of the formula; it has "
                    f"{', '.join(map(repr, names))}."
                )
        chosen = {name: groups.get(name, "same") for name in names}
    else:
        chosen = dict.fromkeys(names, "same" if groups is None else groups)
    for choice in chosen.values():
        if choice not in get_args(GroupChoice):
            options = ", ".join(map(repr, get_args(GroupChoice)))
            raise InputError(
                f"groups is {choice!r}; it must be one of {options}, or a mapping that "
                "gives factors one of them each."
            )
    return chosen


def rows_of(
    design: Design,
    data: pd.DataFrame | None,
    choices: Mapping[str, GroupChoice],
    remedy: str,
) -> Rows:
    """Return the fitted rows, or new data in the encodings of the fitted ones.

    Parameters
    ----------
    design : Design
        Of the fitted data.
    data : pandas.DataFrame, optional
        Any number of rows, none included; by default the fitted rows. The response is not
        looked at, nor are columns that only factors left to the population use.
    choices : mapping of str to {"same", "new", "population"}
        What to do about each factor that counts; a factor that is not named does not.
    remedy : str
        What the error about unknown levels advises.

    Returns
    -------
    Rows
        A row for every row of `data`, in its order and with its index.

    Raises
    ------
    DataError
        When a column is absent, misses a value, holds text for numbers or a category that
        the fitted data did not have, or a level is unknown and the choice is ``"same"``.
    FormulaError
        When a term's value depends on all rows at once and is not one of the
        transformations that keep the state of the fitted data.
    """
    factors = [
        factor
        for factor in design.factors
        if choices.get(factor.name, "population") != "population"
    ]
    if data is not None:
        return _new_rows(design, factors, data, choices, remedy)
    population = evaluate_terms(design.formula.population, design.formula, design.frame)
    offset = columns_of(population, design.N).offset
    groups = tuple(GroupRows(factor, factor.Z, factor.index) for factor in factors)
    return Rows(design.frame.index, design.X, offset, groups)


def _new_rows(
    design: Design,
    factors: Sequence[Factor],
    data: pd.DataFrame,
    choices: Mapping[str, GroupChoice],
    remedy: str,
) -> Rows:
    formula = design.formula
    terms = {f.name: [t for t in formula.groups if t.factor == f.name] for f in factors}
    population = Part.of(formula.population, design)
    effects = {
        name: [Part.of(term.effects, design) for term in own] for name, own in terms.items()
    }
    parts = [population, *(part for own in effects.values() for part in own)]
    data = complete(data, _needed(design, parts, list(terms.values())))
    columns = population.evaluate(data, design)
    groups = []
    for factor in factors:
        level, new = match_levels(factor, terms[factor.name][0].columns, design.frame, data)
        if new and choices[factor.name] == "same":
            row = int(np.flatnonzero(level >= factor.J)[0]) + 1
            raise DataError(
                f"Factor {factor.name!r} has {len(new)} level(s) that were not in the "
                f"fitted data: {some(new)}; the first is in data row {row}. {remedy}"
            )
        own = [part.evaluate(data, design).matrix for part in effects[factor.name]]
        groups.append(GroupRows(factor, np.hstack(own), level, new))
    return Rows(data.index, columns.matrix, columns.offset, tuple(groups))


def _needed(design: Design, parts: list[Part], terms: list[list[GroupTerm]]) -> list[str]:
    used = {name for part in parts for name in part.variables}
    used |= {name for own in terms for term in own for name in term.columns}
    return [str(name) for name in design.frame.columns if name in used]
