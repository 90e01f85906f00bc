"""What the report says to trust, where the sampler is sound and the prior is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented import invented_analysis
from test_diagnostics_conflict import FORMULA, fit_of, sites, slope

import hierstan as hs
from hierstan.report.verdicts import headline, lines


def test_a_posterior_that_the_prior_moved_is_to_be_taken_with_care() -> None:
    analysis = invented_analysis(FORMULA, sites(), ["marginal"], failed=())
    assert headline(analysis, None).state == "good"
    fit = fit_of(slope(50.0, 0.01), sites(), {"x": "normal(50, 0.01)"})
    analysis = replace(analysis, fits={"marginal": fit})
    line = headline(analysis, None)
    assert (line.state, line.word, line.name) == ("care", "With care", "marginal")
    assert "prior and data contradict each other for x" in line.told
    own = next(line for line in lines(analysis) if line.name == "marginal")
    assert own.state == "care"
    assert "prior and data contradict each other for x" in own.told
    assert "prior and data contradict each other for x" in str(analysis)


def test_priors_of_other_units_are_not_endorsed() -> None:
    """The tutorials' priors, made for log radon, beside a response of about a million."""
    pytest.importorskip("stanli")
    rng = np.random.default_rng(3)
    site = np.repeat(np.arange(30), 20)
    data = pd.DataFrame({name: rng.normal(size=600) for name in ("x", "w")})
    noise = 1e6 * rng.normal(size=30)[site] + 0.95e6 * rng.normal(size=600)
    data["y"] = 1e6 + 1.1e6 * data["x"] + 0.5e6 * data["w"] + noise
    data["site"] = [f"s{k:02d}" for k in site]
    analysis = hs.analyze(
        "y ~ x + w + (1 | site)", data, priors="seeds", engine="stanli",
        programs=("marginal",), warmup=500, draws=500, seed=1,
    )  # fmt: skip
    assert analysis.fits["marginal"].diagnostics.sound
    line = headline(analysis, None)
    assert line.state == "care"
    assert "contradict each other for Intercept, x, w" in line.told
    assert "leave" not in str(hs.advise(analysis.fits["marginal"]))


def test_data_that_the_model_does_not_expect_are_told_above_all() -> None:
    """A response whose logarithm is normal has no minimum near those of replications."""
    rng = np.random.default_rng(5)
    ward = np.repeat(np.arange(12), 25)
    data = pd.DataFrame({"ward": [f"w{k:02d}" for k in ward]})
    data["cost"] = np.exp(2 + 0.5 * rng.normal(size=12)[ward] + rng.normal(size=300))
    fit = hs.Model("cost ~ 1 + (1 | ward)", data, engine="stanli").sample(seed=1)
    assert fit.diagnostics.sound
    analysis = invented_analysis("cost ~ 1 + (1 | ward)", data, ["marginal"], failed=())
    analysis = replace(analysis, fits={"marginal": fit})
    table = fit.predictive_checks().statistics.reset_index()
    line = headline(analysis, table)
    assert (line.state, line.word) == ("care", "With care")
    assert "sampling passed every check, but the model does not expect" in line.told
    low = table.set_index("statistic").loc["min"]
    assert f"min {low['observed']:.3g}, expected from {low['low']:.3g}" in line.told
    assert headline(analysis, table.iloc[:1]).state == "good"  # the sd is as expected
