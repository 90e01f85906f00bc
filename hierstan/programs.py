"""The Stan programs: what data each takes, and where its chains start."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from hierstan.design import Design, Floats
from hierstan.errors import InputError
from hierstan.marginal.data import elimination_order, marginal_data, marginal_start
from hierstan.priors import Priors
from hierstan.resources import directory
from hierstan.unpooled import unpooled_columns
from hierstan.unpooled_layout import unpooled_data


@dataclass(frozen=True)
class Program:
    """One Stan program.

    Attributes
    ----------
    name : str
        Also the name of its file, ``stan/<name>.stan``.
    title : str
        How tables and pictures call it.
    pooling : str
        ``"complete"``, ``"none"`` or ``"partial"``.
    """

    name: str
    title: str
    pooling: str


PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        program.name: program
        for program in (
            Program("pooled", "complete pooling", "complete"),
            Program("unpooled", "no pooling", "none"),
            Program("centered", "partial pooling, centered", "partial"),
            Program("noncentered", "partial pooling, non-centered", "partial"),
            Program("marginal", "partial pooling, marginal", "partial"),
        )
    }
)


def get_program(name: str) -> Program:
    """Look a program up by name.

    Raises
    ------
    InputError
        When there is no such program; names those there are.
    """
    if name not in PROGRAMS:
        raise InputError(f"There is no program {name!r}; use {', '.join(PROGRAMS)}.")
    return PROGRAMS[name]


def source_sha256(name: str) -> str:
    """Return the SHA-256 of a program's text, with what it includes in its place."""
    folder = directory("stan")

    def text(path: Path) -> str:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [re.fullmatch(r"\s*#include (\S+)", line) for line in lines]
        return "\n".join(
            text(folder / include[1]) if include else line
            for line, include in zip(lines, found, strict=True)
        )

    return hashlib.sha256(text(folder / f"{name}.stan").encode()).hexdigest()


def population_columns(program: Program, design: Design) -> npt.NDArray[np.intp]:
    """Tell which columns of X have one coefficient for all groups in a program.

    Parameters
    ----------
    program : Program
        All columns keep theirs, except under no pooling.
    design : Design
        The model.

    Returns
    -------
    ndarray of int
        Positions in `design.terms`. Without pooling, a column with a group effect has
        coefficients per group instead, and so has every other column that group
        coefficients can express, since no data can tell it from those: with intercepts
        per group, one that does not vary within any group. `hierstan.unpooled` says whose
        groups these are when there are several factors.

    Raises
    ------
    DataError
        Under marginal, for crossed factors; without pooling, for crossed factors that
        fall into parts (`unpooled_columns`).
    """
    if program.name == "marginal":
        elimination_order(design)
    if program.pooling != "none":
        return np.arange(design.P)
    return unpooled_columns(design)


def stan_data(program: Program, design: Design, priors: Priors) -> dict[str, Any]:
    """Lay out the data block of a program: all but marginal share one.

    Parameters
    ----------
    program : Program
        Decides which columns of X take part (`population_columns`).
    design, priors : Design, Priors
        The model.

    Returns
    -------
    dict
        The variables of the data block, by Stan's names; its comments say what they are.
    """
    keep = population_columns(program, design)
    if program.name == "marginal":
        return marginal_data(design, priors)
    # Centring belongs to the intercept; without it in X there is none to move.
    moves = "Intercept" in (design.terms[p] for p in keep)
    x_center = priors.x_center[keep] if moves else np.zeros(len(keep))
    data = {
        "N": design.N,
        "P": len(keep),
        "F": len(design.group_terms),
        "J": [factor.J for factor, _ in design.group_terms],
        "Q": [size for _, size in design.group_terms],
        "y": design.y,
        "X": design.X[:, keep],
        "x_center": x_center,
        "Z": design.Z,
        "group": [factor.index + 1 for factor, _ in design.group_terms],
        "beta_location": priors.beta_location[keep],
        "beta_scale": priors.beta_scale[keep],
        "gamma_location": priors.gamma_location,
        "gamma_scale": priors.gamma_scale,
        "tau_df": priors.tau_df,
        "tau_scale": priors.tau_scale,
        "sigma_df": priors.sigma_df,
        "sigma_scale": priors.sigma_scale,
        "eta": priors.eta,
        **_units(design, keep, x_center),
        "prior_only": 0,
        "pointwise": 0,
    }
    return data | (unpooled_data(design, data) if program.pooling == "none" else {})


def _units(
    design: Design, keep: npt.NDArray[np.intp], x_center: Floats
) -> dict[str, Floats]:
    """Return how far a coefficient or effect must move to change y by a residual sd.

    Stan adapts its step to each parameter, but shrinks variances towards 1e-3 on the way,
    so without these a response in micrograms would leave it stuck where it started.
    """
    residual = _residual(design, design.X[:, keep] - x_center)
    columns = design.X[:, keep] - x_center
    return {
        "beta_unit": residual / np.sqrt(np.mean(columns**2, axis=0)),
        "effect_unit": residual / np.sqrt(np.mean(design.Z**2, axis=0)),
    }


def _residual(design: Design, columns: Floats) -> float:
    """Residual sd of least squares; of all of y when nothing is left."""
    fitted = columns @ np.linalg.lstsq(columns, design.y, rcond=None)[0]
    residual = float(np.std(design.y - fitted))
    return residual if residual > 0 else float(np.std(design.y))


def initial_values(
    program: Program, design: Design, data: Mapping[str, Any], chains: int, seed: int
) -> list[dict[str, Any]]:
    """Draw a starting point per chain, spread out in units of the data.

    Stan's own start, uniform on (-2, 2), depends on the units of y and X: a response in
    the thousands starts thousands of sigmas away. These start near least squares, with
    scales spread over more than a factor of ten, wherever the units put them.

    Parameters
    ----------
    program, design, data : Program, Design, mapping
        The model and its data block.
    chains, seed : int
        How many, and from where; the same seed gives the same points.

    Returns
    -------
    list of dict
        Parameters by Stan's names, one dict per chain.
    """
    rng = np.random.default_rng([seed, list(PROGRAMS).index(program.name)])
    if program.name == "marginal":
        return [marginal_start(data, rng) for _ in range(chains)]
    centred = data["X"] - data["x_center"]
    ols, *_ = np.linalg.lstsq(centred, design.y, rcond=None)
    residual, unit = _residual(design, centred), data["effect_unit"]
    sizes = np.repeat(data["J"], data["Q"])
    G = int(sizes.sum())
    pairs = sum(len(factor.pairs) for factor in design.factors)
    length = np.sqrt(np.sum(centred**2, axis=0))
    points = []
    for _ in range(chains):
        tau = unit * np.exp(rng.uniform(np.log(0.05), 0.0, len(unit)))
        spread = rng.uniform(-1.0, 1.0, G)
        points.append(
            {
                "beta_centered": ols + rng.uniform(-2.0, 2.0, len(ols)) * residual / length,
                "sigma": residual * np.exp(rng.uniform(-0.5, 0.5)),
                "tau": tau,
                "cpc": rng.uniform(-0.5, 0.5, pairs),
                "z": spread,
                "u": spread * np.repeat(tau, sizes),
                "gamma": np.repeat(_effect_start(design, ols, data), sizes)
                + spread * np.repeat(unit, sizes),
            }
        )
    return [
        {name: value for name, value in point.items() if name in _PARAMETERS[program.name]}
        for point in points
    ]


_PARAMETERS = {
    "pooled": ("beta_centered", "sigma"),
    "unpooled": ("beta_centered", "gamma", "sigma"),
    "centered": ("beta_centered", "tau", "cpc", "u", "sigma"),
    "noncentered": ("beta_centered", "tau", "cpc", "z", "sigma"),
}


def _effect_start(design: Design, ols: Floats, data: Mapping[str, Any]) -> Floats:
    """Least squares value of each group coefficient, all groups taken together."""
    rest = design.y - (data["X"] - data["x_center"]) @ ols
    start: Floats = np.linalg.lstsq(data["Z"], rest, rcond=None)[0]
    return start
