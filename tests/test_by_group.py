"""No pooling by least squares for one factor among several, against constrained algebra."""

import numpy as np
import pandas as pd
import pytest
from schools import schools
from scipy.linalg import null_space

import hierstan as hs
from hierstan.design import Design, Factor, Floats, find_factor
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.frequentist import fit_by_group
from hierstan.shares import coarser, crossed, shares


def dummies(factor: Factor) -> Floats:
    rows = np.eye(factor.J)[factor.index]
    return np.hstack([rows[:, [j]] * factor.Z for j in range(factor.J)])


def constrained(design: Design, factor: Factor) -> tuple[Floats, Floats, float]:
    """Least squares with crossed factors orthogonal to what X has between their levels."""
    columns, limits = [dummies(factor)], [np.zeros((0, factor.J * factor.Q))]
    keep = ~shares(factor, design.X).between
    columns.append(design.X[:, keep])
    for above in coarser(design, factor):
        left = ~above.shares.between
        rows = np.eye(above.factor.J)[above.factor.index]
        columns += [rows * z[:, None] for z in above.factor.Z[:, left].T]
    start = sum(part.shape[1] for part in columns)
    # Rooms have what schools could have.
    rest = [
        one
        for one in crossed(design, factor)
        if one.name != "school" or "room" not in {f.name for f in design.factors}
    ]
    total = start + sum(other.J * other.Q for other in rest)
    for other in rest:
        found = shares(other, design.X)
        A = found.table[:, :, found.between].reshape(other.J * other.Q, -1)
        limit = np.zeros((A.shape[1], total))
        limit[:, start : start + len(A)] = A.T
        limits.append(limit)
        columns.append(dummies(other))
        start += len(A)
    limits[0] = np.zeros((0, total))
    free = null_space(np.vstack(limits)) if rest else np.eye(total)
    W = np.hstack(columns) @ free
    inverse = np.linalg.pinv(W.T @ W, hermitian=True)
    b = inverse @ W.T @ design.y
    variance = np.sum((design.y - W @ b) ** 2) / (design.N - np.linalg.matrix_rank(W))
    K = factor.J * factor.Q
    covariance = (free @ inverse @ free.T)[:K, :K] * variance
    return (free @ b)[:K].reshape(factor.J, -1), covariance, float(np.sqrt(variance))


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ x + (1 | school)", "school"),
        ("y ~ x + w + size + (x | school)", "school"),
        ("y ~ x + (1 | town/school/room)", "town:school:room"),
        ("y ~ x + size + (1 | town/school/room)", "town:school"),
        ("y ~ x + (1 | town/school/room)", "town"),
        ("y ~ w + (1 | room) + (0 + w | school)", "room"),
        ("y ~ x + strict + (1 | rater) + (1 | school)", "rater"),
        ("y ~ x + strict + (1 | rater) + (1 | school)", "school"),
        ("y ~ x + strict + (x | rater) + (x | school)", "school"),
        ("y ~ x * size + strict + (x | rater) + (1 | school) + (x | room)", "room"),
        ("y ~ x * size + strict + (x | rater) + (1 | school) + (x | room)", "rater"),
    ],
)
def test_several_factors(formula: str, name: str) -> None:
    design = build_design(formula, schools())
    factor = find_factor(design, name)
    found = fit_by_group(design, factor)
    coefficients, covariance, sigma = constrained(design, factor)
    assert found.determined.all()
    np.testing.assert_allclose(found.coefficients, coefficients, rtol=1e-8, atol=1e-9)
    se = np.sqrt(np.diag(covariance)).reshape(factor.J, -1)
    np.testing.assert_allclose(found.se, se, rtol=1e-8)
    for j in range(factor.J):
        own = slice(j * factor.Q, (j + 1) * factor.Q)
        np.testing.assert_allclose(found.covariance[j], covariance[own, own], rtol=1e-7,
                                   atol=1e-12)  # fmt: skip
    assert found.sigma == pytest.approx(sigma, rel=1e-10)


def test_a_finer_crossed_factor_has_the_effects() -> None:
    """Schools with two to four rooms: at the average room, whatever schools there are."""
    data = schools().query("room not in (1, 2, 9)")
    both = build_design("y ~ x + (1 | rater) + (1 | school) + (1 | room)", data)
    rooms = build_design("y ~ x + (1 | rater) + (1 | room)", data)
    found, expected = (fit_by_group(d, find_factor(d, "rater")) for d in (both, rooms))
    assert found.determined.all()
    np.testing.assert_allclose(found.coefficients, expected.coefficients)
    np.testing.assert_allclose(found.se, expected.se)


def test_a_balanced_crossed_design_has_plain_means() -> None:
    """Every plate has every sample once."""
    data = hs.data.penicillin()
    text = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    design = build_design(text, data)
    for factor in design.factors:
        means = data.groupby(factor.name, observed=True)["diameter"].mean()
        found = fit_by_group(design, factor)
        np.testing.assert_allclose(found.coefficients[:, 0], means[list(factor.levels)])
        assert found.freedom == 144 - 24 - 5


def test_parts_that_share_no_row_are_not_told() -> None:
    """Raters P and Q see schools 0 to 2 only, the others the rest."""
    data = schools()
    early = data["school"] < 3
    data.loc[early, "rater"] = np.where(data.loc[early, "rater"] < "R", "P", "Q")
    data.loc[~early, "rater"] = np.where(data.loc[~early, "rater"] < "S", "R", "T")
    design = build_design("y ~ x + (1 | school) + (1 | rater)", data)
    found = fit_by_group(design, design.factors[0])
    assert not found.determined.any()
    assert np.isnan(found.coefficients).all()
    assert found.freedom == len(data) - (6 + 1 + 4 - 2)
    assert np.isfinite(found.common["x"])


def test_a_column_that_another_factor_expresses_has_no_coefficient() -> None:
    design = build_design("y ~ x + strict + (1 | school) + (1 | rater)", schools())
    common = fit_by_group(design, design.factors[0]).common
    assert np.isfinite(common["x"])
    assert np.isnan(common["strict"])


def test_more_coefficients_than_can_be_solved_for_are_refused() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.integers(0, 3500, (7000, 2)), columns=["a", "b"])
    data["y"] = rng.normal(size=7000)
    design = build_design("y ~ 1 + (1 | a) + (1 | b)", data)
    with pytest.raises(DataError, match=r"solve for 3,\d\d\d coefficients of 'b'"):
        fit_by_group(design, design.factors[0])
