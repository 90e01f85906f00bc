"""What a sampled fit says about rows of data: its predictions, and how well they fit."""

from typing import Any

import pandas as pd
import xarray as xr

from hierstan.design import Floats, find_factor
from hierstan.prediction.checks import Checks, check, replicate, residuals
from hierstan.prediction.cross_validated import CrossValidated
from hierstan.prediction.group_means import group_means
from hierstan.prediction.likelihood import log_likelihood
from hierstan.prediction.lines import Lines, lines
from hierstan.prediction.new_data import Groups
from hierstan.prediction.predict import Predictions, predict


class Predictive(CrossValidated):
    """The part of a `Fit` that predicts rows and holds them against the data."""

    def __repr__(self) -> str:
        """Return what print shows: a notebook's last line is a table, not all draws."""
        return str(self)

    def predict(
        self,
        new_data: pd.DataFrame | None = None,
        *,
        groups: Groups = None,
        interval: float = 0.95,
        seed: int | None = None,
        draws: bool = False,
    ) -> Predictions:
        """Predict the response for new data, or for the fitted rows.

        Parameters
        ----------
        new_data : pandas.DataFrame, optional
            Rows to predict; by default those the model was fitted to.
        groups : {"same", "new", "population"} or mapping of factor to one of them
            Known levels have their own effects and unknown ones are an error (``"same"``,
            the default), unknown ones draw theirs from the population (``"new"``), or all
            effects are zero (``"population"``).
        interval : float
            Probability of the equal-tailed intervals.
        seed : int, optional
            Of the simulated effects and residuals; by default that of the fit.
        draws : bool
            Keep the draws themselves.

        Returns
        -------
        Predictions
            A table with a row per row of data; see
            `hierstan.prediction.predict.predict`.

        Raises
        ------
        DataError
            When a column is absent or lacks a value, or holds a category or a level that
            the fitted data did not have; names column, value and row.
        FormulaError
            When a term depends on all rows of the data, as ``I(x - np.mean(x))`` does.
        InputError
            When a choice, the interval or the seed is not a possible one, or the draws
            asked for are too many to keep.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model(
        ...     "Reaction ~ Days + (1 | Subject)", hs.data.sleepstudy(), engine="stanli"
        ... )
        >>> fit = model.sample("marginal", seed=1)
        >>> people = pd.DataFrame({"Days": [0, 5], "Subject": ["308", "a stranger"]})
        >>> found = fit.predict(people, groups="new")
        >>> found.table["mean"].round(-1).tolist()
        [290.0, 300.0]
        >>> found.new_levels
        {'Subject': ('a stranger',)}
        """
        return predict(
            self.posterior,
            new_data,
            groups=groups,
            interval=interval,
            seed=self._seed(seed),
            draws=draws,
            remark=self._remark,
        )

    def lines(self, column: str, levels: Any, factor: str | None = None) -> Lines:
        """Follow the expected responses of some groups along a column of the data.

        At each value of the column, the expected values of the group's rows are averaged
        with the column set to that value and everything else in them as it is: every term
        with the column follows, be it an interaction, a power or a spline. Without such
        terms the line has the group's intercept, at the group's means of the other
        columns, and its slope.

        Parameters
        ----------
        column : str
            A column of numbers; `hierstan.prediction.lines.line_columns` names those of a
            formula.
        levels : str, number or sequence of them
            The groups, by name or by value.
        factor : str, optional
            Name of a grouping factor; not needed where there is one only.

        Returns
        -------
        Lines
            Between the lowest and the highest value in the data, for every draw.
            `hierstan.plot.panels` draws them.

        Raises
        ------
        InputError
            When there is no such column, factor or level, the column holds no numbers, or
            levels times draws are too many to keep.
        DataError
            When a term is undefined somewhere in between, as ``I(1 / x)`` is at zero.
        FormulaError
            When a term depends on all rows of the data, as ``I(x - np.mean(x))`` does.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model(
        ...     "Reaction ~ Days + (1 | Subject)", hs.data.sleepstudy(), engine="stanli"
        ... )
        >>> found = model.sample("marginal", seed=1).lines("Days", ["308", "309"])
        >>> found.x.tolist()
        [0.0, 9.0]
        >>> (found.mean[:, 1] - found.mean[:, 0]).round(-1).tolist()
        [90.0, 90.0]
        """
        return lines(self.posterior, find_factor(self.design, factor), column, levels)

    def log_likelihood(self, *, pointwise: bool = False) -> xr.DataArray:
        """Return the log likelihood of each draw given its coefficients and group effects.

        Parameters
        ----------
        pointwise : bool
            Row by row instead of their sum; rows times draws are limited to 2**27.

        Returns
        -------
        xarray.DataArray
            Over ``chain`` and ``draw`` (and ``row of data``), constants included.

        Raises
        ------
        InputError
            When rows times draws are more than 2**27, and not only the sum is wanted.
        """
        return log_likelihood(self.posterior, pointwise=pointwise)

    def residuals(self) -> pd.DataFrame:
        """Set the fitted rows' responses beside their expected values.

        Returns
        -------
        pandas.DataFrame
            A row per row in use, as `hierstan.prediction.checks.residuals` describes it.
        """
        return residuals(self.posterior)

    def replicate(self, draws: int = 200, *, seed: int | None = None) -> Floats:
        """Simulate the response of the fitted rows again, from several draws.

        Parameters
        ----------
        draws : int
            How many replications; they take draws evenly spread over all chains.
        seed : int, optional
            Of the residuals; by default that of the fit.

        Returns
        -------
        ndarray, shape (draws, N)
            In units of the response; a row is one replicated data set.

        Raises
        ------
        InputError
            When `draws` is no whole number from 1 to the fit's draws, the seed is not a
            possible one, or the array would pass 1 GB.
        """
        return replicate(self.posterior, draws, seed=self._seed(seed))

    def predictive_checks(self, *, seed: int | None = None) -> Checks:
        """Compare the data with what the fit would expect them to be.

        Parameters
        ----------
        seed : int, optional
            Of the replications; by default that of the fit.

        Returns
        -------
        Checks
            Coverage of predictive intervals, Bayesian R-squared and posterior predictive
            p-values; `hierstan.prediction.checks.check` has the definitions.

        Raises
        ------
        InputError
            When the seed is not a possible one.
        """
        return check(self.posterior, seed=self._seed(seed), remark=self._remark)

    def group_means(self, factor: str, *, seed: int | None = None) -> pd.DataFrame:
        """Compare the mean response of each group with those of replicated data.

        Parameters
        ----------
        factor : str
            Name of a grouping factor.
        seed : int, optional
            Of the replications; by default that of the fit.

        Returns
        -------
        pandas.DataFrame
            By level: ``n``, its rows; ``observed``, its mean response; ``mean``, ``low``
            and ``high`` (95 %, equal-tailed) of its mean over the replications, one per
            draw, in units of the response; ``inside``, whether `observed` is in between;
            ``p_value``, the share of replications whose mean reaches the observed one. The
            means are drawn as such, from normal(mean of mu, sigma / sqrt(n)); `replicate`
            draws rows.
            `hierstan.plot.group_means` draws it. The fit has seen these rows, so that with
            group effects usually more than 95 % are inside; `leave_one_group_out` leaves
            them out.

        Raises
        ------
        InputError
            When there is no such factor, or the seed is not a possible one.
        """
        found = find_factor(self.design, factor)
        return group_means(self.posterior, found, seed=self._seed(seed))
