"""Which draws to keep of many."""

import numpy as np

from hierstan.design import Integers


def evenly(draws: int, most: int) -> Integers:
    """Choose draws evenly, the first and the last among them.

    Parameters
    ----------
    draws : int
        Number of draws, chains joined.
    most : int
        How many to keep; all, where there are no more.

    Returns
    -------
    ndarray of int
        Their positions, each once.

    Examples
    --------
    >>> evenly(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.linspace(0, draws - 1, min(draws, most)).round().astype(np.int64)
