"""Analyses made of invented draws: every part of a report without a sampler."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from synthetic import synthetic_fit

from hierstan.analysis import Analysis
from hierstan.engines import SamplerSettings
from hierstan.engines.base import Mode
from hierstan.errors import DataError
from hierstan.estimates import Estimates
from hierstan.fit import Fit
from hierstan.frequentist import MixedFit, fit_ols
from hierstan.ladder import CrossCheck
from hierstan.ladder.evidence import evidence
from hierstan.ladder.joint import JointMode
from hierstan.ladder.rungs import climb_ladder
from hierstan.model import Model

ENGINE = {"stan": "2.0", "through": "Python 1.0", "source": "none: the draws are invented"}


def grouped_data(
    levels: Sequence[str], rows: int = 6, *, predictor: str = "floor", seed: int = 3
) -> pd.DataFrame:
    """Return rows of y, a predictor and a group; in every fourth group it does not vary."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(len(levels)), rows)
    x = np.where(index % 4 == 3, 0.0, rng.uniform(-1.3, 2.1, index.size))
    effects = rng.normal(0.0, [0.8, 0.5], (len(levels), 2))[index]
    y = 2.2 + effects[:, 0] + (effects[:, 1] - 0.7) * x + rng.normal(0, 0.6, index.size)
    return pd.DataFrame({"y": y, predictor: x, "group": np.array(levels)[index]})


def diverged(fit: Fit, count: int = 17) -> Fit:
    """Return the fit as it would be had its last transitions diverged."""
    flags = np.zeros_like(fit.samples.sampler["diverging"])
    flags[:, -count:] = 1.0
    samples = replace(fit.samples, sampler={**fit.samples.sampler, "diverging": flags})
    return Fit.from_samples(fit.program, fit.design, fit.priors, samples)


def invented_check(model: Model, mixed: MixedFit, posterior: Fit) -> CrossCheck:
    """Return a cross-check whose flat posterior is the posterior itself."""
    theirs, ours = mixed.estimates(), posterior.estimates()
    rungs = climb_ladder(theirs, theirs, ours, ours, evidence(model.design))
    return CrossCheck(
        model, mixed, mixed, 3e-13, 2e-9, posterior, posterior, "", rungs, None,
        posterior.samples.settings,
    )  # fmt: skip


def invented_joint() -> JointMode:
    """Return a ray along which the joint density grows and the marginal one does not."""
    share = np.geomspace(10.0, 1e-6, 57)
    marginal = -300.0 - 5.0 * np.log(share) ** 2 / (1 + np.abs(np.log(share)))
    ray = pd.DataFrame(
        {"share": share, "joint": -900 - 80 * np.log(share), "marginal": marginal}
    )
    effects = pd.DataFrame(
        {"fitted": [0.4, 0.3], "reached": [0.5, 3e-9], "farthest": [0.9, 4e-9]},
        index=["sd(Intercept | group)", "sd(floor | group)"],
    )
    end = Mode({"tau": effects["reached"].to_numpy()}, 4711.0, True, 0.1, None)
    return JointMode("REML", ray, end, effects, {"group": 1e-8})


def invented_analysis(
    formula: str,
    data: pd.DataFrame,
    programs: Sequence[str] = ("pooled", "unpooled", "centered", "noncentered", "marginal"),
    *,
    failed: Sequence[str] = ("centered",),
    mixed: bool = True,
    left_out: Mapping[str, str] | None = None,
    draws: int = 500,
) -> Analysis:
    """Return an analysis with everything that `hierstan.analyze` gives.

    The mixed model is fitted for good, unless it is left out.
    """
    model = Model(formula, data)
    fits = {name: synthetic_fit(formula, data, name, draws=draws) for name in programs}
    fits |= {name: diverged(fits[name]) for name in failed if name in fits}
    why = dict(left_out or {})
    found: dict[str, MixedFit] = {}
    ols: Estimates = fit_ols(model.design)
    if mixed:
        try:
            found = {"REML": model.mixedlm(), "ML": model.mixedlm(reml=False)}
        except DataError as error:
            why["mixed model"] = str(error)
    check = joint = None
    if found and "marginal" in fits:
        check = invented_check(model, found["REML"], fits["marginal"])
    if found and "centered" in fits:
        joint = invented_joint()
    settings = SamplerSettings(2, 300, draws, seed=11)
    return Analysis(model, settings, fits, ols, found, check, joint, why, ENGINE)
