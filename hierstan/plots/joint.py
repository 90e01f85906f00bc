"""Expectation versus mode: two densities along shrinking standard deviations."""

import numpy as np
from matplotlib.figure import Figure

from hierstan.ladder.joint import JointMode
from hierstan.plots.given import require
from hierstan.plots.legends import legend_outside
from hierstan.plots.style import (
    BLACK,
    AxesLike,
    color_of,
    grid,
    house_style,
)
from hierstan.plots.ticks import plain_log


def joint(found: JointMode, ax: AxesLike = None) -> Figure:
    """Draw why one must not maximize over group effects.

    Parameters
    ----------
    found : JointMode
        From `hierstan.ladder.joint_mode`.
    ax : matplotlib.axes.Axes, optional
        Draw into this instead of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        Log densities, each less its value at the fitted standard deviations, as all of
        these are multiplied by one factor: with the effects at their best the density
        grows without bound in the end, with them integrated out it has a maximum.

    Raises
    ------
    InputError
        For anything but a JointMode, and where `ax` has too few Axes.
    """
    require(found, JointMode, "what hierstan.ladder.joint_mode returns")
    ray = found.ray
    at_fit = int(np.argmin(np.abs(ray["share"].to_numpy() - 1.0)))
    with house_style():
        figure, (axis,) = grid(1, 1, 6.4, 3.6, ax)
        for name, color, line, label in (
            ("joint", color_of("centered"), "--", "effects at their best (centered)"),
            ("marginal", BLACK, "-", "effects integrated out (marginal)"),
        ):
            height = ray[name].to_numpy()
            change = height - height[at_fit]
            axis.plot(ray["share"], change, line, color=color, label=label)
        axis.axvline(1.0, color=BLACK, lw=0.6, ls=":")
        axis.set_xscale("log")
        plain_log(axis.xaxis)
        axis.invert_xaxis()
        axis.set_xlabel("group sds, as multiples of the fitted ones")
        axis.set_ylabel("log density, less its value at 1")
        legend_outside(figure, [axis], ax)
    return figure
