"""The log likelihood in Python: the densities of its rows, and what Stan says."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hierstan as hs
from hierstan.draws import name_draws
from hierstan.engines.base import SamplerSettings
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import InputError
from hierstan.prediction import likelihood, simulate
from hierstan.prediction.likelihood import log_likelihood
from hierstan.prediction.simulate import Posterior
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.progress import SILENT


@pytest.fixture(scope="module")
def model() -> hs.Model:
    """Two crossed factors, ragged, with an offset and a predictor far from zero."""
    rng = np.random.default_rng(9)
    data = pd.DataFrame(rng.normal(size=(83, 3)), columns=["y", "x", "exposure"])
    data["x"] += 40.0
    data["g"], data["h"] = rng.integers(0, 7, 83), rng.integers(0, 4, 83)
    return hs.Model("y ~ x + offset(exposure) + (x | g) + (1 | h)", data)


def test_it_is_the_sum_of_normal_densities(
    model: hs.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior = model.prior_predictive(draws=13, seed=2)
    posterior = Posterior(prior.program, prior.design, prior.draws)
    design, k = model.design, {"chain": 0, "draw": 11}
    draw = prior.draws.sel(k)
    g, h = design.factors
    U, W = draw["u[g]"].to_numpy(), draw["u[h]"].to_numpy()
    mu = design.X @ draw["beta"].to_numpy() + W[0, h.index]
    mu += U[0, g.index] + design.X[:, 1] * U[1, g.index]
    expected = stats.norm(mu, draw["sigma"].item()).logpdf(design.y)
    terms = log_likelihood(posterior, pointwise=True)
    assert terms.dims == ("chain", "draw", "row of data")
    np.testing.assert_allclose(terms.sel(k), expected, rtol=1e-9)
    total = log_likelihood(posterior)
    np.testing.assert_allclose(total, terms.sum("row of data"), rtol=1e-12)
    monkeypatch.setattr(simulate, "CELLS", 13 * 10)  # ten rows at a time
    again = log_likelihood(posterior, pointwise=True)
    np.testing.assert_allclose(again, terms, rtol=1e-13)
    np.testing.assert_allclose(log_likelihood(posterior), total, rtol=1e-13)


def test_more_than_memory_holds_is_refused(
    model: hs.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior = model.prior_predictive(draws=13)
    monkeypatch.setattr(likelihood, "KEPT_CELLS", 83 * 12)
    with pytest.raises(InputError, match="sample at most 12 draws, or ask for the sum"):
        log_likelihood(Posterior(prior.program, prior.design, prior.draws), pointwise=True)


@pytest.mark.stan
@pytest.mark.parametrize("name", ["pooled", "unpooled", "centered", "noncentered"])
def test_stan_says_the_same(model: hs.Model, engine: CmdStanEngine, name: str) -> None:
    if name == "unpooled":  # takes one factor
        frame = model.design.frame
        model = hs.Model("y ~ x + offset(exposure) + (x | g)", frame)
    program, design = get_program(name), model.design
    data = stan_data(program, design, model.priors) | {"pointwise": 1}
    inits = initial_values(program, design, data, 2, 5)
    settings = SamplerSettings(chains=2, warmup=60, draws=25, seed=5)
    samples = engine.sample(name, data, inits, settings, SILENT)
    posterior = Posterior(program, design, name_draws(program, design, samples.variables))
    found = log_likelihood(posterior, pointwise=True)
    np.testing.assert_allclose(found, samples.variables["log_lik"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        log_likelihood(posterior), samples.variables["log_lik"].sum(axis=2), rtol=1e-8
    )
