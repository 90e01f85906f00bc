"""Draws as arrays, and the expected values and observations that follow from them."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from hierstan.correlations import symmetric_roots
from hierstan.design import Design, Factor, Floats, Integers
from hierstan.errors import InputError
from hierstan.naming import effect_labels, pair_labels
from hierstan.prediction.new_data import GroupRows, Rows, rows_of
from hierstan.programs import Program, population_columns
from hierstan.unpooled_layout import coefficients

# Cells (rows times draws) in memory at a time: 16 MB an array, about eight arrays.
CELLS = 2**21

_NOISE, _LEVELS = 0, 1  # streams of random numbers under one seed


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of one fit as arrays, chains one after the other: S draws.

    Attributes
    ----------
    program, design : Program, Design
        What was fitted.
    draws : xarray.Dataset
        Named draws, as `hierstan.naming.name_draws` makes them.
    chosen : ndarray of int, optional
        The draws that count; all by default.
    """

    program: Program
    design: Design
    draws: xr.Dataset
    chosen: Integers | None = None

    @cached_property
    def S(self) -> int:
        """Number of draws that count."""
        if self.chosen is not None:
            return len(self.chosen)
        return int(self.draws.sizes["chain"] * self.draws.sizes["draw"])

    @cached_property
    def sigma(self) -> Floats:
        """Residual standard deviation, shape (S,)."""
        return self._flat("sigma")

    @cached_property
    def beta(self) -> Floats:
        """Coefficients of the columns of X, shape (P, S); 0 where the program has none."""
        beta = np.zeros((self.design.P, self.S))
        if "beta" in self.draws:
            keep = population_columns(self.program, self.design)
            beta[keep] = self._flat("beta").T
        return beta

    @cached_property
    def rows(self) -> Rows:
        """The fitted rows, with the factors whose effects this program has."""
        factors = () if self.program.pooling == "complete" else self.design.factors
        return rows_of(self.design, None, {factor.name: "same" for factor in factors}, "")

    @cached_property
    def observed(self) -> Floats:
        """The response as the data have it, shape (N,): `Design.y` with its offset."""
        values = np.asarray(self.design.y + self.rows.offset)
        values.flags.writeable = False  # one array for all readings
        return values

    def effects(self, factor: Factor) -> Floats:
        """Group effects, without pooling group coefficients: shape (S, Q, J), no copy."""
        if self.program.pooling == "none":
            values = coefficients(self.design, factor, self.draws)
            values = values.reshape(-1, *values.shape[2:])
            return values if self.chosen is None else values[self.chosen]
        return self._flat(f"u[{factor.name}]")

    def root(self, factor: Factor) -> Floats:
        """Symmetric square root of the effects' covariance Sigma, shape (Q, Q, S)."""
        tau = self._flat("tau", effect=effect_labels(factor))
        pairs = pair_labels(factor)
        rho = self._flat("rho", pair=pairs) if pairs else np.empty((self.S, 0))
        roots = symmetric_roots(tau, rho, factor.pairs)
        return np.ascontiguousarray(np.moveaxis(roots, 0, -1))

    def _flat(self, name: str, **labels: str | list[str]) -> Floats:
        values = self.draws[name].sel(labels).to_numpy()
        values = values.reshape(-1, *values.shape[2:])
        return np.asarray(values if self.chosen is None else values[self.chosen])


# Effects of a level that was not in the fitted data, by the factor's rows and its name.
NewEffects = Callable[[GroupRows, str], Floats]


def expected(
    posterior: Posterior, rows: Rows, new_effects: NewEffects | None = None
) -> Iterator[tuple[slice, Floats]]:
    """Yield the rows of a chunk and their expected values at every draw.

    Parameters
    ----------
    posterior : Posterior
        Draws of the fit.
    rows : Rows
        Rows to predict.
    new_effects : callable, optional
        Returns the effects of a new level, shape (Q, S); needed where there is one.

    Yields
    ------
    part : slice
        Consecutive rows.
    mu : ndarray, shape (rows, S)
        Their expected values, in units of the response; the caller's own.
    """
    step = max(1, CELLS // posterior.S)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        yield part, _expected(posterior, rows[part], new_effects)


def _expected(posterior: Posterior, rows: Rows, new_effects: NewEffects | None) -> Floats:
    """Narrow the effects to the levels of these rows, and add all up."""
    groups, effects = [], {}
    for group in rows.groups:
        levels, own = np.unique(group.level, return_inverse=True)
        groups.append(GroupRows(group.factor, group.Z, own, group.new))
        known = levels[levels < group.factor.J]
        u = np.empty((len(levels), group.factor.Q, posterior.S))
        u[: len(known)] = np.moveaxis(
            posterior.effects(group.factor)[:, :, known], 0, -1
        ).swapaxes(0, 1)
        for k, level in enumerate(levels[len(known) :], start=len(known)):
            name = group.new[level - group.factor.J]
            if new_effects is None:
                raise ValueError(f"nothing says what the effects of {name!r} are")
            u[k] = new_effects(group, name)
        effects[group.factor.name] = u
    narrowed = Rows(rows.index, rows.X, rows.offset, tuple(groups))
    return narrowed.linear_predictor(posterior.beta, effects)


def require_seed(seed: object) -> None:
    """Refuse what is no seed.

    Raises
    ------
    InputError
        When it is no whole number, or below zero.
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}; it must be a whole number, zero or above.")


@dataclass(frozen=True, eq=False)
class Simulator:
    """New observations of some rows, a chunk of rows at a time.

    The same seed gives the same numbers. A new level gets its effects from the seed and
    its own name, so it has the same ones in every chunk, and in every call.
    """

    posterior: Posterior
    rows: Rows
    seed: int

    def __post_init__(self) -> None:
        """Refuse what is no seed."""
        require_seed(self.seed)

    @cached_property
    def _roots(self) -> dict[str, Floats]:
        factors = [group.factor for group in self.rows.groups]
        return {factor.name: self.posterior.root(factor) for factor in factors}

    def chunks(self) -> Iterator[tuple[slice, Floats, Floats]]:
        """Yield the rows of a chunk, their expected values and observations, (rows, S)."""
        noise = np.random.default_rng([self.seed, _NOISE])
        for part, mu in expected(self.posterior, self.rows, self._drawn):
            y = noise.standard_normal(mu.shape)
            y *= self.posterior.sigma
            y += mu
            yield part, mu, y

    def _drawn(self, group: GroupRows, level: str) -> Floats:
        """Draw the effects of a new level from normal(0, Sigma) of each draw, (Q, S)."""
        name = f"{group.factor.name}\0{level}".encode()
        key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest())
        z = np.random.default_rng([self.seed, _LEVELS, key]).standard_normal(
            (group.factor.Q, self.posterior.S)
        )
        root = self._roots[group.factor.name]
        return np.asarray(np.einsum("abs,bs->as", root, z))
