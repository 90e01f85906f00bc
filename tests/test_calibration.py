"""Probability integral transforms: what their distribution function says."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from exact_draws import OnGrid
from scipy import stats
from test_loo import frame

from hierstan.errors import InputError
from hierstan.prediction.calibration import ecdf_difference


def test_it_is_the_distribution_function_less_the_uniform_one() -> None:
    pit = np.random.default_rng(3).beta(1.4, 0.8, size=250)
    table = ecdf_difference(pit)
    assert len(table) == 99
    for at in table.index[[0, 17, 60, 98]]:
        expected = np.mean(pit <= at) - at
        assert table.loc[at, "difference"] == pytest.approx(expected, abs=1e-12)
    outside = (table["difference"] < table["low"]) | (table["difference"] > table["high"])
    assert (outside == ~table["inside"]).all()
    assert len(ecdf_difference(pit[:7])) == 6
    assert ecdf_difference(pit[:1]).index.tolist() == [0.5]


def test_its_shape_says_what_is_wrong() -> None:
    """Normal data, and predictions that are off in one way each."""
    data = stats.norm.ppf((np.arange(400) + 0.5) / 400)

    def difference(location: float, scale: float) -> "pd.Series[float]":
        return ecdf_difference(stats.norm.cdf(data, location, scale))["difference"]

    assert (difference(0.7, 1.0) > 0).all()  # the data lie below
    assert (difference(-0.7, 1.0) < 0).all()
    narrow, wide = difference(0.0, 0.6), difference(0.0, 1.7)
    assert (narrow[:0.45] > 0).all()
    assert (narrow[0.55:] < 0).all()
    assert (wide[:0.45] < 0).all()
    assert (wide[0.55:] > 0).all()


@pytest.mark.parametrize("N", [12, 90, 900])
@pytest.mark.parametrize("interval", [0.6, 0.95])
def test_the_band_holds_all_points_at_once(N: int, interval: float) -> None:
    rng = np.random.default_rng(N)
    samples = 1500
    band = ecdf_difference(rng.uniform(size=N), interval)
    at = band.index.to_numpy()
    low, high = band["low"].to_numpy(), band["high"].to_numpy()
    held = narrower = 0
    for _ in range(samples):
        pit = np.sort(rng.uniform(size=N))
        difference = np.searchsorted(pit, at, side="right") / N - at
        above, below = difference - low, high - difference
        held += bool((above > -1e-9).all() and (below > -1e-9).all())
        narrower += bool((above > 0.5 / N).all() and (below > 0.5 / N).all())
    # Counts are whole: this band holds at least so often, and one that is narrower by one
    # count on each side does not. 4 sd of a binomial share.
    error = 4 * np.sqrt(interval * (1 - interval) / samples)
    assert held / samples > interval - error
    assert narrower / samples < interval + error


@pytest.mark.parametrize("interval", [0.7, 0.9])
def test_of_six_values_the_band_is_that_of_all_their_arrangements(interval: float) -> None:
    table = ecdf_difference(np.linspace(0.1, 0.9, 6), interval)
    at = np.arange(1, 6) / 6
    np.testing.assert_allclose(table.index, at)
    every = np.array(list(product(range(6), repeat=6)))  # equally likely cells of the six
    below = np.array([(every <= k).sum(axis=1) for k in range(5)]).T
    tails = np.minimum(stats.binom.cdf(below, 6, at), stats.binom.sf(below - 1, 6, at))
    smallest = np.sort(tails.min(axis=1))
    half = smallest[int((1 - interval) * len(smallest))] * (1 - 1e-6)
    for k, count in enumerate(table[["low", "high"]].to_numpy().T + at):
        counts = np.round(count * 6)
        np.testing.assert_allclose(count * 6, counts, atol=1e-9)
        tail = stats.binom.cdf if k == 0 else lambda c, n, p: stats.binom.sf(c - 1, n, p)
        assert (tail(counts, 6, at) >= half).all()
        assert (tail(counts + (-1 if k == 0 else 1), 6, at) < half).all()


def test_the_band_is_wider_than_that_of_one_point() -> None:
    table = ecdf_difference(np.linspace(0.01, 0.99, 400))
    at = table.index.to_numpy()
    single = stats.binom.isf(0.025, 400, at) / 400 - at
    assert (table["high"] >= single).all()
    assert (table["high"][20:80] > 1.2 * single[20:80]).all()
    np.testing.assert_allclose(table["low"], -table["high"][::-1], atol=1 / 400 + 1e-9)


def test_wrong_predictions_leave_the_band() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(size=400)
    assert ecdf_difference(stats.norm.cdf(z))["inside"].all()
    for narrow in (
        stats.norm.cdf(1.5 * z),
        stats.norm.cdf(z / 1.5),
        stats.norm.cdf(z + 0.4),
    ):
        assert not ecdf_difference(narrow)["inside"].all()
    narrow = ecdf_difference(stats.norm.cdf(1.5 * z))["difference"]
    assert narrow.loc[:0.3].mean() > 0 > narrow.loc[0.7:].mean()


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="no values"):
        ecdf_difference(np.empty(0))
    with pytest.raises(InputError, match=r"interval is 1.2"):
        ecdf_difference(np.array([0.2, 0.4]), 1.2)


def test_a_fit_of_its_own_model_is_calibrated() -> None:
    taus, sigmas = np.geomspace(0.2, 4.0, 8), np.geomspace(0.5, 2.0, 8)
    grid = OnGrid("y ~ x + (1 | g)", frame(40), taus, sigmas, draws=200)
    found = grid.fit.loo(integrated=True)
    table = found.calibration(0.99)
    assert table["inside"].all()
    np.testing.assert_array_equal(
        table["difference"],
        ecdf_difference(found.pointwise["pit"].to_numpy())["difference"],
    )
