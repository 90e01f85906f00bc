"""Names from the data as pictures show them: bare, and no longer than there is room."""

from collections import Counter
from collections.abc import Iterable, Sequence


def bare(name: str) -> str:
    """Return a name without the backticks that a formula needs around it."""
    return name.replace("`", "")


def joined(names: Sequence[str]) -> str:
    """Join names as prose does."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def shortened(name: str, width: int) -> str:
    """Return a bare name, its middle left out where it is longer than `width`."""
    return _cut(bare(name), width, width // 3)


def shortened_apart(names: Iterable[str], width: int) -> list[str]:
    """Return names as `shortened` does, those that differ kept apart where that can be.

    Names that would read alike keep more of their end, which is where a number stands.

    Parameters
    ----------
    names : iterable of str
        All names of one picture.
    width : int
        Of each, in letters.
    """
    wanted = [bare(name) for name in names]
    found = {name: _cut(name, width, width // 3) for name in wanted}
    for tail in (width // 2, 2 * width // 3, width - 1):
        often = Counter(found.values())
        for name, cut in found.items():
            if often[cut] > 1:
                found[name] = _cut(name, width, tail)
    return [found[name] for name in wanted]


def _cut(name: str, width: int, tail: int) -> str:
    """Leave out the middle of a name that is longer than `width`, but for its tail."""
    if len(name) <= width:
        return name
    return f"{name[: width - tail - 1]}…{name[-tail:]}"
