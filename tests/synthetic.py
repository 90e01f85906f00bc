"""Fits made of invented draws: everything but the sampler, in milliseconds."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from hierstan.design import Design, Floats
from hierstan.engines import SamplerSettings, Samples
from hierstan.evaluate import build_design
from hierstan.fit import Fit
from hierstan.prediction.new_data import Rows, rows_of
from hierstan.priors import PriorChoice, resolve_priors
from hierstan.programs import get_program, population_columns

Change = Callable[[dict[str, Floats], dict[str, Floats]], None]


def synthetic_fit(
    formula: str,
    data: pd.DataFrame,
    program: str = "noncentered",
    *,
    chains: int = 2,
    draws: int = 50,
    warmup: int = 300,
    seed: int = 11,
    priors: PriorChoice = None,
    prior_only: bool = False,
    change: Change = lambda variables, sampler: None,
) -> Fit:
    """Return a fit whose draws are independent, of generic size, and well mixed.

    `change` alters the draws, and the sampler's record, before they become a fit.
    """
    design = build_design(formula, data)
    chosen = get_program(program)
    rng = np.random.default_rng(seed)
    shape = (chains, draws)
    K = sum(factor.Q for factor in design.factors)
    pairs = sum(len(factor.pairs) for factor in design.factors)
    G = sum(factor.J * factor.Q for factor in design.factors)
    P = len(population_columns(chosen, design))
    variables = {
        "beta": rng.normal(1.3, 0.7, (*shape, P)),
        "sigma": np.exp(rng.normal(-0.4, 0.1, shape)),
        "tau": np.exp(rng.normal(0.2, 0.1, (*shape, K))),
        "rho": rng.uniform(-0.4, 0.6, (*shape, pairs)),
        "u": rng.normal(0.0, 1.1, (*shape, G)),
        "gamma": rng.normal(1.0, 1.1, (*shape, G)),
        "lprior": np.zeros(shape),
    }
    variables["cpc"] = variables["rho"]  # the same for two effects
    sampler = {
        "diverging": np.zeros(shape),
        "tree_depth": np.full(shape, 4.0),
        "energy": rng.normal(size=shape),
        "n_steps": np.full(shape, 15.0),
    }
    change(variables, sampler)
    settings = SamplerSettings(chains, warmup, draws, seed=seed)
    samples = Samples(variables, sampler, settings, 2.0, 0.0, None)
    found = resolve_priors(priors, design)
    return Fit.from_samples(chosen, design, found, samples, prior_only=prior_only)


def normal(shape: tuple[int, ...], seed: int) -> Floats:
    """Return independent standard normal draws."""
    return np.random.default_rng(seed).normal(size=shape)


def ar1(phi: float, shape: tuple[int, int], seed: int) -> Floats:
    """Return stationary AR(1) chains with variance 1, shape (chains, draws).

    Their mean has the variance of N (1 - phi) / (1 + phi) independent draws.
    """
    steps = normal(shape, seed) * np.sqrt(1 - phi**2)
    steps[:, 0] /= np.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], steps, axis=1))


def flat(fit: Fit, name: str) -> Floats:
    """Return the draws of a variable with all chains in one axis."""
    values = fit.draws[name].to_numpy()
    return np.asarray(values.reshape(-1, *values.shape[2:]))


def expected_by_hand(fit: Fit, design: Design, offset: Floats | float = 0.0) -> Floats:
    """Return X beta + sum Z u row by row and draw by draw, shape (draws, rows)."""
    beta = flat(fit, "beta")
    mu = np.zeros((len(beta), design.N))
    for i in range(design.N):
        mu[:, i] = beta @ design.X[i]
        for factor in design.factors:
            u = flat(fit, f"u[{factor.name}]")[:, :, factor.index[i]]
            mu[:, i] += u @ factor.Z[i]
    return mu + offset


def example(rows: int = 60, seed: int = 5) -> pd.DataFrame:
    """Columns of every kind, with no value that is only 0 or 1."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"y": rng.normal(3, 2, rows), "x": rng.gamma(3, 2, rows)})
    data["w"] = rng.normal(-2, 0.7, rows)
    data["k"] = rng.choice(["p", "q", "r"], rows)
    data["o"] = pd.Categorical(rng.choice(["lo", "mid", "hi"], rows),
                               categories=["lo", "mid", "hi"], ordered=True)  # fmt: skip
    data["n"] = rng.integers(3, 6, rows)
    data["b"] = rng.random(rows) < 0.4
    data["g"] = rng.permutation([f"g{j % 7}" for j in range(rows)])
    data["h"] = rng.integers(0, 2, rows)
    return data


def encode(design: Design, data: pd.DataFrame) -> Rows:
    """Encode rows whose levels are all known."""
    return rows_of(
        design, data, dict.fromkeys([f.name for f in design.factors], "same"), ""
    )
