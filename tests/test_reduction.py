"""The reduction of the rows against plain sums over them."""

import numpy as np
import pandas as pd
import pytest

from hierstan.design import Design
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.marginal.reduction import reduce_rows
from hierstan.structure import chain
from hierstan.sums import Sums


def frame(rows: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["y", "x", "w"])
    data["x"] += 50.0
    data["a"], data["b"], data["c"] = (rng.integers(0, n, rows) for n in (5, 4, 6))
    return data


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + w + (x | a)",
        "y ~ 0 + x + (0 + w | a)",
        "y ~ x + (w | a) + (x | a:b)",
        "y ~ w + x + (x + w | a) + (1 | a:b) + (w | a:b:c)",
    ],
)
@pytest.mark.parametrize("chunk", [60, 10**6])
def test_the_sums_come_back(formula: str, chunk: int) -> None:
    """Z'Z, Z'X, Z'y of every factor and [X y]'[X y], in the data's own units."""
    design = build_design(formula, frame())
    order = chain(design.factors)
    assert order is not None
    factors = [design.factors[k] for k in order]
    found = reduce_rows(design.y, design.X, factors, chunk)
    plain = Sums.of(design.y, design.X, factors)
    back = [*found.T, found.S]
    for position, level in enumerate(plain.levels):
        columns = np.concatenate(
            [found.projections[:, :, sum(f.Q for f in factors[1:position]) :]], axis=2
        )
        if position == 0:
            own = np.concatenate([found.roots, found.projections], axis=2)
            products = np.swapaxes(found.roots, 1, 2) @ own
        else:
            coarse = found.coarse[position - 1]
            mine = columns[:, :, : factors[position].Q]
            products = coarse.products.copy()
            np.add.at(products, coarse.index, np.swapaxes(mine, 1, 2) @ columns)
        start = 0
        for matrix in back[position:]:
            stop = start + len(matrix)
            block = found.T[position].T @ products[:, :, start:stop] @ matrix
            expected = level.products[:, :, start:stop]
            scale = np.abs(expected).max()
            np.testing.assert_allclose(block, expected, rtol=1e-12, atol=1e-12 * scale)
            start = stop
    k = found.projections[:, :, -len(found.S) :].reshape(-1, len(found.S))
    total = found.S.T @ (found.remainder + k.T @ k) @ found.S
    np.testing.assert_allclose(total, plain.total, rtol=1e-12, atol=1e-9)


def test_standard_units_are_standard() -> None:
    design = build_design("y ~ x + w + (x | a)", frame())
    found = reduce_rows(design.y, design.X, design.factors)
    k = found.projections.reshape(-1, 4)
    products = (found.remainder + k.T @ k) / design.N
    np.testing.assert_allclose(products, np.eye(4), atol=1e-12)
    residual = design.y - design.X @ np.linalg.lstsq(design.X, design.y)[0]
    assert found.S[-1, -1] == pytest.approx(np.sqrt(np.mean(residual**2)))


def test_the_order_of_rows_does_not_matter() -> None:
    data = frame()
    one, two = (
        build_design("y ~ x + w + (x | a/b)", some)
        for some in (data, data.sample(frac=1.0, random_state=3))
    )

    def reduced(design: Design) -> list[np.ndarray]:
        factors = [design.factors[k] for k in chain(design.factors) or ()]
        r = reduce_rows(design.y, design.X, factors, 90)
        return [r.roots, r.projections, r.remainder, r.S, r.coarse[0].products]

    for a, b in zip(reduced(one), reduced(two), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_an_effect_that_a_level_does_not_tell_has_a_row_of_zeros() -> None:
    data = frame()
    data.loc[data["a"] == 2, "x"] = 49.7
    design = build_design("y ~ x + (x | a)", data)
    roots = reduce_rows(design.y, design.X, design.factors).roots
    assert roots[2, 1].tolist() == [0.0, 0.0]
    assert (roots[[0, 1, 3, 4], 1, 1] > 0).all()


def test_an_exact_fit_is_refused() -> None:
    data = frame().assign(y=lambda d: 2.0 * d["x"] - 1.0)
    design = build_design("y ~ x + (1 | a)", data)
    with pytest.raises(DataError, match="exactly"):
        reduce_rows(design.y, design.X, design.factors)
