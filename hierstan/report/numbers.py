"""Numbers as a reader wants them."""

import math

from hierstan.digits import decimals


def number(value: object, digits: int = 3, uncertainty: float | None = None) -> str:
    """Format a number for reading: few digits, powers of ten where they would be zeros.

    Parameters
    ----------
    value : object
        A number; text is returned as it is, None and nan as a dash.
    digits : int
        Decimals below ten; larger numbers have fewer.
    uncertainty : float, optional
        Two digits of it show in the value, however large that is.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    value += 0  # no minus before a zero
    least = 0 if uncertainty is None else decimals(uncertainty)
    if isinstance(value, int) or abs(value) >= 10 ** (digits + 1):
        return f"{value:,.{least}f}".replace("-", "−")
    if 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}".replace("-", "−")
    places = digits if abs(value) < 10 else max(0, digits - int(math.log10(abs(value))))
    return f"{value:,.{max(places, least)}f}".replace("-", "−")
