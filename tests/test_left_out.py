"""Leave-one-group-out densities against multivariate normals with and without the group."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from dense_posterior import Theta, log_density
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError, InputError
from hierstan.evaluate import build_design
from hierstan.marginal.data import elimination_order
from hierstan.marginal.left_out import group_densities, left_out_density
from hierstan.priors import default_priors


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(31)
    data = pd.DataFrame(rng.normal(size=(40, 2)), columns=["x", "w"])
    data["g"], data["h"] = rng.choice(6, 40), rng.choice(3, 40)
    data["y"] = 1e4 + 3.0 * data["x"] + rng.normal(size=6)[data["g"]] + rng.normal(size=40)
    return data


@pytest.mark.parametrize(
    ("formula", "coarsest"),
    [("y ~ x + (x | g)", "g"), ("y ~ x + w + (1 | g) + (0 + x | g:h)", "g")],
)
def test_densities_are_differences_of_two(formula: str, coarsest: str) -> None:
    design = build_design(formula, frame())
    priors = default_priors(design)
    factor = design.factors[elimination_order(design)[-1]]
    assert factor.name == coarsest
    rng = np.random.default_rng(32)
    draws, pairs = 3, sum(len(f.pairs) for f in design.factors)
    given = {
        "tau": rng.uniform(0.3, 2.0, (draws, len(design.effects))),
        "cpc": rng.uniform(-0.6, 0.6, (draws, pairs)),
        "sigma": rng.uniform(0.5, 1.5, (draws, 1)),
    }
    found = group_densities(design, priors, given)
    assert found.shape == (draws, factor.J)
    for i in range(draws):
        Omegas = [np.eye(f.Q) for f in design.factors]
        for f, Omega in zip(design.factors, Omegas, strict=True):
            for a, b in f.pairs:
                Omega[a, b] = Omega[b, a] = given["cpc"][i, 0]
        theta = Theta(given["tau"][i], tuple(Omegas), float(given["sigma"][i, 0]))
        everything = log_density(design, priors, theta, np.arange(design.N))
        for j in range(factor.J):
            others = np.flatnonzero(factor.index != j)
            expected = everything - log_density(design, priors, theta, others)
            assert found[i, j] == pytest.approx(expected, rel=1e-8), (i, j)


def test_a_group_that_alone_determines_a_flat_coefficient_is_refused() -> None:
    data = frame().assign(only=lambda d: (d["g"] == 4) * np.arange(40.0))
    design = build_design("y ~ only + (1 | g)", data)
    priors = default_priors(design)
    theta = {name: np.ones((1, 1)) for name in ("tau", "sigma")} | {"cpc": np.ones((1, 0))}
    assert np.isfinite(group_densities(design, priors, theta)).all()
    flat = replace(priors, beta_scale=np.full(2, np.inf))
    with pytest.raises(DataError, match=r"Without '4' .* Intercept, only"):
        group_densities(design, flat, theta)


@pytest.mark.stan
def test_any_program_with_partial_pooling_has_them(engine: CmdStanEngine) -> None:
    data = hs.data.sleepstudy()
    model = hs.Model("Reaction ~ Days + (Days | Subject)", data, engine=engine)
    one = left_out_density(model.sample("marginal", seed=3, chains=2))
    two = left_out_density(model.sample("noncentered", seed=3, chains=2))
    assert one.dims == ("chain", "draw", "level of Subject")
    assert one.sizes["level of Subject"] == 18
    gap = (one.mean(("chain", "draw")) - two.mean(("chain", "draw"))).to_numpy()
    error = np.hypot(
        *(x.std(("chain", "draw")).to_numpy() / np.sqrt(400) for x in (one, two))
    )
    assert np.abs(gap / error).max() < 4.0


@pytest.mark.parametrize("reading", [hs.left_out_density, hs.group_moments])
def test_without_partial_pooling_or_data_nothing_is_integrated_out(
    reading: Callable[[hs.Fit], object],
) -> None:
    for program, told in (("pooled", "complete pooling"), ("unpooled", "no pooling")):
        fit = synthetic_fit("y ~ x + (1 | g)", frame(), program=program)
        with pytest.raises(InputError, match=f"partial pooling; {program} has {told}"):
            reading(fit)
    fit = synthetic_fit("y ~ x + (1 | g)", frame(), prior_only=True)
    with pytest.raises(InputError, match=r"from the prior only, and .* is about the data"):
        reading(fit)
    crossed = synthetic_fit("y ~ x + (1 | g) + (1 | h)", frame())
    with pytest.raises(DataError, match=r"g and h are .*noncentered program draws"):
        reading(crossed)
