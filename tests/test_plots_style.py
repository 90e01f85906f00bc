"""Colours for every kind of sight, fonts and axes."""

from io import BytesIO
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from artists import ticks_on
from matplotlib.figure import Figure
from test_plots import draw_shrinkage, story

from hierstan.plots import style
from hierstan.plots.ticks import plain_log

# Machado, Oliveira and Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1, linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


# Linear RGB to CIE XYZ (IEC 61966-2-1).
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip


PALETTE = ("BLACK", "GREY", "ORANGE", "SKY", "GREEN", "BLUE", "VERMILION", "PURPLE")


def linear(name: str) -> np.ndarray:
    code = getattr(style, name)
    value = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array(
        [116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])]
    )


def test_letters_without_a_font_are_drawn_without_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(style, "_FALLBACK", ())
    analysis = story("floor", ["東京", "大阪", "ढाका", "north"])
    figure = draw_shrinkage(analysis, None)
    with style.house_style():
        figure.savefig(BytesIO(), format="png")
    assert isinstance(figure, style.Picture)
    assert figure._repr_png_()


def test_other_fonts_are_used_where_they_are_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(style, "_FALLBACK", ("Nowhere Sans", "DejaVu Serif"))
    with mpl.rc_context({"font.family": ["DejaVu Sans Mono"]}):
        with style.house_style():
            assert mpl.rcParams["font.family"] == ["DejaVu Sans Mono", "DejaVu Serif"]
        assert mpl.rcParams["font.family"] == ["DejaVu Sans Mono"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.39, 0.61, ["0.4", "0.45", "0.5", "0.55", "0.6"]),
        (1.2, 1.9, ["1.2", "1.4", "1.6", "1.8"]),
        (0.03, 0.9, ["0.05", "0.1", "0.2", "0.5"]),
        (0.004, 70.0, ["0.01", "0.1", "1", "10"]),
    ],
)
def test_log_axes_have_plain_numbers_however_short(
    low: float, high: float, expected: list[str]
) -> None:
    axis = Figure().subplots()
    axis.set_xscale("log")
    plain_log(axis.xaxis)
    for ends in ((low, high), (high, low)):
        axis.set_xlim(*ends)
        assert sorted(ticks_on(axis.xaxis)) == expected


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_for_every_kind_of_sight(sight: str) -> None:
    seen = {name: lab(SIGHT[sight] @ linear(name)) for name in PALETTE}
    for a, b in combinations(PALETTE, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 20, (a, b)
    # The ladder's curves lie on each other.
    for a, b in combinations(("BLACK", "PURPLE", "GREEN"), 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 35, (a, b)


def test_fits_of_ones_own_names_get_colours_of_their_own() -> None:
    names = ["with uranium", "REML", "without", "marginal", "half"]
    found = style.colors_of(names)
    assert found["REML"] == style.color_of("REML")
    assert len({found[name] for name in ("with uranium", "without", "half")}) == 3


@pytest.mark.parametrize("name", PALETTE)
def test_colours_stand_out_from_white(name: str) -> None:
    """Three to one, as WCAG 2.1 asks of graphics (success criterion 1.4.11)."""
    luminance = TO_XYZ[1] @ linear(name)
    assert 1.05 / (luminance + 0.05) >= 3
