"""The report's picture files beside what matplotlib draws."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hierstan.plots.style import grid, house_style
from hierstan.report.images import save
from hierstan.report.pictures import Picture


@pytest.mark.parametrize("size", [(6.0, 4.0), (4.837, 3.291)])
def test_a_png_is_the_picture_in_fewer_colours(
    size: tuple[float, float], tmp_path: Path
) -> None:
    """A size that is no whole number of pixels must not shear it."""
    with house_style():
        figure, (axis,) = grid(1, 1, *size)
        axis.plot([1, 3, 2], label="line")
        axis.set_title("a title")
        raw = io.BytesIO()
        figure.savefig(raw, format="png")
    picture = Picture("some", "checks", "title", "caption", "alt", figure)
    with ThreadPoolExecutor(1) as pool:
        returned = save(picture, tmp_path, pool).result()
    written = tmp_path / "some.png"
    assert written.read_bytes() == returned
    ours, theirs = Image.open(written), Image.open(raw)
    assert ours.mode == "P"
    assert ours.size == theirs.size
    assert ours.info["dpi"] == theirs.info["dpi"]
    difference = np.abs(
        np.asarray(ours.convert("RGB"), float) - np.asarray(theirs.convert("RGB"), float)
    )
    assert difference.max() < 16
    assert len(returned) < len(raw.getvalue())
    assert (tmp_path / "some.svg").read_text(encoding="utf-8").startswith("<?xml")
