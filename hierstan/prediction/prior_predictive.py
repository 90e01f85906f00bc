"""What a model expects before it sees the data: exact draws from its priors."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from hierstan.arviz_stats import to_arviz
from hierstan.containers import observed_data
from hierstan.correlations import correlation_root
from hierstan.design import Design, Floats
from hierstan.draws import name_draws
from hierstan.errors import InputError
from hierstan.prediction.checks import replicate
from hierstan.prediction.predict import KEPT_CELLS
from hierstan.prediction.simulate import Posterior, require_seed
from hierstan.priors import Priors
from hierstan.programs import Program, stan_data
from hierstan.propriety import refuse_flat

_PARAMETERS = 2  # stream of random numbers; a Simulator has 0 and 1 of the same seed


@dataclass(frozen=True, eq=False)
class PriorPredictive:
    """Independent draws from the priors, and a data set from each.

    Attributes
    ----------
    program : Program
        Whose parameters were drawn.
    design : Design
        Formula and data; of the response, only the comparison is made.
    priors : Priors
        What was drawn from.
    draws : xarray.Dataset
        Parameters over one ``chain`` and ``draw``, by the names of `Fit.draws`.
    y_rep : ndarray, shape (draws, N)
        A response for every row of the data, in its own units.
    y : ndarray, shape (N,)
        The data's own.
    seed : int
        Reproduces them.
    """

    program: Program
    design: Design
    priors: Priors
    draws: xr.Dataset
    y_rep: Floats
    y: Floats
    seed: int

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 2.5 % and 97.5 % quantiles of all drawn responses together."""
        low, high = np.quantile(self.y_rep, [0.025, 0.975])
        return float(low), float(high)

    @cached_property
    def width_ratio(self) -> float:
        """How many times as wide the interval is as that of the data."""
        low, high = np.quantile(self.y, [0.025, 0.975])
        # Data with most values alike have no such interval; they have an sd.
        width = high - low or 3.92 * float(np.std(self.y))
        return float((self.interval[1] - self.interval[0]) / width)

    @property
    def summary(self) -> str:
        """One sentence: what responses the prior expects, and how that compares."""
        low, high = self.interval
        return (
            f"Before the data, 95 % of responses lie between {_plain(low)} and "
            f"{_plain(high)}: {_plain(self.width_ratio)} times the width of the data's own "
            "95 %."
        )

    def to_arviz(self) -> Any:
        """Return ArviZ's container with ``prior``, ``prior_predictive`` and the data."""
        response, row = self.design.formula.response, "row of data"
        coords = {name: self.draws[name] for name in ("chain", "draw")}
        coords[row] = xr.DataArray(np.arange(self.design.N), dims=row)
        predictive = {response: (("chain", "draw", row), self.y_rep[None])}
        return to_arviz(
            {
                "prior": self.draws,
                "prior_predictive": xr.Dataset(predictive, coords),
                "observed_data": observed_data(response, self.y),
            }
        )

    def __str__(self) -> str:
        """Return the priors under the formula, and what they imply."""
        told = self.priors.describe(self.design)
        width = max(map(len, told))
        lines = [f"{name:<{width}}  {prior}" for name, prior in told.items()]
        return "\n".join([self.design.formula.text, *lines, self.summary])

    __repr__ = __str__


def prior_predictive(
    program: Program, design: Design, priors: Priors, *, draws: int = 500, seed: int = 1
) -> PriorPredictive:
    """Draw parameters from their priors, and a data set from each draw.

    Every draw is independent and exact, without Stan: normal coefficients, half-Student-t
    standard deviations as |normal| / sqrt(chi^2 / df), and correlation matrices from
    canonical partial correlations 2 Beta(b, b) - 1, with b = eta + (Q - 1 - c) / 2 in
    column c = 1, ..., Q - 1 (Lewandowski, Kurowicka and Joe 2009,
    doi:10.1016/j.jmva.2009.04.008).

    Parameters
    ----------
    program, design, priors : Program, Design, Priors
        The model.
    draws : int
        How many.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    PriorPredictive
        Parameters and responses.

    Raises
    ------
    PriorError
        When a prior is flat; names it.
    InputError
        When draws or seed are not possible ones, or draws times rows are above 2**27.
    """
    if not isinstance(draws, int | np.integer) or draws < 1:
        raise InputError(f"draws is {draws!r}; it must be a whole number, at least 1.")
    require_seed(seed)
    if draws * design.N > KEPT_CELLS:
        raise InputError(
            f"{draws} data sets of {design.N} rows do not fit; ask for at most "
            f"{KEPT_CELLS // design.N} draws."
        )
    refuse_flat(program, design, priors)
    rng = np.random.default_rng([seed, _PARAMETERS])
    variables = _parameters(program, design, priors, draws, rng)
    named = name_draws(program, design, {name: v[None] for name, v in variables.items()})
    drawn = Posterior(program, design, named)
    y_rep = replicate(drawn, draws, seed=seed)
    return PriorPredictive(program, design, priors, named, y_rep, drawn.observed, seed)


def _parameters(
    program: Program, design: Design, priors: Priors, draws: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Draw the parameters by Stan's names, each of shape (draws, ...)."""
    data = stan_data(program, design, priors)
    beta = rng.normal(data["beta_location"], data["beta_scale"], (draws, data["P"]))
    if data["P"]:
        beta[:, 0] -= beta @ data["x_center"]
    variables = {
        "beta": beta,
        "sigma": _half_t(priors.sigma_df, priors.sigma_scale, (draws,), rng),
    }
    if program.pooling == "none":
        levels = np.repeat(data["J"], data["Q"])
        location, scale = (
            np.repeat(data[name], levels) for name in ("gamma_location", "gamma_scale")
        )
        variables["gamma"] = rng.normal(location, scale, (draws, len(scale)))
    if program.pooling == "partial":
        shape = (draws, len(priors.tau_scale))
        variables["tau"] = _half_t(priors.tau_df, priors.tau_scale, shape, rng)
        roots = [
            _lkj_root(size, eta, draws, rng)
            for (_, size), eta in zip(design.group_terms, priors.eta, strict=True)
        ]
        variables["rho"] = np.concatenate([_below_diagonal(L) for L in roots], axis=1)
        u, start = [], 0
        for (factor, size), L in zip(design.group_terms, roots, strict=True):
            scaled = variables["tau"][:, start : start + size, None] * L
            u.append(scaled @ rng.standard_normal((draws, size, factor.J)))
            start += size
        variables["u"] = np.concatenate([part.reshape(draws, -1) for part in u], axis=1)
    return variables


def _half_t(
    df: Floats | float,
    scale: Floats | float,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> Floats:
    """Draw |t_df| * scale; infinite degrees of freedom are the normal."""
    finite = np.where(np.isinf(df), 1.0, df)
    shrink = np.where(np.isinf(df), 1.0, np.sqrt(rng.chisquare(finite, shape) / finite))
    return np.asarray(np.abs(rng.standard_normal(shape)) / shrink * scale)


def _lkj_root(Q: int, eta: float, draws: int, rng: np.random.Generator) -> Floats:
    """Draw Cholesky factors of correlation matrices, shape (draws, Q, Q)."""
    _, columns = np.tril_indices(Q, -1)
    b = eta + (Q - 2 - columns) / 2
    return correlation_root(2 * rng.beta(b, b, (draws, len(b))) - 1, Q)


def _below_diagonal(L: Floats) -> Floats:
    """Correlations row by row, shape (draws, Q (Q - 1) / 2)."""
    rows, columns = np.tril_indices(L.shape[1], -1)
    return np.asarray((L @ L.swapaxes(1, 2))[:, rows, columns])


def _plain(value: float) -> str:
    """Two significant digits, without an exponent up to ten million."""
    return f"{float(f'{value:.2g}'):,.7g}"
