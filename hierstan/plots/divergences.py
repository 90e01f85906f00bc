"""Where divergences sit: the standard deviations at which transitions diverge."""

import numpy as np
from matplotlib.figure import Figure

from hierstan.diagnostics.places import CLEAR
from hierstan.errors import InputError
from hierstan.fit import Fit
from hierstan.plots.failed import say_if_failed
from hierstan.plots.given import A_FIT, require
from hierstan.plots.names import shortened, shortened_apart
from hierstan.plots.style import (
    GREY,
    VERMILION,
    AxesLike,
    grid,
    house_style,
)
from hierstan.plots.ticks import plain_log

_DRAWS = 2000  # dots of a row; more only darken it


def divergences(fit: Fit, ax: AxesLike = None) -> Figure:
    """Draw every standard deviation where transitions diverge, below where they do not.

    Parameters
    ----------
    fit : Fit
        A fit with partial pooling.
    ax : Axes, optional
        Draw into this instead of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        A row per group sd and one for sigma, on a log axis: grey dots are draws, red marks
        those where a transition diverged. The right side says how many times lower (or
        higher) the sd is there, and by how many standard errors; it is red where that is
        clear, beyond two. A fit that failed its checks is
        named above.

    Raises
    ------
    InputError
        When the program has no group sds, and for anything but a Fit.
    """
    require(fit, Fit, A_FIT)
    if "tau" not in fit.draws:
        raise InputError(
            f"{fit.program.name} has no group standard deviations to look for divergences "
            "at; draw a fit with partial pooling."
        )
    places = fit.diagnostics.places
    diverging = fit.samples.sampler["diverging"].astype(bool)
    variables = fit.diagnostics.parameters["variable"]
    series = {
        name: values
        for name, values in fit.series().items()
        if variables[name] in ("tau", "sigma")
    }
    with house_style():
        figure, (axis,) = grid(1, 1, 7.2, 0.9 + 0.5 * len(series), ax)
        step = max(1, diverging.size // _DRAWS)
        for row, (name, values) in enumerate(series.items()):
            calm = values[~diverging][::step]
            # An even spread over the row, the same each time.
            height = row - 0.22 + 0.3 * (np.arange(len(calm)) * 0.618 % 1.0)
            axis.plot(calm, height, ".", ms=2, mew=0, color=GREY, alpha=0.5,
                      rasterized=True)  # fmt: skip
            there = values[diverging]
            axis.plot(there, np.full(len(there), row + 0.26), "|", color=VERMILION, ms=7)
            if name in places.index:
                told, clear = _told(
                    float(places["times_lower"][name]), float(places["score"][name])
                )
                axis.annotate(
                    told, (1.01, row), xycoords=("axes fraction", "data"), va="center",
                    fontsize=8.5, color=VERMILION if clear else GREY,
                    annotation_clip=False,
                )  # fmt: skip
        intercepts = ("sigma", *(f"sd(Intercept | {f.name})" for f in fit.design.factors))
        sloped = not set(series) <= set(intercepts)
        slopes = "\n(of slopes, per unit of their predictor)" if sloped else ""
        axis.set_xscale("log")
        plain_log(axis.xaxis)
        axis.set_yticks(range(len(series)))
        axis.set_yticklabels(shortened_apart(series, 32))
        axis.tick_params(axis="y", length=0)
        axis.set_ylim(len(series) - 0.5, -0.5)
        axis.set_xlabel(
            f"standard deviation, in units of {shortened(fit.design.formula.response, 30)}"
            f"{slopes}"
        )
        count = int(diverging.sum())
        axis.set_title(f"{count} of {diverging.size} transitions diverge")
        say_if_failed(figure, fit, None if ax is None else axis)
    return figure


def _told(times_lower: float, score: float) -> tuple[str, bool]:
    """Say how far a sd is lower at divergences, and whether that is clear."""
    lower = times_lower >= 1
    times = f"{times_lower if lower else 1 / times_lower:.2g}"
    told = "alike" if times == "1" else f"{times}x {'lower' if lower else 'higher'}"
    if np.isnan(score):
        return told, False
    return f"{told} ({abs(score):.1f} se)", abs(score) > CLEAR
