"""Variances over rows or levels, draw by draw, of which some are seen at a time."""

import numpy as np

from hierstan.design import Floats


class RunningVariance:
    """The variance over units at every draw, gathered a chunk of units at a time.

    Sums are taken less the first unit: a mean that is large beside the sd costs no digits,
    and units that are all the same have a variance of exactly zero.

    Parameters
    ----------
    draws : int
        Number of draws.
    """

    def __init__(self, draws: int) -> None:
        self._count = 0
        self._first: Floats | None = None
        self._sum = np.zeros(draws)
        self._squares = np.zeros(draws)

    def add(self, values: Floats) -> None:
        """Take in some units, shape (units, draws), or (units, 1) where draws are alike."""
        if self._first is None:
            self._first = values[0].copy()
        values = values - self._first
        self._count += len(values)
        self._sum += values.sum(axis=0)
        self._squares += np.einsum("is,is->s", values, values)

    @property
    def variance(self) -> Floats:
        """Variance, with one unit fewer in the denominator, shape (draws,)."""
        squares = self._squares - self._sum**2 / self._count
        return np.asarray(squares / (self._count - 1))
