"""Draws by the user's names: terms, effects and levels instead of positions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from hierstan.design import Design, Factor, Floats
from hierstan.engines.base import Arrays
from hierstan.errors import InputError
from hierstan.naming import effect_label, pair_label
from hierstan.prediction.levels import some
from hierstan.programs import Program, population_columns
from hierstan.unpooled_layout import name_coefficients


def name_draws(program: Program, design: Design, variables: Arrays) -> xr.Dataset:
    """Give draws the user's names.

    Parameters
    ----------
    program, design : Program, Design
        The model.
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        As the engine returned them.

    Returns
    -------
    xarray.Dataset
        ``beta`` (term) if there is any, ``sigma``, ``tau`` (effect), ``rho`` (pair),
        ``lprior``, and per factor ``u[<factor>]`` and ``coef[<factor>]`` (``effect of
        <factor>`` by ``level of <factor>``): group effects, and group coefficients
        beta + u. Without pooling there is no u, and of several factors only those have
        coefficients that `hierstan.unpooled` says: a crossed factor after the first has
        ``coef[<factor> from <level>]``, the differences of its other levels from its
        first. With complete pooling there is no factor at all.
    """
    keep = population_columns(program, design)
    axes = ("chain", "draw")
    chains, draws = variables["sigma"].shape[:2]
    coords: dict[str, Any] = {
        "chain": np.arange(chains),
        "draw": np.arange(draws),
    }
    named: dict[str, Any] = {
        name: (axes, variables[name]) for name in ("sigma", "lprior") if name in variables
    }
    if len(keep):
        coords["term"] = [design.terms[p] for p in keep]
        named["beta"] = ((*axes, "term"), variables["beta"])
    if program.pooling == "partial":
        coords["effect"] = [effect_label(f, name) for f, name in design.effects]
        named["tau"] = ((*axes, "effect"), variables["tau"])
        pairs = [pair_label(f, a, b) for f in design.factors for a, b in f.pairs]
        if pairs:
            coords["pair"] = pairs
            named["rho"] = ((*axes, "pair"), variables["rho"])
    if program.pooling == "none":
        own_draws, own_coords = name_coefficients(design, variables["gamma"])
        named |= own_draws
        coords |= own_coords
    if program.pooling == "partial":
        source = variables["u"]
        start = 0
        for factor in design.factors:
            stop = start + factor.J * factor.Q
            values = source[:, :, start:stop].reshape(chains, draws, factor.Q, factor.J)
            dims = (*axes, f"effect of {factor.name}", f"level of {factor.name}")
            coords[dims[2]], coords[dims[3]] = list(factor.effects), list(factor.levels)
            named[f"u[{factor.name}]"] = (dims, values)
            values = values + _population_part(factor, design, variables.get("beta"))
            named[f"coef[{factor.name}]"] = (dims, values)
            start = stop
    return xr.Dataset(named, coords)


def reported(draws: xr.Dataset) -> xr.Dataset:
    """Drop what is not a result: the log prior."""
    return draws.drop_vars("lprior", errors="ignore")


def require_element(named: xr.Dataset, variable: str, labels: Mapping[str, str]) -> None:
    """Refuse a variable that is not there, and labels that are not of one element of it."""
    if variable not in named:
        known = ", ".join(repr(str(name)) for name in named)
        raise InputError(f"There is no variable {variable!r}; there are {known}.")
    array = named[variable]
    wanted = [str(name) for name in array.dims]
    if set(labels) != set(wanted):
        needs = f"one label each for {', '.join(wanted)}" if wanted else "no label"
        raise InputError(f"An element of {variable!r} takes {needs}, not {dict(labels)}.")
    for name, label in labels.items():
        there = [str(value) for value in array[name].to_numpy()]
        if label not in there:
            raise InputError(
                f"There is no {name} {label!r} of {variable!r}; there are "
                f"{some(there, limit=12)}."
            )


def require_coefficients(named: xr.Dataset, factor: str) -> None:
    """Refuse a factor that has no group coefficients, naming those that have."""
    if f"coef[{factor}]" in named:
        return
    there = [str(name)[5:-1] for name in named if str(name).startswith("coef[")]
    known = f"there are those of {some(there)}" if there else "there are none"
    raise InputError(f"This fit has no group coefficients of {factor!r}; {known}.")


def _population_part(factor: Factor, design: Design, beta: Floats | None) -> Floats:
    """Return the population coefficient of each effect, 0 where there is none."""
    if beta is None:
        return np.zeros((1, 1, 1, 1))
    part = np.zeros((*beta.shape[:2], factor.Q, 1))
    for q, name in enumerate(factor.effects):
        if name in design.terms:
            part[:, :, q, 0] = beta[:, :, design.terms.index(name)]
    return part
