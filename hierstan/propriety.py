"""Which priors a program uses, and whether its posterior can be normalized."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from hierstan.design import Design, Factor, Floats, Integers
from hierstan.errors import PriorError
from hierstan.naming import coef_name, sd_name
from hierstan.priors import Parameter, Priors
from hierstan.programs import Program, population_columns
from hierstan.unpooled import unpooled_blocks
from hierstan.unpooled_layout import coefficient_positions

_ROLES = {
    "complete": ("beta", "sigma"),
    "none": ("beta", "gamma", "sigma"),
    "partial": ("beta", "tau", "eta", "sigma"),
}


def used_parameters(
    program: Program, design: Design, priors: Priors
) -> tuple[Parameter, ...]:
    """List the parameters that a program samples, of all that have a prior."""
    keep = population_columns(program, design)
    own = set(coefficient_positions(design)) if program.pooling == "none" else set()
    return tuple(
        parameter
        for parameter in priors.parameters(design)
        if parameter.role in _ROLES[program.pooling]
        and (parameter.role != "beta" or parameter.index in keep)
        and (parameter.role != "gamma" or parameter.index in own)
    )


def flat_parameters(
    program: Program, design: Design, priors: Priors
) -> tuple[Parameter, ...]:
    """List the parameters that a program samples and whose prior is flat."""
    return tuple(
        parameter
        for parameter in used_parameters(program, design, priors)
        if priors.of(parameter).text() == "flat"
    )


def refuse_flat(program: Program, design: Design, priors: Priors) -> None:
    """Refuse flat priors, which nothing can be drawn from.

    Raises
    ------
    PriorError
        Names the parameters whose prior is flat.
    """
    flat = flat_parameters(program, design, priors)
    if flat:
        names = ", ".join(parameter.name for parameter in flat)
        raise PriorError(
            f"Nothing can be drawn from a flat prior, and that of {names} is flat; give it "
            "a scale, for example by name, or use the preset default."
        )


def refuse_improper(
    program: Program, design: Design, priors: Priors, *, moments: int = 2
) -> None:
    """Refuse flat priors where the data cannot make a posterior of them.

    Without pooling, every group has to determine by its own rows all of its coefficients
    that have a flat prior.

    Under partial pooling the likelihood falls like tau^-r as tau grows, where r counts the
    directions in which the effects of the levels differ and which flat population
    coefficients cannot explain: with an intercept per level, r = J - 1. A flat prior on tau
    needs r > 1, so three levels (Gelman 2006, doi:10.1214/06-BA117A), or two when the
    population intercept has a proper prior. For any k flat standard deviations of a factor,
    r > k, counting the directions of all their effects together. In the same way sigma
    needs rows to spare.

    Parameters
    ----------
    program, design, priors : Program, Design, Priors
        The model.
    moments : int
        How many moments of the standard deviations must be finite as well, which needs
        r > k + moments. Means and standard deviations are what is reported, so by default
        two: five levels beside a flat intercept.

    Raises
    ------
    PriorError
        Names the factor or the groups, the parameters, and what to do.
    """
    flat = flat_parameters(program, design, priors)
    X = design.X[:, [parameter.index for parameter in flat if parameter.role == "beta"]]
    determined = X.shape[1]
    if program.pooling == "none":
        effects = [parameter.index for parameter in flat if parameter.role == "gamma"]
        blocks = unpooled_blocks(design)
        if effects and len(blocks) > 1:
            names = ", ".join(block.label for block in blocks)
            raise PriorError(
                f"With flat priors on the coefficients of {names} at once the posterior of "
                "unpooled may be impossible to normalize. Give them a prior, such as "
                "normal(0, 100), or leave unpooled out."
            )
        if effects:
            start = coefficient_positions(design)[0] - blocks[0].effects[0]
            factor = _with_effects(blocks[0].factor, [k - start for k in effects])
            _refuse_undetermined(factor)
            _refuse_explained(factor, X, flat)
            determined += factor.J * factor.Q
    start = 0
    for factor in design.factors:
        effects = [
            parameter.index - start
            for parameter in flat
            if parameter.role == "tau" and parameter.factor == factor.name
        ]
        _refuse_few_levels(factor, effects, X, moments)
        start += factor.Q
    scales = sum(parameter.kind == "standard deviation" for parameter in flat)
    if any(p.role == "sigma" for p in flat) and design.N - determined <= scales:
        raise PriorError(
            f"With flat priors on {', '.join(p.name for p in flat)} the posterior of "
            f"{program.name} cannot be normalized: {design.N} rows are too few. Give sigma "
            "a prior, such as half-student-t(3, 1) in the units of the response, or use "
            "the preset default."
        )


def _refuse_few_levels(factor: Factor, effects: list[int], X: Floats, moments: int) -> None:
    """Refuse flat sds of a factor whose levels cannot bound them."""
    for size in range(1, len(effects) + 1):
        for chosen in combinations(effects, size):
            needed = size + moments + 1
            directions = _directions(factor.Z[:, chosen], factor.index, X, enough=needed)
            if directions < needed:
                wanting = "cannot be normalized"
                if directions > size:
                    wanting = "has no finite mean and standard deviation"
                names = [sd_name(factor.name, factor.effects[q]) for q in chosen]
                raise PriorError(
                    f"With a flat prior on {' and '.join(names)} the posterior "
                    f"{wanting}: the {factor.J} levels of {factor.name!r} are too few. "
                    "Beside flat population coefficients their effects differ in "
                    f"{directions} ways, and it takes {needed} (for one sd, {moments + 3} "
                    f"levels). Give {names[0]} a prior, such as half-student-t(3, 1) in "
                    "the units of the response, or use the preset default."
                )


def _directions(Z: Floats, index: Integers, X: Floats, enough: int) -> int:
    """Count the independent effects of the levels that X cannot express.

    Stops at a lower bound when that is `enough`: every level adds one at least, and a
    column of X takes one away at most.
    """
    levels = np.unique(index[(Z != 0).any(axis=1)])
    if len(levels) - X.shape[1] >= enough:
        return enough
    parts = [np.where((index == level)[:, None], Z, 0.0) for level in levels]
    return _rank(np.hstack([X, *parts])) - int(X.shape[1])


def _rank(matrix: Floats) -> int:
    length = np.linalg.norm(matrix, axis=0)
    return int(np.linalg.matrix_rank(matrix / np.where(length > 0, length, 1.0)))


def _with_effects(factor: Factor, effects: list[int]) -> Factor:
    """Return the factor with some of its effects only."""
    return replace(
        factor,
        effects=tuple(factor.effects[q] for q in effects),
        Z=factor.Z[:, effects],
        blocks=(len(effects),),
    )


def _refuse_undetermined(factor: Factor) -> None:
    """Refuse flat group coefficients that a group's own rows do not determine."""
    for effect, told in zip(factor.effects, factor.determined().T, strict=True):
        lost = [level for level, yes in zip(factor.levels, told, strict=True) if not yes]
        if lost:
            more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
            name = coef_name(factor.name, effect)
            raise PriorError(
                f"With a flat prior on {name} the posterior of unpooled cannot be "
                f"normalized: {len(lost)} of the {factor.J} levels of {factor.name!r} do "
                f"not determine it by their own rows ({', '.join(lost[:3])}{more}). Give "
                f"{name} a prior, such as normal(0, 100), or leave unpooled out."
            )


def _refuse_explained(factor: Factor, X: Floats, flat: tuple[Parameter, ...]) -> None:
    """Refuse flat coefficients of columns that flat group coefficients explain."""
    left = X.copy()
    for level in range(factor.J if X.size else 0):
        rows = np.flatnonzero(factor.index == level)
        Z = factor.Z[rows]
        left[rows] -= Z @ np.linalg.lstsq(Z, X[rows], rcond=None)[0]
    left[np.abs(left) <= 1e-9 * np.abs(X).max(axis=0, initial=0.0)] = 0.0
    if _rank(left) < X.shape[1]:
        names = ", ".join(p.name for p in flat if p.role == "beta")
        raise PriorError(
            f"With flat priors on {names} and the coefficients of every level of "
            f"{factor.name!r} the posterior of unpooled cannot be normalized: within the "
            f"levels, the latter explain the former. Give {names} a prior, such as "
            "normal(0, 100), or leave unpooled out."
        )
