"""The log densities that Stan computes, against formulas written again in Python."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from hierstan.design import Design, Floats
from hierstan.engines import Engine
from hierstan.evaluate import build_design
from hierstan.priors import Priors
from hierstan.programs import get_program, stan_data


@pytest.fixture(scope="module")
def design() -> Design:
    """Three correlated effects on one factor, two independent ones on another."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame(rng.normal(size=(40, 4)), columns=["y", "x", "w", "v"])
    data["g"], data["h"] = rng.integers(0, 4, 40), rng.integers(0, 3, 40)
    return build_design("y ~ x + w + (x + w | g) + (v || h)", data)


@pytest.fixture(scope="module")
def priors() -> Priors:
    """Generic values, one flat prior in each place that may have one."""
    return Priors(
        name="test",
        x_center=np.array([0.0, 0.7, -1.3]),
        beta_location=np.array([0.4, -0.2, 0.9]),
        beta_scale=np.array([1.7, np.inf, 2.3]),
        gamma_location=np.array([0.3, -0.6, 0.2, 0.8, -0.1]),
        gamma_scale=np.array([1.1, 2.2, 0.6, 3.1, 1.9]),
        tau_df=np.array([4.5, np.inf, 2.0, 1.0, 6.5]),
        tau_scale=np.array([1.3, 0.7, np.inf, 2.1, 0.9]),
        sigma_df=2.5,
        sigma_scale=1.6,
        eta=np.array([1.8, 1.0, 1.0]),
    )


def stan_log_density(
    engine: Engine, program: str, data: dict[str, Any], point: dict[str, Any]
) -> float:
    """Log density on the constrained scale: without Jacobian."""
    return float(engine.log_density(program, data, [point])[0][0])


def half_t(x: Floats, df: Floats, scale: Floats) -> float:
    """Log density of the half-normal where df is infinite, nothing where scale is."""
    total = 0.0
    for value, d, s in zip(*map(np.atleast_1d, (x, df, scale)), strict=True):
        if np.isfinite(s):
            whole = stats.norm(0, s) if np.isinf(d) else stats.t(d, 0, s)
            total += whole.logpdf(value) + np.log(2)
    return float(total)


def log_prior(point: dict[str, Any], priors: Priors) -> float:
    b = np.array(point["beta_centered"])
    proper = np.isfinite(priors.beta_scale)
    normal = stats.norm(priors.beta_location[proper], priors.beta_scale[proper])
    return float(
        normal.logpdf(b[proper]).sum()
        + half_t(point["sigma"], np.array(priors.sigma_df), np.array(priors.sigma_scale))
    )


def omega(cpc: Floats) -> Floats:
    """Correlation matrix of three effects from partial correlations of the vine."""
    r21, r31, r32_1 = cpc
    r32 = r32_1 * np.sqrt((1 - r21**2) * (1 - r31**2)) + r21 * r31
    return np.array([[1, r21, r31], [r21, 1, r32], [r31, r32, 1]])


def lkj_of_cpc(cpc: Floats, eta: float) -> float:
    """LKJ density of the matrix, times the Jacobian of the matrix in the cpc."""
    K = 3
    k = np.arange(1, K)
    shape = eta + (K - k - 1) / 2
    log_constant = np.log(2) * np.sum((2 * eta - 2 + K - k) * (K - k)) + np.sum(
        (K - k) * special.betaln(shape, shape)
    )
    jacobian = 0.5 * np.log((1 - cpc[0] ** 2) * (1 - cpc[1] ** 2))
    return float((eta - 1) * np.linalg.slogdet(omega(cpc))[1] - log_constant + jacobian)


def partial_log_density(
    design: Design, priors: Priors, point: dict[str, Any], u: Floats
) -> float:
    g, h = design.factors
    tau, cpc = np.array(point["tau"]), np.array(point["cpc"])
    U, W = u[: 3 * g.J].reshape(3, g.J).T, u[3 * g.J :].reshape(2, h.J).T
    Sigma = omega(cpc) * np.outer(tau[:3], tau[:3])
    effects = stats.multivariate_normal(np.zeros(3), Sigma).logpdf(U).sum()
    effects += stats.norm(0, tau[3:]).logpdf(W).sum()
    mean = (design.X - priors.x_center) @ point["beta_centered"]
    mean = mean + np.sum(g.Z * U[g.index], axis=1) + np.sum(h.Z * W[h.index], axis=1)
    return float(
        log_prior(point, priors)
        + half_t(tau, priors.tau_df, priors.tau_scale)
        + lkj_of_cpc(cpc, priors.eta[0])
        + effects
        + stats.norm(mean, point["sigma"]).logpdf(design.y).sum()
    )


def random_point(design: Design, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    G = sum(f.J * f.Q for f in design.factors)
    return {
        "beta_centered": rng.normal(size=3).tolist(),
        "sigma": float(rng.uniform(0.3, 2.7)),
        "tau": rng.uniform(0.2, 3.0, 5).tolist(),
        "cpc": rng.uniform(-0.8, 0.8, 3).tolist(),
        "z": rng.normal(size=G).tolist(),
    }


def test_gradients_are_those_of_the_density(
    any_engine: Engine, design: Design, priors: Priors
) -> None:
    """Central differences of the Python density: a right value can hide a wrong slope."""
    point = random_point(design, 12)
    u = np.array(point.pop("z")) * 1.3
    order = ("beta_centered", "tau", "cpc", "u", "sigma")
    data = stan_data(get_program("centered"), design, priors)
    found = any_engine.log_density("centered", data, [point | {"u": u.tolist()}])[1][0]
    full = point | {"u": u}
    flat = np.concatenate([np.atleast_1d(full[name]) for name in order])
    ends = np.cumsum([np.size(full[name]) for name in order])[:-1]

    def density(values: Floats) -> float:
        parts: dict[str, Any] = dict(zip(order, np.split(values, ends), strict=True))
        parts["sigma"] = parts["sigma"][0]
        return partial_log_density(design, priors, parts, parts["u"])

    steps = 1e-5 * np.eye(flat.size)
    slopes = np.array([(density(flat + h) - density(flat - h)) / 2e-5 for h in steps])
    # Chain rule: tau and sigma are exponentials, cpc = tanh(v / 2).
    rate = np.ones(flat.size)
    where = np.split(np.arange(flat.size), ends)
    rate[where[1]], rate[where[4]] = flat[where[1]], flat[where[4]]
    rate[where[2]] = (1 - flat[where[2]] ** 2) / 2
    # Coefficients and effects are sampled in units of their own.
    rate[where[0]] = data["beta_unit"]
    levels = [f.J for f in design.factors for _ in f.effects]
    rate[where[3]] = np.repeat(data["effect_unit"], levels)
    np.testing.assert_allclose(found, slopes * rate, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_centered_is_the_model_as_written(
    any_engine: Engine, design: Design, priors: Priors, seed: int
) -> None:
    point = random_point(design, seed)
    u = np.array(point.pop("z")) * 1.7
    data = stan_data(get_program("centered"), design, priors)
    found = stan_log_density(any_engine, "centered", data, point | {"u": u.tolist()})
    assert found == pytest.approx(partial_log_density(design, priors, point, u), rel=1e-10)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_noncentered_is_centered_up_to_the_jacobian(
    any_engine: Engine, design: Design, priors: Priors, seed: int
) -> None:
    """density(z) = density(u(z)) |du/dz|, and log|du/dz| is J log|S| for each factor."""
    g, h = design.factors
    point = random_point(design, seed)
    z = np.array(point["z"])
    tau, cpc = np.array(point["tau"]), np.array(point["cpc"])
    S = np.diag(tau[:3]) @ np.linalg.cholesky(omega(cpc))
    u = np.concatenate(
        [
            (z[: 3 * g.J].reshape(3, g.J).T @ S.T).T.ravel(),
            z[3 * g.J :] * np.repeat(tau[3:], h.J),
        ]
    )
    jacobian = g.J * np.linalg.slogdet(S)[1] + h.J * np.log(tau[3:]).sum()
    data = stan_data(get_program("noncentered"), design, priors)
    found = stan_log_density(any_engine, "noncentered", data, point)
    expected = partial_log_density(design, priors, point, u) + jacobian
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", [7, 8])
def test_pooled_and_unpooled(
    any_engine: Engine, design: Design, priors: Priors, seed: int
) -> None:
    point = random_point(design, seed)
    simple = {name: point[name] for name in ("beta_centered", "sigma")}
    mean = (design.X - priors.x_center) @ simple["beta_centered"]
    likelihood = stats.norm(mean, simple["sigma"]).logpdf(design.y).sum()
    data = stan_data(get_program("pooled"), design, priors)
    found = stan_log_density(any_engine, "pooled", data, simple)
    assert found == pytest.approx(log_prior(simple, priors) + likelihood, rel=1e-10)

    g, h = design.factors
    gamma = np.array(point["z"])
    C, D = gamma[: 3 * g.J].reshape(3, g.J).T, gamma[3 * g.J :].reshape(2, h.J).T
    mean = mean + np.sum(g.Z * C[g.index], axis=1) + np.sum(h.Z * D[h.index], axis=1)
    location, scale = priors.gamma_location, priors.gamma_scale
    groups = stats.norm(location[:3], scale[:3]).logpdf(C).sum()
    groups += stats.norm(location[3:], scale[3:]).logpdf(D).sum()
    likelihood = stats.norm(mean, simple["sigma"]).logpdf(design.y).sum()
    found = stan_log_density(
        any_engine, "unpooled", data, simple | {"gamma": gamma.tolist()}
    )
    assert found == pytest.approx(
        log_prior(simple, priors) + groups + likelihood, rel=1e-10
    )


@pytest.mark.parametrize(
    ("program", "own"),
    [
        ("pooled", []),
        ("unpooled", ["gamma"]),
        ("centered", ["tau", "cpc", "u"]),
        ("noncentered", ["tau", "cpc", "z"]),
    ],
)
def test_without_likelihood_the_data_do_not_matter(
    any_engine: Engine, design: Design, priors: Priors, program: str, own: list[str]
) -> None:
    every = random_point(design, 9)
    every |= {"u": every["z"], "gamma": every["z"]}
    point = {name: every[name] for name in ["beta_centered", "sigma", *own]}
    data = stan_data(get_program("pooled"), design, priors) | {"prior_only": 1}
    other = data | {"y": data["y"] * 3 + 1}
    one = stan_log_density(any_engine, program, data, point)
    assert one == stan_log_density(any_engine, program, other, point)
    assert one != stan_log_density(any_engine, program, data | {"prior_only": 0}, point)
