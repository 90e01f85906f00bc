"""Draws by the user's names: terms, effects and levels instead of positions."""

from typing import Any

import numpy as np
import xarray as xr

from hierstan.design import Design, Factor, Floats
from hierstan.engines.base import Arrays
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


def effect_label(factor: Factor, effect: str) -> str:
    """Name an effect with its factor: ``"floor | county"``."""
    return f"{effect} | {factor.name}"


def pair_label(factor: Factor, a: int, b: int) -> str:
    """Name a correlated pair: ``"Intercept, floor | county"``."""
    return f"{factor.effects[b]}, {factor.effects[a]} | {factor.name}"


def _population_part(factor: Factor, design: Design, beta: Floats | None) -> Floats:
    """Return the population coefficient of each effect, 0 where there is none."""
    if beta is None:
        return np.zeros((1, 1, 1, 1))
    part = np.zeros((*beta.shape[:2], factor.Q, 1))
    for q, name in enumerate(factor.effects):
        if name in design.terms:
            part[:, :, q, 0] = beta[:, :, design.terms.index(name)]
    return part
