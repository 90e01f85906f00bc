"""Weights of the theory, against dense algebra and against what the estimates did."""

import numpy as np
import pytest
from lme4 import FITS, design_of
from schools import Given, schools
from synthetic import flat, synthetic_fit

import hierstan as hs
from hierstan.design import Design, Factor, Floats
from hierstan.evaluate import build_design
from hierstan.prediction.simulate import Posterior
from hierstan.shares import finer
from hierstan.shrinkage.information import group_information, information_of, inside
from hierstan.shrinkage.weights import weight_draws

FORMULAS = [
    "y ~ x + (x | school)",
    "y ~ x * size + (x || school)",
    "y ~ x + size + (x | town/school/room)",
    "y ~ x + strict + size + (x | room) + (1 | school) + (w | rater)",
    "y ~ w + (1 | room) + (0 + x | school) + (1 | rater)",
]


def factors_of(formulas: list[str]) -> list[tuple[str, str]]:
    return [
        (formula, factor.name)
        for formula in formulas
        for factor in build_design(formula, schools()).factors
    ]


def the_factor(design: Design, name: str) -> Factor:
    return next(factor for factor in design.factors if factor.name == name)


def dense_weights(given: Given, factor: Factor) -> Floats:
    """I - C_j Sigma^-1, C_j without finer factors' effects, given all other factors'."""
    free = [given.places(other).ravel() for other in inside(given.design, factor)]
    free.append(given.places(factor).ravel())
    chosen = np.concatenate(free)
    spread = np.linalg.inv(given.precision[np.ix_(chosen, chosen)])
    own = spread[-factor.J * factor.Q :, -factor.J * factor.Q :]
    inverse = np.linalg.inv(given.Sigmas[given.design.factors.index(factor)])
    own = own.reshape(factor.J, factor.Q, factor.J, factor.Q)
    blocks = np.stack([own[j, :, j] for j in range(factor.J)])
    return np.eye(factor.Q) - blocks @ inverse


@pytest.mark.parametrize(("formula", "name"), factors_of(FORMULAS))
def test_blups_are_pulled_by_the_weights(formula: str, name: str) -> None:
    """At any beta, Sigma and sigma: pooled + u = pooled + W (own - pooled)."""
    design = build_design(formula, schools())
    factor = the_factor(design, name)
    given = Given.random(design, seed=5)
    found = group_information(design, factor, given)
    assert factor.determined().all()
    moved = np.einsum("jab,jb->ja", found.weight, found.own - found.pooled)
    np.testing.assert_allclose(moved, given.effects(factor)[0].T, atol=1e-10)
    np.testing.assert_allclose(found.weight, dense_weights(given, factor), atol=1e-10)
    score = np.einsum("jab,jb->ja", found.information, found.own - found.pooled)
    np.testing.assert_allclose(found.score, score, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("formula", "name"), factors_of(FORMULAS))
def test_information_is_that_of_the_rows_of_a_level(formula: str, name: str) -> None:
    """Z_j' V_j^-1 Z_j with V_j written out."""
    design = build_design(formula, schools())
    factor = the_factor(design, name)
    given = Given.random(design, seed=6)
    found = group_information(design, factor, given).information
    within = inside(design, factor)
    assert {one.name for one in within} == {one.name for one in finer(design, factor)}
    for j in range(factor.J):
        rows = factor.index == j
        V = given.noise**2 * np.eye(int(rows.sum()))
        for other in within:
            together = other.index[rows][:, None] == other.index[rows]
            Sigma, Z = given.Sigmas[design.factors.index(other)], other.Z[rows]
            V += together * (Z @ Sigma @ Z.T)
        expected = factor.Z[rows].T @ np.linalg.solve(V, factor.Z[rows])
        np.testing.assert_allclose(found[j], expected, rtol=1e-9)


def test_crossed_factors_within_a_level_are_given() -> None:
    """Of two that are crossed in the schools, the one with more effects is taken out."""
    data = schools().assign(helper=lambda d: d["school"] * 3 + np.arange(len(d)) % 3)
    text = "y ~ x + (1 | school) + (1 | room) + (1 | helper)"
    design = build_design(text, data)
    school, room, helper = design.factors
    assert finer(design, school) == (room, helper)
    assert inside(design, school) == (room,)
    given = Given.random(design, seed=8)
    found = group_information(design, school, given)
    moved = found.weight[:, 0, 0] * (found.own - found.pooled)[:, 0]
    np.testing.assert_allclose(moved, given.effects(school)[0, 0], atol=1e-10)
    np.testing.assert_allclose(found.weight, dense_weights(given, school), atol=1e-10)


def test_one_intercept_has_the_reliability() -> None:
    """tau^2 / (tau^2 + sigma^2 / n)."""
    design = build_design("y ~ x + (1 | school)", schools())
    given = Given(design, np.array([0.3, 1.2]), (np.array([[1.7]]),), 0.9)
    found = group_information(design, design.factors[0], given)
    expected = 1.7 / (1.7 + 0.9**2 / design.factors[0].sizes)
    np.testing.assert_allclose(found.weight[:, 0, 0], expected, rtol=1e-12)


def test_levels_without_a_slope_of_their_own_have_weights() -> None:
    """S_j is singular: no estimate of its own, no weight, and the rest as it should be."""
    design = build_design("log_radon ~ floor + (floor || county)", hs.data.radon())
    county = design.factors[0]
    given = Given(design, np.array([1.4, -0.6]), (np.diag([0.2, 0.3]),), 0.7)
    found = group_information(design, county, given)
    j = county.levels.index("CASS")
    n = county.sizes[j]
    expected = np.diag([0.2 / (0.2 + 0.7**2 / n), 0.0])
    np.testing.assert_allclose(found.weight[j], expected, atol=1e-12)
    cass = design.y[county.index == j].mean()
    np.testing.assert_allclose(found.own[j], [cass, np.nan], rtol=1e-12)


@pytest.mark.parametrize("dataset", ["sleepstudy", "Pastes", "Penicillin", "Dyestuff2"])
def test_weights_at_reml_are_those_of_lme4s_predictions(dataset: str) -> None:
    """Fits that equal lme4's (test_mixedlm): own estimates times weights are its BLUPs."""
    for name, formula, method in FITS:
        if name != dataset or method != "REML":
            continue
        mixed = hs.Model(formula, design_of(name, formula).frame).mixedlm()
        for factor in mixed.design.factors:
            found, theirs = information_of(mixed, factor), mixed[factor.name]
            moved = np.einsum("jab,jb->ja", found.weight, found.own - found.pooled)
            scale = np.abs(design_of(name, formula).y).max()
            np.testing.assert_allclose(moved, theirs.u, atol=1e-10 * scale)


def test_units_of_predictors_do_not_matter() -> None:
    """A predictor in other units and from another origin leaves fitted values alone."""
    data = schools()
    design = build_design("y ~ x + (x | school)", data)
    moved = build_design("y ~ x + (x | school)", data.assign(x=2000 + 50 * data["x"]))
    back = np.array([[1.0, -40.0], [0.0, 0.02]])  # what effects of x become
    given = Given.random(design, seed=3)
    other = Given(
        moved, back @ given.coefficients, (back @ given.Sigmas[0] @ back.T,), given.noise
    )
    one = group_information(design, design.factors[0], given)
    two = group_information(moved, moved.factors[0], other)
    np.testing.assert_allclose(two.own, one.own @ back.T, rtol=1e-7)
    expected = back @ one.weight @ np.linalg.inv(back)
    np.testing.assert_allclose(two.weight, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "formula", ["y ~ x + (x | school)", "y ~ x + (x | town/school) + (1 | rater)"]
)
def test_weights_at_draws_are_those_of_each_draw(formula: str) -> None:
    fit = synthetic_fit(formula, schools())
    for factor in fit.design.factors:
        posterior = Posterior(fit.program, fit.design, fit.draws)
        found = weight_draws(fit.design, factor, posterior)
        assert found.shape == (factor.Q, factor.J, 100)
        for s in (0, 17, 99):
            roots = [posterior.root(one)[:, :, s] for one in fit.design.factors]
            Sigmas = tuple(root @ root.T for root in roots)
            beta = flat(fit, "beta")[s]
            given = Given(fit.design, beta, Sigmas, float(posterior.sigma[s]))
            W = dense_weights(given, factor)
            expected = np.diagonal(W, axis1=1, axis2=2).T
            np.testing.assert_allclose(found[:, :, s], expected, atol=1e-9)


def test_many_draws_are_spread_evenly() -> None:
    fit = synthetic_fit("y ~ x + (1 | school)", schools(), chains=2, draws=1500)
    posterior = Posterior(fit.program, fit.design, fit.draws)
    factor = fit.design.factors[0]
    found = weight_draws(fit.design, factor, posterior)
    assert found.shape == (1, 6, 1000)
    tau2, sigma2 = flat(fit, "tau")[:, 0] ** 2, posterior.sigma**2
    every = tau2 / (tau2 + sigma2 / factor.sizes[:, None])
    np.testing.assert_allclose(found[0, :, [0, -1]], every[:, [0, -1]].T)
    mcse = every.std(axis=1) / np.sqrt(1000)
    assert np.all(np.abs(found[0].mean(axis=1) - every.mean(axis=1)) < 4 * mcse)
