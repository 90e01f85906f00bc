"""What a sampled fit says about data it has not seen."""

from collections.abc import Mapping
from functools import cached_property

import xarray as xr

from hierstan.design import Design
from hierstan.diagnostics import Diagnostics
from hierstan.engines.base import Samples
from hierstan.errors import DataError, InputError
from hierstan.marginal.fitted import Conditional
from hierstan.prediction.logo import LeaveOneGroupOut, leave_one_group_out
from hierstan.prediction.loo import LeaveOneOut, leave_one_out, leave_one_out_integrated
from hierstan.prediction.psis import relative_efficiency
from hierstan.prediction.rmsd import Deviations, deviations
from hierstan.prediction.simulate import Posterior
from hierstan.priors import Priors
from hierstan.programs import Program

_NOTHING = "there is nothing that data could be left out of"


class CrossValidated:
    """The part of a `Fit` that leaves data out."""

    program: Program
    design: Design
    priors: Priors
    samples: Samples
    draws: xr.Dataset
    diagnostics: Diagnostics
    statistics: Mapping[str, xr.Dataset]
    prior_only: bool

    @cached_property
    def posterior(self) -> Posterior:
        """The draws as arrays, which readings share."""
        return Posterior(self.program, self.design, self.draws)

    def loo(self, *, integrated: bool | None = False) -> LeaveOneOut:
        """Predict each row from all others, by Pareto smoothed importance sampling.

        elpd = sum_i log p(y_i | y_-i), where draws of the posterior are weighed by
        1 / p(y_i | y_-i, theta) so that they become draws of the posterior without row i
        (Vehtari, Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4). A row's k-hat says
        whether that succeeds.

        Parameters
        ----------
        integrated : bool or None
            What theta is. By default all parameters; a row that its group effect depends
            on then gets a few large weights, and a high k-hat. With `integrated`, sds,
            correlations and sigma only, p(y_i | y_-i, theta) being normal with moments in
            closed form (of the leverages of the rows; Vehtari, Mononen, Tolvanen, Sivula
            and Winther 2016, Journal of Machine Learning Research 17(103)): the same
            elpd with smaller k-hat. It takes factors that are nested in one another; None
            stands for True where that is possible, else False, and
            `LeaveOneOut.integrated` tells which.

        Returns
        -------
        LeaveOneOut
            Sums with standard errors, densities and k-hat by row, and what to do. Above
            2**29 rows times draws, with `integrated` above 2**26 (two arrays of 0.5 GB, a
            row for rows of one level with the same columns), draws are thinned;
            `LeaveOneOut.draws` says to how many.

        Raises
        ------
        InputError
            For draws from the prior only, fewer than 100 draws, or rows by the million.
        DataError
            With `integrated`, when factors are crossed, or a flat prior and the other rows
            leave a coefficient undetermined.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), engine="stanli")
        >>> loo = model.sample("marginal", seed=1).loo(integrated=True)
        >>> round(loo.elpd), len(loo.high)
        (-164, 0)
        """
        self.require_data(_NOTHING)
        if integrated is None:
            try:
                return self._loo_integrated
            except DataError:
                return self._loo_drawn
        return self._loo_integrated if integrated else self._loo_drawn

    def leave_one_group_out(self, factor: str | None = None) -> LeaveOneGroupOut:
        """Predict all rows of each group from the other groups.

        log p(y_j | y_-j) of the n_j rows of group j together. Exact are, at each draw theta
        of standard deviations, correlations and sigma: the integral over the group's own
        effects (and those of factors nested in it), and over coefficients and the effects
        of coarser factors given the other groups. What the other groups say about theta is
        importance sampled: draws are weighed by 1 / p(y_j | y_-j, theta), smoothed, and
        k-hat tells whether that succeeds. A few standard deviations change little without
        one group among many, where effects drawn with the group would have to change
        altogether.

        Parameters
        ----------
        factor : str, optional
            Of nested factors the coarsest, which is the default, or the finest: its other
            levels in the same parent then stay in.

        Returns
        -------
        LeaveOneGroupOut
            Sum with standard error over groups, densities and k-hat by group, and what to
            do. Of use to compare predictors that do not vary within groups, for which
            leaving out rows says little: the group's other rows tell its effect.

        Raises
        ------
        InputError
            Without pooling, where a group left out is known by its prior only; for an
            unknown factor, draws from the prior only, or fewer than 100 draws.
        DataError
            When factors are crossed, when the factor is between two others, or when
            without one of the groups the rows do not determine a coefficient whose prior
            is flat.
        """
        self.require_data(_NOTHING)
        return leave_one_group_out(
            self.program,
            self._conditional,
            self.design,
            factor,
            r_eff=self._efficiency("tau", "rho", "sigma"),
            remark=self._remark,
        )

    def rmsd(self, *, seed: int | None = None) -> Deviations:
        """Say how far predictions lie from the data, in sample and with rows left out.

        In-sample deviations mislead: the more freely a model follows the data the smaller
        they are, whatever it is worth, so that no pooling always looks best. On radon,
        ``floor + (floor || county)`` with default priors, no pooling has 0.66 per home,
        partial pooling 0.70 and complete pooling 0.79; with each home left out they are
        0.81, 0.75 and 0.79. The tutorial that asks this question prints 0.13 and 0.08
        without saying of what; none of the numbers below is meant to be one of those.

        Parameters
        ----------
        seed : int, optional
            Of the replications; by default that of the fit.

        Returns
        -------
        Deviations
            In units of the response: of rows, RMSD = sqrt(sum_i (y_i - p_i)^2 / N); of rows
            by a factor, each of its J levels counting once, sqrt(sum_j RMSD_j^2 / J); of
            the levels' means, sqrt(sum_j (ybar_j - pbar_j)^2 / J). The predictions p are

            in_sample
                the posterior means of the expected values, E[mu_i | y];
            drawn, drawn_sd
                the expected values mu_i of one draw: mean and sd of the RMSD over draws;
            replicated
                new observations y_rep_i ~ N(mu_i, sigma^2) of one draw: mean of the RMSD
                over draws, about sqrt(2) sigma for rows;
            left_out
                the means of the predictions from all other rows, E[y_i | y_-i], as in
                ``fit.loo(integrated=None)``. Not of means: with one row of a level left out
                at a time the errors cancel in the level's mean, without pooling to nothing,
                so that it would look best again. `leave_one_group_out` leaves out levels.

        Raises
        ------
        InputError
            As `loo`.
        """
        return deviations(
            self.posterior,
            self.loo(integrated=None),
            seed=self._seed(seed),
            remark=self._remark,
        )

    def _seed(self, seed: int | None) -> int:
        return self.samples.settings.seed if seed is None else seed

    @cached_property
    def _loo_drawn(self) -> LeaveOneOut:
        r_eff = self._efficiency("beta", "tau", "rho", "sigma")
        try:
            _ = self._conditional
        except DataError:
            integrable = False
        else:
            integrable = True
        return leave_one_out(
            self.posterior, integrable=integrable, r_eff=r_eff, remark=self._remark
        )

    @cached_property
    def _loo_integrated(self) -> LeaveOneOut:
        return leave_one_out_integrated(
            self.posterior,
            self._conditional,
            r_eff=self._efficiency("tau", "rho", "sigma"),
            remark=self._remark,
        )

    @property
    def _conditional(self) -> Conditional:
        return Conditional.of(
            self.program, self.design, self.priors, self.samples.variables
        )

    @property
    def _remark(self) -> str:
        told = ["the draws are from the prior only"] if self.prior_only else []
        if not self.diagnostics.sound:
            told.append("the fit failed its checks")
        return "; ".join(told)

    def _efficiency(self, *variables: str) -> float:
        ess = self.statistics["ess_bulk"]
        some = {name: ess[name] for name in variables if name in ess}
        return relative_efficiency(some, self.posterior.S)

    def require_data(self, consequence: str) -> None:
        """Refuse draws from the prior only.

        Parameters
        ----------
        consequence : str
            What follows for the reading that was asked for, as a clause.

        Raises
        ------
        InputError
            When the likelihood was left out.
        """
        if self.prior_only:
            raise InputError(
                f"These draws are from the prior only, so {consequence}; sample with "
                "prior_only=False."
            )
