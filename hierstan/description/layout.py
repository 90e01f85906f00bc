"""Plain-text pages: named paragraphs and tables of at most 88 columns."""

import re
from textwrap import fill

from hierstan.prediction.levels import some

WIDTH = 88
INDENT = 12


def entry(name: str, text: str) -> str:
    """Write a name and a paragraph beside it."""
    return _folded(f"{name:<{INDENT}}", text)


def table(header: list[str], rows: list[list[str]], most: int = 24) -> list[str]:
    """Lay a table out; the last column is folded to the width of the page."""
    shown = [header, *rows[:most]]
    widths = [max(len(row[k]) for row in shown) + 2 for k in range(len(header) - 1)]
    widths[0] = max(widths[0], INDENT)
    lines = []
    for row in shown:
        start = "".join(f"{cell:<{w}}" for cell, w in zip(row[:-1], widths, strict=True))
        lines.append(_folded(start, row[-1]))
    if len(rows) > most:
        hidden = some([row[0] for row in rows[most:]], limit=3, quote=False)
        lines.append(f"and {len(rows) - most} more: {hidden}")
    return lines


def _folded(start: str, text: str) -> str:
    return fill(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def code(name: str, text: str) -> str:
    """Write a name and a line of code beside it, not folded inside of quotes."""
    kept = re.sub(r'"[^"]*"', lambda quoted: quoted[0].replace(" ", "\0"), text)
    return entry(name, kept).replace("\0", " ")
