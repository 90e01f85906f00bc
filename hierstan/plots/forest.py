"""All programs and estimators on one picture, a panel per parameter."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from hierstan.estimates import AnyValue, Estimates, Value
from hierstan.plots.failed import label_of
from hierstan.plots.given import require_each
from hierstan.plots.names import shortened_apart
from hierstan.plots.style import (
    AxesLike,
    colors_of,
    house_style,
    leftmost,
    tiles,
)

_COLUMNS = 3


def forest(columns: Mapping[str, Estimates], ax: AxesLike = None) -> Figure:
    """Draw every parameter's estimates with 95 % intervals, one row per fit.

    Parameters
    ----------
    columns : mapping of str to Estimates
        Fits by name, drawn from top to bottom. A fit that has no such parameter leaves
        its row empty; one that did not converge is drawn hollow and dotted,
        and named so.
    ax : array-like of Axes, optional
        Draw into these instead of a new figure: one for each parameter, more are switched
        off.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per parameter, each on its own axis. Dots are posterior means, diamonds
        estimates by least squares, REML or ML; one without an interval stands alone.

    Raises
    ------
    InputError
        For anything but estimates by name, and for none, and where `ax` has too few Axes.
    """
    wanted = "estimates by name, as in {'marginal': fit.estimates()}"
    require_each(columns, Mapping, Estimates, wanted)
    colors = colors_of(columns)
    names: dict[str, None] = {}
    for estimates in columns.values():
        names.update((name, None) for name, _ in estimates.rows() if name != "sigma")
    names["sigma"] = None
    labels = [label_of(name, fit.converged) for name, fit in columns.items()]
    with house_style():
        size = 3.2, 0.75 + 0.24 * len(columns)
        figure, axes = tiles(len(names), _COLUMNS, size, 0.7, ax)
        titles = shortened_apart(names, 32)
        for axis, name, title in zip(axes, names, titles, strict=True):
            for y, (label, estimates) in enumerate(columns.items()):
                value = dict(estimates.rows()).get(name)
                if value is not None:
                    low, high = _interval(value)
                    sound = estimates.converged
                    line = "-" if sound else ":"
                    axis.plot([low, high], [y, y], line, color=colors[label], lw=1.8)
                    axis.plot(
                        value.center,
                        y,
                        "D" if isinstance(value, Value) else "o",
                        color=colors[label],
                        ms=5.5,
                        mfc=colors[label] if sound else "white",
                    )
            axis.set_title(title, fontsize=9.5)
            axis.set_ylim(len(columns) - 0.5, -0.5)
            axis.set_yticks(range(len(columns)))
            axis.set_yticklabels(labels if leftmost(axis) else [])
            axis.tick_params(axis="y", length=0)
            axis.grid(axis="x", color="#dddddd", lw=0.6)
            axis.set_axisbelow(True)
    return figure


def _interval(value: AnyValue) -> tuple[float, float]:
    """Return the ends of the interval, or the point itself where there is none."""
    low = value.center if value.low is None else value.low
    high = value.center if value.high is None else value.high
    return low, high
