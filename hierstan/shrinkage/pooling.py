"""Explained variance and pooling factors at every level of a model."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats
from hierstan.fit import Fit
from hierstan.prediction.running import RunningVariance
from hierstan.prediction.simulate import Posterior, expected
from hierstan.shares import coarser, shares
from hierstan.shrinkage.predictors import LevelPredictor
from hierstan.shrinkage.weights import weight_draws
from hierstan.thinning import evenly

# Runs of draws that the jackknife leaves out, each in turn.
_BLOCKS = 40
# Rows times draws that the level of the data takes, but at least so many draws.
_NUMBERS, _FEWEST = 50_000_000, 500
# Levels below which the variance between them is a rough number.
_FEW = 5

_COLUMNS = (
    "pooling_factor", "pooling_factor_mcse", "r_squared", "r_squared_mcse",
    "r_squared_low", "r_squared_high",
)  # fmt: skip
_THEORY = ("mean_pooling", "mean_pooling_low", "mean_pooling_high")


def pooling_table(fit: Fit) -> pd.DataFrame:
    """Measure pooling and explained variance at every level of a model.

    At each level, units k have a linear predictor theta_k with an error eps_k: at the level
    of the data the response and its residual y - E[y | theta]; at that of a factor's effect
    the level's coefficient (`LevelPredictor`: the population part that varies between its
    levels only, the effects of the levels it lies in, and its own) and its own effect u.
    With Var_k the variance over the units (K - 1 in the denominator) and E the posterior
    mean, Gelman and Pardoe (2006, doi:10.1198/004017005000000517) define

        pooling factor  lambda = 1 - Var_k(E eps_k) / E(Var_k eps_k)
        R^2                    = 1 - E(Var_k eps_k) / E(Var_k theta_k).

    Parameters
    ----------
    fit : Fit
        Any program; without partial pooling there is the level of the data only.

    Returns
    -------
    pandas.DataFrame
        A row for the data and for each effect of each factor. Columns, all without unit:

        ``level``, ``effect``, ``units``
            ``"data"`` and the response, or a factor and an effect; number of units K.
        ``pooling_factor``, ``pooling_factor_mcse``
            lambda: 0 where the units' errors are known apart, 1 where they are not told
            apart at all; above a half, there is more information in the population than
            in the units. Its Monte Carlo standard error, by a jackknife over 40 runs of
            successive draws.
        ``r_squared``, ``r_squared_mcse``
            R^2, the share of the level's variance that its predictors explain, and
            likewise. 0 for an effect without group-level predictors and coarser factors;
            below 0 where errors and explained part offset each other.
        ``r_squared_low``, ``r_squared_high``
            95 % posterior interval of the share in each draw, 1 - Var_k eps / Var_k theta:
            how well the share among these units is known. It need not centre on
            `r_squared`, which is a ratio of two means. Of the data, all numbers are from
            evenly spread draws, where rows times draws are more than 50 million.
        ``mean_pooling``, ``mean_pooling_low``, ``mean_pooling_high``
            1 - W_jqq, the pooling of each level that its information and the variances
            imply (`hierstan.shrinkage.information`), averaged over the levels: posterior
            mean and 95 % interval over the draws of the variances. lambda is one number
            for a posterior and has no such interval. nan for the data. With several
            effects it can leave [0, 1] (see ``weight`` of
            `hierstan.shrinkage.shrinkage_table`).
        ``predictors``
            What is there to explain: columns of the population part that say something of
            the rows; of levels, those that vary between them only, and the coarser
            factors. A column that varies within even one level is none of the level's.
        ``note``
            Why a number is nan or rough: the variance of fewer than five levels says
            little.

    Raises
    ------
    InputError
        For draws from the prior only.
    """
    fit.require_data("nothing has been pooled")
    return pd.DataFrame(list(_rows(fit)))


def _rows(fit: Fit) -> Iterator[dict[str, Any]]:
    design = fit.design
    posterior = fit.posterior
    row = {"level": "data", "effect": design.formula.response, "units": design.N}
    terms = ", ".join(term for term in design.terms if term != "Intercept")
    words = {"predictors": terms, "note": ""}
    yield row | _data(posterior) | dict.fromkeys(_THEORY, np.nan) | words
    for factor in design.factors if fit.program.pooling == "partial" else ():
        pooled = 1.0 - weight_draws(design, factor, posterior).mean(axis=1)
        for q, (effect, reading) in enumerate(
            zip(factor.effects, _effects(posterior, factor), strict=True)
        ):
            row = {"level": factor.name, "effect": effect, "units": factor.J}
            ends = np.quantile(pooled[q], (0.025, 0.975))
            theory = (pooled[q].mean(), *ends)
            yield (
                row
                | reading
                | dict(zip(_THEORY, map(float, theory), strict=True))
                | {"predictors": _predictors(design, factor, q)}
                | {"note": _note(factor.J, reading)}
            )


def _predictors(design: Design, factor: Factor, q: int) -> str:
    """Name what differs between a factor's levels in the place of an effect."""
    own = shares(factor, design.X)
    differs = np.ptp(np.nan_to_num(own.table[:, q]), axis=0) > 0
    told = differs & own.between
    found = [term for term, there in zip(design.terms, told, strict=True) if there]
    found += [above.factor.name for above in coarser(design, factor)]
    return ", ".join(found)


def _note(units: int, reading: dict[str, float]) -> str:
    if np.isnan(reading["pooling_factor"]):
        return "the effects do not vary"
    if np.isnan(reading["r_squared"]):
        return "its rows do not tell what some levels are pulled towards"
    return f"{units} levels: rough" if units < _FEW else ""


def _data(posterior: Posterior) -> dict[str, float]:
    """Take the response and the residuals."""
    chosen = evenly(posterior.S, max(_FEWEST, _NUMBERS // posterior.design.N))
    some, y = replace(posterior, chosen=chosen), posterior.observed
    variances = _Variances(some.S)
    for part, mu in expected(some, posterior.rows):
        variances.add(y[part, None] - mu, y[part, None])
    return variances.reading()


def _effects(posterior: Posterior, factor: Factor) -> list[dict[str, float]]:
    """Take each effect and the linear predictor at its level."""
    predictor = LevelPredictor.of(posterior.design, factor)
    variances = [_Variances(posterior.S) for _ in factor.effects]
    for levels in predictor.chunks(posterior.S):
        u = predictor.effects(posterior, levels)
        theta = u if predictor.alike else u + predictor.pulled_towards(posterior, levels)
        for q, own in enumerate(variances):
            own.add(u[q], theta[q])
    return [own.reading() for own in variances]


class _Variances:
    """Variances over units of errors and predictors, draw by draw, unit after unit.

    Parameters
    ----------
    draws : int
        Number of draws, parted into blocks in their order.
    """

    def __init__(self, draws: int) -> None:
        self.block = np.arange(draws) * min(_BLOCKS, draws) // draws
        self.sizes = np.bincount(self.block)
        self.errors, self.whole = RunningVariance(draws), RunningVariance(draws)
        self.sums: list[Floats] = []

    def add(self, errors: Floats, predictors: Floats) -> None:
        """Take in some units, shapes (units, draws); predictors may have one draw."""
        self.errors.add(errors)
        self.whole.add(predictors)
        starts = np.cumsum(self.sizes) - self.sizes
        self.sums.append(np.add.reduceat(errors, starts, axis=1))

    def reading(self) -> dict[str, float]:
        """Return both measures with their uncertainty."""
        errors, whole = self.errors.variance, self.whole.variance
        sums = np.concatenate(self.sums)
        by_block = np.stack([np.bincount(self.block, values) for values in (errors, whole)])

        def measure(keep: Floats) -> tuple[float, float]:
            n = float(keep @ self.sizes)
            mean_errors, mean_whole = by_block @ keep / n
            of_means = float(np.var(sums @ keep / n, ddof=1))
            return 1.0 - _ratio(of_means, mean_errors), 1.0 - _ratio(
                mean_errors, mean_whole
            )

        every = np.ones(len(self.sizes))
        pooling, explained = measure(every)
        spread = np.full(2, np.nan)
        if len(every) > 1:
            without = np.array([measure(every - one) for one in np.eye(len(every))])
            spread = np.sqrt((len(every) - 1) * np.var(without, axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            low, high = np.quantile(1.0 - errors / whole, (0.025, 0.975))
        values = (pooling, spread[0], explained, spread[1], low, high)
        # Adding zero takes the sign of a negative one.
        return {n: float(v) + 0.0 for n, v in zip(_COLUMNS, values, strict=True)}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
