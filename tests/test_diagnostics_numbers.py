"""The numbers that diagnostics rest on, against exact ones."""

import numpy as np
import pytest
import xarray as xr
from synthetic import Change, ar1, normal, synthetic_fit
from test_diagnostics_causes import fit_of, grouped

from hierstan.design import Floats
from hierstan.diagnostics.chains import energies
from hierstan.diagnostics.limits import failed_checks
from hierstan.diagnostics.places import divergence_places
from hierstan.diagnostics.ranks import rank_table
from hierstan.diagnostics.reliability import reliabilities
from hierstan.evaluate import build_design


def test_every_quantity_is_held_against_its_limits() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["beta"][:, :, 1] = ar1(0.9, (4, 1000), seed=5)
        v["u"][3, :, 4] += 2.5

    state = fit_of(change).diagnostics
    table = state.parameters
    assert {"Intercept", "x", "sd(Intercept | g)", "sigma"} <= set(table.index)
    assert len(table) == 4 + 2 * 20
    assert table["failing"]["x"].startswith("bulk ESS")
    assert table["failing"]["sigma"] == ""
    assert table["failing"]["the effect Intercept of g04"] == "R-hat, bulk ESS, tail ESS"
    assert table["variable"]["the effect Intercept of g04"] == "u[g]"
    # Independent draws: a mean's standard error is sd / sqrt(4000).
    assert table["mcse_over_sd"]["sigma"] == pytest.approx(4000**-0.5, rel=0.1)
    assert set(state.failing().index) == set(table.index[table["failing"] != ""])
    assert state.failing()["ess_bulk"].is_monotonic_increasing


def test_the_record_of_each_chain() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["diverging"][1, 3:8] = 1
        s["tree_depth"][2, :4] = 10
        s["step_size"] = np.repeat([[0.1], [0.2], [0.3], [0.4]], 1000, axis=1)
        s["n_steps"][3] = 31

    chains = fit_of(change).diagnostics.chains
    assert chains["divergences"].tolist() == [0, 5, 0, 0]
    assert chains["treedepth_hits"].tolist() == [0, 0, 4, 0]
    assert chains["step_size"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert chains["leapfrogs"].tolist() == [15_000] * 3 + [31_000]
    assert chains["acceptance_rate"].isna().all()  # not recorded here


def test_draws_per_gradient_and_the_slowest_parameter() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = np.exp(0.1 * ar1(0.9, (4, 1000), seed=5))

    state = fit_of(change).diagnostics
    assert state.slowest == "sd(Intercept | g)"
    ess = state.parameters["ess_bulk"]["sd(Intercept | g)"]
    assert state.ess_per_gradient == pytest.approx(ess / 60_000)
    assert state.ess_per_second == pytest.approx(ess / 2.0)


FORMULA = "y ~ x + (x || g)"


def places_of(change: Change) -> tuple[Floats, Floats, xr.Dataset]:
    """Logs of the second sd, and where transitions diverge."""
    fit = synthetic_fit(FORMULA, grouped(9, 5), chains=4, draws=1000, change=change)
    logs = np.log(fit.draws["tau"].to_numpy()[..., 1])
    return logs, fit.samples.sampler["diverging"] > 0, fit.diagnostics.places


def test_places_of_divergences_are_means_and_their_exact_error() -> None:
    def low(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"] = np.exp(0.6 * normal((4, 1000, 2), seed=3))
        chance = 0.08 / (1 + np.exp(4 * np.log(v["tau"][:, :, 1])))
        s["diverging"] = (np.random.default_rng(4).random((4, 1000)) < chance).astype(float)

    logs, there, places = places_of(low)
    row = places.loc["sd(x | g)"]
    assert row["at"] == pytest.approx(logs[there].mean())
    assert row["elsewhere"] == pytest.approx(logs[~there].mean())
    assert row["times_lower"] == pytest.approx(np.exp(row["elsewhere"] - row["at"]))
    p = there.mean()
    weight = there / p - ~there / (1 - p)
    influence = weight * (logs - logs.mean())
    assert row["se"] == pytest.approx(influence.std() / np.sqrt(4000), rel=0.15)
    assert row["score"] < -4
    assert abs(places["score"]["sd(Intercept | g)"]) < 3
    both = places.loc["all sds of g"]
    assert both["at"] == pytest.approx((places["at"]["sd(Intercept | g)"] + row["at"]) / 2)
    assert list(places.index) == ["sd(Intercept | g)", "sd(x | g)", "sigma", "all sds of g"]


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_scores_of_divergences_anywhere_are_standard(phi: float) -> None:
    """Divergences in runs, and a sd that is slow: their score must not take that for news.

    Over 60 sets of draws the sd of the scores is 1 within a standard error of 9 %.
    """
    design = build_design("y ~ x + (1 | g)", grouped(9, 5))
    scores = []
    for k in range(60):
        logs = ar1(phi, (4, 500), seed=2 * k)
        runs = ar1(phi, (4, 500), seed=2 * k + 1) > 1.2
        draws = xr.Dataset(
            {
                "tau": (("chain", "draw", "effect"), np.exp(logs)[..., None]),
                "sigma": (("chain", "draw"), np.exp(0.1 * normal((4, 500), k))),
            },
            {"effect": ["Intercept | g"]},
        )
        found = divergence_places(design, draws, runs)
        scores.append(found["score"]["sd(Intercept | g)"])
    assert 0.7 < np.std(scores) < 1.35


def test_few_divergences_have_no_place() -> None:
    def few(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["diverging"].flat[np.argsort(v["tau"][:, :, 1].ravel())[:4]] = 1

    _, there, places = places_of(few)
    assert there.sum() == 4
    assert places["score"].isna().all()
    assert places["times_lower"]["sd(x | g)"] > 1
    _, _, none = places_of(lambda v, s: None)
    assert none.empty


def test_reliability_of_a_balanced_factor_is_the_textbook_one() -> None:
    """N tau^2 / (sigma^2 + n tau^2), here 12 rows a group."""

    def fix(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:], v["sigma"][:] = 0.3, 0.8
        v["tau"][0], v["sigma"][0] = 0.6, 0.8

    fit = fit_of(fix, "marginal")
    found = reliabilities(fit.design, fit.draws)
    low, high = (12 * t**2 / (0.64 + 12 * t**2) for t in (0.3, 0.6))
    assert found.min().item() == pytest.approx(low, abs=1e-7)
    assert found.max().item() == pytest.approx(high, abs=1e-7)
    assert found.mean().item() == pytest.approx(0.75 * low + 0.25 * high, abs=1e-3)


def test_reliability_of_correlated_effects_by_plain_inverses() -> None:
    data = grouped(7, 5).drop(index=range(30, 34))  # unbalanced

    def fix(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:], v["sigma"][:], v["rho"][:] = [0.7, 0.4], 0.9, -0.6

    fit = fit_of(fix, "noncentered", "y ~ x + (x | g)", data)
    factor, D = fit.design.factors[0], np.diag([0.7, 0.4])
    Sigma = D @ [[1, -0.6], [-0.6, 1]] @ D
    exact = []
    for product in factor.crossproducts():
        V = np.linalg.inv(product / 0.81 + np.linalg.inv(Sigma))
        exact.append(1 - np.diag(V) / np.diag(Sigma))
    found = reliabilities(fit.design, fit.draws).mean("draw")
    np.testing.assert_allclose(found, np.mean(exact, axis=0), atol=1e-7)


def test_ranks_of_chains_that_agree_are_level() -> None:
    table = rank_table(normal((4, 1000), seed=2))
    shares = table[[0, 1, 2, 3]].to_numpy()
    np.testing.assert_allclose(shares.mean(axis=1), 1.0)  # the chains share each bin
    assert table["error"].to_numpy() == pytest.approx(np.sqrt(19 / 1000))
    # Of 80 squares 60 are expected, with a standard deviation of 11: the 4 shares of each
    # of the 20 bins, and the 20 bins of each chain, add up to 1.
    squares = np.sum((shares - 1) ** 2) / (19 / 1000)
    assert 60 - 4 * 11 < squares < 60 + 4 * 11


def test_ranks_of_a_chain_elsewhere_are_on_one_side() -> None:
    values = normal((4, 1000), seed=2)
    values[2] += 100
    table = rank_table(values, bins=8)
    assert table[2].tolist() == [0] * 6 + [4, 4]
    assert table[0].tolist() == pytest.approx([4 / 3] * 6 + [0, 0], abs=0.2)


def test_energies_are_centred_chain_by_chain() -> None:
    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        s["energy"] = np.add.outer([0.0, 100.0], [3.0, 5.0, 4.0, 8.0])

    formula, data = "y ~ x + (1 | g)", grouped(9, 5)
    fit = synthetic_fit(formula, data, chains=2, draws=4, change=change)
    level, step = energies(fit.samples)
    assert level.tolist() == [[-2, 0, -1, 3]] * 2
    assert step.tolist() == [[2, -1, 4]] * 2


@pytest.mark.parametrize(
    ("rhat", "told"),
    [(1.0104, "1.0104"), (1.01000004, "1.01000004"), (1.013, "1.013"), (250.0, "over 100"),
     (np.nan, "nan")],
)  # fmt: skip
def test_an_r_hat_is_shown_above_its_limit(rhat: float, told: str) -> None:
    table = fit_of().diagnostics.parameters.copy()
    table.loc["sigma", "rhat"] = rhat
    assert failed_checks(table, 400) == [f"R-hat is {told} (limit 1.01) for sigma"]
