"""What a cross-check says of itself, on quick real fits without a compiler."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.ladder import CrossCheck

pytest.importorskip("stanli")


@pytest.fixture(scope="module")
def rescued() -> CrossCheck:
    """A fit that MixedLM by itself leaves 0.017 of log likelihood short."""
    formula = "log_radon ~ floor + log_uranium + (1 | county)"
    return hs.crosscheck(formula, hs.data.radon(), engine="stanli")


def test_a_rescued_fit_has_the_optimum_it_was_refitted_to(rescued: CrossCheck) -> None:
    assert rescued.mixed.rescued
    assert rescued.loglik_gap > 0.01
    assert {rung.verdict for rung in rescued.rungs} == {"same optimum"}
    assert rescued.agrees


def test_a_fit_short_of_the_optimum_does_not_agree(rescued: CrossCheck) -> None:
    solution = replace(rescued.mixed.solution, loglik=rescued.mode.solution.loglik - 0.004)
    assert not replace(rescued, mixed=replace(rescued.mixed, solution=solution)).agrees


def test_few_levels_are_no_reason_to_advise_the_priors_in_use() -> None:
    """What must be flat are the ladder's own priors, not the user's."""
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], [15, 18, 17])
    y = rng.normal(100.0, 1.0, 50) + rng.normal(0.0, 1.3, 3)[group]
    data = pd.DataFrame({"g": np.array(list("abc"))[group], "y": y})
    check = hs.crosscheck(
        "y ~ 1 + (1 | g)", data, posterior=True, chains=2, warmup=300, draws=300,
        engine="stanli",
    )  # fmt: skip
    assert check.flat is None
    assert "no flat-prior mean to compare with" in check.stopped
    assert "3 levels of 'g'" in check.stopped
    assert "preset" not in check.verdict
    assert "Give" not in check.verdict
