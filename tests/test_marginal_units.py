"""The unit of tau in the marginal program: what one level's rows know of an effect."""

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.evaluate import build_design
from hierstan.marginal.data import own_errors
from hierstan.priors import default_priors
from hierstan.programs import get_program, stan_data


def test_of_means_it_is_the_standard_error() -> None:
    """One level of four rows, one of six: variances 1/4 and 1/6, harmonic mean 1/5."""
    data = pd.DataFrame({"y": np.arange(10.0), "g": [*"aaaabbbbbb"]})
    design = build_design("y ~ 1 + (1 | g)", data)
    assert own_errors(design.factors) == pytest.approx([np.sqrt(1 / 5)])


def test_of_lines_it_is_least_squares_of_each_level() -> None:
    """A level with one value of x knows neither intercept nor slope: no information."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"y": rng.normal(size=30), "x": rng.normal(7, 2, size=30)})
    data["g"] = rng.integers(0, 3, 30)
    data.loc[data["g"] == 2, "x"] = 6.5
    design = build_design("y ~ x + (x | g)", data)
    information = np.zeros(2)
    for level in (0, 1):
        Z = np.column_stack([np.ones(30), data["x"]])[data["g"] == level]
        information += 1 / np.diag(np.linalg.inv(Z.T @ Z)) / 3
    assert own_errors(design.factors) == pytest.approx(1 / np.sqrt(information))


def test_where_no_level_knows_effects_apart_each_counts_alone() -> None:
    data = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 6], "x": [1.0, 1, 2, 2, 4, 4]})
    data["g"] = [0, 0, 1, 1, 2, 2]
    design = build_design("y ~ x + (x | g)", data)
    assert own_errors(design.factors) == pytest.approx([np.sqrt(1 / 2), np.sqrt(1 / 14)])


def test_it_follows_the_units_of_the_data() -> None:
    data = hs.data.sleepstudy()
    units = []
    for y, x in ((1.0, 1.0), (1e3, 60.0)):
        scaled = data.assign(Reaction=data["Reaction"] * y, Days=data["Days"] * x)
        design = build_design("Reaction ~ Days + (Days | Subject)", scaled)
        block = stan_data(get_program("marginal"), design, default_priors(design))
        units.append(block["tau_unit"])
    assert units[1] == pytest.approx(units[0] * [1e3, 1e3 / 60])
