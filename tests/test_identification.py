"""What no data could tell apart is refused, and nothing else is."""

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design, Factor
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.formula import parse
from hierstan.identification import check_identified


def two_days() -> pd.DataFrame:
    return hs.data.sleepstudy().query("Days in (2, 5)")


def pairs() -> pd.DataFrame:
    """Each of 30 groups measured once under each of two conditions."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"y": rng.normal(size=60), "g": np.arange(60) // 2, "k": list("ab") * 30}
    )


@pytest.mark.parametrize(
    ("formula", "data", "says"),
    [
        ("Reaction ~ Days + (Days | Subject)", two_days(),
         r"sigma; \(Intercept \+ Days \| Subject\)\. One can make up"),
        ("y ~ k + (k | g)", pairs(), r"sigma; \(Intercept \+ k\[b\] \| g\)"),
        ("y ~ k + (0 + k | g)", pairs(), r"sigma; \(k\[a\] \+ k\[b\] \| g\)"),
        ("diameter ~ sample + (1 | plate) + (1 | sample)", hs.data.penicillin(),
         "for every level of 'sample' already, so nothing is left of its effect 'Interc"),
        ("Reaction ~ 0 + C(Subject):Days + (0 + Days | Subject)", hs.data.sleepstudy(),
         "for every level of 'Subject' already, so nothing is left of its effect 'Days'"),
        ("diameter ~ 1 + (1 | plate) + (1 | sample) + (1 | plate:sample)",
         hs.data.penicillin(), "'plate:sample' has a level of its own for each of the 144"),
        ("strength ~ 1 + (1 | batch/cask) + (1 | sample)", hs.data.pastes(),
         "'batch:cask' and 'sample' group the rows in the same way"),
        ("y ~ 1 + (1 | g) + (1 | g:half)", pairs().assign(half=lambda d: d["g"] % 2),
         "'g' and 'g:half' group the rows in the same way"),
    ],
)  # fmt: skip
def test_designs_that_cannot_tell(formula: str, data: pd.DataFrame, says: str) -> None:
    with pytest.raises(DataError, match=says):
        build_design(formula, data)


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("Reaction ~ Days + (Days || Subject)", two_days()),
        ("Reaction ~ Days + (Days | Subject)",
         hs.data.sleepstudy().query("Days in (2, 5)").assign(
             Days=lambda d: d["Days"] + d["Subject"].astype(int) % 7 * (d["Days"] > 2))),
        ("Reaction ~ Days + (Days | Subject)",
         hs.data.sleepstudy().assign(Days=lambda d: d["Days"] + 1e6)),
        ("Reaction ~ Days + (Days || Subject)",
         hs.data.sleepstudy().assign(Days=lambda d: d["Days"] + 2000)),
        ("Reaction ~ Days + (1 | Subject) + (1 | Days)", hs.data.sleepstudy()),
        ("diameter ~ sample + (1 | plate)", hs.data.penicillin()),
        ("strength ~ 1 + (1 | batch) + (1 | cask) + (1 | batch:cask)", hs.data.pastes()),
        ("y ~ k + (k || g)", pairs()),
        ("log_radon ~ floor + log_uranium + (log_uranium | county)", hs.data.radon()),
    ],
)  # fmt: skip
def test_designs_that_can(formula: str, data: pd.DataFrame) -> None:
    assert len(data) == build_design(formula, data).N


def dense_rank_is_full(design: Design) -> bool:
    """Write every matrix of the covariance out, and count."""
    matrices = [np.eye(design.N)]
    for factor in design.factors:
        same = factor.index[:, None] == factor.index
        for start, size in zip(factor.starts, factor.blocks, strict=True):
            for a in range(start, start + size):
                for b in range(start, a + 1):
                    product = np.outer(factor.Z[:, a], factor.Z[:, b])
                    matrices.append(same * (product + product.T))
    flat = np.array([matrix.ravel() for matrix in matrices])
    return bool(np.linalg.matrix_rank(flat) == len(flat))


def small_design(seed: int, blocks: tuple[int, ...]) -> Design:
    """Eight rows in pairs; the second factor is arbitrary, the first again, or the row."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, 8).astype(float)
    ones = np.ones((8, 1))
    g = np.unique(np.arange(8) // 2, return_inverse=True)[1]
    other = (rng.integers(0, 3, 8), 3 - g, rng.permutation(8))[seed % 3]
    h = np.unique(other, return_inverse=True)[1]
    factors = (
        Factor("g", tuple("abcd"), g, ("Intercept", "x"), np.c_[ones, x], blocks),
        Factor("h", tuple("pqrstuvw"[: h.max() + 1]), h, ("Intercept",), ones, (1,)),
    )
    formula = parse("y ~ 1 + (x | g) + (1 | h)")
    return Design(formula, x, ("Intercept",), ones, factors, 8, {}, pd.DataFrame())


@pytest.mark.parametrize("blocks", [(2,), (1, 1)])
def test_the_verdict_is_that_of_the_matrices(blocks: tuple[int, ...]) -> None:
    verdicts = []
    for seed in range(60):
        design = small_design(seed, blocks)
        if design.factors[1].J < 2 or np.ptp(design.y) == 0:
            continue
        try:
            check_identified(design)
            verdicts.append(True)
        except DataError:
            verdicts.append(False)
        assert dense_rank_is_full(design) == verdicts[-1], seed
    assert min(verdicts.count(True), verdicts.count(False)) >= 5
