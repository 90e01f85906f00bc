"""A sampled model: draws by the user's names, with their recipe and their state."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import xarray as xr

from hierstan.arviz_stats import convergence
from hierstan.containers import fit_container
from hierstan.design import Design, Floats
from hierstan.diagnostics import Diagnostics, diagnose, population_series
from hierstan.digits import to_text
from hierstan.draws import name_draws, reported, require_coefficients, require_element
from hierstan.engines.base import Engine, Samples
from hierstan.estimates import Correlation, Estimates, PosteriorValue
from hierstan.naming import effect_label, pair_label
from hierstan.prediction.predictive import Predictive
from hierstan.prediction.sensitivity import sensitivity
from hierstan.priors import Priors
from hierstan.programs import Program
from hierstan.shrunken import Shrunken


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Predictive, Shrunken):
    """Draws from one program for one model.

    Diagnostics are computed when the fit is made: there is no fit without them.

    Attributes
    ----------
    program : Program
        What was sampled.
    design : Design
        Formula and data it was sampled for.
    priors : Priors
        Priors in force.
    samples : Samples
        Raw draws, settings, timing and the engine's own object.
    draws : xarray.Dataset
        Named draws over ``chain`` and ``draw``: ``beta``, ``sigma``, ``tau`` and ``rho``
        (standard deviations and correlations), ``u[factor]`` and ``coef[factor]``.
    diagnostics : Diagnostics
        Whether to trust them.
    statistics : mapping of str to xarray.Dataset
        R-hat, ESS and MCSE of every element; see `hierstan.arviz_stats.convergence`.
    prior_only : bool
        Whether the likelihood was left out: draws from the prior, not the posterior.
    engine : Engine or None
        What ran Stan, and would run it again; None for draws that came from elsewhere.
    """

    program: Program
    design: Design
    priors: Priors
    samples: Samples
    draws: xr.Dataset
    diagnostics: Diagnostics
    statistics: Mapping[str, xr.Dataset]
    prior_only: bool = False
    engine: Engine | None = None

    @classmethod
    def from_samples(
        cls,
        program: Program,
        design: Design,
        priors: Priors,
        samples: Samples,
        *,
        prior_only: bool = False,
        engine: Engine | None = None,
    ) -> "Fit":
        """Name the draws of a run and check them.

        Parameters
        ----------
        program, design, priors : Program, Design, Priors
            What was sampled, for which data, and with which priors.
        samples : Samples
            What an engine returned, by the names of the Stan program. Its arrays become
            those of the fit, which nothing can write to.
        prior_only : bool
            Whether the likelihood was left out.
        engine : Engine, optional
            What ran Stan.

        Returns
        -------
        Fit
            With its diagnostics.
        """
        draws = name_draws(program, design, samples.variables)
        for values in draws.values():
            # Readings share these arrays; none of them may change what the others see.
            values.to_numpy().flags.writeable = False
        statistics = convergence(reported(draws))
        diagnostics = diagnose(
            program, design, priors, draws, samples, statistics, prior_only=prior_only
        )
        return cls(
            program, design, priors, samples, draws, diagnostics, statistics, prior_only,
            engine,
        )  # fmt: skip

    @property
    def terms(self) -> tuple[str, ...]:
        """Columns of X that have one coefficient for all groups in this program."""
        return (
            tuple(str(t) for t in self.draws["term"].to_numpy())
            if "beta" in self.draws
            else ()
        )

    @property
    def cmdstan(self) -> Any:
        """The engine's own result: CmdStanPy's ``CmdStanMCMC``, or stanli's ``Fit``."""
        return self.samples.raw

    @cached_property
    def _summaries(self) -> dict[str, xr.Dataset]:
        results = reported(self.draws)
        flat = ("chain", "draw")
        low, median, high = (
            results.quantile(p, dim=flat).drop_vars("quantile") for p in (0.025, 0.5, 0.975)
        )
        return {
            "mean": results.mean(flat),
            "sd": results.std(flat, ddof=1),
            "median": median,
            "low": low,
            "high": high,
            **self.statistics,
        }

    def series(self) -> dict[str, Floats]:
        """Return the draws of every population parameter.

        Returns
        -------
        dict of str to ndarray, shape (chains, draws)
            By the names that tables give them, coefficients first.
        """
        return population_series(self.draws)

    def value(self, variable: str, **labels: str) -> PosteriorValue:
        """Summarize one element of the named draws.

        Parameters
        ----------
        variable : str
            A variable of `draws`, such as ``"beta"``.
        **labels : str
            Its position, such as ``term="floor"``.

        Returns
        -------
        PosteriorValue
            Mean, sd, quantiles and how well they are known.

        Raises
        ------
        InputError
            When there is no such variable, or the labels are not those of one element.
        """
        require_element(self._summaries["mean"], variable, labels)
        return PosteriorValue(
            **{
                name: float(table[variable].sel(labels))
                for name, table in self._summaries.items()
            }
        )

    def estimates(self) -> Estimates:
        """Summarize all population parameters.

        Returns
        -------
        Estimates
            Coefficients, standard deviations and correlations of group effects, and sigma;
            each a `PosteriorValue`. Without a criterion and a log likelihood, which
            optima have; `converged` says whether the fit passed its checks.
        """
        partial = "tau" in self.draws
        factors = self.design.factors if partial else ()
        return Estimates(
            criterion=None,
            loglik=None,
            converged=self.diagnostics.sound,
            singular=False,
            rescued=False,
            fixed={term: self.value("beta", term=term) for term in self.terms},
            sd={
                factor.name: {
                    effect: self.value("tau", effect=effect_label(factor, effect))
                    for effect in factor.effects
                }
                for factor in factors
            },
            corr={
                factor.name: tuple(
                    Correlation(
                        factor.effects[b],
                        factor.effects[a],
                        self.value("rho", pair=pair_label(factor, a, b)),
                    )
                    for a, b in factor.pairs
                )
                for factor in factors
                if factor.pairs
            },
            sigma=self.value("sigma"),
        )

    def group_summary(self, factor: str) -> xr.Dataset:
        """Summarize the group coefficients of a factor.

        Parameters
        ----------
        factor : str
            Name of a grouping factor.

        Returns
        -------
        xarray.Dataset
            ``mean``, ``sd``, ``low`` and ``high`` (95 %), each effects by levels.

        Raises
        ------
        InputError
            When this fit has no coefficients of such a factor; names those it has.
        """
        name = f"coef[{factor}]"
        require_coefficients(self._summaries["mean"], factor)
        wanted = ("mean", "sd", "low", "high")
        return xr.Dataset({key: self._summaries[key][name] for key in wanted})

    def sensitivity(self) -> pd.DataFrame:
        """Say how much each parameter owes to the prior and how much to the data.

        Returns
        -------
        pandas.DataFrame
            A row per coefficient, standard deviation, correlation and sigma: power-scaling
            sensitivity to ``prior`` and ``likelihood``, and a ``diagnosis`` in words; see
            `hierstan.prediction.sensitivity.sensitivity`.

        Raises
        ------
        InputError
            For draws from the prior only, and where so many draws are one that ArviZ
            cannot weigh them.
        """
        self.require_data("there is no likelihood to weigh it against")
        wanted = [name for name in ("beta", "tau", "rho", "sigma") if name in self.draws]
        names = [name for name, _ in self.estimates().rows()]
        return sensitivity(
            self.draws[wanted], names, self.draws["lprior"], self.log_likelihood()
        )

    def to_arviz(self, *, log_likelihood: bool = False) -> Any:
        """Return the draws as ArviZ's container, for its plots and statistics.

        Parameters
        ----------
        log_likelihood : bool
            Add ``log_likelihood``, a number per row and draw, and ``log_prior``, for
            ArviZ's ``loo`` and ``psense``.

        Returns
        -------
        arviz.InferenceData or xarray.DataTree
            Groups ``posterior``, ``sample_stats`` and ``observed_data``; the second kind
            with ArviZ 1.x. Draws from the prior only are in ``prior`` and
            ``sample_stats_prior``. The observed data are the response as the formula has
            it, offsets included.

        Raises
        ------
        InputError
            When rows times draws of the log likelihood are more than 2**27.
        """
        return fit_container(self, log_likelihood=log_likelihood)

    def __str__(self) -> str:
        """Return a table of the estimates under the verdict on them."""
        table = to_text(self.estimates().to_frame())
        settings = self.samples.settings
        source = " from the prior" if self.prior_only else ""
        return (
            f"{self.design.formula.text}\n{self.program.title}, {settings.chains} x "
            f"{settings.draws} draws{source}, seed {settings.seed}: "
            f"{self.diagnostics.verdict}\n{table}"
        )
