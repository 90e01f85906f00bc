"""Predictions for groups known, new or left out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import encode, example, flat, synthetic_fit

from hierstan.design import Floats
from hierstan.errors import DataError, InputError
from hierstan.fit import Fit


@pytest.fixture
def fit() -> Fit:
    return synthetic_fit("y ~ x + k + (x | g) + (1 | h)", example())


def test_unknown_levels_without_a_choice_are_an_error(fit: Fit) -> None:
    data = example().head(4).assign(g=["g1", "Oz", "g2", "Utopia"])
    says = (
        r"'g' has 2 level.*'Oz', 'Utopia'; the first is in data row 2.*groups='new'"
        r".*groups='population'"
    )
    for groups in (None, "same", {"h": "new"}):
        with pytest.raises(DataError, match=says):
            fit.predict(data, groups=groups)
    many = example().assign(g=[f"n{j}" for j in range(60)])
    with pytest.raises(DataError, match=r"60 level.*'n4' and 55 more"):
        fit.predict(many)


def test_wrong_choices_are_named(fit: Fit) -> None:
    with pytest.raises(InputError, match="groups is 'old'; it must be one of 'same'"):
        fit.predict(groups="old")
    with pytest.raises(InputError, match=r"groups names 'county', .* it has 'g', 'h'"):
        fit.predict(groups={"county": "new"})
    with pytest.raises(InputError, match="groups is None"):
        fit.predict(groups={"g": None})


def test_population_leaves_all_effects_out(fit: Fit) -> None:
    """And needs neither grouping columns nor those that only vary by group."""
    beta = flat(fit, "beta")
    new = example(9, seed=1)
    columns = encode(fit.design, new.assign(g="g1", h=1)).X
    found = fit.predict(new[["x", "k"]], groups="population")
    np.testing.assert_allclose(found.table["mean"], (beta @ columns.T).mean(axis=0))
    assert found.groups == {"g": "population", "h": "population"}
    slope = synthetic_fit("y ~ k + (w | g)", example())
    assert slope.predict(new[["k"]], groups="population").table.notna().all(axis=None)
    with pytest.raises(DataError, match="The new data have no column 'w'"):
        slope.predict(new[["k", "g"]])
    pd.testing.assert_frame_equal(
        fit.predict(groups="population").table,
        fit.predict(example(), groups="population").table,
    )


def test_new_leaves_known_levels_their_effects(fit: Fit) -> None:
    data = example()
    data.loc[[4, 9], "g"] = "Oz"
    found, same = fit.predict(data, groups="new"), fit.predict()
    known = data["g"] != "Oz"
    pd.testing.assert_frame_equal(found.table[known], same.table[known], rtol=1e-12)
    assert (found.table["mean"] != same.table["mean"])[~known].all()
    assert found.new_levels == {"g": ("Oz",)}
    assert "1 new level(s) of g" in str(found)


def difference(fit: Fit, data: pd.DataFrame, **choices: Any) -> Floats:
    """What the groups add to the expected value, shape (draws, rows)."""
    with_groups = fit.predict(data, **choices, draws=True).draws
    without = fit.predict(data, groups="population", draws=True).draws
    assert with_groups is not None
    assert without is not None
    gap = (with_groups["expected"] - without["expected"]).to_numpy()
    return np.asarray(gap.reshape(-1, len(data)))


def test_new_levels_vary_as_the_population_does() -> None:
    """Second moments against E[z' Sigma z] over the draws, in units of their own MCSE."""
    fit = synthetic_fit("y ~ x + (x + w | g)", example(), draws=10_000)
    data = example(4).assign(g=["A", "A", "B", "A"])
    u = difference(fit, data, groups="new")
    tau, rho = flat(fit, "tau"), flat(fit, "rho")
    Omega = np.broadcast_to(np.eye(3), (len(tau), 3, 3)).copy()
    for (a, b), r in zip([(1, 0), (2, 0), (2, 1)], rho.T, strict=True):
        Omega[:, a, b] = Omega[:, b, a] = r
    Sigma = Omega * tau[:, :, None] * tau[:, None, :]
    Z = np.column_stack([np.ones(4), data["x"], data["w"]])
    expected = np.einsum("ia,sab,jb->sij", Z, Sigma, Z)
    for i in range(4):
        assert abs(u[:, i].mean()) < 4 * u[:, i].std() / np.sqrt(len(u))
        for j in range(i + 1):
            same = data["g"][i] == data["g"][j]
            product = u[:, i] * u[:, j] - (expected[:, i, j] if same else 0.0)
            assert abs(product.mean()) < 4 * product.std() / np.sqrt(len(u)), (i, j)
    found = fit.predict(data, groups="new", draws=True).draws
    assert found is not None
    residual = (found["observation"] - found["expected"]).to_numpy().reshape(-1, 4)
    square = residual**2 - flat(fit, "sigma")[:, None] ** 2
    assert (abs(square.mean(axis=0)) < 4 * square.std(axis=0) / np.sqrt(len(u))).all()


def test_rows_of_a_new_level_share_its_effects(fit: Fit) -> None:
    """Whatever rows, levels and order come with them; other levels have others."""
    data = example(6).assign(g=["A", "B", "A", "A", "B", "C"], x=2.5, h=0)
    u = difference(fit, data, groups="new")
    np.testing.assert_allclose(u[:, [2, 3]], u[:, [0, 0]], rtol=1e-9)
    np.testing.assert_allclose(u[:, 4], u[:, 1], rtol=1e-9)
    assert abs(np.corrcoef(u[:, [0, 1, 5]].T)[np.triu_indices(3, 1)]).max() < 0.4
    np.testing.assert_allclose(
        difference(fit, data.iloc[[4, 2]], groups="new"), u[:, [4, 2]], rtol=1e-9
    )


def test_factors_share_nothing_even_where_new_levels_share_a_name() -> None:
    fit = synthetic_fit("y ~ x + (1 | g) + (1 | h)", example(), draws=500)
    data = example(1).assign(g="A", h="A")
    one = difference(fit, data, groups={"g": "new", "h": "population"})
    other = difference(fit, data, groups={"g": "population", "h": "new"})
    correlation = np.corrcoef(one[:, 0], other[:, 0])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(1000)


def test_independent_effects_are_drawn_independently() -> None:
    fit = synthetic_fit("y ~ x + (x || g)", example(), draws=10_000)
    u = difference(fit, example(2).assign(g="A", x=[0.0, 1.0]), groups="new")
    product = u[:, 0] * (u[:, 1] - u[:, 0])
    assert abs(product.mean()) < 4 * product.std() / np.sqrt(len(u))
    slope = (u[:, 1] - u[:, 0]) ** 2 - flat(fit, "tau")[:, 1] ** 2
    assert abs(slope.mean()) < 4 * slope.std() / np.sqrt(len(u))


def test_a_correlation_of_one_is_drawn_from() -> None:
    fit = synthetic_fit(
        "y ~ x + (x | g)", example(), change=lambda v, _: v["rho"].fill(1.0)
    )
    u = difference(fit, example(2).assign(g="A", x=[0.0, 1.0]), groups="new")
    tau = flat(fit, "tau")
    np.testing.assert_allclose(
        u[:, 1] - u[:, 0], u[:, 0] * tau[:, 1] / tau[:, 0], atol=1e-6
    )


def test_nested_levels_are_new_where_their_parent_is() -> None:
    fit = synthetic_fit("y ~ 1 + (1 | g/h)", example())
    data = pd.DataFrame({"g": ["g1", "g1", "Oz"], "h": [0, 5, 0]})
    with pytest.raises(DataError, match=r"'g:h' has 2 level.*'g1:5', 'Oz:0'.*row 2"):
        fit.predict(data, groups={"g": "new"})
    with pytest.raises(DataError, match=r"'g' has 1 level.*'Oz'"):
        fit.predict(data, groups={"g:h": "new"})
    found = fit.predict(data, groups="new")
    assert found.new_levels == {"g": ("Oz",), "g:h": ("g1:5", "Oz:0")}
    assert found.groups == {"g": "new", "g:h": "new"}
    beta, u, v = flat(fit, "beta"), flat(fit, "u[g]"), flat(fit, "u[g:h]")
    g, gh = fit.design.factors
    own = beta[:, 0] + u[:, 0, g.levels.index("g1")]
    known = own + v[:, 0, gh.levels.index("g1:0")]
    assert found.table["mean"][0] == pytest.approx(known.mean(), rel=1e-12)
    outer = fit.predict(data.head(2), groups={"g:h": "population"}).table["mean"]
    np.testing.assert_allclose(outer, own.mean(), rtol=1e-12)
    mixed = fit.predict(data, groups={"g": "population", "g:h": "new"})
    np.testing.assert_allclose(
        mixed.table["mean"][0], (known - own + beta[:, 0]).mean(), rtol=1e-12
    )
    crossed = pd.DataFrame({"g": ["g1"], "h": [0]}, index=["only"])
    assert fit.predict(crossed).table["mean"]["only"] == pytest.approx(known.mean())


def test_complete_pooling_ignores_groups() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", example(), "pooled")
    beta = flat(fit, "beta")
    for groups in (None, "new", "population", {"g": "new"}):
        found = fit.predict(example()[["x"]], groups=groups)
        np.testing.assert_allclose(
            found.table["mean"], (beta @ fit.design.X.T).mean(axis=0), rtol=1e-12
        )
        assert found.groups == {}
    with pytest.raises(InputError, match="groups is 'all'"):
        fit.predict(groups="all")


def test_no_pooling_knows_its_own_groups_only() -> None:
    data = example().assign(v=lambda d: d.groupby("g")["w"].transform("mean"))
    fit = synthetic_fit("y ~ x + w + v + (x | g)", data, "unpooled")
    assert fit.terms == ("w",)
    factor = fit.design.factors[0]
    coefficients = flat(fit, "coef[g]")[:, :, factor.index]
    mu = (
        np.einsum("sqi,iq->si", coefficients, factor.Z)
        + flat(fit, "beta") * data["w"].to_numpy()
    )
    np.testing.assert_allclose(fit.predict(data).table["mean"], mu.mean(0), rtol=1e-12)
    with pytest.raises(DataError, match=r"'g' has 1 level.*Without pooling.*partial"):
        fit.predict(data.assign(g="Oz"))
    for groups in ("new", "population", {"g": "new"}):
        with pytest.raises(InputError, match="Without pooling there is no population"):
            fit.predict(data, groups=groups)
