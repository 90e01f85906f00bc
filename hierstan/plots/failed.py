"""Say of a fit that failed its checks that it did, wherever it is drawn."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierstan.fit import Fit
from hierstan.plots.names import joined
from hierstan.plots.style import VERMILION, line_of

_ROOM = 0.3  # inches above the panels, for the sentence


def label_of(label: str, sound: bool) -> str:
    """Return a fit's label as tables have it: with "(failed)" where its checks failed."""
    return label if sound else f"{label} (failed)"


def mean_line_of(label: str, sound: bool) -> str:
    """Return the kind of line of a fit's means: a broken one where its checks failed."""
    line = line_of(label)
    if sound:
        return line
    return ":" if line == "-" else "-."


def failure(names: Iterable[str]) -> str:
    """Say of some fits that they failed; nothing where there are none."""
    there = list(dict.fromkeys(names))
    if not there:
        return ""
    return f"{joined(there)} failed {'their' if there[1:] else 'its'} checks"


def say_failure(figure: Figure, told: str, given: Axes | None = None) -> None:
    """Write above a picture that what it shows failed, so that it travels with it.

    Parameters
    ----------
    figure : Figure
        A figure of our own; it grows by the line, so that the panels keep their size.
    told : str
        The sentence; nothing is done when it is empty, or stands there already.
    given : Axes, optional
        The first panel, where the figure is the caller's: it is said in its title.
    """
    if not told:
        return
    if given is not None:
        title = f"{told}\n{given.get_title('left')}".rstrip()
        given.set_title(title, loc="left", fontsize="medium")
        return
    if figure.get_suptitle():
        return
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + _ROOM)
    figure.suptitle(told, x=0.995, ha="right", color=VERMILION, fontweight="bold",
                    fontsize="medium")  # fmt: skip


def say_if_failed(figure: Figure, fit: Fit, given: Axes | None = None) -> None:
    """Write above a picture of one fit that it failed, where it did."""
    if not fit.diagnostics.sound:
        say_failure(figure, failure([fit.program.name]), given)
