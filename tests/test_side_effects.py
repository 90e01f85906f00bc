"""A reading changes nothing: asked twice it says the same, and so do all others."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from synthetic import Change, synthetic_fit

from hierstan.design import Floats
from hierstan.errors import HierstanError
from hierstan.fit import Fit

READINGS: dict[str, Callable[[Fit], object]] = {
    "shrinkage": lambda fit: fit.shrinkage(fit.design.factors[0].name),
    "pooling": lambda fit: fit.pooling(),
    "regions": lambda fit: fit.shrinkage_regions(fit.design.factors[0].name),
    "rows left out": lambda fit: fit.loo(),
    "integrated": lambda fit: fit.loo(integrated=True),
    "groups left out": lambda fit: fit.leave_one_group_out(fit.design.factors[-1].name),
    "rmsd": lambda fit: fit.rmsd(),
    "group means": lambda fit: fit.group_means(fit.design.factors[0].name),
    "lines": lambda fit: fit.lines("x", ["2", "0"], fit.design.factors[0].name),
    "predictions": lambda fit: fit.predict(seed=3),
    "residuals": lambda fit: fit.residuals(),
    "replications": lambda fit: fit.replicate(20, seed=3),
    "checks": lambda fit: fit.predictive_checks(seed=3),
    "sensitivity": lambda fit: fit.sensitivity(),
    "log likelihood": lambda fit: fit.log_likelihood(),
    "summary": lambda fit: fit.group_summary(fit.design.factors[0].name),
    "arviz": lambda fit: fit.to_arviz(log_likelihood=True),
}
# What each model has no reading of: ellipses take two effects, crossed factors are not
# integrated out, and only partial pooling shrinks.
MODELS: list[tuple[str, str, set[str]]] = [
    ("y ~ x + (x | g)", "marginal", set()),
    ("y ~ x + (x | g)", "noncentered", set()),
    ("y ~ 0 + x + (0 + x || g)", "centered", {"regions"}),
    (
        "y ~ x + (1 | g) + (1 | h)",
        "noncentered",
        {"regions", "integrated", "groups left out"},
    ),
    ("y ~ x + (1 | g/h)", "centered", {"regions"}),
    ("y ~ x + (x || g)", "unpooled", {"shrinkage", "regions", "groups left out"}),
    (
        "y ~ x + (1 | g) + (1 | h)",
        "unpooled",
        {"shrinkage", "regions", "integrated", "groups left out"},
    ),
    ("y ~ x + (1 | g)", "pooled", {"shrinkage", "regions", "summary"}),
]


def example() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"x": rng.normal(2.0, 1.0, 72), "y": rng.normal(4.0, 2.0, 72)})
    data["g"], data["h"] = np.arange(72) % 6, np.arange(72) // 6 % 4
    return data


def by_column(variables: dict[str, Floats], sampler: dict[str, Floats]) -> None:
    """Lay draws out as engines do: all draws of an element next to each other.

    Readings turn axes around, and which of the results are views depends on this.
    """
    for name, values in variables.items():
        if values.ndim == 3:
            columns = np.ascontiguousarray(np.moveaxis(values, -1, 0))
            variables[name] = np.moveaxis(columns, 0, -1)


def by_draw(variables: dict[str, Floats], sampler: dict[str, Floats]) -> None:
    """Leave all elements of a draw next to each other."""


@pytest.mark.parametrize("layout", [by_column, by_draw])
@pytest.mark.parametrize(("formula", "program", "without"), MODELS)
def test_readings_leave_the_draws_as_they_are(
    formula: str, program: str, without: set[str], layout: Change
) -> None:
    fit = synthetic_fit(formula, example(), program, draws=60, change=layout)
    before = {name: values.to_numpy().copy() for name, values in fit.draws.items()}
    for _ in range(2):
        refused = set()
        for name, read in READINGS.items():
            try:
                read(fit)
            except HierstanError:
                refused.add(name)
        assert refused == without
    for name, values in before.items():
        np.testing.assert_array_equal(fit.draws[name].to_numpy(), values)


@pytest.mark.parametrize("layout", [by_column, by_draw])
@pytest.mark.parametrize(("formula", "program", "without"), MODELS[:5])
def test_shrinkage_says_the_same_when_asked_again(
    formula: str, program: str, without: set[str], layout: Change
) -> None:
    fit = synthetic_fit(formula, example(), program, change=layout)
    for factor in fit.design.factors:
        first, second = (fit.shrinkage(factor.name) for _ in range(2))
        pd.testing.assert_frame_equal(first, second)


def test_draws_cannot_be_overwritten() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", example())
    with pytest.raises(ValueError, match="read-only"):
        fit.draws["u[g]"].to_numpy()[:] = 0.0
