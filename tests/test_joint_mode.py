"""Where maximizing over group effects leads, told as it happened."""

import re

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.errors import InputError
from hierstan.ladder import JointMode, joint_mode

pytest.importorskip("stanli")

CROSSED = "rt ~ cond + (1 | subj) + (1 | item)"


def crossed(unit: float = 1.0) -> pd.DataFrame:
    """Twelve subjects by fifteen items."""
    rng = np.random.default_rng(2)
    subj, item = np.repeat(np.arange(12), 15), np.tile(np.arange(15), 12)
    cond = rng.integers(0, 2, 180)
    y = 5 + 0.4 * cond + rng.normal(0, 0.8, 12)[subj] + rng.normal(0, 0.5, 15)[item]
    y = unit * (y + rng.normal(size=180))
    return pd.DataFrame({"subj": subj, "item": item, "cond": cond, "rt": y})


def climb(formula: str, data: pd.DataFrame, seed: int) -> JointMode:
    model = hs.Model(formula, data, engine="stanli")
    return joint_mode(model.mixedlm(), model.engine, seed)


def test_a_singular_fit_is_refused_with_a_way_out() -> None:
    y = np.tile([1.3, 2.9, 0.4, 2.2, -1.7], 6)
    data = pd.DataFrame({"y": y, "group": np.repeat([f"g{k}" for k in range(6)], 5)})
    model = hs.Model("y ~ 1 + (1 | group)", data, engine="stanli")
    with pytest.raises(InputError, match=r"REML fit is .*singular.* Leave out the eff"):
        joint_mode(model.mixedlm(), model.engine)


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_a_local_optimum_is_not_called_a_collapse(unit: float) -> None:
    """All sds stay at about the fitted ones; the ray still rises above the place."""
    found = climb(CROSSED, crossed(unit), seed=2)
    share = found.effects["reached"] / found.effects["fitted"]
    assert share.between(0.5, 2.0).all()
    assert found.collapsed == ""
    assert "stopped at a local optimum at best" in found.verdict
    assert "zero" not in found.verdict
    for name, value in found.effects["reached"].items():
        assert f"{name} = {value:.3g} (" in found.verdict
    top = found.ray["joint"].max()
    assert top > found.end.log_density
    assert f"it is already {top:,.0f}." in found.verdict


def test_a_collapse_is_told_with_its_evidence() -> None:
    """The same start and units where the sd of items does run to zero."""
    found = climb(CROSSED, crossed(1e6), seed=1)
    assert found.collapsed == "sd(Intercept | item)"
    row = found.effects.loc["sd(Intercept | item)"]
    assert row["reached"] < 1e-6 * row["fitted"]
    assert row["farthest"] < 1e-6 * row["fitted"]
    assert f"sd(Intercept | item) = {row['reached']:.1e}" in found.verdict
    assert found.smallest_tau == row["reached"]


def test_the_end_is_that_of_the_named_effects() -> None:
    """Read from the optimizer's own arrays: slopes after intercepts, factor by factor."""
    found = climb("log_radon ~ floor + (floor || county)", hs.data.radon(), seed=2)
    tau, u = found.end.variables["tau"], found.end.variables["u"]
    assert found.effects["reached"].to_numpy() == pytest.approx(tau, rel=1e-12)
    farthest = [np.abs(u[:85]).max(), np.abs(u[85:]).max()]
    assert found.effects["farthest"].tolist() == farthest


def test_effects_may_collapse_onto_a_line() -> None:
    """Both sds stay, their correlation goes to one: what shrinks is a combination."""
    found = climb("Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(), seed=1)
    assert found.collapsed == ""
    assert (found.effects["reached"] / found.effects["fitted"]).min() > 0.1
    assert found.narrowest["Subject"] < 1e-4
    assert "effects of Subject that lie on a line or plane" in found.verdict


def test_groups_far_apart_hide_the_growth() -> None:
    """At a millionth of the sds the density is lower, and rising: no more is claimed."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(10), 8)
    y = 30 * rng.normal(size=10)[group] + rng.normal(size=80)
    found = climb("y ~ 1 + (1 | g)", pd.DataFrame({"g": group, "y": y}), seed=1)
    ray = found.ray.sort_values("share")["joint"].to_numpy()
    assert ray[0] < found.end.log_density
    assert ray[0] > ray[1], "rises where it ends"
    assert f"it is still {ray[0]:,.0f}" in found.verdict
    assert re.search(r"at their best falls by [\d,]+;", found.description)
