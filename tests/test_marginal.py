"""The marginal program's log density and gradient against dense formulas."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dense_posterior import Theta, covariance, log_prior
from scipy import stats

from hierstan.design import Design, Floats
from hierstan.engines.base import StanData
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.evaluate import build_design
from hierstan.frequentist.equations import solve
from hierstan.priors import Priors, default_priors
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.structure import chain
from hierstan.sums import Sums

pytestmark = pytest.mark.stan

FORMULAS = (
    "y ~ x + (1 | g)",
    "y ~ x + w + (x | g)",
    "y ~ w + (x || g)",
    "y ~ x + w + (w | g) + (0 + x | g)",
    "y ~ 0 + x + (0 + x | g)",
    "y ~ 0 + x + (w | g)",
    "y ~ x + (1 | h/g)",
    "y ~ x + w + (x | h) + (w | h:g)",
    "y ~ x + (w | h:g) + (1 | i) + (0 + x | i:h)",
)


def frame(seed: int, rows: int = 45) -> pd.DataFrame:
    """Unequal groups, some of one row, others of one value of x."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["y", "x", "w"])
    data["y"] = 3.0 + 2.0 * data["y"]
    data["g"] = rng.choice(9, rows, p=np.arange(1, 10) / 45)
    data.loc[data["g"] > 6, "x"] = 0.7
    data.loc[0, "g"] = 11
    # Three levels of a factor that h is nested in, by its own names.
    data["h"] = rng.integers(0, 7, rows)
    data["i"] = data["h"] % 3
    return data


def generic_priors(design: Design) -> Priors:
    """Nothing at its default, nothing symmetric."""
    some = default_priors(design)
    P, K = design.P, len(design.effects)
    return replace(
        some,
        x_center=some.x_center * 0.6,
        beta_location=np.linspace(0.4, -0.9, P),
        beta_scale=np.linspace(1.7, 0.8, P),
        tau_df=np.linspace(4.5, 1.5, K),
        tau_scale=np.linspace(1.3, 2.1, K),
        sigma_df=2.5,
        sigma_scale=1.6,
    )


def random_theta(design: Design, seed: int) -> tuple[dict[str, Any], Theta]:
    """A point of the program, and what it means."""
    rng = np.random.default_rng(seed)
    tau = rng.uniform(0.2, 3.0, len(design.effects))
    sigma = float(rng.uniform(0.3, 2.7))
    cpc: list[float] = []
    Omegas = []
    for factor in design.factors:
        Omega = np.eye(factor.Q)
        for a, b in factor.pairs:
            cpc.append(float(rng.uniform(-0.8, 0.8)))
            Omega[a, b] = Omega[b, a] = cpc[-1]
        Omegas.append(Omega)
    point = {"tau": tau.tolist(), "cpc": cpc, "sigma": sigma, "beta_standard": []}
    return point, Theta(tau, tuple(Omegas), sigma)


OF_TAU = {"of_tau": 1}
SAMPLED = {"beta_sampled": 1}


def raw(block: StanData, point: dict[str, Any]) -> dict[str, Any]:
    """The parameters that stand for the point's tau and cpc."""
    tau_raw = np.arcsinh(np.array(point["tau"]) / block["tau_unit"])
    return point | {"tau_raw": tau_raw, "cpc_raw": point["cpc"]}


def lkj(design: Design) -> float:
    """LKJ(1) is uniform; no factor here has more than two correlated effects."""
    return float(sum(len(factor.pairs) for factor in design.factors) * np.log(0.5))


def stan_density(
    engine: CmdStanEngine,
    design: Design,
    priors: Priors,
    point: dict[str, Any],
    **switches: int,
) -> float:
    data = stan_data(get_program("marginal"), design, priors) | OF_TAU | switches
    return float(engine.log_density("marginal", data, [raw(data, point)])[0][0])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("formula", FORMULAS)
def test_density_with_normal_coefficients(
    engine: CmdStanEngine, formula: str, seed: int
) -> None:
    """Response and beta are jointly normal: one multivariate normal, constants included."""
    design = build_design(formula, frame(seed))
    priors = generic_priors(design)
    point, theta = random_theta(design, seed)
    X = design.X - priors.x_center * design.has_intercept
    V = covariance(design, theta) + X @ np.diag(priors.beta_scale**2) @ X.T
    expected = stats.multivariate_normal(X @ priors.beta_location, V).logpdf(design.y)
    expected += log_prior(priors, theta) + lkj(design)
    found = stan_density(engine, design, priors, point)
    assert found == pytest.approx(expected, rel=1e-11)


def flat(design: Design) -> Priors:
    return replace(
        default_priors(design),
        beta_scale=np.full(design.P, np.inf),
        tau_scale=np.full(len(design.effects), np.inf),
        sigma_scale=np.inf,
    )


@pytest.mark.parametrize("formula", FORMULAS)
def test_flat_density_is_the_restricted_likelihood(
    engine: CmdStanEngine, formula: str
) -> None:
    design = build_design(formula, frame(3))
    point, theta = random_theta(design, 4)
    order = chain(design.factors)
    assert order is not None
    sums = Sums.of(design.y, design.X, [design.factors[k] for k in order])
    Sigmas = {}
    at = 0
    for k, (factor, Omega) in enumerate(zip(design.factors, theta.Omegas, strict=True)):
        tau = theta.tau[at : at + factor.Q]
        Sigmas[k] = np.outer(tau, tau) * Omega
        at += factor.Q
    solution = solve(sums, [Sigmas[k] for k in order], theta.sigma, reml=True)
    expected = solution.loglik + lkj(design)
    found = stan_density(engine, design, flat(design), point)
    assert found == pytest.approx(expected, rel=1e-11)


def sampled_point(
    data: dict[str, Any], beta_centered: Floats
) -> tuple[list[float], Floats]:
    """Coefficients of standardized X, and the map to them from those of centred X."""
    S = np.asarray(data["S"])
    forward = S[:-1, :-1] / S[-1, -1]
    return (forward @ beta_centered - S[:-1, -1] / S[-1, -1]).tolist(), forward


@pytest.mark.parametrize("formula", FORMULAS[:3])
def test_density_with_sampled_coefficients_is_the_likelihood(
    engine: CmdStanEngine, formula: str
) -> None:
    design = build_design(formula, frame(5))
    b = np.linspace(-0.8, 0.5, design.P)
    for priors in (generic_priors(design), flat(design)):
        point, theta = random_theta(design, 6)
        data = stan_data(get_program("marginal"), design, priors) | OF_TAU | SAMPLED
        point["beta_standard"], _ = sampled_point(data, b)
        mean = (design.X - priors.x_center) @ b
        expected = stats.multivariate_normal(mean, covariance(design, theta)).logpdf(
            design.y
        )
        expected += log_prior(priors, theta) + lkj(design)
        proper = np.isfinite(priors.beta_scale)
        normal = stats.norm(priors.beta_location[proper], priors.beta_scale[proper])
        expected += normal.logpdf(b[proper]).sum()
        found, _ = engine.log_density("marginal", data, [raw(data, point)])
        assert found[0] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("sampled", "of_tau"), [(0, 0), (0, 1), (1, 0)])
def test_gradient_is_that_of_the_density(
    engine: CmdStanEngine, sampled: int, of_tau: int
) -> None:
    """Central differences of the dense density, in the unconstrained parameters.

    One of two correlated effects is mirrored, and its correlation with it.
    """
    design = build_design("y ~ x + w + (w | g) + (0 + x | g)", frame(7))
    priors = generic_priors(design)
    point, _ = random_theta(design, 8)
    data = stan_data(get_program("marginal"), design, priors)
    data |= {"beta_sampled": sampled, "of_tau": of_tau}
    beta = np.array([0.3, -0.7, 0.2]) if sampled else np.zeros(0)
    point["beta_standard"] = beta.tolist()
    given = raw(data, point)
    given["tau_raw"] = given["tau_raw"] * [1, -1, 1]
    values, gradients = engine.log_density("marginal", data, [given])
    X = design.X - priors.x_center
    forward = sampled_point(data, np.zeros(3))[1]
    origin = np.linalg.solve(forward, np.asarray(data["S"])[:-1, -1] / data["S"][-1, -1])

    def density(v: Floats) -> float:
        rho = -np.tanh(v[3] / 2)
        Omega = np.eye(3)
        Omega[0, 1] = Omega[1, 0] = rho
        tau = np.abs(np.sinh(v[:3])) * data["tau_unit"]
        theta = Theta(tau, (Omega,), float(np.exp(v[-1])))
        V = covariance(design, theta)
        total = log_prior(priors, theta) + lkj(design)
        if not of_tau:
            total += float(np.log(data["tau_unit"] * np.cosh(v[:3]) / 2).sum())
        if sampled:
            b = origin + np.linalg.solve(forward, v[4:7])
            normal = stats.norm(priors.beta_location, priors.beta_scale)
            total += float(normal.logpdf(b).sum())
        else:
            b = priors.beta_location
            V = V + X @ np.diag(priors.beta_scale**2) @ X.T
        return total + float(stats.multivariate_normal(X @ b, V).logpdf(design.y))

    middle = np.concatenate(
        [
            given["tau_raw"],
            2 * np.arctanh(point["cpc"]),
            beta,
            [np.log(point["sigma"])],
        ]
    )
    steps = 1e-5 * np.eye(middle.size)
    slopes = [(density(middle + h) - density(middle - h)) / 2e-5 for h in steps]
    assert values[0] == pytest.approx(density(middle), rel=1e-11)
    np.testing.assert_allclose(gradients[0], slopes, rtol=1e-6, atol=1e-6)


def test_mirrored_effects_are_the_same_effects(engine: CmdStanEngine) -> None:
    """Three correlated effects, each with its sign turned or not: one place in the end.

    The optimizer goes from a mirrored start to a mirrored mode; tau, cpc and rho are what
    they are without mirrors.
    """
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(30), 20)
    data = pd.DataFrame(rng.normal(size=(600, 2)), columns=["x", "w"])
    root = np.array([[1.0, 0, 0], [-0.6, 0.8, 0], [0.5, -0.3, 0.9]])
    u = rng.normal(size=(30, 3)) @ root.T
    data["y"] = u[g, 0] + u[g, 1] * data["x"] + u[g, 2] * data["w"] + rng.normal(size=600)
    data["g"] = g
    design = build_design("y ~ x + w + (x + w | g)", data)
    block = stan_data(get_program("marginal"), design, default_priors(design)) | OF_TAU
    (start,) = initial_values(get_program("marginal"), design, block, chains=1, seed=2)
    modes = []
    for sign in ([1, 1, 1], [1, -1, 1], [-1, 1, -1], [-1, -1, -1]):
        pairs = [sign[1] * sign[0], sign[2] * sign[0], sign[2] * sign[1]]
        given = {"tau_raw": start["tau_raw"] * sign, "cpc_raw": start["cpc_raw"] * pairs}
        modes.append(engine.optimize("marginal", block, start | given, seed=2))
        assert np.sign(modes[-1].variables["tau_raw"]).tolist() == sign
    one = modes[0]
    assert one.variables["rho"][0] < -0.3 < 0.2 < one.variables["rho"][1]
    for other in modes[1:]:
        assert other.log_density == pytest.approx(one.log_density, abs=1e-6)
        for name in ("tau", "cpc", "rho", "sigma"):
            np.testing.assert_allclose(
                other.variables[name], one.variables[name], 2e-3, 2e-3, err_msg=name
            )


def test_density_is_noncentered_with_the_effects_integrated_out(
    engine: CmdStanEngine,
) -> None:
    """Gauss-Hermite over the two effects of a small design, at given coefficients."""
    rng = np.random.default_rng(9)
    data = pd.DataFrame({"y": rng.normal(size=7), "x": rng.normal(size=7)})
    data["g"] = [0, 0, 0, 1, 1, 1, 1]
    design = build_design("y ~ x + (1 | g)", data)
    priors = generic_priors(design)
    point, _ = random_theta(design, 10)
    point["sigma"], point["tau"] = 1.3, [0.7]
    b = np.array([0.35, -0.15])
    block = stan_data(get_program("marginal"), design, priors) | OF_TAU | SAMPLED
    point["beta_standard"], _ = sampled_point(block, b)
    marginal, _ = engine.log_density("marginal", block, [raw(block, point)])
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    grid = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    weight = np.outer(weights, weights).ravel() / (2 * np.pi)
    full = stan_data(get_program("noncentered"), design, priors)
    points = [point | {"beta_centered": b.tolist(), "z": z.tolist()} for z in grid]
    logs, _ = engine.log_density("noncentered", full, points)
    # The nodes weigh with the normal density that the program has in it already.
    logs = logs - stats.norm.logpdf(grid).sum(axis=1)
    integral = np.log(weight @ np.exp(logs - logs.max())) + logs.max()
    assert marginal[0] == pytest.approx(integral, abs=1e-8)


def test_without_likelihood_only_the_priors_count(engine: CmdStanEngine) -> None:
    design = build_design("y ~ x + (x | g)", frame(11))
    priors = generic_priors(design)
    point, theta = random_theta(design, 12)
    found = stan_density(engine, design, priors, point, prior_only=1)
    assert found == pytest.approx(log_prior(priors, theta) + lkj(design), rel=1e-12)


def test_a_model_without_coefficients(engine: CmdStanEngine) -> None:
    design = build_design("y ~ 0 + (1 | g)", frame(13))
    assert design.P == 0
    point, theta = random_theta(design, 14)
    priors = generic_priors(design)
    expected = stats.multivariate_normal(np.zeros(design.N), covariance(design, theta))
    found = stan_density(engine, design, priors, point)
    total = expected.logpdf(design.y) + log_prior(priors, theta)
    assert found == pytest.approx(total, rel=1e-11)
