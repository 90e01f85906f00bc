"""Pictures as files: small, and the same bytes each time."""

import io
from concurrent.futures import Executor, Future
from pathlib import Path

from PIL import Image

from hierstan.plots.style import house_style
from hierstan.report.pictures import Picture


def save(picture: Picture, folder: Path, pool: Executor) -> "Future[bytes]":
    """Save a picture as PNG and SVG, without dates; return the PNG, as soon as it is made.

    Matplotlib draws here, one picture after the other; the pool makes the PNG meanwhile.
    """
    raw = io.BytesIO()
    with house_style():
        picture.figure.savefig(raw, format="png", pil_kwargs={"compress_level": 0})
        picture.figure.savefig(
            folder / f"{picture.name}.svg", metadata={"Date": None, "Creator": None}
        )
    return pool.submit(_write_png, raw, folder / f"{picture.name}.png")


def _write_png(raw: io.BytesIO, path: Path) -> bytes:
    """Write a PNG with a palette of 256 colours: half the size and less.

    The eye sees no difference, because a picture has few colours and their mixtures with
    white.
    """
    small = io.BytesIO()
    drawn = Image.open(raw)
    reduced = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(small, format="png", dpi=drawn.info.get("dpi"))
    path.write_bytes(small.getvalue())
    return small.getvalue()
