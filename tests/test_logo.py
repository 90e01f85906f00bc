"""Leave-one-group-out against exact densities, dense algebra and refits."""

from dataclasses import replace

import numpy as np
import pytest
from exact_draws import OnGrid, constant_fit
from scipy import stats
from scipy.special import logsumexp
from synthetic import synthetic_fit
from test_loo import frame, prior_of_data

import hierstan as hs
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError, InputError
from hierstan.marginal.fitted import Conditional
from hierstan.marginal.left_out import group_densities, level_densities
from hierstan.marginal.recover import flatten


def test_densities_are_those_of_refits_without_the_group() -> None:
    taus, sigmas = np.geomspace(0.2, 4.0, 20), np.geomspace(0.5, 2.0, 20)
    grid = OnGrid("y ~ x + (1 | g)", frame(26), taus, sigmas)
    found = grid.fit.leave_one_group_out()
    g = grid.fit.design.factors[0]
    rows = [np.flatnonzero(g.index == j) for j in range(g.J)]
    exact, error = np.array([grid.given_others(some) for some in rows]).T
    gap = (found.pointwise["elpd"] - exact) / error
    assert np.abs(gap).max() < 4.0  # five normal deviates
    assert gap.std() > 0.2
    assert found.elpd == found.pointwise["elpd"].sum()
    assert found.se == pytest.approx(np.sqrt(5) * found.pointwise["elpd"].std(ddof=1))
    assert found.pointwise["n"].tolist() == g.sizes.tolist()
    np.testing.assert_allclose(
        found.pointwise["per_row"] * g.sizes, found.pointwise["elpd"]
    )
    assert list(found.pointwise.index) == list(g.levels)
    assert "of 5 levels of g" in str(found)


@pytest.mark.parametrize(
    ("formula", "program", "factor"),
    [
        ("y ~ x + (x | g)", "marginal", "g"),
        ("y ~ x + w + offset(2 * w) + (1 | g) + (0 + x | g:h)", "centered", "g"),
        ("y ~ x + w + offset(2 * w) + (1 | g) + (0 + x | g:h)", "centered", "g:h"),
        ("y ~ x + w + (1 | g) + (1 | h)", "pooled", "g"),
        ("y ~ x + w + (1 | g) + (1 | h)", "pooled", "h"),
    ],
)
def test_given_the_variances_densities_are_exact(
    formula: str, program: str, factor: str
) -> None:
    tau, rho, sigma = np.array([0.8, 1.7]), -0.45, 1.3
    fit = constant_fit(formula, frame(), program, sigma=sigma)
    pairs = sum(len(f.pairs) for f in fit.design.factors)
    same = {"tau": tau, "cpc": np.full(pairs, rho), "rho": np.full(pairs, rho)}
    fit = constant_fit(formula, frame(), program, sigma=sigma, **same)
    found = fit.leave_one_group_out(factor)
    assert found.factor == factor
    mean, C = prior_of_data(fit, tau, rho, sigma)
    y = fit.design.y
    whole = stats.multivariate_normal(mean, C).logpdf(y)
    (levels,) = (f for f in fit.design.factors if f.name == factor)
    for j, level in enumerate(levels.levels):
        rest = levels.index != j
        others = stats.multivariate_normal(mean[rest], C[np.ix_(rest, rest)])
        expected = whole - others.logpdf(y[rest])
        assert found.pointwise.loc[level, "elpd"] == pytest.approx(expected, rel=1e-7)
    assert (found.pointwise["khat"] == -np.inf).all()


def test_two_ways_agree_where_they_meet() -> None:
    fit = synthetic_fit("y ~ x + (x || g)", frame(), draws=60)
    theta = flatten(fit.samples.variables)
    assert np.ptp(theta["tau"]) > 0.3
    factor = fit.design.factors[0]
    model = Conditional.of(fit.program, fit.design, fit.priors, fit.samples.variables)
    np.testing.assert_allclose(
        level_densities(model, factor),
        group_densities(fit.design, fit.priors, theta),
        rtol=1e-9,
    )


def test_the_default_is_the_coarsest_factor() -> None:
    fit = synthetic_fit("y ~ x + (1 | g/h)", frame(), draws=60)
    assert fit.leave_one_group_out().factor == "g"
    assert fit.leave_one_group_out("g:h").factor == "g:h"


def test_what_cannot_be_left_out_is_refused() -> None:
    data = frame().assign(k=lambda d: d["x"] > 7, only=np.arange(34))
    fit = synthetic_fit("y ~ x + (1 | g/h/k)", data, draws=60)
    with pytest.raises(DataError, match=r"g:h has factors nested in it .* g:h:k or of g"):
        fit.leave_one_group_out("g:h")
    with pytest.raises(InputError, match="no factor 'foo'; the formula has 'g', 'g:h'"):
        fit.leave_one_group_out("foo")
    with pytest.raises(InputError, match="prior only"):
        replace(fit, prior_only=True).leave_one_group_out()
    crossed = synthetic_fit("y ~ x + (1 | g) + (1 | h)", data, draws=60)
    with pytest.raises(DataError, match="because g and h are"):
        crossed.leave_one_group_out()
    unpooled = synthetic_fit("y ~ x + (1 | g)", data, "unpooled", draws=60)
    with pytest.raises(InputError, match="known by its prior only"):
        unpooled.leave_one_group_out()
    data["only"] *= data["g"] == 3
    flat = constant_fit(
        "y ~ only + (1 | g) + (1 | g:h)", data, "marginal", priors="flat", sigma=1.1,
        tau=np.array([0.7, 0.4]),
    )  # fmt: skip
    with pytest.raises(DataError, match="Without '3' the rows do not determine"):
        flat.leave_one_group_out("g")
    alone = data.assign(only=(data["g"] == 3) & (data["h"] == 1))
    flat = constant_fit(
        "y ~ only + (1 | g) + (1 | g:h)", alone.assign(only=alone["only"] * 1.5),
        "marginal", priors="flat", sigma=1.1, tau=np.array([0.7, 0.4]),
    )  # fmt: skip
    with pytest.raises(DataError, match="Without '3:1' the rows do not determine"):
        flat.leave_one_group_out("g:h")


@pytest.mark.stan
def test_refits_without_a_county_say_the_same(engine: CmdStanEngine) -> None:
    """Radon with the county's uranium: its largest county, a small and an odd one."""
    data = hs.data.radon()
    formula = "log_radon ~ floor + log_uranium + (1 | county)"
    model = hs.Model(formula, data, engine=engine)
    fit = model.sample(seed=4)
    found = fit.leave_one_group_out()
    design, sizes = model.design, found.pointwise["n"]
    odd = found.pointwise["per_row"].idxmin()
    for county in {sizes.idxmax(), sizes.idxmin(), odd}:
        rest = data[data["county"] != county]
        refit = hs.Model(formula, rest, model.priors, engine=engine).sample(seed=5)
        j = design.factors[0].levels.index(county)
        logs = group_densities(design, model.priors, flatten(refit.samples.variables))[:, j]
        expected = logsumexp(logs) - np.log(len(logs))
        # Both have about the error of an average over as many draws of exp(logs).
        ess = min(refit.diagnostics.ess_bulk_min, fit.diagnostics.ess_bulk_min)
        relative = np.exp(logs - expected)
        error = np.sqrt(2 / ess) * relative.std()
        gap = found.pointwise.loc[county, "elpd"] - expected
        assert abs(gap) < 4 * error, county
        assert error < 0.1


@pytest.mark.stan
def test_a_predictor_of_groups_shows_when_groups_are_left_out(
    engine: CmdStanEngine,
) -> None:
    data = hs.data.radon()
    with_it, without = (
        hs.Model(f"log_radon ~ floor{term} + (1 | county)", data, engine=engine)
        .sample(seed=6)
        .leave_one_group_out()
        .pointwise["elpd"]
        for term in (" + log_uranium", "")
    )
    difference = with_it - without
    assert difference.sum() > 2 * np.sqrt(85) * difference.std()
