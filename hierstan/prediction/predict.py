"""Predictions from draws: expected values and new observations, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from hierstan.design import Design, Floats
from hierstan.digits import to_text
from hierstan.errors import InputError
from hierstan.prediction.new_data import (
    GroupChoice,
    Groups,
    Rows,
    resolve_groups,
    rows_of,
)
from hierstan.prediction.simulate import Posterior, Simulator

# Cells (rows times draws) a user may ask to keep: 1 GB an array.
KEPT_CELLS = 2**27


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for rows of data, all on the scale of the response as the formula has it.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per row of data, with its index. Of the expected value of the response given
        the row's groups: posterior ``mean``, ``sd``, and equal-tailed ``low`` and
        ``high``; for a new level they cover what its effects may be. Of a new observation,
        which adds the residual: ``predictive_sd``, ``predictive_low`` and
        ``predictive_high``; its mean is ``mean``.
    response : str
        Left side of the formula. A response written as ``np.log(y)`` is predicted as
        ``np.log(y)``: nothing is transformed back.
    groups : mapping of str to {"same", "new", "population"}
        Choice by factor; empty where groups play no part.
    new_levels : mapping of str to tuple of str
        By factor, the levels whose effects were drawn from the population.
    interval : float
        Probability of the intervals.
    seed : int
        Reproduces the table.
    remark : str
        Why the numbers need care; empty when they do not.
    draws : xarray.Dataset or None
        ``expected`` and ``observation`` over ``chain``, ``draw`` and ``row``, if asked for.
    """

    table: pd.DataFrame
    response: str
    groups: Mapping[str, GroupChoice]
    new_levels: Mapping[str, tuple[str, ...]]
    interval: float
    seed: int
    remark: str
    draws: xr.Dataset | None

    def __str__(self) -> str:
        """Return the table under a line that says what it holds."""
        told = f"{self.interval:.0%} intervals, seed {self.seed}"
        for name, levels in self.new_levels.items():
            told += f", {len(levels)} new level(s) of {name}"
        told += f"; {self.remark}" if self.remark else ""
        table = to_text(self.table, max_rows=20)
        return f"Predictions of {self.response}: {told}\n{table}"

    __repr__ = __str__


def posterior_rows(
    posterior: Posterior, new_data: pd.DataFrame | None, groups: Groups
) -> tuple[Rows, dict[str, GroupChoice]]:
    """Return the rows to predict and the choices made about the factors that count.

    Raises
    ------
    InputError
        When a choice is unknown, or there is no population to turn to.
    """
    design, pooling = posterior.design, posterior.program.pooling
    choices = resolve_groups(groups, design)
    remedy = _remedy(design)
    if pooling == "complete":
        choices = {}
    if pooling == "none":
        remedy = (
            "Without pooling a group is known by its own rows only; predict new groups "
            "from a fit with partial pooling."
        )
        if set(choices.values()) != {"same"}:
            raise InputError(
                "Without pooling there is no population that groups come from, so groups "
                f"can only be 'same', not {groups!r}; use a fit with partial pooling."
            )
    if new_data is None and "population" not in choices.values():
        return posterior.rows, choices
    return rows_of(design, new_data, choices, remedy), choices


def _remedy(design: Design) -> str:
    return (
        "Say groups='new' to take their effects from the population, or "
        "groups='population' to leave all group effects out; a mapping such as "
        f"groups={{{design.factors[-1].name!r}: 'new'}} chooses by factor."
    )


def predict_point(
    design: Design,
    beta: Floats,
    effects: Mapping[str, Floats],
    new_data: pd.DataFrame | None = None,
    *,
    groups: Groups = None,
) -> "pd.Series[float]":
    """Predict expected values from one set of estimates, such as those of a mixed model.

    Parameters
    ----------
    design : Design
        Of the fitted data.
    beta : ndarray, shape (P,)
        Population coefficients.
    effects : mapping of str to ndarray, shape (J, Q)
        Predicted group effects u by factor.
    new_data : pandas.DataFrame, optional
        Rows to predict; by default the fitted rows.
    groups : {"same", "new", "population"} or mapping of factor to one of them
        As for `predict`. Under ``"new"`` an unknown level has effects of zero, their
        expectation, while known levels keep their own.

    Returns
    -------
    pandas.Series
        ``mean``, in units of the response, by the index of `new_data`.

    Raises
    ------
    InputError
        As `predict` does.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> design = build_design("Reaction ~ Days + (1 | Subject)", hs.data.sleepstudy())
    >>> beta, effects = np.array([250.0, 10.5]), {"Subject": np.full((18, 1), 20.0)}
    >>> people = pd.DataFrame({"Days": [0, 4], "Subject": ["308", "a stranger"]})
    >>> predict_point(design, beta, effects, people, groups="new").tolist()
    [270.0, 292.0]
    """
    rows = rows_of(design, new_data, resolve_groups(groups, design), _remedy(design))
    return pd.Series(rows.point(beta, effects), rows.index, name="mean")


def predict(
    posterior: Posterior,
    new_data: pd.DataFrame | None,
    *,
    groups: Groups = None,
    interval: float = 0.95,
    seed: int = 1,
    draws: bool = False,
    remark: str = "",
) -> Predictions:
    """Predict the response from every draw, for new data or for the fitted rows.

    With x and z encoded as in the fitted data, every draw gives an expected value and
    a new observation,

        mu_i = offset_i + x_i' beta + sum_f z_if' u_{f, g_f(i)},  y_i ~ N(mu_i, sigma^2)

    Parameters
    ----------
    posterior : Posterior
        Draws of the fit.
    new_data : pandas.DataFrame, optional
        Rows to predict, one or many; by default the rows the model was fitted to. The
        response is not needed. Categories and levels are matched by value, then by
        how they read; scale, center, poly and bs keep the fitted data's mean, scale
        and knots (bs and poly follow their polynomials beyond the fitted range).
    groups : {"same", "new", "population"} or mapping of factor to one of them
        What to do about groups. Levels the model knows have their own effects, except
        under ``"population"``. ``"same"`` (the default): a level it does not know is
        an error. ``"new"``: such a level has its effects drawn from N(0, Sigma), once
        per draw and level, so that its rows move together. ``"population"``: effects
        are zero, and grouping columns are not needed. A mapping chooses by factor,
        ``"same"`` for those it does not name; a nested factor is called ``"a:b"``, and
        a level that is new in ``a`` is new in ``a:b``. With complete pooling there is
        nothing to choose; without pooling only ``"same"`` makes sense.
    interval : float
        Probability of the equal-tailed intervals.
    seed : int
        Of the simulated effects and residuals, zero or above.
    draws : bool
        Keep the draws themselves, up to 2**27 cells (rows times draws).
    remark : str
        Why the fit behind the numbers needs care; handed on.

    Returns
    -------
    Predictions
        A table with a row per row of data and its index. All draws are used. Rows are
        worked through in chunks, so that beyond the table some 200 MB are needed,
        whatever the number of rows.

    Raises
    ------
    DataError
        When a column is absent, misses a value, or has a category or level that the
        fitted data did not have; the message names column, value and row. A missing
        value is an error here, not a row left out: results line up with the data.
    FormulaError
        When a term depends on all rows of the data, as ``I(x - np.mean(x))`` does.
    InputError
        When a choice, the interval or the seed is not a possible one.
    """
    if not 0 < interval < 1:
        raise InputError(f"interval is {interval}; it must be in (0, 1).")
    rows, choices = posterior_rows(posterior, new_data, groups)
    if draws and len(rows) * posterior.S > KEPT_CELLS:
        raise InputError(
            f"Draws of {len(rows)} rows and {posterior.S} draws do not fit: ask for at "
            f"most {KEPT_CELLS // posterior.S} rows at a time, or for draws=False."
        )
    names = ("mean", "sd", "low", "high", "predictive_sd", "predictive_low",
             "predictive_high")  # fmt: skip
    numbers = np.empty((len(rows), len(names)))
    kept = np.empty((2, len(rows) if draws else 0, posterior.S))
    tails = [(1 - interval) / 2, (1 + interval) / 2]
    for part, mu, y in Simulator(posterior, rows, seed).chunks():
        numbers[part, 0], numbers[part, 1] = mu.mean(axis=1), mu.std(axis=1, ddof=1)
        numbers[part, 2:4] = np.quantile(mu, tails, axis=1).T
        numbers[part, 4] = y.std(axis=1, ddof=1)
        numbers[part, 5:7] = np.quantile(y, tails, axis=1).T
        if draws:
            kept[0, part], kept[1, part] = mu, y
    return Predictions(
        table=pd.DataFrame(numbers, rows.index, list(names)),
        response=posterior.design.formula.response,
        groups=choices,
        new_levels={group.factor.name: group.new for group in rows.groups if group.new},
        interval=interval,
        seed=seed,
        remark=remark,
        draws=_dataset(kept, posterior) if draws else None,
    )


def _dataset(kept: Floats, posterior: Posterior) -> xr.Dataset:
    """Give the kept cells their chains back."""
    sizes = posterior.draws.sizes
    shape = (2, kept.shape[1], sizes["chain"], sizes["draw"])
    both = np.moveaxis(kept.reshape(shape), 1, -1)
    dims = ("chain", "draw", "row")
    coords = {name: posterior.draws[name].to_numpy() for name in dims[:2]}
    coords["row"] = np.arange(kept.shape[1])
    return xr.Dataset({"expected": (dims, both[0]), "observation": (dims, both[1])}, coords)
