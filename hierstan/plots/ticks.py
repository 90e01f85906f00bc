"""Numbers along axes: plain, grouped by thousands, and as many as there is room for."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import (
    Formatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
)

# Above the one and below the other numbers are written with a power of ten.
_LARGE, _SMALL = 1e8, 1e-4
_EM = 0.62  # width of a digit, in sizes of the font
_MOST = 7  # numbers along an axis


def plain_numbers(axis: Axes) -> None:
    """Give both axes, as long as they are linear, numbers that can be read."""
    axis.xaxis.set_major_locator(_FittingLocator())
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_formatter(_PlainFormatter())


def written(values: Any) -> list[str]:
    """Write the numbers of one axis alike, with the digits that tell them apart.

    Parameters
    ----------
    values : array-like
        Numbers, evenly spaced or not.

    Returns
    -------
    list of str
        As ``1,150,000`` or ``0.25``; as ``1.5e9`` where they are very large or small. No
        offset and no common power, which would stand elsewhere.
    """
    numbers = np.asarray(values, dtype=float)
    if not numbers.size:
        return []
    largest = float(np.abs(numbers).max())
    gaps = np.diff(np.unique(numbers))
    step = float(gaps.min()) if gaps.size else largest
    numbers = np.where(np.abs(numbers) < 1e-9 * (step or 1.0), 0.0, numbers)
    if largest and not _SMALL <= largest < _LARGE:
        digits = 1 + int(np.ceil(np.log10(largest / step))) if step else 3
        return [_short(number, min(digits, 12)) for number in numbers]
    decimals = next(
        (d for d in range(8) if np.all(np.abs(numbers.round(d) - numbers) <= 1e-3 * step)),
        8,
    )
    return [Formatter.fix_minus(f"{number:,.{decimals}f}") for number in numbers]


def _short(number: float, digits: int) -> str:
    if number == 0:
        return "0"
    told = np.format_float_scientific(number, precision=digits, trim="-", exp_digits=1)
    return Formatter.fix_minus(told.replace("e+", "e"))


class _PlainFormatter(Formatter):
    """Numbers as `written` writes them."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002  # as matplotlib calls it
        return f"{x:,.6g}"

    def format_ticks(self, values: Any) -> list[str]:
        return written(values)


class _FittingLocator(MaxNLocator):
    """As many round numbers as can stand beside each other within the axis."""

    def __init__(self) -> None:
        super().__init__(_MOST, steps=[1, 2, 2.5, 5, 10], min_n_ticks=1)

    def tick_values(self, vmin: float, vmax: float) -> Any:
        for most in range(_MOST, 0, -1):
            self.set_params(nbins=most)
            ticks = np.asarray(super().tick_values(vmin, vmax))
            low, high = sorted((vmin, vmax))
            span = (high - low) or 1.0
            ticks = ticks[(low - 1e-9 * span <= ticks) & (ticks <= high + 1e-9 * span)]
            length, size = self._room()
            out = 0.6 * size
            widths = np.array([_EM * size * len(text) for text in written(ticks)])
            at = (ticks - low) / span * length
            # A little may stick out where nothing else is: a zero does.
            held = (at - widths / 2 > -out) & (at + widths / 2 < length + out)
            ticks, at, widths = ticks[held], at[held], widths[held]
            between = np.diff(at) - (widths[1:] + widths[:-1]) / 2
            if len(ticks) <= 1 or between.min() > 0.9 * size:
                break
        return ticks

    def _room(self) -> tuple[float, float]:
        """Return the length of the axis and the size of its font, in points."""
        axes = self.axis.axes if isinstance(self.axis, Axis) else None
        size = FontProperties(size=mpl.rcParams["xtick.labelsize"]).get_size_in_points()
        figure = None if axes is None else axes.get_figure(root=True)
        if axes is None or figure is None:
            return 200.0, size
        return axes.bbox.width / figure.dpi * 72, size


class _PlainLocator(LogLocator):
    """Ticks at powers of ten; at 1, 2 and 5 times them, or evenly, where these are few."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole

    def tick_values(self, vmin: float, vmax: float) -> Any:
        low, high = sorted((vmin, vmax))
        if low <= 0 or high >= 100 * low:
            return super().tick_values(vmin, vmax)
        powers = np.arange(np.floor(np.log10(low)), np.log10(high) + 1)
        ticks = np.outer(10.0**powers, (1, 2, 5)).ravel()
        ticks = ticks[(low <= ticks) & (ticks <= high)]
        if len(ticks) >= 3:
            return ticks
        # A span below a decade looks nearly linear.
        even = MaxNLocator(5, steps=[1, 2, 5, 10], integer=self.whole, min_n_ticks=1)
        return even.tick_values(low, high)


class _MinorLocator(LogLocator):
    """Minor ticks between powers of ten; none where the axis has no two of these."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        low, high = sorted((vmin, vmax))
        if low <= 0 or np.floor(np.log10(high)) <= np.ceil(np.log10(low)):
            return np.array([])
        return super().tick_values(vmin, vmax)


def plain_log(axis: Axis, whole: bool = False) -> None:
    """Label a log axis with plain numbers; powers of ten would need the maths.

    At least two numbers are on it, however short it is; whole ones only if so wished.
    """
    axis.set_major_locator(_PlainLocator(whole))
    axis.set_major_formatter(FuncFormatter(lambda value, position: plain(value)))
    axis.set_minor_locator(_MinorLocator(subs="auto"))
    axis.set_minor_formatter(NullFormatter())


def plain(value: float) -> str:
    """Write a positive number without a power of ten, unless it is very large or small."""
    if _SMALL <= value < _LARGE:
        return f"{value:,.10g}"
    return _short(value, 3)
