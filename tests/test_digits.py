"""Numbers far from zero, and what is known of them."""

import math

import numpy as np
import pandas as pd
import pytest

from hierstan.digits import decimals, significant, to_text
from hierstan.model import Model
from hierstan.report.numbers import number


@pytest.mark.parametrize(
    ("value", "uncertainty", "digits"),
    [
        (1.4914, 0.0494, 4),  # four anyway
        (1985.31, 0.2, 6),
        (-1985.31, 0.2, 6),
        (1e9, 0.17, 12),
        (1e9, 1e-9, 15),  # a float has no more
        (0.3, 12.0, 4),
        (0.0, 0.2, 4),
        (1985.31, 0.0, 4),
        (1985.31, math.nan, 4),
        (math.inf, 0.2, 4),
    ],
)
def test_significant_digits_show_two_of_the_uncertainty(
    value: float, uncertainty: float, digits: int
) -> None:
    assert significant(value, uncertainty) == digits


@pytest.mark.parametrize(
    ("uncertainty", "places"),
    [(0.17, 2), (0.0494, 3), (1.7, 1), (17.0, 0), (1e4, 0), (0.0, 0), (math.nan, 0)],
)
def test_decimals_show_two_digits(uncertainty: float, places: int) -> None:
    assert decimals(uncertainty) == places


def test_only_estimates_take_more_digits() -> None:
    """By the uncertainty beside them under the same heading, else by the interval."""
    table = pd.DataFrame({"mean": [1985.3142], "sd": [0.2173], "ess": [1985.3142]})
    assert to_text(table).split()[-3:] == ["1985.31", "0.2173", "1985"]
    ends = pd.DataFrame({"low": [1985.1], "high": [1985.9], "note": ["word"]})
    assert to_text(ends).split()[-3:] == ["1985.1", "1985.9", "word"]
    both = pd.concat({"a": table, "b": table.assign(sd=40.0, mean=np.nan)}, axis=1)
    assert to_text(both, na_rep="-").split()[-6:] == [
        "1985.31", "0.2173", "1985", "-", "40", "1985",
    ]  # fmt: skip


def test_large_numbers_are_written_out() -> None:
    table = pd.DataFrame({"mean": [80460.3], "sd": [775.2], "ess_bulk": [12345.6]})
    assert to_text(table).split()[-3:] == ["80460", "775.2", "12346"]
    rest = pd.DataFrame({"mean": [9999.96], "sd": [2e4], "rhat": [3.2e15]})
    assert to_text(rest).split()[-3:] == ["10000", "20000", "3.2e+15"]


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (1_000_001.724, 0.7548, "1,000,001.72"),
        (-1985.314, 0.2, "\u22121,985.31"),
        (1.491, 0.5, "1.491"),
        (251.4, 6.8, "251.4"),
        (251.4, math.nan, "251.4"),
    ],
)
def test_the_page_shows_two_digits_of_the_uncertainty(
    value: float, uncertainty: float, text: str
) -> None:
    assert number(value, uncertainty=uncertainty) == text


def test_a_response_far_from_zero_keeps_its_interval() -> None:
    """Two groups of years around 1985, which differ by months."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(8), 5)
    data = pd.DataFrame({"g": group})
    data["year"] = 1985 + 0.2 * rng.normal(size=8)[group] + 0.1 * rng.normal(size=40)
    found = Model("year ~ 1 + (1 | g)", data).mixedlm()
    line = str(found).splitlines()[3].split()
    value = found.estimates().fixed["Intercept"]
    assert line[0] == "Intercept"
    assert float(line[1]) == pytest.approx(value.center, abs=0.005)
    assert float(line[-2]) < float(line[1]) < float(line[-1])
