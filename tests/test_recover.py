"""Effects and coefficients, recovered from the variances: exact, so tested exactly."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from dense_posterior import Theta, coefficients, effects, effects_covariance
from scipy import stats

import hierstan as hs
from hierstan.design import Design, Floats
from hierstan.engines.base import SamplerSettings
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.evaluate import build_design
from hierstan.marginal.data import elimination_order
from hierstan.marginal.moments import group_moments
from hierstan.marginal.recover import draw_effects, effect_moments, flatten
from hierstan.priors import Priors, default_priors
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.progress import SILENT

FORMULAS = (
    # Two blocks; one value of x in some groups.
    "y ~ x + (x | g) + (0 + w | g)",
    # Three factors, written from the middle outwards.
    "y ~ x + (w | h) + (1 | h:g) + (0 + x | i)",
)


@pytest.fixture(scope="module", params=FORMULAS)
def design(request: pytest.FixtureRequest) -> Design:
    rng = np.random.default_rng(21)
    data = pd.DataFrame(rng.normal(size=(30, 2)), columns=["x", "w"])
    data["g"], data["h"] = rng.choice(3, 30), rng.choice(4, 30)
    data["i"] = data["h"] % 2
    data["y"] = 2.0 + data["x"] + rng.normal(size=4)[data["h"]] + rng.normal(size=30)
    data.loc[data["g"] == 2, "x"] = 0.5
    return build_design(request.param, data)


@pytest.fixture(scope="module")
def priors(design: Design) -> Priors:
    return default_priors(design)


def thetas(design: Design, draws: int, seed: int) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    return {
        "tau": rng.uniform(0.2, 1.5, (draws, len(design.effects))),
        "cpc": rng.uniform(-0.7, 0.7, (draws, 1)),
        "sigma": rng.uniform(0.5, 1.5, (draws, 1)),
        "beta": rng.normal(size=(draws, 2)),
    }


def meaning(design: Design, theta: dict[str, Floats], i: int) -> Theta:
    Omegas = []
    for factor in design.factors:
        Omega = np.eye(factor.Q)
        for a, b in factor.pairs:
            Omega[a, b] = Omega[b, a] = theta["cpc"][i, 0]
        Omegas.append(Omega)
    return Theta(theta["tau"][i], tuple(Omegas), float(theta["sigma"][i, 0]))


def centred(priors: Priors, beta: Floats) -> Floats:
    return beta + np.array([beta @ priors.x_center, 0.0])


def test_drawn_effects_have_the_conditional_moments(design: Design, priors: Priors) -> None:
    """Many draws at one point: mean and covariance matrix, entry by entry."""
    one = thetas(design, 1, 22)
    draws = 40_000
    many = {name: np.repeat(values, draws, axis=0) for name, values in one.items()}
    data = stan_data(get_program("marginal"), design, priors)
    u = draw_effects(data, many, seed=5)
    mean, cov = effects(
        design, priors, meaning(design, one, 0), centred(priors, one["beta"][0])
    )
    sd = np.sqrt(np.diag(cov))
    score = (u.mean(axis=0) - mean) / (sd / np.sqrt(draws))
    assert np.abs(score).max() < 4.5  # some 30 of them
    error = np.cov(u.T) - cov
    size = np.sqrt((np.outer(sd, sd) ** 2 + cov**2) / draws)
    assert np.abs(error / size).max() < 5.0  # some 500 of them
    assert np.array_equal(u, draw_effects(data, many, seed=5))
    assert not np.array_equal(u, draw_effects(data, many, seed=6))


def test_moments_are_those_of_the_mixture(design: Design, priors: Priors) -> None:
    """Total mean and variance over a few points, from dense normal distributions."""
    theta = thetas(design, 6, 23)
    data = stan_data(get_program("marginal"), design, priors)
    order = elimination_order(design)
    shares = {
        i: np.array(
            [
                [float(name == term) for term in design.terms]
                for name in design.factors[k].effects
            ]
        )
        for i, k in enumerate(order)
    }
    found = effect_moments(data, theta, shares)
    # beta itself: the intercept of centred columns is another one.
    uncentre = np.array([[1.0, -priors.x_center[1]], [0.0, 1.0]])
    plain = np.concatenate(
        [
            np.repeat(shares[order.index(k)] @ uncentre, factor.J, axis=0)
            for k, factor in enumerate(design.factors)
        ]
    )
    means, seconds = [], []
    for i in range(6):
        here = meaning(design, theta, i)
        b, covariance = coefficients(design, priors, here)
        mean, cov = effects(design, priors, here, b)
        slope = np.column_stack(
            [effects(design, priors, here, b + h)[0] - mean for h in np.eye(2)]
        )
        for part in (0.0 * plain, plain):
            moves = slope + part
            variance = np.diag(cov) + np.sum((moves @ covariance) * moves, axis=1)
            means.append(mean + part @ b)
            seconds.append(variance + means[-1] ** 2)
    for which, names in enumerate((("mean", "sd"), ("coef_mean", "coef_sd"))):
        total = np.mean(means[which::2], axis=0)
        spread = np.sqrt(np.mean(seconds[which::2], axis=0) - total**2)
        for name, expected in zip(names, (total, spread), strict=True):
            ours = [getattr(found[order.index(k)], name) for k in range(len(order))]
            flat = np.concatenate([values.ravel() for values in ours])
            np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


def test_without_data_effects_have_their_prior(design: Design, priors: Priors) -> None:
    one = thetas(design, 1, 24)
    many = {name: np.repeat(values, 5000, axis=0) for name, values in one.items()}
    data = stan_data(get_program("marginal"), design, priors) | {"prior_only": 1}
    u = draw_effects(data, many, seed=5)
    cov = effects_covariance(design, meaning(design, one, 0))
    sd = np.sqrt(np.diag(cov))
    assert np.abs(u.mean(axis=0) / sd).max() < 4.5 / np.sqrt(5000)
    size = np.sqrt((np.outer(sd, sd) ** 2 + cov**2) / 5000)
    assert np.abs((np.cov(u.T) - cov) / size).max() < 5.0


@pytest.mark.stan
def test_stan_and_python_recover_the_same_distribution(
    engine: CmdStanEngine, design: Design, priors: Priors
) -> None:
    """Each draw is normal about its own conditional mean, whatever its theta."""
    program = get_program("marginal")
    data = stan_data(program, design, priors) | {"recover": 1}
    settings = SamplerSettings(chains=1, warmup=300, draws=400, seed=8)
    inits = initial_values(program, design, data, 1, 8)
    samples = engine.sample("marginal", data, inits, settings, SILENT)
    theta = flatten(samples.variables)
    ours = draw_effects(data, theta, seed=9)
    scores: dict[str, list[Any]] = {"beta": [], "Stan": [], "Python": []}
    for i in range(400):
        here, b = meaning(design, theta, i), centred(priors, theta["beta"][i])
        mean, cov = coefficients(design, priors, here)
        scores["beta"].append(np.linalg.solve(np.linalg.cholesky(cov), b - mean))
        mean, cov = effects(design, priors, here, b)
        L = np.linalg.cholesky(cov + 1e-12 * np.eye(len(cov)))
        stan = samples.variables["u"].reshape(400, -1)[i]
        scores["Stan"].append(np.linalg.solve(L, stan - mean))
        scores["Python"].append(np.linalg.solve(L, ours[i] - mean))
    for name, values in scores.items():
        z = np.ravel(values)
        assert stats.kstest(z, "norm").pvalue > 1e-3, name
        assert abs(np.var(z) - 1) < 4 * np.sqrt(2 / z.size), name


@pytest.mark.stan
@pytest.mark.slow
def test_effects_of_a_fit_are_those_of_noncentered(engine: CmdStanEngine) -> None:
    """Group coefficients of sleepstudy from two programs, and without draws of them."""
    model = hs.Model(
        "Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(), engine=engine
    )
    one = model.sample("marginal", seed=4, draws=2000)
    two = model.sample("noncentered", seed=4, draws=2000)
    name = "coef[Subject]"
    a, b = (fit.group_summary("Subject") for fit in (one, two))
    error = np.hypot(one.statistics["mcse_mean"][name], two.statistics["mcse_mean"][name])
    assert float(np.abs((a["mean"] - b["mean"]) / error).max()) < 4.5  # 36 of them
    assert float(np.abs(a["sd"] / b["sd"] - 1).max()) < 0.1
    # Their Monte Carlo error is smaller, and is part of the draws' own.
    moments = group_moments(one)["Subject"]
    gap = (moments["coef_mean"] - a["mean"]) / one.statistics["mcse_mean"][name]
    assert float(np.abs(gap).max()) < 4.5
    assert float(np.abs(moments["coef_sd"] / a["sd"] - 1).max()) < 0.07
    other = group_moments(two)["Subject"]
    gap = (other["coef_mean"] - moments["coef_mean"]) / error
    assert float(np.abs(gap).max()) < 4.5
