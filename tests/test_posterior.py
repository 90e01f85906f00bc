"""Sampled posteriors of radon against the exact one, in units of their own MCSE."""

import numpy as np
import pytest
import xarray as xr
from exact import Moments, exact_posterior
from scipy import stats

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.design import Design, Floats
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.evaluate import build_design

pytestmark = [pytest.mark.stan, pytest.mark.slow]

# Seven quantities, four standard errors: a right sampler fails one time in 2,300.
MCSE = 4.0


def half_cauchy(tau: Floats, sigma: float) -> float:
    return float(np.sum(stats.halfcauchy(0, 5).logpdf([*tau, sigma])))


@pytest.fixture(scope="module")
def exact(radon_design: Design) -> Moments:
    """The tutorials' model; beta's normal(0, 10^4) is flat to nine digits here."""
    return exact_posterior(radon_design, half_cauchy, [0.75, 1.2], (0.60, 0.86))


def test_quadrature_has_converged(radon_design: Design, exact: Moments) -> None:
    wider = exact_posterior(radon_design, half_cauchy, [0.9, 1.5], (0.57, 0.9), nodes=36)
    for name, mean in exact.mean.items():
        assert wider.mean[name] == pytest.approx(mean, abs=2e-5)
        assert wider.sd[name] == pytest.approx(exact.sd[name], abs=2e-5)


def test_exact_posterior_has_the_published_values(exact: Moments) -> None:
    """Figures stated for this model, to the digits stated."""
    assert exact.mean["Intercept"] == pytest.approx(1.492, abs=0.001)
    assert exact.mean["floor"] == pytest.approx(-0.648, abs=0.001)
    assert exact.mean["sd(Intercept | county)"] == pytest.approx(0.325, abs=0.001)
    assert exact.mean["sd(floor | county)"] == pytest.approx(0.26, abs=0.005)
    assert exact.mean["sigma"] == pytest.approx(0.721, abs=0.001)


@pytest.mark.parametrize("program", ["noncentered", "marginal"])
def test_the_exact_posterior_is_sampled(
    radon_analysis: Analysis, exact: Moments, program: str
) -> None:
    fit = radon_analysis.fits[program]
    assert fit.diagnostics.sound, fit.diagnostics.verdict
    rows = dict(fit.estimates().rows())
    assert set(rows) == set(exact.mean)
    for name, value in rows.items():
        assert value.center == pytest.approx(exact.mean[name], abs=MCSE * value.mcse_mean)
        # The sampling error of an sd is about sd / sqrt(2 ESS) for a normal posterior.
        error = MCSE * exact.sd[name] / np.sqrt(2 * value.ess_bulk)
        assert value.spread == pytest.approx(exact.sd[name], abs=1.5 * error)


def test_centered_is_caught_failing_at_the_funnel(radon_analysis: Analysis) -> None:
    state = radon_analysis.fits["centered"].diagnostics
    assert not state.sound
    assert "sd(floor | county)" in state.cause
    assert "funnel" in state.cause
    assert "noncentered" in state.advice
    assert radon_analysis.best is radon_analysis.fits["marginal"]
    assert "centered: failed" in str(radon_analysis)


def test_pooled_posterior_is_the_regression(radon_analysis: Analysis) -> None:
    """With flat priors the posterior means of coefficients are least squares exactly."""
    rows = dict(radon_analysis.fits["pooled"].estimates().rows())
    for name, value in radon_analysis.ols.fixed.items():
        assert rows[name].center == pytest.approx(
            value.center, abs=MCSE * rows[name].mcse_mean
        )  # fmt: skip


def test_unpooled_gives_a_silent_group_its_prior_back(radon_analysis: Analysis) -> None:
    """CASS has basements only: its slope is normal(0, 100), its intercept its mean."""
    fit = radon_analysis.fits["unpooled"]
    cass = fit.draws["coef[county]"].sel({"level of county": "CASS"})
    slope = cass.isel({"effect of county": 1}).values.ravel()
    assert abs(slope.mean()) < MCSE * 100 / np.sqrt(2000)
    assert 90 < slope.std() < 110  # 2 % standard error at 1,000 effective draws
    table = radon_analysis.shrinkage(radon_analysis.design.factors[0])
    row = table.query("level == 'CASS' and effect == 'floor'").iloc[0]
    assert row["note"] == "not determined by its own rows"
    assert np.isnan(row["ols"])
    assert np.isnan(row["moved"])
    own = table.query("level == 'CASS' and effect == 'Intercept'").iloc[0]
    assert own["unpooled"] == pytest.approx(own["ols"], abs=5 * own["unpooled_sd"] / 30)


def test_blups_and_posterior_group_means_agree(radon_analysis: Analysis) -> None:
    """Same data, nearly flat priors: they differ by the uncertainty of tau only."""
    table = radon_analysis.shrinkage(radon_analysis.design.factors[0])
    gap = (table["partial"] - table["blup"]).abs() / table["partial_sd"]
    assert gap.max() < 0.25
    assert np.corrcoef(table["partial"], table["blup"])[0, 1] > 0.999


@pytest.mark.parametrize("formula", ["log_radon ~ floor + (floor | county)",
                                     "log_radon ~ floor + (1 | county)"])  # fmt: skip
def test_other_radon_models(engine: CmdStanEngine, formula: str) -> None:
    """Correlated slopes and a lone intercept, default priors; centered where it works."""
    model = hs.Model(formula, hs.data.radon(), engine=engine)
    one = model.sample("noncentered", seed=3, draws=2000)
    assert one.diagnostics.sound, one.diagnostics.verdict
    reml = dict(model.mixedlm().estimates().rows())
    for name, value in one.estimates().rows():
        if not name.startswith(("sd", "corr")):
            assert abs(value.center - reml[name].center) < 0.25 * value.spread
    if "(1 | county)" in formula:
        other = model.sample("centered", seed=3, draws=2000)
        for (name, a), (_, b) in zip(
            one.estimates().rows(), other.estimates().rows(), strict=True
        ):
            error = np.hypot(a.mcse_mean, b.mcse_mean)
            assert a.center == pytest.approx(b.center, abs=MCSE * error), name


@pytest.mark.parametrize(("formula", "data"), [
    ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    ("strength ~ 1 + (1 | batch/cask)", "pastes"),
    ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
])  # fmt: skip
# Pastes has a funnel: centered has a few divergences there at any step size.
@pytest.mark.filterwarnings("ignore::hierstan.errors.ConvergenceWarning")
def test_two_parameterizations_have_one_posterior(
    engine: CmdStanEngine, formula: str, data: str
) -> None:
    model = hs.Model(formula, hs.data.load(data), engine=engine)
    settings = {"seed": 2, "draws": 2000, "adapt_delta": 0.99}
    one, other = (
        dict(model.sample(program, **settings).estimates().rows())
        for program in ("centered", "noncentered")
    )
    for name, value in one.items():
        error = np.hypot(value.mcse_mean, other[name].mcse_mean)
        assert value.center == pytest.approx(other[name].center, abs=MCSE * error), name


@pytest.mark.parametrize("program", ["noncentered", "marginal"])
def test_default_priors_against_quadrature(engine: CmdStanEngine, program: str) -> None:
    """Half-Student-t scales and a centred X, on data with other units."""
    design = build_design("Reaction ~ Days + (Days || Subject)", hs.data.sleepstudy())
    model = hs.Model(design.formula.text, hs.data.sleepstudy(), engine=engine)
    priors = model.priors

    def log_prior(tau: Floats, sigma: float) -> float:
        return float(
            stats.t(3, 0, priors.tau_scale).logpdf(tau).sum()
            + stats.t(3, 0, priors.sigma_scale).logpdf(sigma)
        )

    expected = exact_posterior(design, log_prior, [75.0, 18.0], (18.0, 36.0))
    fit = model.sample(program, seed=2, draws=2000)
    assert fit.diagnostics.sound, fit.diagnostics.verdict
    for name, value in fit.estimates().rows():
        # Coefficients have normal priors of 2.5 sd here and flat ones in the quadrature,
        # which moves the intercept by (se / prior sd)^2 of its distance: under 0.1 %.
        slack = 0.001 * value.spread if name in design.terms else 0.0
        bound = MCSE * value.mcse_mean + slack
        assert value.center == pytest.approx(expected.mean[name], abs=bound), name


def test_the_same_seed_gives_the_same_draws(engine: CmdStanEngine) -> None:
    model = hs.Model("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff(), engine=engine)
    settings = {"chains": 2, "warmup": 200, "draws": 50}

    def draws(seed: int) -> xr.Dataset:
        with pytest.warns(hs.ConvergenceWarning):
            return model.sample("noncentered", seed=seed, **settings).draws

    assert draws(5).equals(draws(5))
    assert not draws(5).equals(draws(6))


@pytest.mark.parametrize("program", ["pooled", "unpooled", "noncentered", "marginal"])
def test_units_and_origins_do_not_matter_to_the_sampler(
    engine: CmdStanEngine, program: str
) -> None:
    """Reaction in gigaseconds, days in seconds: sound, and the same in its own units."""
    data = hs.data.sleepstudy()
    formula = "Reaction ~ Days + (Days | Subject)"
    moved = data.assign(Reaction=data["Reaction"] * 1e-9, Days=data["Days"] * 86_400)
    one = hs.Model(formula, data, engine=engine).sample(program, seed=6, draws=2000)
    two = hs.Model(formula, moved, engine=engine).sample(program, seed=6, draws=2000)
    assert two.diagnostics.sound, two.diagnostics.verdict
    units = {"Days": 1e-9 / 86_400, "sd(Days | Subject)": 1e-9 / 86_400}
    units["corr(Intercept, Days | Subject)"] = 1.0
    for (name, a), (_, b) in zip(
        one.estimates().rows(), two.estimates().rows(), strict=True
    ):
        unit = units.get(name, 1e-9)
        error = np.hypot(a.mcse_mean, b.mcse_mean / unit)
        assert b.center / unit == pytest.approx(a.center, abs=MCSE * error), name


def test_nested_factors_have_one_posterior(engine: CmdStanEngine) -> None:
    """Casks within batches, from both ends: marginal and noncentered."""
    model = hs.Model("strength ~ 1 + (1 | batch/cask)", hs.data.pastes(), engine=engine)
    one = model.sample("marginal", seed=5, draws=2000)
    two = model.sample("noncentered", seed=5, draws=2000, adapt_delta=0.999)
    assert one.diagnostics.sound, one.diagnostics.verdict
    for (name, a), (_, b) in zip(
        one.estimates().rows(), two.estimates().rows(), strict=True
    ):
        error = np.hypot(a.mcse_mean, b.mcse_mean)
        assert a.center == pytest.approx(b.center, abs=MCSE * error), name
        assert a.spread == pytest.approx(b.spread, rel=0.15), name
    for factor in model.design.factors:
        a, b = (fit.group_summary(factor.name) for fit in (one, two))
        name = f"coef[{factor.name}]"
        error = np.hypot(*(fit.statistics["mcse_mean"][name] for fit in (one, two)))
        assert float(np.abs((a["mean"] - b["mean"]) / error).max()) < 4.5
