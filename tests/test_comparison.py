"""Fits compared by leave-one-out: sums of differences, and what is said about them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exact_draws import constant_fit
from synthetic import synthetic_fit
from test_loo import frame

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.errors import InputError
from hierstan.fit import Fit
from hierstan.prediction.loo import LeaveOneOut


def example(program: str, formula: str = "y ~ x + (1 | g)", rows: int = 34) -> Fit:
    return constant_fit(formula, frame(rows), program, sigma=1.2, tau=np.array([0.9]))


def shifted(one: LeaveOneOut, by: float, wobble: float = 0.0) -> LeaveOneOut:
    """Return densities that are lower by a sum, evenly or not."""
    n = len(one.pointwise)
    noise = wobble * np.random.default_rng(1).normal(size=n)
    noise -= noise.mean()
    table = one.pointwise.assign(elpd=lambda d: d["elpd"] - by / n + noise)
    return replace(one, pointwise=table)


def test_differences_are_paired() -> None:
    one = example("centered").loo()
    two, three = shifted(one, 30.0, wobble=0.5), shifted(one, 80.0, wobble=9.0)
    table = hs.compare_loo({"worst": three, "second": two, "best": one})
    assert list(table.index) == ["best", "second", "worst"]
    assert list(table.columns) == [
        "elpd", "se", "difference", "se_difference", "p_loo", "khat", "high", "integrated",
        "warning",
    ]  # fmt: skip
    np.testing.assert_allclose(table["difference"], [0.0, -30.0, -80.0], atol=1e-9)
    for name, found in (("best", one), ("second", two), ("worst", three)):
        apart = found.pointwise["elpd"] - one.pointwise["elpd"]
        expected = np.sqrt(34) * apart.std()
        assert table.loc[name, "se_difference"] == pytest.approx(expected, abs=1e-12)
        assert table.loc[name, "elpd"] == found.elpd
        assert table.loc[name, "se"] == found.se
    assert not table["integrated"].any()


@pytest.mark.parametrize(
    ("by", "wobble", "rows", "says"),
    [
        (3.9, 0.0, 110, "difference below 4: no reason to prefer either"),
        (30.0, 2.0, 110, "difference within two standard errors"),
        (30.0, 0.5, 110, ""),
        (30.0, 0.5, 99, "fewer than 100 rows: se_difference may be too small"),
    ],
)
def test_doubts_about_a_difference_are_said(
    by: float, wobble: float, rows: int, says: str
) -> None:
    one = replace(example("centered", rows=rows).loo(integrated=True), remark="")
    table = hs.compare_loo({"a": one, "b": shifted(one, by, wobble)})
    assert table.loc["a", "warning"] == ""
    assert table.loc["b", "warning"] == says


def test_doubts_about_the_best_are_doubts_about_every_difference() -> None:
    one = replace(example("centered", rows=120).loo(integrated=True), remark="")
    high = one.pointwise.assign(khat=np.where(np.arange(120) < 3, 0.8, 0.1))
    told = "the elpd of a is not to be trusted, nor a difference from it"
    for best in (replace(one, remark="the fit failed"), replace(one, pointwise=high)):
        table = hs.compare_loo({"a": best, "b": shifted(one, 30.0, 0.5)})
        assert table.loc["b", "warning"] == told
        assert told not in table.loc["a", "warning"]


def test_doubts_about_a_density_are_said() -> None:
    one = example("centered", rows=120).loo(integrated=True)
    high = one.pointwise.assign(khat=np.where(np.arange(120) < 3, 0.8, 0.1))
    worse = replace(shifted(one, 30.0), remark="the fit failed its checks")
    worse = replace(worse, pointwise=worse.pointwise.assign(khat=high["khat"]))
    table = hs.compare_loo({"a": replace(one, remark=""), "b": worse})
    assert table.loc["b", "warning"] == (
        "the fit failed its checks; 3 k-hat above 0.52: elpd is not to be trusted"
    )
    assert table.loc["b", ["khat", "high"]].tolist() == [0.8, 3]


def test_programs_of_one_model_are_said_to_be_that() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", frame(), draws=60)
    other = replace(
        synthetic_fit("y ~ x + (1 | g)", frame(), "centered", draws=60, seed=3),
        design=fit.design,
        priors=fit.priors,
    )
    table = hs.compare_loo({"one": fit, "two": other})
    assert table["integrated"].all()
    assert "the same model as" in table["warning"].iloc[1]
    assert "the same model" not in table["warning"].iloc[0]
    elsewhere = synthetic_fit("y ~ x + (1 | g)", frame(), "centered", draws=60, seed=3)
    elsewhere = replace(elsewhere, priors=fit.priors)
    table = hs.compare_loo({"one": fit, "two": elsewhere})
    assert "the same model" not in table["warning"].iloc[1]


def test_crossed_factors_are_weighed_as_drawn() -> None:
    fit = synthetic_fit("y ~ x + (1 | g) + (1 | h)", frame(), draws=60)
    pooled = synthetic_fit("y ~ x + (1 | g) + (1 | h)", frame(), "pooled", draws=60)
    table = hs.compare_loo({"crossed": fit, "pooled": pooled})
    assert table["integrated"].to_dict() == {"crossed": False, "pooled": True}
    assert table.loc["crossed", "elpd"] == fit.loo().elpd
    assert table.loc["pooled", "elpd"] == pooled.loo(integrated=True).elpd


def test_groups_are_compared_too() -> None:
    fit, pooled = example("centered"), example("pooled")
    table = hs.compare_loo({"partial": fit, "pooled": pooled}, by="g")
    assert table.loc["pooled", "elpd"] == pooled.leave_one_group_out("g").elpd
    assert "fewer than 100 levels of g" in table["warning"].iloc[1]
    assert table["p_loo"].isna().all()


def test_only_like_is_compared_with_like() -> None:
    one = example("centered")
    with pytest.raises(InputError, match="at least one fit"):
        hs.compare_loo({})
    with pytest.raises(InputError, match="'a' and 'b' leave out different rows"):
        hs.compare_loo({"a": one, "b": example("centered", rows=33)})
    with pytest.raises(InputError, match="different rows or groups"):
        hs.compare_loo({"a": one.loo(), "b": one.leave_one_group_out()})
    with pytest.raises(InputError, match="a different response"):
        hs.compare_loo({"a": one, "b": example("centered", "np.log(y) ~ x + (1 | g)")})
    offset = example("centered", "y ~ x + offset(3 * w) + (1 | g)")
    assert len(hs.compare_loo({"a": one, "b": offset})) == 2


@pytest.mark.stan
def test_what_is_no_fit_is_named() -> None:
    fit = example("noncentered")
    for given, kind in (([fit, fit], "a list"), (fit, "a Fit")):
        with pytest.raises(InputError, match=f"takes fits by name, as in .*; {kind} was"):
            hs.compare_loo(given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"takes fits, or what fit.loo\(\).*'a' is an int"):
        hs.compare_loo({"a": 3})  # type: ignore[dict-item]


def test_radon_is_best_predicted_with_partial_pooling(radon_analysis: Analysis) -> None:
    """In sample unpooled looks best, and is last where rows are left out."""
    table = radon_analysis.loo()
    assert set(table.index[:3]) == {"centered", "noncentered", "marginal"}
    assert list(table.index[3:]) == ["pooled", "unpooled"]
    same = table.loc[["noncentered", "marginal"], "elpd"]
    assert np.ptp(same) < 0.5
    assert table["high"].eq(0).all()
    assert (table["difference"] < -3 * table["se_difference"]).tolist()[3:] == [True, True]
    # Drawn with all parameters, unpooled seems far better than it is, and k-hat say so.
    drawn = radon_analysis.fits["unpooled"].loo()
    assert len(drawn.high) > 20
    assert drawn.elpd > table.loc["unpooled", "elpd"] + 50
    groups = radon_analysis.loo(by="county")
    assert isinstance(groups, pd.DataFrame)
    assert set(groups.index) == {"centered", "noncentered", "marginal", "pooled"}
    assert groups.index[-1] == "pooled"
