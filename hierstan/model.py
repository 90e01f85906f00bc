"""A formula, data and priors: everything before an engine or an estimator is chosen."""

import warnings
from copy import copy
from functools import cached_property
from typing import Any

import pandas as pd

from hierstan.description import Description
from hierstan.design import Design
from hierstan.engines import Engine, EngineChoice, SamplerSettings, choose_engine
from hierstan.errors import ConvergenceWarning
from hierstan.evaluate import build_design
from hierstan.fit import Fit
from hierstan.frame import Missing
from hierstan.frequentist import MixedFit, fit_mixedlm
from hierstan.marginal.recover import with_effects
from hierstan.prediction.prior_predictive import PriorPredictive, prior_predictive
from hierstan.priors import PriorChoice, Priors, resolve_priors
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.progress import SILENT, Progress
from hierstan.propriety import refuse_flat, refuse_improper


class Model:
    """A Gaussian multilevel model for one data set.

    Parameters
    ----------
    formula : str
        In lme4's notation: ``"log_radon ~ floor + (floor || county)"``.
    data : pandas.DataFrame
        One row per observation.
    priors : str, mapping, path or Priors, optional
        ``"default"`` (autoscaled), ``"seeds"`` (the radon tutorials' own) or ``"flat"``;
        priors by name, such as ``{"sd(floor | county)": "half-normal(0.5)"}``, the others
        coming from ``"preset"``; a TOML file; or priors made before. See
        `hierstan.priors.resolve_priors`.
    missing : {"drop", "error"}
        What to do with rows that lack a value.
    engine : {"cmdstan", "stanli"} or Engine, optional
        What runs Stan; by default CmdStan through CmdStanPy, or stanli where it is
        installed and there is neither a CmdStan nor a compiler.

    Raises
    ------
    InputError
        When formula, data and priors do not fit together; the message says where.
    EngineError
        When stanli is asked for and cannot be imported.

    Examples
    --------
    >>> import hierstan as hs
    >>> model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon())
    >>> round(model.mixedlm().estimates().fixed["floor"].estimate, 3)
    -0.663
    """

    def __init__(
        self,
        formula: str,
        data: pd.DataFrame,
        priors: PriorChoice = None,
        *,
        missing: Missing = "drop",
        engine: EngineChoice = None,
    ) -> None:
        self.design: Design = build_design(formula, data, missing)
        self.priors: Priors = resolve_priors(priors, self.design)
        if engine is not None:
            self.engine = choose_engine(engine)

    @cached_property
    def engine(self) -> Engine:
        """What runs Stan; the default is looked for when it is first needed."""
        return choose_engine()

    def sample(
        self,
        program: str = "marginal",
        *,
        chains: int = 4,
        warmup: int = 1000,
        draws: int = 1000,
        seed: int = 1,
        adapt_delta: float = 0.95,
        max_treedepth: int = 10,
        prior_only: bool = False,
        progress: Progress = SILENT,
    ) -> Fit:
        """Sample the posterior with Stan's NUTS.

        Parameters
        ----------
        program : {"marginal", "noncentered", "centered", "unpooled", "pooled"}
            Which Stan program; the first three have the same posterior.
        chains, warmup, draws, seed, adapt_delta, max_treedepth
            As `SamplerSettings` describes them. The same seed gives the same draws.
        prior_only : bool
            Leave the likelihood out and sample the prior. `prior_predictive` draws from it
            exactly, and without Stan.
        progress : Progress
            Who is told how far it is.

        Returns
        -------
        Fit
            Draws by the user's names with diagnostics.

        Warns
        -----
        ConvergenceWarning
            When a diagnostic fails; the draws come back all the same.

        Raises
        ------
        PriorError
            When a prior is flat and the posterior cannot be normalized for it, or with
            `prior_only` when any prior is flat.
        EngineError
            When there is no usable CmdStan or compiler, or Stan stops.
        """
        chosen = get_program(program)
        settings = SamplerSettings(chains, warmup, draws, seed, adapt_delta, max_treedepth)
        if prior_only:
            refuse_flat(chosen, self.design, self.priors)
        else:
            refuse_improper(chosen, self.design, self.priors)
        data = stan_data(chosen, self.design, self.priors) | {"prior_only": int(prior_only)}
        inits = initial_values(chosen, self.design, data, chains, seed)
        samples = self.engine.sample(program, data, inits, settings, progress)
        if program == "marginal":
            samples = with_effects(data, samples)
        fit = Fit.from_samples(
            chosen, self.design, self.priors, samples,
            prior_only=prior_only, engine=self.engine,
        )  # fmt: skip
        if not fit.diagnostics.sound:
            warnings.warn(
                f"{program}: {fit.diagnostics.verdict} {fit.diagnostics.advice}",
                ConvergenceWarning,
                stacklevel=2,
            )
        return fit

    def prior_predictive(
        self, *, draws: int = 500, seed: int = 1, program: str = "noncentered"
    ) -> PriorPredictive:
        """Draw parameters from the priors and a data set from each; needs no Stan.

        Parameters
        ----------
        draws : int
            How many, independent of each other.
        seed : int
            The same seed gives the same draws.
        program : str
            Whose parameters: ``"unpooled"`` and ``"pooled"`` have other ones.

        Returns
        -------
        PriorPredictive
            Draws by the names of `Fit.draws`, and ``y_rep``; draw it with
            `hierstan.plot.prior_predictive`.

        Raises
        ------
        PriorError
            When a prior is flat; names it.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon())
        >>> prior = model.prior_predictive(draws=200)
        >>> prior.y_rep.shape
        (200, 919)
        """
        return prior_predictive(
            get_program(program), self.design, self.priors, draws=draws, seed=seed
        )

    def stan_data(self, program: str = "noncentered") -> dict[str, Any]:
        """Return what this model passes to a Stan program, for a program of your own.

        Parameters
        ----------
        program : str
            Whose data block; all programs but ``"marginal"`` (sums over groups) share one,
            and ``"unpooled"`` and ``"pooled"`` leave out columns of X.

        Returns
        -------
        dict
            Responses, design matrices, groups (from 1) and prior scales by the names that
            the comments in ``stan/noncentered.stan`` explain. CmdStanPy takes it as it is,
            so a program that keeps the data block and changes the model needs no other.

        Raises
        ------
        InputError
            When there is no such program, or it cannot take the formula.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon())
        >>> data = model.stan_data()
        >>> data["N"], data["P"], data["J"], data["X"].shape
        (919, 2, [85], (919, 2))
        """
        return stan_data(get_program(program), self.design, self.priors)

    @classmethod
    def of(cls, fit: Fit) -> "Model":
        """Return the model that a fit is of, to sample it again or otherwise.

        Parameters
        ----------
        fit : Fit
            Its design, priors and engine are taken over; draws that came without an engine
            get the default one.
        """
        model = cls.__new__(cls)
        model.design, model.priors = fit.design, fit.priors
        if fit.engine is not None:
            model.engine = fit.engine
        return model

    def with_priors(self, priors: PriorChoice) -> "Model":
        """Return the same model with other priors; the design is shared."""
        other = copy(self)
        other.priors = resolve_priors(priors, self.design)
        return other

    def priors_used(self) -> str:
        """Say in a line which preset the priors come from, and what was set by name."""
        told = self.priors.describe(self.design)
        named = "".join(f"; {name} {told[name]}" for name in self.priors.named)
        return f"Priors: {self.priors.name}{named}."

    def describe(self) -> Description:
        """Say what the formula means for these data; see `hierstan.describe`."""
        return Description.of(self.design)

    def mixedlm(self, *, reml: bool = True) -> MixedFit:
        """Fit the same design by statsmodels' MixedLM; see `fit_mixedlm`."""
        return fit_mixedlm(self.design, reml=reml)

    def __repr__(self) -> str:
        """Say what is modelled, in one line."""
        groups = ", ".join(f"{f.J} {f.name}" for f in self.design.factors)
        return f"Model({self.design.formula.text!r}, {self.design.N} rows, {groups})"
