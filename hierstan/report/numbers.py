"""Numbers as a reader wants them."""

import math


def number(value: object, digits: int = 3) -> str:
    """Format a number for reading: few digits, powers of ten where they would be zeros.

    Parameters
    ----------
    value : object
        A number; text is returned as it is, None and nan as a dash.
    digits : int
        Decimals below ten; larger numbers have fewer.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    value += 0  # no minus before a zero
    if isinstance(value, int) or abs(value) >= 10 ** (digits + 1):
        return f"{value:,.0f}".replace("-", "−")
    if 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}".replace("-", "−")
    decimals = digits if abs(value) < 10 else max(0, digits - int(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")
