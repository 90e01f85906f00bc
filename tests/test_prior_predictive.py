"""Exact draws from the prior: by formula, and against Stan's own."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import special, stats

import hierstan as hs
from hierstan.arviz_stats import VERSION, convergence
from hierstan.design import Floats
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import InputError
from hierstan.prediction.prior_predictive import PriorPredictive

DRAWS = 4000
# The Kolmogorov-Smirnov statistic of a right sampler passes this one time in 1,300.
KS = 2.0 / np.sqrt(DRAWS)

NAMED = {
    "Intercept": "normal(7, 3)",
    "x": "normal(-0.5, 0.25)",
    "sd(Intercept | g)": "half-normal(0.7)",
    "sd(x | g)": "half-cauchy(1.3)",
    "sd(w | g)": "half-student-t(4.5, 2)",
    "corr(g)": "lkj(1.7)",
    "sigma": "half-student-t(3, 1.1)",
}


@pytest.fixture(scope="module")
def model() -> hs.Model:
    rng = np.random.default_rng(12)
    data = pd.DataFrame(rng.normal(size=(50, 3)), columns=["y", "x", "w"])
    data["x"] += 3.0
    data["g"], data["h"] = rng.integers(0, 4, 50), rng.integers(0, 3, 50)
    return hs.Model("y ~ x + (x + w | g) + (1 | h)", data, NAMED)


@pytest.fixture(scope="module")
def prior(model: hs.Model) -> PriorPredictive:
    return model.prior_predictive(draws=DRAWS, seed=4)


def follows(values: Floats, distribution: stats.rv_continuous) -> bool:
    return bool(stats.kstest(np.ravel(values), distribution.cdf).statistic < KS)


def test_parameters_have_their_priors(model: hs.Model, prior: PriorPredictive) -> None:
    draws = prior.draws.isel(chain=0)
    slope = draws["beta"].sel(term="x").to_numpy()
    assert follows(slope, stats.norm(-0.5, 0.25))
    # The intercept's prior is at average predictors; drawn is the one at zero.
    average = model.design.X[:, 1].mean()
    intercept = draws["beta"].sel(term="Intercept").to_numpy()
    assert follows(intercept + average * slope, stats.norm(7, 3))
    for effect, expected in {
        "Intercept | g": stats.halfnorm(0, 0.7),
        "x | g": stats.halfcauchy(0, 1.3),
    }.items():
        assert follows(draws["tau"].sel(effect=effect), expected)
    heavy = draws["tau"].sel(effect="w | g").to_numpy()
    sign = np.where(np.arange(DRAWS) % 2, 1.0, -1.0)
    assert follows(sign * heavy, stats.t(4.5, 0, 2))
    assert follows(sign * draws["sigma"].to_numpy(), stats.t(3, 0, 1.1))
    assert "lprior" not in draws


def test_means_are_those_of_the_formulas(prior: PriorPredictive) -> None:
    """Of |t| with df degrees of freedom, and of |normal|; four standard errors."""
    df, scale = 4.5, 2.0
    mean = 2 * scale * np.sqrt(df / np.pi) * special.gamma((df + 1) / 2)
    mean /= special.gamma(df / 2) * (df - 1)
    variance = scale**2 * df / (df - 2) - mean**2
    found = prior.draws["tau"].sel(effect="w | g").mean().item()
    assert found == pytest.approx(mean, abs=4 * np.sqrt(variance / DRAWS))
    found = prior.draws["tau"].sel(effect="Intercept | g").mean().item()
    error = 0.7 * np.sqrt((1 - 2 / np.pi) / DRAWS)
    assert found == pytest.approx(0.7 * np.sqrt(2 / np.pi), abs=4 * error)


def test_correlations_follow_the_lkj_distribution(prior: PriorPredictive) -> None:
    """Each correlation of a Q x Q matrix is 2 Beta(a, a) - 1, a = eta + (Q - 2) / 2.

    The mean determinant is the product of the means of 1 - cpc^2, 2b / (2b + 1) each.
    """
    rho = prior.draws["rho"].isel(chain=0).to_numpy()
    assert rho.shape == (DRAWS, 3)
    for column in rho.T:
        assert follows(column, stats.beta(2.2, 2.2, loc=-1, scale=2))
    R = np.tile(np.eye(3), (DRAWS, 1, 1))
    for k, (a, b) in enumerate([(1, 0), (2, 0), (2, 1)]):
        R[:, a, b] = R[:, b, a] = rho[:, k]
    determinants = np.linalg.det(R)
    b = np.array([2.2, 2.2, 1.7])
    error = determinants.std() / np.sqrt(DRAWS)
    assert determinants.mean() == pytest.approx(np.prod(2 * b / (2 * b + 1)), abs=4 * error)


def test_group_effects_have_the_covariance_drawn(prior: PriorPredictive) -> None:
    draws = prior.draws.isel(chain=0)
    u = draws["u[g]"].to_numpy() / draws["tau"].to_numpy()[:, :3, None]
    rho = draws["rho"].sel(pair="Intercept, x | g").to_numpy()
    for level in range(4):
        assert follows(u[:, 2, level], stats.norm())
        left = (u[:, 1, level] - rho * u[:, 0, level]) / np.sqrt(1 - rho**2)
        assert follows(left, stats.norm())
        assert abs(np.corrcoef(left, u[:, 0, level])[0, 1]) < 4 / np.sqrt(DRAWS)
    assert abs(np.corrcoef(u[:, 0, 0], u[:, 0, 1])[0, 1]) < 4 / np.sqrt(DRAWS)
    other = draws["u[h]"].isel({"effect of h": 0}) / draws["tau"].isel(effect=3)
    for level in range(3):
        assert follows(other.isel({"level of h": level}).to_numpy(), stats.norm())
    np.testing.assert_allclose(
        draws["coef[g]"].sel({"effect of g": "x"})
        - draws["u[g]"].sel({"effect of g": "x"}),
        np.repeat(draws["beta"].sel(term="x").to_numpy()[:, None], 4, axis=1),
        atol=1e-9,
    )


def test_responses_are_normal_around_what_the_draw_expects(
    model: hs.Model, prior: PriorPredictive
) -> None:
    draws, design = prior.draws.isel(chain=0), model.design
    g, h = design.factors
    mu = draws["beta"].to_numpy() @ design.X.T
    mu += np.einsum("nq,sqn->sn", g.Z, draws["u[g]"].to_numpy()[:, :, g.index])
    mu += draws["u[h]"].to_numpy()[:, 0, h.index]
    noise = (prior.y_rep - mu) / draws["sigma"].to_numpy()[:, None]
    for row in (0, 17, 49):
        assert follows(noise[:, row], stats.norm())
    sources = [draws["beta"].to_numpy()[:, 1], draws["u[g]"].to_numpy()[:, 0, 0]]
    for values in (*sources, noise[:, 1]):
        rank = stats.spearmanr(noise[:, 0], values).statistic
        assert abs(rank) < 4 / np.sqrt(DRAWS)
    # No random number is used twice: chance makes 0.02 of them agree to ten digits.
    slope = (draws["beta"].sel(term="x").to_numpy() + 0.5) / 0.25
    assert np.isin(slope.round(10), noise.round(10)).sum() < 3


def test_other_programs_have_their_own_parameters() -> None:
    named = {"coef(Intercept | county)": "normal(2, 0.5)", "sigma": "half-normal(1)"}
    model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon(), named)
    unpooled = model.prior_predictive(draws=DRAWS, program="unpooled").draws
    assert "tau" not in unpooled
    coefficients = unpooled["coef[county]"].sel({"level of county": "CASS"})
    assert follows(coefficients.to_numpy(), stats.norm(2, 0.5))
    assert list(unpooled["term"].to_numpy()) == ["floor"]
    pooled = model.prior_predictive(draws=40, program="pooled")
    assert set(pooled.draws.data_vars) == {"beta", "sigma"}
    assert pooled.y_rep.shape == (40, 919)


def test_a_seed_repeats_and_another_does_not(model: hs.Model) -> None:
    one, again, other = (model.prior_predictive(draws=5, seed=s) for s in (8, 8, 9))
    assert one.draws.equals(again.draws)
    np.testing.assert_array_equal(one.y_rep, again.y_rep)
    assert not np.isclose(one.y_rep, other.y_rep).any()


def test_responses_are_in_units_of_the_data_offset_and_all() -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"y": rng.normal(size=30) + 500.0, "g": np.arange(30) % 5})
    data["offset"] = 500.0
    named = {"Intercept": "normal(0, 0.1)", "sd(g)": "half-normal(0.1)",
             "sigma": "half-normal(0.1)"}  # fmt: skip
    model = hs.Model("y ~ 1 + offset(offset) + (1 | g)", data, named)
    prior = model.prior_predictive(draws=50)
    np.testing.assert_allclose(prior.y, data["y"])
    assert 499 < prior.interval[0] < prior.interval[1] < 501


def test_the_width_is_told_against_the_data() -> None:
    """Twice the priors' scales, twice the width; the sentence has the numbers."""
    data, formula = hs.data.sleepstudy(), "Reaction ~ 1 + (1 | Subject)"
    ratios = []
    for k in (1, 2):
        named = {
            "Intercept": f"normal(0, {300 * k})",
            "sd(Subject)": f"half-normal({100 * k})",
            "sigma": f"half-normal({50 * k})",
        }
        prior = hs.Model(formula, data, named).prior_predictive(seed=6)
        ratios.append(prior.width_ratio)
    assert ratios[1] == pytest.approx(2 * ratios[0], rel=1e-12)
    low, high = np.quantile(data["Reaction"], [0.025, 0.975])
    width = prior.interval[1] - prior.interval[0]
    assert prior.width_ratio == pytest.approx(width / (high - low))
    assert f" {prior.width_ratio:.2g} times the width" in prior.summary
    assert "sd(Intercept | Subject)    half-normal(200)\n" in str(prior)


def test_arviz_reads_it(prior: PriorPredictive) -> None:
    tree = prior.to_arviz()
    groups = tree.groups() if VERSION.startswith("0.") else list(tree.children)
    assert set(groups) == {"prior", "prior_predictive", "observed_data"}
    np.testing.assert_array_equal(tree["prior_predictive"]["y"][0], prior.y_rep)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"draws": 0}, "draws is 0"), ({"draws": 2.5}, "draws is 2.5"),
     ({"seed": -1}, "seed is -1"), ({"seed": 0.5}, "0.5"),
     ({"draws": 10**9}, "do not fit"), ({"program": "half"}, "no program 'half'")],
)  # fmt: skip
def test_impossible_wishes_are_refused(
    model: hs.Model, arguments: dict[str, int], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        model.prior_predictive(**arguments)


def test_the_picture_shows_prior_and_data(prior: PriorPredictive) -> None:
    figure = hs.plot.prior_predictive(prior)
    (axis,) = figure.axes
    assert axis.get_title(loc="left") == "What the prior expects of y"
    assert axis.get_xlabel().startswith("y\nBefore the data")
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["4000 data sets drawn from the prior, together",
                      "some of them one by one", "the data"]  # fmt: skip
    data = axis.lines[-1]
    peak = data.get_xdata()[np.argmax(data.get_ydata())]
    low, high = np.quantile(prior.y, [0.1, 0.9])
    assert low < peak < high
    assert len(axis.lines) == 41


def test_the_picture_takes_axes_and_other_extremes() -> None:
    """A prior far narrower than the data, and one that misses them."""
    data, formula = hs.data.sleepstudy(), "Reaction ~ 1 + (1 | Subject)"
    named = {"Intercept": "normal(-900, 0.1)", "sd(Subject)": "half-normal(0.1)",
             "sigma": "half-normal(0.1)"}  # fmt: skip
    prior = hs.Model(formula, data, named).prior_predictive(draws=12)
    figure = Figure()
    axis = figure.subplots()
    assert hs.plot.prior_predictive(prior, ax=axis) is figure
    low, high = axis.get_xlim()
    assert low < -890
    assert high > data["Reaction"].max()
    heights = [line.get_ydata().max() for line in axis.lines]
    np.testing.assert_allclose(heights, 1.0)
    assert len(axis.lines) == 13


@pytest.mark.stan
@pytest.mark.slow
def test_stan_samples_the_same_prior(engine: CmdStanEngine) -> None:
    """NUTS without likelihood against exact draws; logs, as t_3 has no fourth moment."""
    model = hs.Model(
        "Reaction ~ Days + (Days | Subject)",
        hs.data.sleepstudy(),
        {"corr(Subject)": "lkj(1.5)", "sd(Days | Subject)": "half-normal(9)"},
        engine=engine,
    )
    fit = model.sample("noncentered", prior_only=True, seed=11, draws=2000)
    assert fit.diagnostics.sound, fit.diagnostics.verdict
    exact = model.prior_predictive(draws=8000, seed=12).draws
    for name in ("beta", "tau", "rho", "sigma", "u[Subject]"):
        for moment in (1, 2):
            sampled, drawn = (
                (np.log(d[name]) if name in ("tau", "sigma") else np.arctan(d[name] / 300))
                ** moment
                for d in (fit.draws, exact)
            )
            mcse = convergence(sampled.to_dataset(name="q"))["mcse_mean"]["q"]
            error = np.hypot(mcse, drawn.std(("chain", "draw")) / np.sqrt(8000))
            gap = sampled.mean(("chain", "draw")) - drawn.mean(("chain", "draw"))
            # 46 distances each way; all within 4.5 errors unless one time in 1,600.
            assert float(np.abs(gap / error).max()) < 4.5, (name, moment)
