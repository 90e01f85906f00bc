"""In-sample checks: whether a fit expects data like those it was fitted to."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hierstan.design import Design, Floats
from hierstan.errors import InputError
from hierstan.prediction.predict import KEPT_CELLS
from hierstan.prediction.running import RunningVariance
from hierstan.prediction.simulate import Posterior, Simulator
from hierstan.thinning import evenly

COVERAGE = (0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Checks:
    """In-sample checks of one fit.

    Attributes
    ----------
    coverage : pandas.DataFrame
        By ``interval`` (probability of the equal-tailed predictive interval of each row):
        ``rows`` that lie inside, and their ``share``.
    r_squared : pandas.Series
        Bayesian R-squared: ``mean``, ``sd``, ``median``, ``low`` and ``high`` (95 %).
    r_squared_draws : ndarray, shape (S,)
        Its draws.
    statistics : pandas.DataFrame
        By ``statistic``: its ``observed`` value, ``mean``, ``low`` and ``high`` (95 %) over
        the replications, and ``p_value``, the share of replications that reach the
        observed value. Near 0 or 1 the fit does not expect such data; 0.5 is ideal.
    seed : int
        Reproduces them.
    remark : str
        Why the numbers need care; empty when they do not.
    """

    coverage: pd.DataFrame
    r_squared: "pd.Series[float]"
    r_squared_draws: Floats
    statistics: pd.DataFrame
    seed: int
    remark: str = ""

    def __str__(self) -> str:
        """Return the three parts under each other."""
        form = "{:.3g}".format
        r = self.r_squared
        inside = ", ".join(
            f"{share:.1%} of the rows inside their {interval:.0%} intervals"
            for interval, share in self.coverage["share"].items()
        )
        remark = [f"Beware: {self.remark}."] if self.remark else []
        lines = [
            *remark,
            "In sample, which flatters a fit that follows its rows closely:",
            inside,
            f"R-squared {form(r['mean'])} ({form(r['low'])} to {form(r['high'])})",
            self.statistics.to_string(float_format=form),
        ]
        return "\n".join(lines)

    __repr__ = __str__


def residuals(posterior: Posterior) -> pd.DataFrame:
    """Set the fitted rows' responses beside their expected values.

    Parameters
    ----------
    posterior : Posterior
        Draws of the fit.

    Returns
    -------
    pandas.DataFrame
        A row per row in use, counted from zero, in units of the response: ``observed``,
        ``expected`` (posterior mean of the expected value given the row's groups),
        ``residual`` (their difference) and ``standardized`` (over the posterior mean of
        sigma, without unit).
    """
    rows, observed = posterior.rows, posterior.observed
    effects = {
        group.factor.name: posterior.effects(group.factor).mean(axis=0).T
        for group in rows.groups
    }
    expected = rows.point(posterior.beta.mean(axis=1), effects)
    residual = observed - expected
    return pd.DataFrame(
        {
            "observed": observed,
            "expected": expected,
            "residual": residual,
            "standardized": residual / posterior.sigma.mean(),
        },
        rows.index,
    )


def replicate(posterior: Posterior, draws: int, *, seed: int) -> Floats:
    """Simulate the fitted rows again; see `hierstan.fit.Fit.replicate`."""
    N, S = posterior.design.N, posterior.S
    if not isinstance(draws, int | np.integer) or not 1 <= draws <= S:
        raise InputError(
            f"draws is {draws!r}; the fit has {S}, so ask for a whole number from 1 to {S}."
        )
    if draws * N > KEPT_CELLS:
        raise InputError(
            f"{draws} replications of {N} rows do not fit; ask for at most "
            f"{KEPT_CELLS // N}."
        )
    some = replace(posterior, chosen=evenly(S, draws))
    y = np.empty((draws, N))
    for part, _, drawn in Simulator(some, posterior.rows, seed).chunks():
        y[:, part] = drawn.T
    return y


def check(posterior: Posterior, *, seed: int, remark: str = "") -> Checks:
    """Compare the data with replications from every draw.

    Parameters
    ----------
    posterior : Posterior
        Draws of the fit.
    seed : int
        Of the replications.
    remark : str
        Why the numbers need care.

    Returns
    -------
    Checks
        Over the N rows and the replications y_rep ~ N(mu, sigma^2), one per draw:

        coverage
            The share of rows whose response lies in their 50 % and 95 % predictive
            intervals: above 25 to 75 %, or 2.5 to 97.5 %, of its replications. In sample it
            lies a little above the interval's probability.
        R-squared
            Var_i(mu_i) / (Var_i(mu_i) + sigma^2) of each draw, where mu includes the group
            effects (Gelman, Goodrich, Gabry and Vehtari 2019,
            doi:10.1080/00031305.2018.1549100).
        statistics
            ``sd``, ``min`` and ``max`` of the response, and for each grouping factor ``sd
            of means by <factor>``, the sd of its levels' mean responses; whatever the
            program, so complete pooling shows here what it misses. p-values are
            P(T(y_rep) >= T(y)) (Gelman, Meng and Stern 1996, Statistica Sinica 6, 733).

        Memory is that of a prediction and of two times the draws of one group effect.
    """
    observed = posterior.observed
    fitted = RunningVariance(posterior.S)
    replicated = _Statistics(posterior.design, posterior.S)
    actual = _Statistics(posterior.design, 1)
    reach = np.array(COVERAGE)[:, None] / 2
    inside = np.zeros(len(COVERAGE), dtype=np.int64)
    for part, mu, y in Simulator(posterior, posterior.rows, seed).chunks():
        own = observed[part, None]
        below = (y < own).mean(axis=1)  # ten times as fast as quantiles of y
        inside += (np.abs(below - 0.5) <= reach).sum(axis=1)
        fitted.add(mu)
        replicated.add(part, y)
        actual.add(part, own)
    variance = fitted.variance
    share = variance / (variance + posterior.sigma**2)
    return Checks(
        coverage=pd.DataFrame(
            {"rows": inside, "share": inside / len(observed)},
            pd.Index(COVERAGE, name="interval"),
        ),
        r_squared=_summary(share, ("mean", "sd", "median", "low", "high")),
        r_squared_draws=share,
        statistics=_compare(actual.values(), replicated.values()),
        seed=seed,
        remark=remark,
    )


class _Statistics:
    """The statistics of every draw's data set, gathered a chunk of rows at a time."""

    def __init__(self, design: Design, draws: int) -> None:
        self.factors = design.factors
        self.spread = RunningVariance(draws)
        self.min, self.max = np.full(draws, np.inf), np.full(draws, -np.inf)
        self.sums = [np.zeros((factor.J, draws)) for factor in self.factors]

    def add(self, part: slice, y: Floats) -> None:
        self.spread.add(y)
        np.minimum(self.min, y.min(axis=0), out=self.min)
        np.maximum(self.max, y.max(axis=0), out=self.max)
        for factor, sums in zip(self.factors, self.sums, strict=True):
            levels, own = np.unique(factor.index[part], return_inverse=True)
            sums[levels] += (own == np.arange(len(levels))[:, None]).astype(float) @ y

    def values(self) -> dict[str, Floats]:
        means = {
            f"sd of means by {factor.name}": (sums / factor.sizes[:, None]).std(0, ddof=1)
            for factor, sums in zip(self.factors, self.sums, strict=True)
        }
        sd = np.sqrt(self.spread.variance)
        return {"sd": sd, "min": self.min, "max": self.max, **means}


def _compare(actual: dict[str, Floats], replicated: dict[str, Floats]) -> pd.DataFrame:
    lines = {
        name: {
            "observed": float(value[0]),
            **_summary(replicated[name], ("mean", "low", "high")),
            "p_value": float((replicated[name] >= value[0]).mean()),
        }
        for name, value in actual.items()
    }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("statistic")


def _summary(values: Floats, names: tuple[str, ...]) -> "pd.Series[float]":
    low, median, high = np.quantile(values, [0.025, 0.5, 0.975])
    every = {"mean": values.mean(), "sd": values.std(ddof=1), "median": median}
    every |= {"low": low, "high": high}
    return pd.Series({name: float(every[name]) for name in names})
