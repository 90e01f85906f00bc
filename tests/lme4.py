"""The reference fits of lme4 1.1-31, one number per row, and how ours must equal them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.estimates import Estimates
from hierstan.evaluate import build_design

FRAMES = {
    "sleepstudy": hs.data.sleepstudy,
    "Dyestuff": hs.data.dyestuff,
    "Dyestuff2": hs.data.dyestuff2,
    "Pastes": hs.data.pastes,
    "Penicillin": hs.data.penicillin,
    "radon_mn_posteriordb": lambda: hs.data.radon().assign(
        log_uppm=lambda d: np.log(d["uranium"] + 0.1)
    ),
}
LME4_NAMES = {"cask:batch": "batch:cask", "Subject.1": "Subject", "county.1": "county"}
REFERENCE = pd.read_csv(Path(__file__).parent / "data" / "lme4_reference.csv")
FITS = list(
    REFERENCE[["dataset", "formula", "method"]].drop_duplicates().itertuples(index=False)
)


def design_of(dataset: str, formula: str) -> Design:
    """The design of a reference fit."""
    return build_design(formula, FRAMES[dataset]())


def assert_equals_lme4(ours: Estimates, dataset: str, formula: str, method: str) -> None:
    """Every number lme4 gives; 1e-4 relative, 1e-5 in the likelihood."""
    told = REFERENCE[
        (REFERENCE.dataset == dataset)
        & (REFERENCE.formula == formula)
        & (REFERENCE.method == method)
    ].set_index("kind")
    assert set(told.index) <= {"fixef", "sd", "corr", "logLik", "singular", "nobs"}
    assert ours.criterion == method
    assert ours.singular == bool(told.estimate["singular"])
    assert ours.converged
    assert ours.loglik == pytest.approx(told.estimate["logLik"], abs=1e-5)
    fixed = told.loc[["fixef"]]
    values = list(ours.fixed.values())
    np.testing.assert_allclose([v.center for v in values], fixed.estimate, rtol=1e-4)
    np.testing.assert_allclose([v.spread for v in values], fixed.se, rtol=1e-4)
    sds = told.loc[["sd"]]
    for term, estimate in zip(sds.term, sds.estimate, strict=True):
        factor, effect, _ = term.split("|")
        effect = effect.replace("(Intercept)", "Intercept")
        name = f"sd({effect} | {LME4_NAMES.get(factor, factor)})"
        named = dict(ours.rows())["sigma" if factor == "Residual" else name]
        assert named.center == pytest.approx(estimate, rel=1e-4, abs=0.0)
    if "corr" in told.index:
        (pairs,) = ours.corr.values()
        assert pairs[0].value.center == pytest.approx(told.estimate["corr"], rel=1e-4)
