"""What a reader of a design should know before trusting a fit of it."""

from itertools import permutations

import numpy as np
import pandas as pd

from hierstan.description.translate import CALL
from hierstan.description.variation import Variation, variations
from hierstan.design import Design, Factor
from hierstan.formula import GroupTerm
from hierstan.prediction.levels import some
from hierstan.structure import chain

_FEW_LEVELS = 5
_UNLIKE_R = {
    "bs": (
        "bs() has columns that are formulae's: together they say what R's splines::bs() "
        "and patsy's say, but their coefficients and the REML likelihood are other ones."
    ),
    "scale": (
        "scale() divides by the standard deviation with N, R's by that with N - 1, so "
        "coefficients, standard deviations and the REML likelihood differ a little."
    ),
}


def notes(design: Design, found: tuple[Variation, ...] | None = None) -> tuple[str, ...]:
    """List what is legal but may not be meant.

    Parameters
    ----------
    design : Design
        Any design.
    found : tuple of Variation, optional
        From `hierstan.description.variation.variations`, when it has been called already.

    Returns
    -------
    tuple of str
        Sentences: population columns that vary within few levels of a factor; labels that
        are used again within the levels of another factor; categories beside ``||``, which
        lme4 codes otherwise; ``bs`` and ``scale``, whose columns are not R's; factors
        of which most levels have one row, or with few levels; effects of a column that
        does not vary within the factor.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "strength ~ 1 + (1 | batch) + (1 | cask)"
    >>> for note in notes(build_design(text, hs.data.pastes())):
    ...     print(note.partition(";")[0])
    cask has 3 levels that are used again in each of the 10 levels of batch
    cask has 3 levels
    """
    told = [_suspicion(v, design) for v in found or variations(design) if v.suspect]
    combined = {tuple(sorted(f.name.split(":"))) for f in design.factors}
    for inner, outer in permutations(design.factors, 2):
        both = tuple(sorted(f"{inner.name}:{outer.name}".split(":")))
        if both not in combined and _reuses(inner, outer):
            told.append(_reuse(inner, outer))
    told += [_coding(t) for t in design.formula.groups if _codes_differently(t, design)]
    parts = (design.formula.population, *(t.effects for t in design.formula.groups))
    called = {name for part in parts for name in CALL.findall(part)}
    told += [_UNLIKE_R[name] for name in ("bs", "scale") if name in called]
    for factor in design.factors:
        told += _about_levels(factor)
        told += _about_effects(factor)
    return tuple(told)


def _suspicion(variation: Variation, design: Design) -> str:
    factor = next(f for f in design.factors if f.name == variation.suspect)
    levels = variation.suspect_levels
    return (
        f"{variation.column} varies within {len(levels)} of {factor.J} levels of "
        f"{factor.name}: {some(levels, quote=False)}; a predictor of {factor.name} should "
        "not."
    )


def _reuses(inner: Factor, outer: Factor) -> bool:
    """Whether each outer level has the first few of the inner ones, as when numbered."""
    if inner.J >= outer.J or chain((inner, outer)) is not None:
        return False
    cells = pd.unique(outer.index * inner.J + inner.index)
    if len(cells) == len(inner.index):
        return False  # then their combinations could not be a factor
    rows, columns = np.divmod(cells, inner.J)
    last = np.zeros(outer.J, dtype=np.int64)
    np.maximum.at(last, rows, columns)
    counts = np.bincount(rows, minlength=outer.J)
    return bool((counts == last + 1).all() and (counts > 1).any())


def _reuse(inner: Factor, outer: Factor) -> str:
    a, b = (name.replace(":", " ") for name in (inner.name, outer.name))
    nested = f"{outer.name}/{inner.name}" if ":" not in inner.name + outer.name else ""
    remedy = f", write (1 | {nested})" if nested else ", give them different labels"
    return (
        f"{inner.name} has {inner.J} levels that are used again in each of the {outer.J} "
        f"levels of {outer.name}; if a {a} of one {b} is not that of another{remedy}."
    )


def _codes_differently(term: GroupTerm, design: Design) -> bool:
    """Whether lme4 would give a term with || more columns than it has here."""
    if term.correlated:
        return False
    factor = next(f for f in design.factors if f.name == term.factor)
    return "Intercept" in factor.effects and any(
        name.endswith("]") and not name.startswith(("poly(", "bs("))
        for name in factor.effects
    )


def _coding(term: GroupTerm) -> str:
    return (
        f"({term.effects} || {term.factor}): effects of a category are differences from "
        "its first value, correlated with each other and independent of the intercept; "
        "lme4 has an effect for each value instead, so its call is written with dummy()."
    )


def _about_levels(factor: Factor) -> list[str]:
    single = int((factor.sizes == 1).sum())
    told = []
    if single > factor.J / 2:
        told.append(
            f"{single:,} of the {factor.J:,} levels of {factor.name} have one row; only "
            "the others tell its standard deviation from sigma."
        )
    if factor.J < _FEW_LEVELS:
        told.append(
            f"{factor.name} has {factor.J} levels; so few say little about a standard "
            "deviation, and its prior will show."
        )
    return told


def _about_effects(factor: Factor) -> list[str]:
    still = [
        name
        for name, column in zip(factor.effects, factor.Z.T, strict=True)
        if name != "Intercept" and not factor.varies(column).any()
    ]
    return [
        f"{name} does not vary within {factor.name}, so its effect by {factor.name} only "
        "makes the variance of the intercepts depend on it."
        for name in still
    ]
