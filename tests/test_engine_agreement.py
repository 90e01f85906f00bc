"""Both engines run the same programs: densities, modes and posteriors beside each other."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hierstan as hs
from hierstan.arviz_stats import convergence
from hierstan.draws import reported
from hierstan.engines import Engine, SamplerSettings, choose_engine
from hierstan.fit import Fit
from hierstan.model import Model
from hierstan.programs import PROGRAMS, get_program, initial_values, stan_data

pytest.importorskip("stanli")
pytestmark = pytest.mark.stan

NESTED = "strength ~ 1 + (1 | batch / cask)"
CORRELATED = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def stanli() -> Engine:
    return choose_engine("stanli")


@pytest.fixture(scope="module")
def crossed() -> Model:
    """Two crossed factors, one with correlated slopes; one coefficient is flat."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame(rng.normal(size=(60, 3)), columns=["y", "x", "w"])
    data["g"], data["h"] = rng.integers(0, 5, 60), rng.integers(0, 4, 60)
    priors = {"w": "flat", "sd(x | g)": "half-normal(0.7)", "sigma": "half-cauchy(1.4)"}
    return hs.Model("y ~ x + w + (x | g) + (1 | h)", data, priors)


def points(model: Model, program: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Five points around starting points, in every direction of the unconstrained space."""
    rng = np.random.default_rng(21)
    starts = initial_values(get_program(program), model.design, data, chains=5, seed=3)
    moved = []
    for start in starts:
        point: dict[str, Any] = {}
        for name, value in start.items():
            steps = rng.normal(size=np.shape(value))
            if name in ("sigma", "tau"):
                point[name] = (np.asarray(value) * np.exp(steps)).tolist()
            elif name in ("cpc", "cpc_raw"):
                point[name] = np.tanh(steps).tolist()
            else:
                scale = np.std(value) if np.size(value) > 1 else 1.0
                point[name] = (np.asarray(value) + scale * steps).tolist()
        moved.append(point)
    return moved


def assert_same_density(
    one: Engine, two: Engine, model: Model, program: str, changes: dict[str, Any]
) -> None:
    data = stan_data(get_program(program), model.design, model.priors) | changes
    places = points(model, program, data)
    values, slopes = one.log_density(program, data, places)
    others, other_slopes = two.log_density(program, data, places)
    assert values.shape == (5,)
    assert np.ptp(values) > 1  # the points are different places
    np.testing.assert_allclose(others, values, rtol=1e-10)
    for slope, other in zip(slopes, other_slopes, strict=True):
        np.testing.assert_allclose(other, slope, rtol=0, atol=1e-10 * np.abs(slope).max())


@pytest.mark.parametrize("prior_only", [0, 1])
@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "marginal"])
def test_densities_and_gradients(
    engine: Engine, stanli: Engine, crossed: Model, program: str, prior_only: int
) -> None:
    changes = {"prior_only": prior_only}
    assert_same_density(engine, stanli, crossed, program, changes)


@pytest.mark.parametrize(
    ("formula", "dataset"), [(CORRELATED, "sleepstudy"), (NESTED, "pastes")]
)
@pytest.mark.parametrize("prior_only", [0, 1])
def test_densities_and_gradients_of_marginal(
    engine: Engine, stanli: Engine, formula: str, dataset: str, prior_only: int
) -> None:
    model = hs.Model(formula, hs.data.load(dataset))
    changes = {"prior_only": prior_only}
    assert_same_density(engine, stanli, model, "marginal", changes)


@pytest.mark.parametrize(
    ("program", "formula", "dataset"),
    [
        *((program, "Yield ~ 1 + (1 | Batch)", "dyestuff") for program in PROGRAMS),
        ("marginal", NESTED, "pastes"),
        ("marginal", CORRELATED, "sleepstudy"),
    ],
)
def test_names_and_shapes(
    engine: Engine, stanli: Engine, program: str, formula: str, dataset: str
) -> None:
    model = hs.Model(formula, hs.data.load(dataset))
    data = stan_data(get_program(program), model.design, model.priors)
    inits = initial_values(get_program(program), model.design, data, chains=2, seed=4)
    settings = SamplerSettings(chains=2, warmup=100, draws=7, seed=4)
    one, two = (each.sample(program, data, inits, settings) for each in (engine, stanli))
    for ours, theirs in ((one.variables, two.variables), (one.sampler, two.sampler)):
        assert list(ours) == list(theirs)
        for name, values in ours.items():
            assert theirs[name].shape == values.shape, name
            assert theirs[name].dtype == values.dtype == float, name
    assert two.seconds > 0
    modes = [each.optimize(program, data, inits[0], seed=4) for each in (engine, stanli)]
    shapes = [{k: np.shape(v) for k, v in mode.variables.items()} for mode in modes]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("program", ["pooled", "unpooled", "noncentered", "marginal"])
def test_modes(engine: Engine, stanli: Engine, program: str) -> None:
    """Centered has none. CmdStan's climb leaves up to 1e-7 on the way."""
    model = hs.Model(CORRELATED, hs.data.sleepstudy())
    data = stan_data(get_program(program), model.design, model.priors)
    (init,) = initial_values(get_program(program), model.design, data, chains=1, seed=2)
    one, two = (each.optimize(program, data, init, seed=2) for each in (engine, stanli))
    assert one.arrived
    assert two.arrived
    assert two.log_density == pytest.approx(one.log_density, rel=1e-9)
    assert two.log_density > one.log_density - 1e-9
    for name in ("sigma", "tau", "cpc"):
        if name in one.variables:
            # 1e-7 of log density is 4e-4 of a standard deviation.
            np.testing.assert_allclose(
                two.variables[name], one.variables[name], 2e-4, 2e-4, err_msg=name
            )


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_posteriors(engine: Engine, stanli: Engine, program: str) -> None:
    """Means and variances of every parameter and coefficient, in their own MCSE.

    Up to 84 comparisons a program; with five standard errors a right engine fails in one
    of 20,000 runs. The seeds differ, so that the draws are independent.
    """
    data = hs.data.sleepstudy()
    one = hs.Model(CORRELATED, data, engine=engine).sample(program, seed=11)
    two = hs.Model(CORRELATED, data, engine=stanli).sample(program, seed=12)
    assert one.diagnostics.sound
    assert two.diagnostics.sound
    center = reported(one.draws).mean(("chain", "draw"))
    for power in (1, 2):
        far = distance(one, two, center, power)
        for name, values in far.items():
            assert float(abs(values).max()) < 5, (name, power)


def distance(one: Fit, two: Fit, center: xr.Dataset, power: int) -> xr.Dataset:
    """Difference of a moment between two fits, in its Monte Carlo standard error."""
    moments = [(reported(fit.draws) - center) ** power for fit in (one, two)]
    means = [moment.mean(("chain", "draw")) for moment in moments]
    errors = [convergence(moment)["mcse_mean"] for moment in moments]
    return (means[0] - means[1]) / np.sqrt(errors[0] ** 2 + errors[1] ** 2)
