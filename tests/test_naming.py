"""What parameters are called: the same everywhere, whatever a predictor is called."""

from dataclasses import replace

import numpy as np
import pytest
from invented import grouped_data, invented_analysis
from synthetic import normal, synthetic_fit

from hierstan.design import Floats
from hierstan.evaluate import build_design
from hierstan.frequentist.variances import parameters_of
from hierstan.ladder import CrossCheck
from hierstan.ladder.curves import Curve, density, panels, profiled
from hierstan.ladder.curves import normal as gaussian
from hierstan.ladder.evidence import evidence
from hierstan.priors import parameters

LEVELS = [f"g{k}" for k in range(8)]
FORMULA = "y ~ sigma + (sigma | group)"


def test_one_name_for_one_parameter() -> None:
    """In tables, among the draws, for priors, for the likelihood and in its evidence."""
    data = grouped_data(LEVELS, predictor="sigma")
    design = build_design(FORMULA, data)
    deviations = ["sd(Intercept | group)", "sd(sigma | group)"]
    variances = [*deviations, "corr(Intercept, sigma | group)"]
    names = ["Intercept", "sigma (coefficient)", *variances, "sigma"]
    fit = synthetic_fit(FORMULA, data, draws=20)
    assert [name for name, _ in fit.estimates().rows()] == names
    assert list(fit.series()) == names
    assert set(fit.diagnostics.parameters.index) >= set(names)
    assert [p.name for p in parameters_of(design.factors)] == [*variances, "sigma"]
    assert list(evidence(design)) == variances
    own = {p.name for p in parameters(design, centred=False)}
    assert own >= {"Intercept", "sigma (coefficient)", *deviations, "sigma"}
    aliases = {alias for p in parameters(design, centred=False) for alias in p.aliases}
    assert "corr(Intercept, sigma | group)" in aliases


def test_kinds_are_told_beside_the_names() -> None:
    fit = synthetic_fit(FORMULA, grouped_data(LEVELS, predictor="sigma"), draws=20)
    kinds = [kind for kind, _, _ in fit.estimates().parameters()]
    assert kinds == ["coefficient", "coefficient", "sd", "sd", "corr", "sigma"]


def near_the_bounds(v: dict[str, Floats], s: dict[str, Floats]) -> None:
    """Draw sds close to zero and correlations close to one."""
    v["tau"][...] = np.abs(normal(v["tau"].shape, seed=4))
    v["rho"][...] = 1.0 - 0.2 * normal(v["rho"].shape, seed=5) ** 2


@pytest.fixture(scope="module")
def check() -> CrossCheck:
    """Of a model with a predictor called sigma, whose coefficient is negative.

    Draws under flat priors are not those under the model's.
    """
    data = grouped_data(LEVELS, predictor="sigma")
    data["y"] -= 10.0 * data["sigma"]
    analysis = invented_analysis(FORMULA, data, ["marginal"], failed=[])
    assert analysis.check is not None
    fits = [
        synthetic_fit(FORMULA, data, "marginal", draws=500, seed=seed,
                      change=near_the_bounds)
        for seed in (23, 29)
    ]  # fmt: skip
    return replace(analysis.check, posterior=fits[0], flat=fits[1])


def assert_same(one: Curve | None, other: Curve | None) -> None:
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.x, other.x)
    np.testing.assert_allclose(one.height, other.height, atol=1e-12)


def test_a_coefficient_called_sigma_has_the_curves_of_a_coefficient(
    check: CrossCheck,
) -> None:
    panel = next(p for p in panels(check) if p.name == "sigma (coefficient)")
    value = check.stan_mode().fixed["sigma"]
    assert panel.estimate == value.center < -5
    assert_same(panel.likelihood, gaussian(value.center, value.spread))
    assert check.posterior is not None
    assert_same(panel.posterior, density(check.posterior.series()[panel.name]))


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("Intercept", (-np.inf, np.inf)),
        ("sd(sigma | group)", (0.0, np.inf)),
        ("corr(Intercept, sigma | group)", (-1.0, 1.0)),
        ("sigma", (0.0, np.inf)),
    ],
)
def test_posteriors_are_drawn_within_their_bounds(
    check: CrossCheck, name: str, bounds: tuple[float, float]
) -> None:
    panel = next(p for p in panels(check) if p.name == name)
    assert check.posterior is not None
    assert check.flat is not None
    assert_same(panel.posterior, density(check.posterior.series()[name], *bounds))
    assert_same(panel.flat, density(check.flat.series()[name], *bounds))


def test_variances_have_a_profile_or_nothing(check: CrossCheck) -> None:
    drawn = {panel.name: panel for panel in panels(check)}
    assert drawn["sigma"].likelihood is None
    profile = check.mixed.profile(parameters=["sigma"])
    drawn = {panel.name: panel for panel in panels(replace(check, profile=profile))}
    assert_same(drawn["sigma"].likelihood, profiled(profile.curves["sigma"]))
    assert drawn["sd(sigma | group)"].likelihood is None
    assert drawn["sigma"].low == profile.curves["sigma"].low
