"""Root mean square deviations of data and predictions, in sample and left out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierstan.design import Factor, Floats
from hierstan.prediction.loo import LeaveOneOut
from hierstan.prediction.simulate import Posterior, Simulator

_MISLEADS = (
    "In sample, the more freely a model follows the data the smaller its deviation,\n"
    "whatever it is worth: no pooling always looks best. Compare models by left_out."
)


@dataclass(frozen=True, eq=False)
class Deviations:
    """How far predictions lie from the data, in units of the response.

    Attributes
    ----------
    table : pandas.DataFrame
        ``row``, over all rows; then for each factor ``row by <factor>``, rows again but
        each level counting once, and ``mean by <factor>``, the levels' mean responses.
        ``n``, how many rows or levels; ``in_sample``, ``drawn``, ``drawn_sd``,
        ``replicated`` and ``left_out`` (nan for means), as `hierstan.fit.Fit.rmsd`
        defines them.
    by_level : dict of str to pandas.DataFrame
        For each factor the same columns by level, over the rows of each.
    integrated : bool
        How rows were left out: whether coefficients and group effects were integrated out.
    high : int
        Rows whose k-hat is too high for `left_out` to be trusted.
    remark : str
        Why the numbers need care; empty when they do not.
    """

    table: pd.DataFrame
    by_level: dict[str, pd.DataFrame]
    integrated: bool
    high: int
    remark: str

    def __str__(self) -> str:
        """Return the table, and what not to make of it."""
        lines = [self.table.to_string(float_format="{:.3g}".format), _MISLEADS]
        if self.high:
            rows = "1 row has" if self.high == 1 else f"{self.high} rows have"
            lines.append(
                f"{rows} high k-hat, so left_out is not to be trusted; "
                "print(fit.loo()) names them."
            )
        if self.remark:
            lines.append(f"Beware: {self.remark}.")
        return "\n".join(lines)

    __repr__ = __str__


def deviations(
    posterior: Posterior, loo: LeaveOneOut, *, seed: int, remark: str
) -> Deviations:
    """Take root mean squares over rows and levels; see `hierstan.fit.Fit.rmsd`."""
    y = posterior.observed
    everyone = np.zeros(len(y), dtype=np.int64)
    whole = Factor("", ("row",), everyone, (), np.empty((len(y), 0)), ())
    parts = [_Sums(factor, posterior.S) for factor in (whole, *posterior.design.factors)]
    for part, mu, again in Simulator(posterior, posterior.rows, seed).chunks():
        own = y[part, None]
        for sums in parts:
            sums.add(part, mu - own, again - own)
    left_out = -loo.pointwise["residual"].to_numpy()
    total, *factors = parts
    table = [total.by_level(left_out)]
    for sums in factors:
        table += [sums.levels_alike(left_out), sums.of_means()]
    by_level = {sums.factor.name: sums.by_level(left_out) for sums in factors}
    return Deviations(pd.concat(table), by_level, loo.integrated, len(loo.high), remark)


class _Sums:
    """Deviations and their squares of every draw, summed over the rows of each level."""

    def __init__(self, factor: Factor, draws: int) -> None:
        shape = (factor.J, draws)
        self.factor = factor
        self.center = np.zeros(len(factor.index))
        self.fitted, self.again = np.zeros(shape), np.zeros(shape)
        self.fitted_squares, self.again_squares = np.zeros(shape), np.zeros(shape)

    def add(self, part: slice, fitted: Floats, again: Floats) -> None:
        """Take in some rows' expected values, and replications, less the data."""
        levels, own = np.unique(self.factor.index[part], return_inverse=True)
        member = (own == np.arange(len(levels))[:, None]).astype(float)
        self.center[part] = fitted.mean(axis=1)
        self.fitted[levels] += member @ fitted
        self.again[levels] += member @ again
        self.fitted_squares[levels] += member @ fitted**2
        self.again_squares[levels] += member @ again**2

    def by_level(self, left_out: Floats) -> pd.DataFrame:
        """Take root mean squares over the rows of each level."""
        center, drawn, again, out = self._squares(left_out)
        return pd.DataFrame(
            {
                "n": self.factor.sizes,
                "in_sample": np.sqrt(center),
                "drawn": np.sqrt(drawn).mean(axis=1),
                "drawn_sd": np.sqrt(drawn).std(axis=1, ddof=1),
                "replicated": np.sqrt(again).mean(axis=1),
                "left_out": np.sqrt(out),
            },
            pd.Index(self.factor.levels, name=self.factor.name or "of"),
        )

    def levels_alike(self, left_out: Floats) -> pd.DataFrame:
        """Take root mean squares over the rows, each level counting once."""
        return self._line(f"row by {self.factor.name}", *self._squares(left_out))

    def of_means(self) -> pd.DataFrame:
        """Take root mean squares of the levels' means over the levels."""
        sizes = self.factor.sizes[:, None]
        center = self._mean(self.center)
        drawn, again = self.fitted / sizes, self.again / sizes
        nothing = np.full(self.factor.J, np.nan)
        name = f"mean by {self.factor.name}"
        return self._line(name, center**2, drawn**2, again**2, nothing)

    def _squares(self, left_out: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return each level's mean squares: center, draws, replications, left out."""
        sizes = self.factor.sizes
        return (
            self._mean(self.center**2),
            self.fitted_squares / sizes[:, None],
            self.again_squares / sizes[:, None],
            self._mean(left_out**2),
        )

    def _mean(self, values: Floats) -> Floats:
        return np.bincount(self.factor.index, values, self.factor.J) / self.factor.sizes

    def _line(
        self, name: str, center: Floats, drawn: Floats, again: Floats, out: Floats
    ) -> pd.DataFrame:
        """Take root means of squares over the levels."""
        roots = np.sqrt(drawn.mean(axis=0))
        line = {
            "n": self.factor.J,
            "in_sample": np.sqrt(center.mean()),
            "drawn": roots.mean(),
            "drawn_sd": roots.std(ddof=1),
            "replicated": np.sqrt(again.mean(axis=0)).mean(),
            "left_out": np.sqrt(out.mean()),
        }
        return pd.DataFrame(line, pd.Index([name], name="of"))
