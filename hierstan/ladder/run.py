"""Climb the ladder from MixedLM to the posterior."""

import numpy as np
import pandas as pd

from hierstan.engines import EngineChoice, SamplerSettings
from hierstan.errors import PriorError, unwarned
from hierstan.fit import Fit
from hierstan.frame import Missing
from hierstan.frequentist import MixedFit, fit_at, fit_from
from hierstan.frequentist.densities import densities
from hierstan.ladder.check import CrossCheck
from hierstan.ladder.density import PROGRAM, FlatDensity
from hierstan.ladder.evidence import evidence
from hierstan.ladder.rungs import climb_ladder
from hierstan.model import Model
from hierstan.priors import PriorChoice
from hierstan.programs import get_program
from hierstan.progress import SILENT, Progress
from hierstan.propriety import refuse_improper

# Where the densities are compared: these times the standard deviations of the optimum.
_SHARES = (1.0, 0.5, 2.0)


def crosscheck(
    formula: str,
    data: pd.DataFrame,
    *,
    reml: bool = True,
    posterior: bool = False,
    priors: PriorChoice = None,
    chains: int = 4,
    warmup: int = 1000,
    draws: int = 1000,
    seed: int = 1,
    missing: Missing = "drop",
    engine: EngineChoice = None,
    progress: Progress = SILENT,
) -> CrossCheck:
    """Compare Stan with MixedLM, and explain what is left.

    1. density: Stan's flat-prior marginal log density against ``MixedLM.loglike``, at
       several points, constants included;
    2. optimum: Stan's mode against MixedLM's; where MixedLM is short of it, it is refitted
       from there;
    3. mode to mean: the flat-prior posterior mean against the mode;
    4. prior: the posterior under the user's priors against the flat one;
    5. Monte Carlo: the standard error of each mean.

    Rungs 3 to 5 need sampling. A mean under flat priors exists only where there are enough
    levels to bound the standard deviations; else the ladder says so and stops.

    Parameters
    ----------
    formula : str
        In lme4's notation, of one grouping factor or factors nested in one another.
    data : pandas.DataFrame
        One row per observation.
    reml : bool
        Restricted maximum likelihood or maximum likelihood.
    posterior : bool
        Climb all five rungs.
    priors : str, mapping, path or Priors, optional
        As for `Model`; rungs 1 and 2 have none.
    chains, warmup, draws, seed : int
        As `SamplerSettings` describes them.
    missing : {"drop", "error"}
        What to do with rows that lack a value.
    engine : {"cmdstan", "stanli"} or Engine, optional
        What runs Stan; by default CmdStan through CmdStanPy, or stanli where it is
        installed and there is neither a CmdStan nor a compiler.
    progress : Progress
        Who is told how far it is.

    Returns
    -------
    CrossCheck
        Verdict, ladder and both fits.

    Raises
    ------
    InputError
        When formula, data, priors or settings are at fault, or the marginal program
        cannot take the design.
    EngineError
        When the toolchain or Stan is at fault.
    """
    settings = SamplerSettings(chains, warmup, draws, seed)
    model = Model(formula, data, priors, missing=missing, engine=engine)
    target = FlatDensity.of(model.design, model.engine, reml=reml)
    model.engine.compile([PROGRAM], progress)
    fit = sample(model, settings, progress) if posterior else None
    return check_model(model, target, fit, settings, progress)


def check_model(
    model: Model,
    target: FlatDensity,
    posterior: Fit | None,
    settings: SamplerSettings,
    progress: Progress = SILENT,
) -> CrossCheck:
    """Cross-check a model, as far up as there is a posterior; see `crosscheck`.

    Parameters
    ----------
    model : Model
        Formula, data and priors.
    target : FlatDensity
        Its likelihood in Stan.
    posterior : Fit or None
        Of the same model by the marginal program; without one, rungs 1 and 2 only.
    settings : SamplerSettings
        For the flat-prior posterior.
    progress : Progress
        Who is told how far it is.
    """
    design, reml = model.design, target.reml
    with progress.task("Cross-checking Stan's mode and MixedLM"):
        mode = fit_at(design, target.mode(settings.seed), reml=reml)
        mixed = fit_from(design, mode.variances, reml=reml)
        density_gap = _density_gap(target, mode)
    loglik_gap = mode.solution.loglik - (mixed.solution.loglik - mixed.gained)
    flat, stopped = None, ""
    if posterior is not None:
        flat_model = model.with_priors("flat")
        try:
            refuse_improper(get_program(PROGRAM), design, flat_model.priors)
        except PriorError as error:
            # What it advises is for priors of the user's; these have to be flat.
            reason = str(error).partition(" Give ")[0]
            stopped = f"There is no flat-prior mean to compare with. {reason}"
        else:
            flat = sample(flat_model, settings, progress)
    with_profile = posterior is not None and mode.converged
    profile = mode.profile(progress=progress) if with_profile else None
    rungs = climb_ladder(
        mixed.estimates(),
        mode.estimates(),
        flat.estimates() if flat else None,
        posterior.estimates() if posterior else None,
        evidence(design),
    )
    return CrossCheck(
        model,
        mixed,
        mode,
        density_gap,
        loglik_gap,
        flat,
        posterior,
        stopped,
        rungs,
        profile,
        settings,
    )


def sample(model: Model, settings: SamplerSettings, progress: Progress) -> Fit:
    """Sample the marginal program; what would be warned of is in the verdict."""
    with unwarned():
        return model.sample(
            PROGRAM, chains=settings.chains, warmup=settings.warmup, draws=settings.draws,
            seed=settings.seed, progress=progress,
        )  # fmt: skip


def _density_gap(target: FlatDensity, mode: MixedFit) -> float:
    """Compare densities around the optimum, in relation to their size."""
    theirs = densities(target.design, mode.variances, _SHARES, reml=target.reml)
    ours = target.values([d.variances for d in theirs], [d.beta for d in theirs])
    logliks = np.array([d.loglik for d in theirs])
    return float(np.max(np.abs(ours - logliks) / np.abs(logliks)))
