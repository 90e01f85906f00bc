"""Names in pictures: bare, short, and still apart."""

import numpy as np
import pandas as pd
import pytest
from invented import invented_analysis
from matplotlib.text import Text

from hierstan.plots.names import bare, shortened, shortened_apart
from hierstan.report.pictures import pictures

LONG = "The very long and winding name of group number {} of the register"


def test_names_are_shown_without_backticks() -> None:
    assert bare("`revenue (EUR)`") == "revenue (EUR)"
    assert shortened("log(`revenue (EUR)`)", 30) == "log(revenue (EUR))"


@pytest.mark.parametrize("width", [20, 24, 32])
def test_names_that_differ_are_kept_apart(width: int) -> None:
    names = [LONG.format(k) for k in (3, 17, 204)] + ["Aitkin", "a shorter name"]
    found = shortened_apart(names, width)
    assert len(set(found)) == 5
    assert all(len(name) <= width for name in found)
    assert found[3:] == ["Aitkin", "a shorter name"]
    assert "17 of the register" in found[1]
    # One that nothing else is mistaken for keeps its beginning.
    assert shortened_apart(names[:1], width) == [shortened(names[0], width)]
    assert shortened_apart([names[0]] * 2, width) == [shortened(names[0], width)] * 2


def test_no_picture_shows_the_backticks_of_a_formula() -> None:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"staff size [FTE]": rng.normal(20, 5, 48)})
    data["the firm"] = np.repeat(list("abcdefgh"), 6)
    data["revenue (EUR)"] = 1e6 + 3e3 * data["staff size [FTE]"] + rng.normal(0, 1e4, 48)
    formula = "`revenue (EUR)` ~ `staff size [FTE]` + (`staff size [FTE]` | `the firm`)"
    for picture in pictures(invented_analysis(formula, data, draws=60)):
        words = [text.get_text() for text in picture.figure.findobj(Text)]
        for text in (*words, picture.title, picture.caption, picture.alt):
            assert "`" not in text, (picture.name, text)
