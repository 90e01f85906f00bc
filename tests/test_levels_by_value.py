"""Levels in pictures, named by value or by how they read."""

import numpy as np
import pytest
from schools import schools
from synthetic import synthetic_fit

import hierstan as hs
from hierstan.errors import InputError


@pytest.mark.parametrize(
    ("given", "found"),
    [([3, 0], ["3", "0"]), (np.array([5]), ["5"]), (4.0, ["4"]), ("2", ["2"])],
)
def test_levels_are_named_by_value_or_by_how_they_read(
    given: object, found: list[str]
) -> None:
    fit = synthetic_fit("y ~ x + (x | school)", schools())
    regions = fit.shrinkage_regions("school", levels=given)
    assert [group.level for group in regions.groups] == found
    factor = fit.design.factors[0]
    figure = hs.plot.panels({"noncentered": fit}, factor, "x", given)
    titles = [axis.get_title("left").split()[0] for axis in figure.axes]
    assert titles == found


def test_the_funnel_of_a_level_by_value() -> None:
    fit = synthetic_fit("y ~ x + (x | school)", schools())
    factor = fit.design.factors[0]
    figure = hs.plot.funnel({"noncentered": fit}, factor, "x", level=0)
    assert figure.axes[0].get_xlabel() == "x in 0"
    with pytest.raises(InputError, match=r"no level '7'; 'school' has 6 levels: '0', "):
        hs.plot.funnel({"noncentered": fit}, factor, "x", level=7)
