"""The marginal program where doubles run short, against sixty digits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from decimals import exact_density
from scipy import stats

from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.evaluate import build_design
from hierstan.marginal.data import raw_parameters
from hierstan.priors import default_priors, seeds_priors
from hierstan.programs import get_program, stan_data

pytestmark = pytest.mark.stan

SLOPES = "y ~ x + (x | g)"


def frame(seed: int, shift: float = 0.0, groups: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(36, 2)) + shift, columns=["y", "x"])
    share = np.arange(1, groups + 1) / sum(range(1, groups + 1))
    data["g"] = rng.choice(groups, 36, p=share)
    return data


def compare(
    engine: CmdStanEngine,
    formula: str,
    data: pd.DataFrame,
    tau: list[float],
    cpc: list[float],
    sigma: float = 0.9,
    *,
    tolerance: float = 1e-10,
    centred: bool = True,
) -> None:
    design = build_design(formula, data)
    priors = default_priors(design)
    if not centred:
        # About x = 0, far from the data, and wide enough to let the line get there.
        priors = replace(seeds_priors(design), beta_scale=np.full(design.P, 1e7))
    block = stan_data(get_program("marginal"), design, priors) | {"of_tau": 1}
    point = raw_parameters(block, np.array(tau), np.array(cpc))
    point |= {"sigma": sigma, "beta_standard": []}
    found, _ = engine.log_density("marginal", block, [point])
    prior = stats.t(priors.tau_df, 0, priors.tau_scale).logpdf(tau).sum()
    prior += stats.t(priors.sigma_df, 0, priors.sigma_scale).logpdf(sigma)
    prior += (len(tau) + 1) * np.log(2) + len(cpc) * np.log(0.5)
    expected = exact_density(design, priors, tau, cpc, sigma) + prior
    assert found[0] == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    ("effects", "tau", "cpc"),
    [
        # As large at the data as the other sds: the correlation is all but -1.
        ("(x | g)", [5e5, 0.5], [-(1 - 4e-12)]),
        ("(x || g)", [5e5, 0.5], []),
        ("(1 | g)", [0.7], []),
    ],
)
def test_a_million_standard_deviations_from_zero(
    engine: CmdStanEngine, effects: str, tau: list[float], cpc: list[float], centred: bool
) -> None:
    """Both y and x; the sums hold their squares, 1e12 times their variances."""
    data = frame(1, shift=1e6)
    compare(engine, f"y ~ x + {effects}", data, tau, cpc, centred=centred)


def test_groups_of_one_row(engine: CmdStanEngine) -> None:
    data = frame(2)
    data.loc[:20, "g"] = np.arange(100, 121)
    compare(engine, SLOPES, data, [0.4, 0.7], [-0.3])


def test_three_groups(engine: CmdStanEngine) -> None:
    compare(engine, SLOPES, frame(3, groups=3), [0.4, 0.7], [-0.3])


@pytest.mark.parametrize("tau", [[0.4, 0.7], [1e6, 1e6], [1e-4, 1e4]])
def test_a_column_constant_within_most_groups(
    engine: CmdStanEngine, tau: list[float]
) -> None:
    data = frame(4)
    data.loc[data["g"] > 2, "x"] = 0.3
    compare(engine, SLOPES, data, tau, [-0.3], tolerance=1e-9)


@pytest.mark.parametrize(
    ("tau", "tolerance"),
    [
        ([1e-12, 1e-12], 1e-12),
        ([1e5, 1e-7], 1e-12),
        # Against the order of elimination, (tau z / sigma)^2 cancels down to one.
        ([1e-4, 1e4], 1e-9),
        ([1e12, 1e12], 1e-12),
    ],
)
def test_standard_deviations_near_zero_and_infinity(
    engine: CmdStanEngine, tau: list[float], tolerance: float
) -> None:
    compare(engine, SLOPES, frame(5), tau, [-0.3], tolerance=tolerance)


def test_groups_far_apart(engine: CmdStanEngine) -> None:
    """A million sigmas in y, and as many sds within groups in x."""
    far = 1e6 * np.random.default_rng(0).normal(size=9)
    data = frame(6)
    apart = data.assign(y=data["y"] + far[data["g"]])
    compare(engine, SLOPES, apart, [1e6, 0.7], [0.3], tolerance=1e-9)
    apart = data.assign(x=data["x"] + far[data["g"]])
    compare(engine, SLOPES, apart, [1.0, 0.7], [0.3])


def test_small_units(engine: CmdStanEngine) -> None:
    data = frame(7)
    moved = data.assign(y=data["y"] * 1e-9, x=data["x"] * 1e7)
    compare(engine, SLOPES, moved, [0.4e-9, 0.7e-16], [0.3], 1e-9)
