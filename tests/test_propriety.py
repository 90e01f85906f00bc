"""Flat priors: where the posterior can be normalized, and where that is refused."""

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import PriorError
from hierstan.evaluate import build_design
from hierstan.priors import PriorChoice, resolve_priors
from hierstan.programs import PROGRAMS, get_program
from hierstan.propriety import refuse_improper


def data(levels: int, rows: int = 6) -> pd.DataFrame:
    """A balanced data set with a predictor that varies within the levels."""
    rng = np.random.default_rng(levels)
    g = np.repeat(np.arange(levels), rows)
    frame = pd.DataFrame(rng.normal(size=(levels * rows, 3)), columns=["y", "x", "w"])
    return frame.assign(g=g, group_level=np.sqrt(1.0 + g))


def refusal(formula: str, frame: pd.DataFrame, priors: PriorChoice, program: str) -> str:
    """What is said; empty when the posterior is proper."""
    design = build_design(formula, frame)
    try:
        refuse_improper(
            get_program(program), design, resolve_priors(priors, design), moments=0
        )
    except PriorError as error:
        return str(error)
    return ""


PARTIAL = [
    # formula, levels, priors, the parameters named, or none when proper
    ("y ~ x + (1 | g)", 2, "flat", "sd(Intercept | g)"),
    ("y ~ x + (1 | g)", 3, "flat", ""),
    ("y ~ x + (1 | g)", 2, "default", ""),
    ("y ~ x + (1 | g)", 2, {"sd(g)": "flat"}, ""),  # proper intercept: two directions
    ("y ~ x + (1 | g)", 2, {"sd(g)": "flat", "Intercept": "flat"}, "sd(Intercept | g)"),
    ("y ~ 0 + x + (1 | g)", 2, "flat", ""),  # no population intercept to take one away
    ("y ~ x + group_level + (1 | g)", 3, "flat", "sd(Intercept | g)"),
    ("y ~ x + group_level + (1 | g)", 4, "flat", ""),
    ("y ~ x + (x || g)", 2, "flat", "sd(Intercept | g)"),
    ("y ~ x + (x | g)", 3, "flat", ""),
    ("y ~ x + (x | g)", 2, {"preset": "flat", "sd(Intercept | g)": "half-normal(1)"},
     "sd(x | g)"),
]  # fmt: skip


@pytest.mark.parametrize("program", ["centered", "noncentered"])
@pytest.mark.parametrize(("formula", "levels", "priors", "named"), PARTIAL)
def test_flat_standard_deviations_need_levels(
    formula: str, levels: int, priors: PriorChoice, named: str, program: str
) -> None:
    told = refusal(formula, data(levels), priors, program)
    assert bool(told) == bool(named), told
    if named:
        assert f"flat prior on {named} the posterior cannot" in told
        assert f"the {levels} levels of 'g'" in told
        assert f"Give {named} a prior" in told


def test_levels_where_the_predictor_is_zero_say_nothing_of_its_sd() -> None:
    """Ten levels, but the slope acts in two of them only."""
    frame = data(10)
    frame.loc[frame["g"] > 1, "x"] = 0.0
    assert "sd(x | g)" in refusal("y ~ x + (x || g)", frame, "flat", "centered")
    frame.loc[frame["g"] == 2, "x"] = [0.3, -0.4, 1.2, 2.0, 0.1, 0.0]
    assert refusal("y ~ x + (x || g)", frame, "flat", "centered") == ""


def test_every_factor_is_looked_at() -> None:
    """The slope of the second factor, behind two effects of the first."""
    frame = data(6)
    frame["half"] = np.arange(36) % 2
    formula = "y ~ x + w + (x || g) + (0 + w | half)"
    assert "sd(w | half)" in refusal(formula, frame, "flat", "noncentered")
    assert "the 2 levels of 'half'" in refusal(formula, frame, "flat", "noncentered")
    tame = {"preset": "flat", "sd(half)": "half-normal(1)"}
    assert refusal(formula, frame, tame, "noncentered") == ""


def marginal_likelihood(tau: float, design: Design) -> float:
    """Likelihood with sigma at 1 and the flat coefficients integrated out."""
    factor = design.factors[0]
    Z = np.eye(factor.J)[factor.index]
    V = tau**2 * Z @ Z.T + np.eye(design.N)
    inverse = np.linalg.inv(V)
    information = design.X.T @ inverse @ design.X
    fitted = np.linalg.solve(information, design.X.T @ inverse @ design.y)
    rest = design.y - design.X @ fitted
    logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
    return float(np.exp(-0.5 * (logs + rest @ inverse @ rest)))


@pytest.mark.parametrize(("levels", "proper"), [(2, False), (3, True), (4, True)])
def test_the_likelihood_falls_as_the_rule_says(levels: int, proper: bool) -> None:
    """tau^-(J - 1) for a mean and J levels: doubling a far tau shows the power."""
    design = build_design("y ~ 1 + (1 | g)", data(levels))
    far = [marginal_likelihood(tau, design) for tau in (1e3, 2e3)]
    assert np.log2(far[0] / far[1]) == pytest.approx(levels - 1, abs=1e-3)
    told = refusal("y ~ 1 + (1 | g)", data(levels), "flat", "noncentered")
    assert (told == "") is proper


def test_means_and_sds_that_do_not_exist_are_not_reported() -> None:
    """Four levels make a posterior, five make one with a mean and an sd."""
    formula = "y ~ 1 + (1 | g)"
    model = hs.Model(formula, data(4), priors="flat")
    with pytest.raises(PriorError, match=r"no finite mean.*4 levels.*it takes 4"):
        model.sample("marginal")
    design = build_design(formula, data(5))
    refuse_improper(get_program("marginal"), design, resolve_priors("flat", design))


def test_groups_must_determine_their_own_flat_coefficients() -> None:
    frame, formula = hs.data.radon(), "log_radon ~ floor + (floor | county)"
    told = refusal(formula, frame, "flat", "unpooled")
    assert "flat prior on coef(floor | county)" in told
    assert "25 of the 85 levels of 'county'" in told
    assert "and 22 more" in told
    slopes = {"preset": "flat", "coef(floor | county)": "normal(0, 100)"}
    assert refusal(formula, frame, slopes, "unpooled") == ""
    assert refusal("log_radon ~ floor + (1 | county)", frame, "flat", "unpooled") == ""


def test_flat_groups_and_flat_coefficients_may_not_explain_each_other() -> None:
    frame = data(4)
    frame["bent"] = frame["x"] * frame["group_level"] + frame["w"]
    told = refusal("y ~ x + w + bent + (x | g)", frame, "flat", "unpooled")
    assert "flat priors on w, bent and the coefficients of every level of 'g'" in told
    tame = {"preset": "flat", "bent": "normal(0, 5)"}
    assert refusal("y ~ x + w + bent + (x | g)", frame, tame, "unpooled") == ""
    # a slope within every level has no coefficient of its own
    assert refusal("y ~ x + x:group_level + (x | g)", frame, "flat", "unpooled") == ""
    assert refusal("y ~ x + w + (x | g)", frame, "flat", "unpooled") == ""


def test_a_flat_sigma_needs_rows_to_spare() -> None:
    frame = data(2, 3)
    assert refusal("y ~ x + w + (x | g)", frame, "flat", "unpooled").startswith(
        "With flat priors on w, coef(Intercept | g), coef(x | g), sigma the posterior of "
        "unpooled cannot be normalized: 6 rows are too few."
    )
    wide = {"preset": "flat", "sigma": "half-normal(1)"}
    assert refusal("y ~ x + w + (x | g)", frame, wide, "unpooled") == ""
    assert refusal("y ~ x + w + (x | g)", frame, "flat", "pooled") == ""


def test_the_prior_cannot_be_sampled_where_it_is_flat() -> None:
    model = hs.Model("y ~ x + (x | g)", data(4), {"sd(x | g)": "flat", "coef(g)": "flat"})
    for draw in (
        lambda: model.sample("centered", prior_only=True),
        lambda: model.prior_predictive(program="centered"),
    ):
        with pytest.raises(PriorError, match=r"that of sd\(x \| g\) is flat"):
            draw()
    with pytest.raises(PriorError, match=r"of coef\(Intercept \| g\), coef\(x \| g\) is"):
        model.prior_predictive(program="unpooled")
    assert model.prior_predictive(program="pooled", draws=3).y_rep.shape == (3, 24)


def test_sampling_refuses_before_it_compiles() -> None:
    model = hs.Model("y ~ x + (1 | g)", data(2), "flat")
    with pytest.raises(PriorError, match=r"sd\(Intercept \| g\)"):
        model.sample("noncentered")


@pytest.mark.stan
@pytest.mark.parametrize("program", PROGRAMS)
def test_flat_priors_leave_the_likelihood(engine: CmdStanEngine, program: str) -> None:
    """Means of coefficients are least squares under no and complete pooling, exactly."""
    frame = hs.data.sleepstudy()
    model = hs.Model("Reaction ~ Days + (Days | Subject)", frame, "flat", engine=engine)
    if program == "centered":
        with pytest.warns(hs.ConvergenceWarning):
            fit = model.sample(program, seed=6, warmup=60, draws=40)
    else:
        fit = model.sample(program, seed=6)
    assert fit.draws["lprior"].to_numpy() == pytest.approx(
        -np.log(2) if PROGRAMS[program].pooling == "partial" else 0.0
    )  # a correlation is uniform on (-1, 1)
    if program == "pooled":
        X = np.column_stack([np.ones(180), frame["Days"]])
        expected = np.linalg.lstsq(X, frame["Reaction"].to_numpy(), rcond=None)[0]
        for term, value in zip(("Intercept", "Days"), expected, strict=True):
            found = fit.value("beta", term=term)
            assert found.mean == pytest.approx(value, abs=4 * found.mcse_mean)
    if program == "unpooled":
        for subject in ("308", "352"):
            rows = frame[frame["Subject"].astype(str) == subject]
            slope, _ = np.polyfit(rows["Days"], rows["Reaction"], 1)
            draws = fit.draws["coef[Subject]"].sel(
                {"level of Subject": subject, "effect of Subject": "Days"}
            )
            ess = fit.statistics["ess_bulk"]["coef[Subject]"].sel(
                {"level of Subject": subject, "effect of Subject": "Days"}
            )
            error = float(draws.std() / np.sqrt(ess))
            assert float(draws.mean()) == pytest.approx(slope, abs=4 * error)


@pytest.mark.stan
def test_an_analysis_leaves_out_what_flat_priors_cannot_fit(engine: CmdStanEngine) -> None:
    frame = hs.data.radon().iloc[:300]
    formula = "log_radon ~ floor + (floor || county)"
    settings = {"priors": "flat", "chains": 2, "warmup": 300, "draws": 100}
    analysis = hs.analyze(formula, frame, programs=None, engine=engine, **settings)
    assert "unpooled" not in analysis.fits
    assert "coef(floor | county)" in analysis.left_out["unpooled"]
    assert {"pooled", "noncentered"} <= set(analysis.fits)
    with pytest.raises(PriorError, match=r"coef\(floor \| county\)"):
        hs.analyze(formula, frame, programs=["unpooled"], engine=engine, **settings)
