"""MixedLM held against a known optimum, and its likelihood against ours."""

import pandas as pd
import pytest

import hierstan as hs
from hierstan.frequentist import fit_at, fit_from, fit_mixedlm, mixedlm
from hierstan.frequentist.densities import densities
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances

SHORT = "log_radon ~ floor + log_uranium + (1 | county)"
DESIGNS = [
    ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    ("Reaction ~ Days + (Days || Subject)", "sleepstudy"),
    ("Yield ~ 1 + (1 | Batch)", "dyestuff2"),  # its sd is zero
    ("strength ~ 1 + (1 | batch/cask)", "pastes"),
    ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
]


def test_a_fit_short_of_the_optimum_starts_again_from_there() -> None:
    """MixedLM 0.15 stops at -1029.84 here; lme4 finds -1029.822."""
    design = hs.Model(SHORT, hs.data.radon()).design
    best = fit_mixedlm(design)
    fit = fit_from(design, best.variances)
    assert fit.rescued
    assert fit.converged
    assert fit.gained > 1e-3  # 0.017 with statsmodels 0.15
    assert fit.solution.loglik == pytest.approx(-1029.8223, abs=1e-4)
    assert any("short" in line for line in fit.log)


def test_a_fit_that_arrives_is_its_own() -> None:
    design = hs.Model(*_sleepstudy()).design
    fit = fit_from(design, fit_mixedlm(design).variances)
    assert not fit.rescued
    assert fit.converged


def test_a_place_that_is_no_optimum_is_said_not_to_be_one() -> None:
    design = hs.Model(*_sleepstudy()).design
    best = fit_mixedlm(design)
    moved = Variances(best.variances.Sigmas, 1.05 * best.sigma)
    there = fit_at(design, moved)
    assert not there.converged
    assert there.solution.loglik < best.solution.loglik
    assert fit_at(design, best.variances).converged


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize(("formula", "data"), DESIGNS)
def test_our_likelihood_is_that_of_mixedlm(formula: str, data: str, reml: bool) -> None:
    """Constants and units included, at three points, one of them off the boundary."""
    design = hs.Model(formula, hs.data.load(data)).design
    optimum = fit_mixedlm(design, reml=reml).variances
    found = densities(design, optimum, (1.0, 0.6, 1.7), reml=reml)
    standard = Standard.of(design)
    for density in found:
        inside = standard.inward(density.variances)
        ours = standard.solution(inside, reml=reml)
        assert ours.loglik == pytest.approx(density.loglik, rel=1e-11)
        assert ours.beta == pytest.approx(density.beta, rel=1e-10)


def test_our_likelihood_stands_in_where_mixedlm_has_none() -> None:
    """Correlated effects of a crossed factor; the optimum handed over plays no part."""
    data = hs.data.penicillin().assign(x=lambda d: range(len(d)))
    design = hs.Model("diameter ~ x + (x | plate) + (1 | sample)", data).design
    best = fit_mixedlm(design)
    (density,) = densities(design, best.variances, (1.0,), reml=True)
    standard = Standard.of(design)
    ours = standard.solution(standard.inward(density.variances), reml=True).loglik
    assert density.loglik == pytest.approx(ours, rel=1e-12)
    elsewhere = Variances(best.variances.Sigmas, 1.5 * best.sigma)
    fit = fit_from(design, elsewhere)
    assert fit.substitute is not None
    assert fit.converged
    assert fit.solution.loglik == pytest.approx(best.solution.loglik, abs=1e-9)


def test_no_finite_likelihood_is_no_infinite_shortfall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mixedlm, "search", lambda *_, **__: (None, ["bfgs: no luck"]))
    design = hs.Model(*_sleepstudy()).design
    fit = fit_from(design, fit_at(design, fit_mixedlm(design).variances).variances)
    assert fit.gained == 0.0
    assert fit.converged
    assert "finds no finite likelihood" in fit.verdict


def _sleepstudy() -> tuple[str, pd.DataFrame]:
    return "Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy()
