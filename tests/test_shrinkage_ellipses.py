"""Regions of two effects, and the picture of their ellipses."""

from dataclasses import replace

import numpy as np
import pytest
from legends import legend_of, names_in, overlaps, the_legend
from matplotlib.lines import AxLine
from schools import schools
from scipy import stats
from synthetic import flat, synthetic_fit

import hierstan as hs
from hierstan.errors import InputError

RAGGED = "y ~ x * size + w + (x + w | school) + (1 | rater)"


def test_regions_are_those_of_the_table_and_of_the_draws() -> None:
    fit = synthetic_fit(RAGGED, schools())
    regions = fit.shrinkage_regions("school", effects=("x", "w"))
    table = fit.shrinkage("school")
    draws = flat(fit, "u[school]")
    assert regions.effects == ("x", "w")
    assert not regions.alike
    tau2 = np.mean(flat(fit, "tau")[:, 1:3] ** 2, axis=0)
    np.testing.assert_allclose(np.diag(regions.covariance), tau2)
    beta = dict(zip(fit.design.terms, flat(fit, "beta").T, strict=True))
    sizes = schools().groupby("school")["size"].first()
    for group in regions.groups:
        rows = table[table["level"] == group.level].set_index("effect").loc[["x", "w"]]
        np.testing.assert_allclose(group.mean, rows["partial"])
        np.testing.assert_allclose(group.pooled, rows["pooled"])
        np.testing.assert_allclose(np.sqrt(np.diag(group.covariance)), rows["partial_sd"])
        j = int(group.level)
        x = beta["x"] + sizes[j] * beta["x:size"] + draws[:, 1, j]
        w = beta["w"] + draws[:, 2, j]
        np.testing.assert_allclose(group.covariance, np.cov([x, w]))
        assert group.n == rows["n"].iloc[0]
        assert group.determined
    told = [group.n for group in regions.groups]
    assert told == sorted(fit.design.factors[0].sizes.tolist(), reverse=True)


def test_the_path_leads_from_the_population_to_the_own_estimate() -> None:
    """(S + (t Sigma)^-1)^-1 S (own - pooled), from t = 1e-5 to 1e5."""
    fit = synthetic_fit(RAGGED, schools())
    regions = fit.shrinkage_regions("school", effects=("x", "w"))
    school, rater = fit.design.factors
    tau, rho = flat(fit, "tau"), flat(fit, "rho")
    Omega = np.tile(np.eye(3), (len(tau), 1, 1))
    for k, (a, b) in enumerate(school.pairs):
        Omega[:, a, b] = Omega[:, b, a] = rho[:, k]
    Sigma = np.mean(Omega * tau[:, :3, None] * tau[:, None, :3], axis=0)
    sigma2 = np.mean(flat(fit, "sigma") ** 2)
    rest = fit.design.y - flat(fit, "u[rater]").mean(axis=0)[0, rater.index]
    for group in regions.groups:
        rows = school.index == school.levels.index(group.level)
        Z = school.Z[rows]
        S = Z.T @ Z / sigma2
        own = np.linalg.solve(S, Z.T @ rest[rows] / sigma2)
        X, beta = fit.design.X[rows], flat(fit, "beta").mean(axis=0)
        pooled = np.linalg.lstsq(Z, X @ beta, rcond=None)[0]
        np.testing.assert_allclose(group.own, own[1:], rtol=1e-7)
        np.testing.assert_allclose(group.pooled, pooled[1:], rtol=1e-7)
        information = np.linalg.inv(np.linalg.inv(S)[1:, 1:])
        np.testing.assert_allclose(group.information, information, rtol=1e-8)
        np.testing.assert_allclose(group.path[0], group.pooled)
        for row, t in ((1, 1e-5), (31, 10**-2.5), (61, 1.0), (121, 1e5)):
            W = np.linalg.inv(S + np.linalg.inv(t * Sigma)) @ S
            expected = pooled + W @ (own - pooled)
            np.testing.assert_allclose(group.path[row], expected[1:], rtol=1e-6)
        assert len(group.path) == 122
    # The population is drawn around the middle of all levels.
    middle = np.mean([group.pooled for group in regions.groups], axis=0)
    np.testing.assert_allclose(regions.center, middle)
    assert len(regions.groups) == school.J
    assert np.ptp([group.pooled[0] for group in regions.groups]) > 0.1


def test_ellipses_hold_what_they_say() -> None:
    """Points of each contour are at the same distance in its own metric."""
    regions = synthetic_fit("y ~ x + (x | school)", schools()).shrinkage_regions()
    figure = hs.plot.shrinkage_ellipses(regions, probability=0.8)
    contours = [
        np.asarray(line.get_xydata())
        for line in figure.axes[0].lines
        if len(np.asarray(line.get_xydata())) == 181
    ]
    expected = [(regions.center, regions.covariance)]
    for group in regions.groups:
        expected.append((group.own, np.linalg.inv(group.information)))
        expected.append((group.mean, group.covariance))
    assert len(contours) == len(expected) == 13
    for contour, (center, covariance) in zip(contours, expected, strict=True):
        apart = contour - center
        distance = np.einsum("ka,ab,kb->k", apart, np.linalg.inv(covariance), apart)
        np.testing.assert_allclose(distance, stats.chi2(2).ppf(0.8))
    assert figure.axes[0].get_xlabel() == "Intercept (y)"
    assert the_legend(figure).get_title().get_text() == "ellipses hold 80 %"
    assert overlaps(figure) == 0


def test_an_own_estimate_far_off_does_not_squeeze_the_ellipses() -> None:
    regions = synthetic_fit("y ~ x + (x | school)", schools()).shrinkage_regions()
    near = hs.plot.shrinkage_ellipses(regions)
    assert not any("outside" in text for text in legend_of(near))
    first, *rest = regions.groups
    far = replace(regions, groups=(replace(first, own=np.array([4e3, -7e3])), *rest))
    figure = hs.plot.shrinkage_ellipses(far)
    axis = figure.axes[0]
    assert np.ptp(axis.get_xlim()) < 1.5 * np.ptp(near.axes[0].get_xlim())
    assert np.ptp(axis.get_ylim()) < 1.5 * np.ptp(near.axes[0].get_ylim())
    assert f"outside, own rows of {first.level}" in legend_of(figure)
    assert f"{first.level} ({first.n})" in names_in(axis)


def test_a_group_that_cannot_tell_a_slope_has_a_band() -> None:
    """Its rows are at x = 2: a line of intercepts and slopes fits them equally well."""
    data = schools()
    data.loc[data["school"] == 4, "x"] = 2.0
    regions = synthetic_fit("y ~ x + (x | school)", data).shrinkage_regions()
    (group,) = [group for group in regions.groups if not group.determined]
    assert group.level == "4"
    figure = hs.plot.shrinkage_ellipses(regions, probability=0.8)
    (text,) = [text for text in legend_of(figure) if "direction" in text]
    assert text == "own rows of 4: a direction unknown"
    lines = [line for line in figure.axes[0].lines if isinstance(line, AxLine)]
    assert len(lines) == 2
    reach = stats.norm.ppf(0.9) * np.sqrt(1 / group.information[0, 0])
    at_two = []
    for line in lines:
        intercept, slope = line.get_xy1()
        at_two.append(intercept + 2 * slope)
        assert line.get_xy2()[0] - intercept == pytest.approx(
            -2 * (line.get_xy2()[1] - slope)
        )
    middle = group.own[0] + 2 * group.own[1]
    assert sorted(at_two) == pytest.approx([middle - reach, middle + reach])


def test_regions_of_what_is_not_there_are_refused() -> None:
    fit = synthetic_fit("y ~ x + (x | school) + (1 | rater)", schools())
    with pytest.raises(InputError, match=r"'rater' has one effect, 'Intercept'"):
        fit.shrinkage_regions("rater")
    with pytest.raises(InputError, match="Name two effects of 'school'; it has 'Interce"):
        fit.shrinkage_regions("school", effects=("x", "x"))
    with pytest.raises(InputError, match="There is no level '9'; 'school' has 6 levels"):
        fit.shrinkage_regions("school", levels=["3", "9"])
    with pytest.raises(InputError, match=r"no level named; 'school' has 6 levels: '0', "):
        fit.shrinkage_regions("school", levels=[])
    regions = fit.shrinkage_regions("school", levels=["3", "1"])
    assert [group.level for group in regions.groups] == ["3", "1"]
    with pytest.raises(
        InputError, match=r"probability is 1\.0; it must be between 0 and 1"
    ):
        hs.plot.shrinkage_ellipses(regions, probability=1.0)
