"""The table of all estimates of all groups, column by column."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from invented import invented_analysis
from schools import schools
from synthetic import flat, synthetic_fit

import hierstan as hs
from hierstan.design import Factor, Floats, find_factor
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import InputError
from hierstan.evaluate import build_design
from hierstan.fit import Fit
from hierstan.frequentist import fit_by_group
from hierstan.prediction.simulate import Posterior
from hierstan.shrinkage import information_of, shrinkage_table
from hierstan.shrinkage.weights import weight_draws

NESTED = "y ~ x * size + strict + (x | town/school/room) + (1 | rater)"


def block(table: pd.DataFrame, effect: str) -> pd.DataFrame:
    return table[table["effect"] == effect].set_index("level")


def rooms_by_hand(fit: Fit) -> dict[str, tuple[Floats, Floats]]:
    """Draws of every room's intercept and slope, and of their own effects."""
    beta = dict(zip(fit.design.terms, flat(fit, "beta").T, strict=True))
    data = schools()
    found = {}
    for q, (name, effect) in enumerate([("Intercept", "Intercept"), ("x", "x")]):
        theta, own = [], []
        for room in np.unique(data["room"]):
            school, town = room // 4, room // 12
            size = data.loc[data["room"] == room, "size"].iloc[0]
            product = "size" if effect == "Intercept" else "x:size"
            u = flat(fit, "u[town:school:room]")[:, q, room]
            total = beta[name] + size * beta[product] + u
            total = total + flat(fit, "u[town:school]")[:, q, school]
            theta.append(total + flat(fit, "u[town]")[:, q, town])
            own.append(u)
        found[effect] = np.array(theta), np.array(own)
    return found


def test_partial_pooling_is_the_linear_predictor_at_the_level() -> None:
    """Group-level predictors and the schools and towns that rooms lie in included."""
    fit = synthetic_fit(NESTED, schools())
    table = fit.shrinkage("town:school:room")
    assert table.attrs == {"factor": "town:school:room", "response": "y"}
    for effect, (theta, u) in rooms_by_hand(fit).items():
        rows = block(table, effect)
        for name, draws in (("partial", theta), ("pooled", theta - u)):
            np.testing.assert_allclose(rows[name], draws.mean(axis=1))
            np.testing.assert_allclose(rows[f"{name}_sd"], draws.std(axis=1, ddof=1))
            ends = np.quantile(draws, (0.025, 0.975), axis=1)
            np.testing.assert_allclose(rows[f"{name}_low"], ends[0])
            np.testing.assert_allclose(rows[f"{name}_high"], ends[1])


def test_a_crossed_factor_is_pulled_towards_its_own_predictor() -> None:
    fit = synthetic_fit(NESTED, schools())
    rows = block(fit.shrinkage("rater"), "Intercept")
    beta = dict(zip(fit.design.terms, flat(fit, "beta").T, strict=True))
    strict = np.array([0.3, -1.0, 2.0, 0.7, 1.1])
    expected = beta["Intercept"].mean() + strict * beta["strict"].mean()
    np.testing.assert_allclose(rows["pooled"], expected)


def test_weights_are_summarized_over_the_draws() -> None:
    fit = synthetic_fit(NESTED, schools())
    factor = find_factor(fit.design, "town:school")
    draws = weight_draws(fit.design, factor, Posterior(fit.program, fit.design, fit.draws))
    rows = block(fit.shrinkage("town:school"), "x")
    np.testing.assert_allclose(rows["weight"], draws[1].mean(axis=1))
    np.testing.assert_allclose(rows["weight_sd"], draws[1].std(axis=1, ddof=1))
    np.testing.assert_allclose(rows["weight_high"], np.quantile(draws[1], 0.975, axis=1))


def test_complete_pooling_is_the_regression_at_the_level() -> None:
    data = schools()
    fit = synthetic_fit("y ~ x * size + (x | school)", data)
    theirs = smf.ols("y ~ x * size", data).fit()
    sizes = data.groupby("school")["size"].first()
    at = pd.DataFrame({"x": 0.0, "size": sizes})
    expected = theirs.get_prediction(at).summary_frame(alpha=0.05)
    rows = block(fit.shrinkage(), "Intercept")
    np.testing.assert_allclose(rows["complete"], expected["mean"])
    np.testing.assert_allclose(rows["complete_se"], expected["mean_se"])
    np.testing.assert_allclose(rows["complete_low"], expected["mean_ci_lower"])
    np.testing.assert_allclose(rows["complete_high"], expected["mean_ci_upper"])


def test_own_intervals_are_those_of_the_t_distribution() -> None:
    """Dummies for schools and raters leave 240 - 6 - 4 - 1 degrees of freedom."""
    fit = synthetic_fit("y ~ x + (1 | school) + (1 | rater)", schools())
    rows = block(fit.shrinkage("school"), "Intercept")
    own = fit_by_group(fit.design, fit.design.factors[0])
    np.testing.assert_array_equal(rows["ols"], own.coefficients[:, 0])
    np.testing.assert_array_equal(rows["ols_se"], own.se[:, 0])
    reach = 1.9703  # of t with 229 degrees of freedom, from a table
    np.testing.assert_allclose(
        rows["ols_high"] - rows["ols"], reach * rows["ols_se"], rtol=1e-4
    )
    np.testing.assert_allclose(
        rows["ols"] - rows["ols_low"], rows["ols_high"] - rows["ols"]
    )


def test_no_pooling_of_one_factor_is_stans() -> None:
    text = "y ~ x + w + (x | school)"
    fit, none = synthetic_fit(text, schools()), synthetic_fit(text, schools(), "unpooled")
    factor = fit.design.factors[0]
    table = shrinkage_table(fit.design, factor, partial=fit, unpooled=none)
    expected = none.group_summary("school")
    for name, column in (("mean", ""), ("sd", "_sd"), ("low", "_low"), ("high", "_high")):
        values = expected[name].to_numpy()
        np.testing.assert_allclose(table[f"unpooled{column}"], values.ravel())


def test_no_pooling_of_crossed_factors_is_at_the_average_level() -> None:
    """Stan's coefficients are at rater P, and differences from P: not BLUPs' scale."""
    text = "y ~ x + (1 | school) + (1 | rater)"
    fit, none = synthetic_fit(text, schools()), synthetic_fit(text, schools(), "unpooled")
    school, rater = fit.design.factors
    own = flat(none, "coef[school]")[:, 0]
    others = np.column_stack([np.zeros(len(own)), flat(none, "coef[rater from P]")[:, 0]])
    for factor, expected in (
        (school, own + others.mean(axis=1, keepdims=True)),
        (rater, others + own.mean(axis=1, keepdims=True)),
    ):
        table = shrinkage_table(fit.design, factor, partial=fit, unpooled=none)
        np.testing.assert_allclose(table["unpooled"], expected.mean(axis=0))
        np.testing.assert_allclose(table["unpooled_sd"], expected.std(axis=0, ddof=1))


def test_no_pooling_is_left_out_of_factors_that_a_finer_one_has_instead() -> None:
    text = "y ~ x + (x | school) + (1 | room)"
    fit, none = synthetic_fit(text, schools()), synthetic_fit(text, schools(), "unpooled")
    school, room = fit.design.factors
    table = shrinkage_table(fit.design, school, partial=fit, unpooled=none)
    assert block(table, "Intercept")["unpooled"].isna().all()
    assert block(table, "x")["unpooled"].notna().all()
    text = "y ~ x + (1 | school) + (1 | room)"
    fit, none = synthetic_fit(text, schools()), synthetic_fit(text, schools(), "unpooled")
    school, room = fit.design.factors
    table = shrinkage_table(fit.design, school, partial=fit, unpooled=none)
    assert "unpooled" not in table
    assert table["ols"].notna().all()
    assert "unpooled" in shrinkage_table(fit.design, room, partial=fit, unpooled=none)


@pytest.mark.parametrize("name", ["batch", "batch:cask"])
def test_blups_of_nested_factors_include_what_they_lie_in(name: str) -> None:
    model = hs.Model("strength ~ 1 + (1 | batch/cask)", hs.data.pastes())
    mixed = model.mixedlm()
    factor = find_factor(model.design, name)
    table = shrinkage_table(model.design, factor, mixed=mixed)
    expected = mixed[name].blup[:, 0]
    if name == "batch:cask":
        batch = [level.split(":")[0] for level in factor.levels]
        whole = dict(zip(model.design.factors[0].levels, mixed["batch"].u, strict=True))
        expected = expected + np.array([whole[level][0] for level in batch])
    np.testing.assert_allclose(table["blup"], expected)
    se = np.sqrt(mixed[name].u_covariance[:, 0, 0])
    np.testing.assert_allclose(table["blup_se"], se)
    found = information_of(mixed, factor)
    np.testing.assert_allclose(table["weight_reml"], found.weight[:, 0, 0])
    # Balanced: least squares is the own estimate, so what is observed is the theory.
    np.testing.assert_allclose(table["observed"], table["weight_reml"], rtol=1e-7)
    assert (table["direction"] == "towards").all()
    assert not {"partial", "weight", "pooled_sd"} & set(table.columns)


def test_moves_are_measured_in_units_in_se_and_together() -> None:
    fit = synthetic_fit("y ~ x + (x | school)", schools())
    table = fit.shrinkage()
    np.testing.assert_allclose(table["moved"], table["partial"] - table["ols"])
    np.testing.assert_allclose(table["moved_in_se"], table["moved"] / table["ols_se"])
    kept = (table["partial"] - table["pooled"]) / (table["ols"] - table["pooled"])
    np.testing.assert_allclose(table["observed"], kept)
    own = fit_by_group(fit.design, fit.design.factors[0])
    for j, level in enumerate(fit.design.factors[0].levels):
        rows = table[table["level"] == level]
        move = rows["moved"].to_numpy()
        length = np.sqrt(move @ np.linalg.inv(own.covariance[j]) @ move)
        np.testing.assert_allclose(rows["moved_length"], [length, length])


def test_no_zero_is_negative() -> None:
    """Without variance between groups, nothing is kept: 0, and never -0.0 in a file."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(np.arange(9), 8)})
    noise = rng.normal(size=(9, 8))
    data["y"] = (noise - 0.99 * noise.mean(axis=1, keepdims=True)).ravel()
    model = hs.Model("y ~ 1 + (1 | g)", data)
    mixed = model.mixedlm()
    assert mixed.singular
    table = shrinkage_table(model.design, model.design.factors[0], mixed=mixed)
    assert "-0.0" not in table.to_csv(index=False).replace("\n", ",").split(",")


def test_one_effect_moves_as_far_as_it_moves_in_se() -> None:
    table = synthetic_fit("y ~ x + (1 | school)", schools()).shrinkage()
    np.testing.assert_allclose(table["moved_length"], table["moved_in_se"].abs())


def test_analysis_takes_the_name_of_a_factor() -> None:
    analysis = invented_analysis("y ~ x + (x | school)", schools(), draws=60)
    factor: Factor = analysis.design.factors[0]
    by_name, by_factor = analysis.shrinkage("school"), analysis.shrinkage(factor)
    pd.testing.assert_frame_equal(by_name, by_factor)
    assert {"ols", "unpooled", "complete", "partial", "blup", "weight_reml"} <= set(by_name)
    with pytest.raises(InputError, match="There is no factor 'town'; the formula has 's"):
        analysis.shrinkage("town")


def test_only_partial_pooling_shrinks() -> None:
    fit = synthetic_fit("y ~ x + (1 | school)", schools(), "unpooled")
    with pytest.raises(InputError, match=r"unpooled program does not pool.*noncentered"):
        fit.shrinkage()
    factor = fit.design.factors[0]
    with pytest.raises(InputError, match="unpooled program does not pool groups in part"):
        shrinkage_table(fit.design, factor, partial=fit)


def test_only_the_unpooled_program_leaves_groups_alone() -> None:
    fit = synthetic_fit("y ~ x + (1 | school)", schools())
    factor = fit.design.factors[0]
    with pytest.raises(InputError, match=r"noncentered program pools.*sample unpooled"):
        shrinkage_table(fit.design, factor, unpooled=fit)
    prior = synthetic_fit("y ~ x + (1 | school)", schools(), "unpooled", prior_only=True)
    with pytest.raises(InputError, match="from the prior only, so no group has"):
        shrinkage_table(fit.design, factor, unpooled=prior)


def test_design_without_a_population_coefficient_is_pulled_towards_zero() -> None:
    design = build_design("y ~ 1 + (x | school)", schools())
    fit = synthetic_fit("y ~ 1 + (x | school)", schools())
    rows = block(shrinkage_table(design, design.factors[0], partial=fit), "x")
    assert (rows["pooled"] == 0).all()
    assert (rows["complete"] == 0).all()


@pytest.mark.stan
def test_posterior_means_keep_what_the_weights_say(engine: CmdStanEngine) -> None:
    """E[theta_j] is the mean over draws of pooled + W (own - pooled).

    W is the reliability, own the mean of the county's residuals beside the floor's part.
    Given all else the marginal program draws effects independently, so a mean over S draws
    is off by their conditional sd over sqrt(S); 85 of them by less than 4.5 times that.
    """
    text = "log_radon ~ floor + log_uranium + (1 | county)"
    model = hs.Model(text, hs.data.radon(), engine=engine)
    fit = model.sample("marginal", seed=2)
    design, county = model.design, model.design.factors[0]
    table = shrinkage_table(design, county, partial=fit, mixed=model.mixedlm())
    beta = dict(zip(design.terms, flat(fit, "beta").T, strict=True))
    first = np.array([np.flatnonzero(county.index == j)[0] for j in range(county.J)])
    uranium = design.X[first, design.terms.index("log_uranium")]
    floor = design.X[:, design.terms.index("floor")]
    tau2, sigma2 = flat(fit, "tau")[:, 0] ** 2, flat(fit, "sigma") ** 2
    n = county.sizes[:, None]
    weight = tau2 / (tau2 + sigma2 / n)
    pooled = beta["Intercept"] + uranium[:, None] * beta["log_uranium"]
    means = [
        np.bincount(county.index, column) / county.sizes for column in (design.y, floor)
    ]
    own = means[0][:, None] - means[1][:, None] * beta["floor"]
    expected = (pooled + weight * (own - pooled)).mean(axis=1)
    error = np.sqrt(np.mean((1 - weight) * tau2, axis=1) / len(tau2))
    assert np.all(np.abs(table["partial"] - expected) < 4.5 * error)
    inside = table["weight_reml"].between(table["weight_low"], table["weight_high"])
    assert inside.all()
    u = flat(fit, "u[county]")[:, 0]
    share = 1 - np.var(u, axis=1).mean() / np.var(pooled.T + u, axis=1).mean()
    row = fit.pooling().iloc[1]
    assert row["r_squared"] == pytest.approx(share)
    assert row["r_squared"] > 0.5  # uranium explains most of what counties differ by
