"""Remarks on sds: those that may be zero, and those that their prior decides."""

import numpy as np
import pytest
from causes import fit_of, grouped, kinds, named
from scipy import stats
from synthetic import ar1, normal

from hierstan.design import Floats
from hierstan.diagnostics.spread import density_at_zero, error_at_zero


def test_a_sd_that_may_be_zero_is_a_remark_of_a_sound_fit() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = 0.2 * np.abs(normal((4, 1000), seed=12))

    fit = fit_of(change, "marginal")
    assert fit.diagnostics.verdict == "sound"
    found = named(fit)["boundary"]
    assert not found.explains
    assert found.evidence["density_at_zero"] > 0.9
    assert found.evidence["quantile_95"] == pytest.approx(0.2 * 1.96, rel=0.05)


@pytest.mark.parametrize("mean", [0.0, 0.7, 1.5, 2.5])
def test_density_at_zero_of_folded_normals_is_the_exact_one(mean: float) -> None:
    law = stats.foldnorm(mean)
    grid = np.linspace(0, mean + 3, 2000)
    exact = law.pdf(0) / law.pdf(grid).max()
    draws = law.ppf((np.arange(4000) + 0.5) / 4000)
    # A kernel of width h = 0.9 sd / n^0.2 moves a density by h^2 / 2 of its curvature: 2 %.
    assert density_at_zero(3.7 * draws) == pytest.approx(exact, abs=0.03)


def test_density_at_zero_of_draws_far_from_it() -> None:
    assert density_at_zero(np.exp(0.3 * normal((4000,), seed=1))) < 1e-6
    assert np.isnan(density_at_zero(np.full(50, 0.3)))


def test_the_error_of_a_density_at_zero_is_its_spread_over_runs() -> None:
    """AR(1) chains, folded: their draws near zero come together, which counts."""
    runs = [0.8 + 0.5 * ar1(0.8, (4, 500), seed=40 + k) for k in range(60)]
    shares = [density_at_zero(np.abs(run).ravel()) for run in runs]
    told = np.mean([error_at_zero(np.abs(run)) for run in runs])
    # An sd of 60 values is known to 9 %; 0.35 allows for the highest density as well.
    assert told == pytest.approx(np.std(shares, ddof=1), rel=0.35)


def test_a_density_at_zero_near_the_limit_is_not_told() -> None:
    """Programs of one posterior, a little above the limit by chance, are told the same."""
    told = []
    for mean in (1.0, 2.27):
        law = stats.foldnorm(mean)
        exact = law.ppf((np.arange(4000) + 0.5) / 4000)
        shuffled = np.random.default_rng(3).permutation(exact).reshape(4, 1000)

        def change(
            v: dict[str, Floats], s: dict[str, Floats], draws: Floats = shuffled
        ) -> None:
            v["tau"][:, :, 0] = 0.2 * draws

        told.append("boundary" in kinds(fit_of(change, "marginal"), explaining=False))
        share = density_at_zero(shuffled.ravel())
        assert share > 0.147
        error = error_at_zero(shuffled)
        assert (share - 2 * error > 0.147) == told[-1]
    assert told == [True, False]


def test_draws_from_the_prior_are_prior_dominated() -> None:
    """Half-normal(0.8): with half the scale, half the mean, exactly."""
    exact = stats.halfnorm(0, 0.8).ppf((np.arange(4000) + 0.5) / 4000)

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        shuffled = np.random.default_rng(13).permutation(exact)
        v["tau"][:, :, 0] = shuffled.reshape(4, 1000)

    data, priors = grouped(3, 12), {"sd(Intercept | g)": "half-normal(0.8)"}
    wide, narrow = (
        fit_of(one, "marginal", data=data, priors=priors)
        for one in (change, lambda v, s: v.update(tau=v["tau"] / 4))
    )
    assert wide.diagnostics.sound
    found = named(wide)["prior-dominated sd"]
    assert found.evidence["levels"] == 3
    assert found.evidence["mean_at_half_scale"] == pytest.approx(
        0.4 * np.sqrt(2 / np.pi), rel=2e-3
    )
    assert 'priors={"sd(Intercept | g)": "half-normal(s)"}' in found.advice
    assert "prior-dominated sd" not in kinds(narrow, explaining=False)
