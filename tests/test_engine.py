"""What an engine does besides sampling: find a mode, evaluate a density."""

from typing import Any

import numpy as np
import pytest

import hierstan as hs
from hierstan.engines import Engine
from hierstan.errors import SamplingError
from hierstan.priors import resolve_priors
from hierstan.programs import get_program, initial_values, stan_data


@pytest.fixture(scope="module")
def pooled() -> dict[str, Any]:
    """Data of the pooled program with all priors flat but the intercept's."""
    model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon())
    data = stan_data(
        get_program("pooled"), model.design, resolve_priors("seeds", model.design)
    )
    return data | {"beta_scale": [np.inf, np.inf], "sigma_scale": np.inf}


def test_mode_of_a_flat_regression_is_least_squares(
    any_engine: Engine, pooled: dict[str, Any]
) -> None:
    design = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon()).design
    program = get_program("pooled")
    (init,) = initial_values(program, design, pooled, chains=1, seed=3)
    mode = any_engine.optimize("pooled", pooled, init, seed=3)
    beta, squares, *_ = np.linalg.lstsq(design.X, design.y, rcond=None)
    assert mode.arrived
    sigma = np.sqrt(squares[0] / design.N)
    se = sigma * np.sqrt(np.diag(np.linalg.inv(design.X.T @ design.X)))
    assert np.all(np.abs(mode.variables["beta"] - beta) < 1e-5 * se)
    assert abs(mode.variables["sigma"] - sigma) < 1e-5 * sigma / np.sqrt(2 * design.N)
    maximum = -0.5 * design.N * (np.log(2 * np.pi * sigma**2) + 1)
    assert mode.log_density == pytest.approx(maximum, rel=1e-12)
    point = {"beta_centered": beta.tolist(), "sigma": float(sigma)}
    (density,), (gradient,) = any_engine.log_density("pooled", pooled, [point])
    assert density == pytest.approx(maximum, rel=1e-13)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-8)


def test_a_point_outside_its_range_is_an_error(
    any_engine: Engine, pooled: dict[str, Any]
) -> None:
    point = {"beta_centered": [0.4, -0.3], "sigma": -1.7}
    with pytest.raises(SamplingError, match="evaluating pooled"):
        any_engine.log_density("pooled", pooled, [point])
    with pytest.raises(SamplingError, match="optimizing pooled"):
        any_engine.optimize("pooled", pooled, point, seed=3)
