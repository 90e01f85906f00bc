"""Coefficients without pooling: their layout in Stan, and the user's names for them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from hierstan.design import Design, Factor, Floats
from hierstan.unpooled import unpooled_blocks


def unpooled_data(design: Design, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the data block of no pooling has instead of the group terms'.

    Parameters
    ----------
    design : Design
        Any number of factors.
    data : mapping
        The data block that all programs share, by Stan's names.

    Returns
    -------
    dict
        Sizes, effect columns, levels of the rows and priors of the blocks.
    """
    blocks = unpooled_blocks(design)
    own = coefficient_positions(design)
    Z = np.hstack([block.Z for block in blocks])
    thinned = np.sqrt(np.mean(design.Z[:, own] ** 2, axis=0) / np.mean(Z**2, axis=0))
    chosen = ("gamma_location", "gamma_scale", "tau_df", "tau_scale", "effect_unit")
    return {
        "F": len(blocks),
        "J": [len(block.levels) for block in blocks],
        "Q": [len(block.effects) for block in blocks],
        "Z": Z,
        "group": [block.index + 1 for block in blocks],
        **{name: data[name][own] for name in chosen},
        "effect_unit": data["effect_unit"][own] * thinned,
        "eta": np.ones(len(blocks)),
    }


def coefficient_positions(design: Design) -> list[int]:
    """Return the positions, in `design.effects`, of those that have coefficients."""
    names = [factor.name for factor in design.factors]
    starts = np.cumsum([0, *(factor.Q for factor in design.factors)]).tolist()
    return [
        starts[names.index(block.factor.name)] + q
        for block in unpooled_blocks(design)
        for q in block.effects
    ]


def name_coefficients(
    design: Design, gamma: Floats
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Give the coefficients of no pooling the user's names.

    Parameters
    ----------
    design : Design
        Any number of factors.
    gamma : ndarray, shape (chains, draws, G)
        Block after block, effect after effect, level after level.

    Returns
    -------
    dict, dict
        Variables ``coef[<label>]`` and their coordinates, as xarray takes them.
    """
    named: dict[str, Any] = {}
    coords: dict[str, list[str]] = {}
    start = 0
    for block in unpooled_blocks(design):
        shape = (*gamma.shape[:2], len(block.effects), len(block.levels))
        stop = start + shape[2] * shape[3]
        dims = (f"effect of {block.label}", f"level of {block.label}")
        coords |= {dims[0]: list(block.names), dims[1]: list(block.levels)}
        named[f"coef[{block.label}]"] = (
            ("chain", "draw", *dims),
            gamma[:, :, start:stop].reshape(shape),
        )
        start = stop
    return named, coords


def coefficients(design: Design, factor: Factor, draws: xr.Dataset) -> Floats:
    """Read what every level of a factor adds, from draws without pooling.

    Parameters
    ----------
    design, factor : Design, Factor
        The model and one of its factors.
    draws : xarray.Dataset
        With the names that `name_coefficients` gives.

    Returns
    -------
    ndarray, shape (chains, draws, Q, J)
        Coefficients of the levels; differences from the baseline where the factor has
        those; 0 for the baseline, and for effects that a finer factor has instead.
    """
    size = (draws.sizes["chain"], draws.sizes["draw"], factor.Q, factor.J)
    values = np.zeros(size)
    for block in unpooled_blocks(design):
        if block.factor is factor:
            start = int(block.differs)
            values[:, :, block.effects, start:] = draws[f"coef[{block.label}]"].to_numpy()
    return values
