"""Leave-one-out cross-validation: how well each row is predicted from all the others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import logsumexp, ndtr

from hierstan.design import Floats, Integers
from hierstan.errors import DataError, InputError
from hierstan.marginal.fitted import Conditional, Fitted, Kinds, fitted_values, reduced
from hierstan.prediction.calibration import ecdf_difference
from hierstan.prediction.left_out import LeftOut
from hierstan.prediction.psis import log_weights
from hierstan.prediction.simulate import CELLS, Posterior, expected
from hierstan.thinning import evenly

# Rows times draws that are weighed (in minutes), and kept (two arrays of 0.5 GB each).
_MOST_CELLS, _KEPT_CELLS = 2**29, 2**26
_FEWEST = 500  # draws that are left when there are too many
_NOTHING = 1e-10  # share of a row's variance that is rounding only

# Location and scale of a normal density at every draw; they broadcast to (rows, S).
Normal = tuple[Floats, Floats]
# Some rows, their densities p(y_i | y_-i, theta), and p(y_i | y, theta).
Parts = Iterator[tuple[slice, Normal, Normal]]


@dataclass(frozen=True, eq=False)
class LeaveOneOut(LeftOut):
    """What each row's prediction from all other rows is worth.

    Attributes
    ----------
    pointwise : pandas.DataFrame
        A row per row in use: ``level of <factor>``, for each factor; ``observed``, the
        response; ``elpd``, log p(y_i | y_-i), a density per unit of y; ``p_loo``, what
        seeing the row itself adds to its log density; ``khat`` of its importance weights;
        ``expected``, the mean of the prediction, and ``residual``, in units of y; ``pit``,
        P(y_rep_i <= y_i | y_-i), uniform on (0, 1) when predictions are calibrated.
    integrated : bool
        Whether coefficients and group effects were integrated out, so that only the
        draws of the standard deviations and correlations were weighed.
    """

    integrated: bool

    @property
    def p_loo(self) -> float:
        """Effective number of parameters."""
        return float(self.pointwise["p_loo"].sum())

    @property
    def rmsd(self) -> float:
        """Root mean square of observed less expected, in units of the response."""
        return float(np.sqrt(np.mean(self.pointwise["residual"] ** 2)))

    def calibration(self, interval: float = 0.95) -> pd.DataFrame:
        """Compare the rows' ``pit`` with uniform values; `hierstan.plot.loo_pit` draws it.

        Parameters
        ----------
        interval : float
            Probability of the simultaneous band.

        Returns
        -------
        pandas.DataFrame
            As `hierstan.prediction.calibration.ecdf_difference` describes it. Its band is
            for independent values; those of one fit depend on each other a little, so
            that it is approximate.
        """
        return ecdf_difference(self.pointwise["pit"].to_numpy(), interval)

    def __str__(self) -> str:
        """Return the sums, whether to trust them, and the rows that say no."""
        how = (
            "coefficients and group effects integrated out"
            if self.integrated
            else "all parameters drawn"
        )
        return self._told(
            [
                f"Leave-one-out, {how}, {self.draws} draws",
                f"elpd {self.elpd:.1f} (se {self.se:.1f}), p_loo {self.p_loo:.1f}, "
                f"rmsd {self.rmsd:.3g}",
            ]
        )

    __repr__ = __str__


def leave_one_out(
    posterior: Posterior, *, integrable: bool, r_eff: float, remark: str
) -> LeaveOneOut:
    """Weigh all draws for each row; see `hierstan.fit.Fit.loo`.

    `integrable` says whether `leave_one_out_integrated` can be advised.
    """
    chosen = thinned(posterior.S, posterior.design.N, _MOST_CELLS)
    some = replace(posterior, chosen=chosen)
    densities = (
        (part, (mu, some.sigma), (mu, some.sigma))
        for part, mu in expected(some, posterior.rows)
    )
    remedy = "Refit without these rows to see what they do."
    if integrable:
        remedy = (
            "fit.loo(integrated=True) integrates coefficients and group effects out, "
            "which lowers them; else refit without these rows."
        )
    return LeaveOneOut(
        weigh_rows(posterior, densities, r_eff),
        integrated=False,
        draws=some.S,
        r_eff=r_eff,
        remedy=remedy,
        remark=remark,
    )


def leave_one_out_integrated(
    posterior: Posterior, model: Conditional, *, r_eff: float, remark: str
) -> LeaveOneOut:
    """Weigh draws of the standard deviations only; see `hierstan.fit.Fit.loo`."""
    block, kinds = reduced(model)
    model = model.thinned(thinned(len(model.sigma), len(kinds), _KEPT_CELLS))
    fitted = fitted_values(model, block, kinds)
    largest = fitted.leverage.max(axis=1)[kinds.which]
    determined = largest < 1.0 - _NOTHING
    if not determined.all():
        row = posterior.rows.index[int(np.argmin(determined))]
        raise DataError(
            f"Without row {row} the rows do not "
            f"determine the coefficients of {', '.join(model.design.terms)}, and not all "
            "of their priors are proper; give them some by name."
        )
    parts = _left_out(posterior.observed, model, kinds, fitted)
    return LeaveOneOut(
        weigh_rows(posterior, parts, r_eff),
        integrated=True,
        draws=len(model.sigma),
        r_eff=r_eff,
        remedy=(
            "Standard deviations and sigma depend on these rows: look whether they are "
            "in error, and refit without them to see what they do."
        ),
        remark=remark,
    )


def _left_out(y: Floats, model: Conditional, kinds: Kinds, fitted: Fitted) -> Parts:
    """Yield the densities of rows given all others and theta, and given all rows.

    With leverage h and residual e the row's own part of its fitted value is h / (1 - h) e,
    so that y_i - e / (1 - h) is expected without it, with variance sigma^2 / (1 - h).
    """
    step = max(1, CELLS // len(model.sigma))
    for start in range(0, len(y), step):
        part = slice(start, start + step)
        h = fitted.leverage[kinds.which[part]]
        residual = model.design.y[part, None] - fitted.mean[kinds.which[part]]
        own = y[part, None]
        out = own - residual / (1.0 - h), model.sigma / np.sqrt(1.0 - h)
        yield part, out, (own - residual, model.sigma * np.sqrt(1.0 + h))


def thinned(draws: int, rows: int, cells: int) -> Integers:
    """Choose draws, evenly spread, so that rows times draws stay within `cells`.

    Raises
    ------
    InputError
        When fewer than 500 draws would be left.
    """
    most = min(draws, cells // rows)
    if most < min(draws, _FEWEST):
        raise InputError(
            f"{rows} rows are too many to leave out one by one with {_FEWEST} draws; leave "
            "out groups instead (fit.leave_one_group_out()), or fit a part of the data."
        )
    return evenly(draws, most)


def weigh_rows(posterior: Posterior, parts: Parts, r_eff: float) -> pd.DataFrame:
    """Make `LeaveOneOut.pointwise` of normal densities of each row at each draw.

    Parameters
    ----------
    posterior : Posterior
        For the rows, their levels and the response.
    parts : iterator
        Some rows, and location and scale of p(y_i | y_-i, theta) and of p(y_i | y, theta);
        the two are the same where theta holds all parameters.
    r_eff : float
        Effective draws per draw.
    """
    y = posterior.observed
    names = ("elpd", "p_loo", "khat", "expected", "pit")
    found = {name: np.empty(len(y)) for name in names}
    for part, (location, scale), seen in parts:
        own = y[part, None]
        logs = _log_normal(own, location, scale)
        log_weight, found["khat"][part] = log_weights(logs, r_eff)
        elpd = logsumexp(log_weight + logs, axis=1)
        in_sample = logsumexp(_log_normal(own, *seen), axis=1) - np.log(logs.shape[1])
        found["elpd"][part], found["p_loo"][part] = elpd, in_sample - elpd
        weights = np.exp(log_weight)
        found["expected"][part] = np.sum(weights * location, axis=1)
        found["pit"][part] = np.sum(weights * ndtr((own - location) / scale), axis=1)
    levels = {
        f"level of {factor.name}": np.array(factor.levels, dtype=object)[factor.index]
        for factor in posterior.design.factors
    }
    columns = levels | {"observed": y, "residual": y - found["expected"]} | found
    order = [*levels, "observed", *names[:-1], "residual", "pit"]
    return pd.DataFrame({name: columns[name] for name in order}, posterior.rows.index)


def _log_normal(y: Floats, location: Floats, scale: Floats) -> Floats:
    standardized = (y - location) / scale
    return np.asarray(-0.5 * standardized**2 - np.log(scale) - 0.5 * np.log(2 * np.pi))
