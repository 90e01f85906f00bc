"""How the prior of one parameter is written and read, and its density."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hierstan.priors.distributions import (
    LKJ,
    Distribution,
    HalfStudentT,
    Normal,
    read_distribution,
)

SCALES = st.floats(1e-300, 1e300)
DISTRIBUTIONS = st.one_of(
    st.builds(Normal, st.floats(-1e300, 1e300), SCALES | st.just(math.inf)),
    st.builds(HalfStudentT, st.sampled_from([1.0, 3.0, math.inf]) | SCALES, SCALES),
    st.builds(LKJ, SCALES),
)
KINDS = {
    Normal: "coefficient",
    HalfStudentT: "standard deviation",
    LKJ: "correlation matrix",
}


@given(DISTRIBUTIONS, st.integers(1, 8))
@example(HalfStudentT(1.25, 1.0), 1)
def test_notation_reads_back(prior: Distribution, digits: int) -> None:
    kind = KINDS[type(prior)]
    read = read_distribution(prior.text(), kind, "x")
    assert read == prior or read.text() == prior.text() == "flat"
    rounded = prior.text(digits)
    assert read_distribution(rounded, kind, "x").text(digits) == rounded


@pytest.mark.parametrize(
    ("text", "kind", "prior"),
    [
        ("Half-Student-t(3, 0, 0.819)", "standard deviation", HalfStudentT(3, 0.819)),
        ("half_student_t( 4 , 2e-1 )", "standard deviation", HalfStudentT(4, 0.2)),
        ("HalfCauchy(0, 5)", "standard deviation", HalfStudentT(1, 5)),
        ("half normal(.5)", "standard deviation", HalfStudentT(math.inf, 0.5)),
        (" Normal(-1,2) ", "coefficient", Normal(-1, 2)),
        ("LKJ(2)", "correlation matrix", LKJ(2)),
        ("flat", "correlation matrix", LKJ(1)),
    ],
)
def test_sensible_spellings_are_read(text: str, kind: str, prior: Distribution) -> None:
    assert read_distribution(text, kind, "x") == prior


@pytest.mark.parametrize("df", [1.0, 3.5, math.inf])
def test_half_densities_are_what_they_say(df: float) -> None:
    """The density integrates to the probability above, and falls at its slope."""
    prior = HalfStudentT(df, 1.7)
    values = np.linspace(0.8, 2.3, 2001)
    density = np.exp(prior.log_density(values))
    between = prior.above(0.8) - prior.above(2.3)
    assert np.trapezoid(density, values) == pytest.approx(between, rel=1e-6)
    assert prior.above(0.0) == pytest.approx(1.0)
    falls = -np.gradient(prior.log_density(values), values)[1000]
    assert prior.slope(values[1000]) == pytest.approx(falls, rel=1e-5)
