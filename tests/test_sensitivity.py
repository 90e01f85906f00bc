"""Power-scaling sensitivity, against exact distances between exact posteriors."""

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, stats

import hierstan as hs
from hierstan.arviz_stats import VERSION, arviz, power_scaling
from hierstan.design import Floats
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import InputError
from hierstan.prediction.sensitivity import sensitivity

DIMS = ("chain", "draw")


def conjugate(
    prior: tuple[float, float], data: tuple[float, float], power: float, part: str
) -> tuple[float, float]:
    """Mean and sd of a normal prior times a normal likelihood, one raised to a power."""
    weight = {"prior": [power, 1.0], "likelihood": [1.0, power]}[part]
    precision = np.array(weight) / np.square([prior[1], data[1]])
    mean = precision @ [prior[0], data[0]] / precision.sum()
    return float(mean), float(precision.sum() ** -0.5)


def distance(one: tuple[float, float], other: tuple[float, float], span: Floats) -> float:
    """Root of the cumulative Jensen-Shannon divergence over the span of the draws.

    As the paper defines it (its equations 9 and 10), in bits, over its largest value.
    """

    def divergence(x: float, p: stats.rv_continuous, q: stats.rv_continuous) -> float:
        P, Q = p.cdf(x), q.cdf(x)
        return float(P * np.log2(2 * P / (P + Q)) + (Q - P) / (2 * np.log(2)))

    p, q = stats.norm(*one), stats.norm(*other)
    parts = [
        integrate.quad(lambda x, a=a, b=b: divergence(x, a, b), *span, limit=200)[0]
        for a, b in ((p, q), (q, p))
    ]
    bound = integrate.quad(lambda x: p.cdf(x) + q.cdf(x), *span, limit=200)[0]
    return float(np.sqrt(sum(parts) / bound))


def exact(prior: tuple[float, float], data: tuple[float, float], part: str) -> float:
    """Distance per doubling of the power, averaged over a step up and a step down."""
    mean, sd = base = conjugate(prior, data, 1.0, part)
    found = []
    for power in (1 / 1.01, 1.01):
        moved = conjugate(prior, data, power, part)
        ends = mean + sd * stats.norm.ppf([0.5 / 8000, 1 - 0.5 / 8000])
        # The distance is not symmetric under reflection: the larger of the two counts.
        plain = distance(base, moved, ends)
        mirrored = distance((-mean, sd), (-moved[0], moved[1]), -ends[::-1])
        found.append(max(plain, mirrored) / np.log2(1.01))
    return float(np.mean(found))


STRONG, WEAK, APART = (0.3, 0.4), (0.5, 60.0), (4.0, 0.5)


@pytest.mark.parametrize(
    ("prior", "data", "diagnosis"),
    [
        (STRONG, (0.9, 7.0), "the prior decides: it is strong, or the data say little"),
        (WEAK, (0.9, 0.7), "the data decide"),
        (APART, (0.9, 0.7), "prior and data both pull: they may disagree"),
    ],
)
def test_sensitivity_of_a_normal_mean_is_the_exact_one(
    prior: tuple[float, float], data: tuple[float, float], diagnosis: str
) -> None:
    """Draws at the exact quantiles of the posterior, so nothing is left to chance."""
    mean, sd = conjugate(prior, data, 1.0, "prior")
    values = stats.norm(mean, sd).ppf((np.arange(8000) + 0.5) / 8000)
    values = np.random.default_rng(5).permutation(values).reshape(4, 2000)
    draws = xr.Dataset({"mean": (DIMS, values)}, {"chain": range(4), "draw": range(2000)})
    table = sensitivity(
        draws,
        ["mean"],
        xr.DataArray(stats.norm(*prior).logpdf(values), draws.coords, DIMS),
        xr.DataArray(stats.norm(*data).logpdf(values), draws.coords, DIMS),
    )
    row = table.loc["mean"]
    for part in ("prior", "likelihood"):
        # What is left is the sum over 8,000 draws and ArviZ's smoothing of the weights:
        # 0.2 % where it was largest.
        expected = exact(prior, data, part)
        assert row[part] == pytest.approx(expected, rel=0.005)
    assert row["diagnosis"] == diagnosis


def test_a_flat_prior_moves_nothing() -> None:
    values = np.random.default_rng(6).normal(size=(4, 500))
    draws = xr.Dataset({"mean": (DIMS, values)}, {"chain": range(4), "draw": range(500)})
    found = power_scaling(draws, xr.zeros_like(draws["mean"]) - 0.7, "prior")
    assert found["mean"].item() == 0.0
    assert found["mean"].dims == ()


def test_draws_of_which_many_are_one_are_named() -> None:
    """ArviZ 1.x cannot smooth weights of which the largest are all alike."""
    values = np.random.default_rng(6).normal(size=(4, 500))
    values[0] = values.max()
    draws = xr.Dataset({"mean": (DIMS, values)}, {"chain": range(4), "draw": range(500)})
    if VERSION.startswith("0."):
        assert power_scaling(draws, draws["mean"], "prior")["mean"].item() > 0
    else:
        with pytest.raises(InputError, match=r"prior cannot be power-scaled.*stuck"):
            power_scaling(draws, draws["mean"], "prior")


def test_other_errors_of_arviz_are_not_taken_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("something else")

    name = "psens" if VERSION.startswith("0.") else "psense"
    monkeypatch.setattr(arviz, name, fail)
    values = np.random.default_rng(6).normal(size=(4, 500))
    draws = xr.Dataset({"mean": (DIMS, values)}, {"chain": range(4), "draw": range(500)})
    with pytest.raises(ValueError, match="something else"):
        power_scaling(draws, draws["mean"], "prior")


@pytest.mark.stan
def test_a_strong_prior_is_found_in_a_fit(engine: CmdStanEngine) -> None:
    """Least squares has floor at -0.61 with a standard error of 0.07."""
    data, formula = hs.data.radon(), "log_radon ~ floor + (1 | county)"
    named = {"floor": "normal(-0.3, 0.1)"}
    fit = hs.Model(formula, data, named, engine=engine).sample("pooled", seed=3)
    table = fit.sensitivity()
    assert list(table.index) == ["Intercept", "floor", "sigma"]
    assert table.loc["floor", "diagnosis"] == "prior and data both pull: they may disagree"
    assert table["prior"].idxmax() == "floor"
    assert table.loc["sigma", "diagnosis"] == "the data decide"
    weak = hs.Model(formula, data, engine=engine).sample("pooled", seed=3)
    assert set(weak.sensitivity()["diagnosis"]) == {"the data decide"}

    # Row by row, through ArviZ's own front door.
    tree = fit.to_arviz(log_likelihood=True)
    assert tree["log_likelihood"]["log_radon"].shape == (4, 1000, 919)
    own = (
        arviz.psens(tree, component="likelihood")
        if VERSION.startswith("0.")
        else arviz.psense(tree, group="likelihood")
    )
    np.testing.assert_allclose(own["beta"], table["likelihood"].iloc[:2], rtol=1e-4)
    own = (
        arviz.psens(tree, component="prior")
        if VERSION.startswith("0.")
        else arviz.psense(tree, group="prior")
    )
    np.testing.assert_allclose(own["beta"], table["prior"].iloc[:2], rtol=1e-4)


@pytest.mark.stan
def test_draws_from_the_prior_have_no_sensitivity(engine: CmdStanEngine) -> None:
    model = hs.Model("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), engine=engine)
    fit = model.sample("pooled", prior_only=True, seed=4)
    assert "from the prior" in str(fit)
    tree = fit.to_arviz()
    assert "posterior" not in (tree.groups() if VERSION.startswith("0.") else tree.children)
    assert tree["prior"]["sigma"].shape == (4, 1000)
    with pytest.raises(InputError, match="from the prior only"):
        fit.sensitivity()
