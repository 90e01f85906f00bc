"""Pictures as files: small, and the same bytes each time."""

import io
from pathlib import Path

from PIL import Image

from hierstan.plots.style import house_style
from hierstan.report.pictures import Picture


def save(picture: Picture, folder: Path) -> bytes:
    """Save a picture as PNG and SVG, without dates; return the PNG.

    The PNG has a palette of 256 colours: half the size and less, and no difference to the
    eye, because a picture has few colours and their mixtures with white.
    """
    raw = io.BytesIO()
    with house_style():
        picture.figure.savefig(raw, format="png")
        picture.figure.savefig(
            folder / f"{picture.name}.svg", metadata={"Date": None, "Creator": None}
        )
    small = io.BytesIO()
    image = Image.open(raw).convert("RGB")
    resolution = Image.open(raw).info.get("dpi")
    image.quantize(256, dither=Image.Dither.NONE).save(small, format="png", dpi=resolution)
    (folder / f"{picture.name}.png").write_bytes(small.getvalue())
    return small.getvalue()
