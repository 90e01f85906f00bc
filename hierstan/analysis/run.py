"""Fit a model by every program and estimator that can take it."""

from collections.abc import Sequence

import pandas as pd

from hierstan.analysis.result import Analysis
from hierstan.engines import EngineChoice, SamplerSettings
from hierstan.errors import DataError, InputError, PriorError, unwarned
from hierstan.frame import Missing
from hierstan.frequentist import fit_ols
from hierstan.ladder.density import FlatDensity
from hierstan.ladder.joint import joint_mode
from hierstan.ladder.run import check_model
from hierstan.model import Model
from hierstan.prediction.levels import listed
from hierstan.priors import PriorChoice
from hierstan.programs import PROGRAMS, get_program
from hierstan.progress import SILENT, Progress
from hierstan.propriety import refuse_improper


def analyze(
    formula: str,
    data: pd.DataFrame,
    *,
    priors: PriorChoice = None,
    programs: str | Sequence[str] | None = None,
    chains: int = 4,
    warmup: int = 1000,
    draws: int = 1000,
    seed: int = 1,
    missing: Missing = "drop",
    engine: EngineChoice = None,
    progress: Progress = SILENT,
) -> Analysis:
    """Fit a model every way and set the results side by side.

    Parameters
    ----------
    formula : str
        In lme4's notation: ``"log_radon ~ floor + (floor || county)"``.
    data : pandas.DataFrame
        One row per observation.
    priors : str, mapping, path or Priors, optional
        A preset, priors by name, a TOML file or priors made before; see `Model`.
    programs : str or sequence of str, optional
        Stan programs to sample; by default all that can take the formula.
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
    Analysis
        Fits, comparison, shrinkage and verdicts; ``.write(directory)`` makes the report.

    Raises
    ------
    InputError
        When formula, data, priors or settings are at fault.
    EngineError
        When the toolchain or Stan is.

    Notes
    -----
    A fit that fails its diagnostics is part of the result, marked as failed; the
    warnings that `Model.sample` gives are not repeated.
    """
    settings = SamplerSettings(chains, warmup, draws, seed)
    if programs is not None and not (programs := listed(programs)):
        raise InputError(f"Name at least one program: {', '.join(PROGRAMS)}.")
    model = Model(formula, data, priors, missing=missing, engine=engine)
    chosen, left_out = _applicable(programs, model)
    with progress.task("Fitting least squares and MixedLM"):
        ols = fit_ols(model.design)
        try:
            mixed = {"ML": model.mixedlm(reml=False)}
            if "marginal" not in chosen:  # else the cross-check brings its REML fit
                mixed = {"REML": model.mixedlm(), **mixed}
        except DataError as error:  # a finding, not the end of the analysis
            mixed, left_out["mixed model"] = {}, str(error)
    model.engine.compile(chosen, progress)
    fits = {}
    for name in chosen:
        with unwarned():
            # What it warns of is in the fit's verdict, which the analysis prints.
            fits[name] = model.sample(
                name, chains=chains, warmup=warmup, draws=draws, seed=seed,
                progress=progress,
            )  # fmt: skip
    check = None
    if "marginal" in fits and mixed:
        target = FlatDensity.of(model.design, model.engine, reml=True)
        check = check_model(model, target, fits["marginal"], settings, progress)
        mixed = {"REML": check.mixed, **mixed}
    joint = None
    if "centered" in fits and mixed and not mixed["REML"].singular:
        joint = joint_mode(mixed["REML"], model.engine, seed)
    engine_used = model.engine.describe()
    return Analysis(model, settings, fits, ols, mixed, check, joint, left_out, engine_used)


def _applicable(
    programs: Sequence[str] | None, model: Model
) -> tuple[list[str], dict[str, str]]:
    """Return the programs to run, and why others were left out.

    One that was asked for by name and cannot take the formula, or makes no posterior of
    flat priors, is an error.
    """
    chosen, left_out = [], {}
    for name in dict.fromkeys(PROGRAMS if programs is None else programs):
        try:
            refuse_improper(get_program(name), model.design, model.priors)
        except (DataError, PriorError) as error:
            if programs is not None:
                raise
            left_out[name] = str(error)
        else:
            chosen.append(name)
    return chosen, left_out
