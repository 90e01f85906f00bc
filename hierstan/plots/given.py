"""What pictures are given: refused in words where they cannot be drawn from it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hierstan.design import Factor, Floats, find_factor
from hierstan.errors import InputError, kind_of
from hierstan.fit import Fit

A_FIT = "a Fit, as Model.sample returns"
_FITS = "fits by name, as in {'noncentered': fit}"


def require(given: object, kind: type, wanted: str) -> None:
    """Refuse what is not of a kind; `wanted` says what is, and where it comes from."""
    if not isinstance(given, kind):
        raise InputError(f"This picture takes {wanted}, not {kind_of(given)}.")


def require_each(given: Any, shape: type, kind: type, wanted: str) -> None:
    """Refuse what is not a mapping (or sequence) to (or of) a kind, and an empty one."""
    require(given, shape, wanted)
    if len(given) == 0:
        raise InputError(f"There is nothing to draw; this picture takes {wanted}.")
    named = given.items() if isinstance(given, Mapping) else enumerate(given)
    for name, one in named:
        if not isinstance(one, kind):
            raise InputError(f"This picture takes {wanted}; {name!r} is {kind_of(one)}.")


def require_columns(table: Any, columns: Sequence[str], wanted: str) -> None:
    """Refuse what is no table with these columns."""
    require(table, pd.DataFrame, wanted)
    for name in columns:
        if name not in table:
            raise InputError(
                f"The table has no column {name!r}; this picture takes {wanted}."
            )


def find_fitted(fits: Any, factor: Any) -> tuple[Fit, Factor]:
    """Return the first of some fits, and a factor of it.

    Parameters
    ----------
    fits : mapping of str to Fit
        As the caller gave it.
    factor : Factor or str
        The factor, or its name.

    Raises
    ------
    InputError
        For anything but fits by name, for no fits, and for a factor that is not there.
    """
    require_each(fits, Mapping, Fit, _FITS)
    first: Fit = next(iter(fits.values()))
    if isinstance(factor, str):
        factor = find_factor(first.design, factor)
    require(factor, Factor, "a grouping factor, or its name")
    return first, factor


def find_effect(factor: Factor, effect: str) -> int:
    """Return the position of an effect of a factor; name those there are if it has none."""
    if effect not in factor.effects:
        raise InputError(
            f"There is no effect {effect!r} of {factor.name!r}; there are "
            f"{', '.join(map(repr, factor.effects))}."
        )
    return factor.effects.index(effect)


def numbers(given: Any, name: str, dimensions: int) -> Floats:
    """Return numbers in any shape of list, table or array as an array of finite ones."""
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} has to be numbers, in an array or lists.") from None
    if found.ndim != dimensions or found.size == 0:
        shape = "(rows,)" if dimensions == 1 else "(draws, rows)"
        raise InputError(f"{name} has shape {found.shape}; it takes shape {shape}.")
    if not np.isfinite(found).all():
        count = int((~np.isfinite(found)).sum())
        raise InputError(
            f"{name} is missing or infinite in {count} of {found.size} values; leave those "
            "rows out."
        )
    return found
