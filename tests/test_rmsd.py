"""Deviations and group means against the same numbers written out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic import flat, synthetic_fit
from test_loo import frame

from hierstan.analysis import Analysis
from hierstan.design import Floats
from hierstan.errors import InputError
from hierstan.fit import Fit
from hierstan.prediction import simulate


@pytest.fixture(scope="module")
def fit() -> Fit:
    return synthetic_fit("y ~ x + offset(2 * w) + (x || g) + (1 | g:h)", frame(), draws=60)


def by_hand(fit: Fit) -> tuple[Floats, Floats, Floats]:
    """Response, expected values and replications of every draw."""
    drawn = fit.predict(draws=True).draws
    assert drawn is not None
    y = frame()["y"].to_numpy()
    mu, again = (
        drawn[name].to_numpy().reshape(120, 34) for name in ("expected", "observation")
    )
    return y, mu, again


@pytest.mark.parametrize("cells", [simulate.CELLS, 120 * 7])
def test_deviations_are_root_mean_squares(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    """Of one chunk, and of chunks of seven rows."""
    monkeypatch.setattr(simulate, "CELLS", cells)
    y, mu, again = by_hand(fit)
    found = fit.rmsd()
    out = fit.loo(integrated=True).pointwise["residual"].to_numpy()
    assert found.integrated
    assert list(found.table.index) == [
        "row", "row by g", "mean by g", "row by g:h", "mean by g:h",
    ]  # fmt: skip
    row = found.table.loc["row"]
    assert row["n"] == 34
    assert row["in_sample"] == pytest.approx(np.sqrt(np.mean((y - mu.mean(axis=0)) ** 2)))
    drawn = np.sqrt(np.mean((y - mu) ** 2, axis=1))
    assert row["drawn"] == pytest.approx(drawn.mean())
    assert row["drawn_sd"] == pytest.approx(drawn.std(ddof=1))
    assert row["replicated"] == pytest.approx(
        np.sqrt(np.mean((y - again) ** 2, axis=1)).mean()
    )
    assert row["left_out"] == pytest.approx(np.sqrt(np.mean(out**2)))
    for factor in fit.design.factors:
        member = (factor.index == np.arange(factor.J)[:, None]).astype(float)
        mean = member / member.sum(axis=1, keepdims=True)
        line = found.table.loc[f"mean by {factor.name}"]
        assert line["n"] == factor.J
        center = mean @ (y - mu.mean(axis=0))
        assert line["in_sample"] == pytest.approx(np.sqrt(np.mean(center**2)))
        drawn = np.sqrt(np.mean(((y - mu) @ mean.T) ** 2, axis=1))
        assert line["drawn"] == pytest.approx(drawn.mean())
        assert line["drawn_sd"] == pytest.approx(drawn.std(ddof=1))
        drawn = np.sqrt(np.mean(((y - again) @ mean.T) ** 2, axis=1))
        assert line["replicated"] == pytest.approx(drawn.mean())
        assert np.isnan(line["left_out"])
        once = found.table.loc[f"row by {factor.name}"]
        assert once["n"] == factor.J
        center = mean @ (y - mu.mean(axis=0)) ** 2
        assert once["in_sample"] == pytest.approx(np.sqrt(np.mean(center)))
        drawn = np.sqrt(np.mean((y - mu) ** 2 @ mean.T, axis=1))
        assert once["drawn"] == pytest.approx(drawn.mean())
        assert once["drawn_sd"] == pytest.approx(drawn.std(ddof=1))
        drawn = np.sqrt(np.mean((y - again) ** 2 @ mean.T, axis=1))
        assert once["replicated"] == pytest.approx(drawn.mean())
        assert once["left_out"] == pytest.approx(np.sqrt(np.mean(mean @ out**2)))
        table = found.by_level[factor.name]
        assert list(table.index) == list(factor.levels)
        for j, level in enumerate(factor.levels):
            mine = factor.index == j
            own = table.loc[level]
            assert own["n"] == mine.sum()
            center = (y - mu.mean(axis=0))[mine]
            assert own["in_sample"] == pytest.approx(np.sqrt(np.mean(center**2)))
            drawn = np.sqrt(np.mean((y - mu)[:, mine] ** 2, axis=1))
            assert own["drawn"] == pytest.approx(drawn.mean())
            assert own["drawn_sd"] == pytest.approx(drawn.std(ddof=1))
            drawn = np.sqrt(np.mean((y - again)[:, mine] ** 2, axis=1))
            assert own["replicated"] == pytest.approx(drawn.mean())
            assert own["left_out"] == pytest.approx(np.sqrt(np.mean(out[mine] ** 2)))


def test_the_output_says_that_in_sample_misleads(fit: Fit) -> None:
    found = replace(fit.rmsd(), high=0, remark="")
    assert "no pooling always looks best" in str(found)
    assert "high k-hat" not in str(found)
    assert "3 rows have high k-hat" in str(replace(found, high=3))
    assert "1 row has high k-hat" in str(replace(found, high=1))
    assert "Beware: odd." in str(replace(found, remark="odd"))
    crossed = synthetic_fit("y ~ x + (1 | g) + (1 | h)", frame(), draws=60)
    assert not crossed.rmsd().integrated


def test_group_means_have_the_distribution_of_replications() -> None:
    """Given the draws, a mixture of normals with sds sigma / sqrt(n), one for each."""
    formula = "y ~ x + offset(2 * w) + (x || g) + (1 | g:h)"
    fit = synthetic_fit(formula, frame(), draws=2000)
    sigma, y = flat(fit, "sigma"), frame()["y"].to_numpy()
    S = len(sigma)
    drawn = fit.predict(draws=True).draws
    assert drawn is not None
    mu = drawn["expected"].to_numpy().reshape(S, len(y))
    for factor in fit.design.factors:
        table = fit.group_means(factor.name)
        assert table.index.name == factor.name
        assert table["n"].tolist() == factor.sizes.tolist()
        for j, level in enumerate(factor.levels):
            mine = factor.index == j
            line = table.loc[level]
            mixture = stats.norm(mu[:, mine].mean(axis=1), sigma / np.sqrt(mine.sum()))
            assert line["observed"] == pytest.approx(y[mine].mean())
            spread = np.sqrt((mixture.std() ** 2).mean() / S)
            assert line["mean"] == pytest.approx(mixture.mean().mean(), abs=5 * spread)
            for name, share in (("low", 0.025), ("high", 0.975)):
                error = np.sqrt(share * (1 - share) / S)
                found = mixture.cdf(line[name]).mean()
                assert found == pytest.approx(share, abs=5 * error), (level, name)
            above = mixture.sf(y[mine].mean()).mean()
            error = np.sqrt(above * (1 - above) / S)
            assert line["p_value"] == pytest.approx(above, abs=5 * error)
            assert line["inside"] == (line["low"] <= line["observed"] <= line["high"])


def test_group_means_take_a_factor_and_a_seed() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", frame(far=-12.0), draws=60)
    with pytest.raises(InputError, match="no factor 'foo'; the formula has 'g'"):
        fit.group_means("foo")
    first, second = fit.group_means("g", seed=1), fit.group_means("g", seed=2)
    pd.testing.assert_frame_equal(first, fit.group_means("g", seed=1))
    assert not np.allclose(first["mean"], second["mean"], rtol=1e-12)
    spread = flat(fit, "sigma").mean() / np.sqrt(120 * first["n"])
    assert (np.abs(first["mean"] - second["mean"]) < 6 * spread).all()


@pytest.mark.stan
def test_on_radon_the_order_is_reversed_by_leaving_rows_out(
    radon_analysis: Analysis,
) -> None:
    """The seeds' question, which pooling predicts better, and both of its answers."""
    table = pd.DataFrame(
        {
            name: radon_analysis.fits[name].rmsd().table.loc["row"]
            for name in ("pooled", "unpooled", "marginal")
        }
    )
    assert table.loc["in_sample"].sort_values().index.tolist() == [
        "unpooled", "marginal", "pooled",
    ]  # fmt: skip
    assert table.loc["left_out"].sort_values().index.tolist() == [
        "marginal", "pooled", "unpooled",
    ]  # fmt: skip
    assert table.loc["n"].eq(919).all()
