"""Expected values averaged over rows, without a number per row and draw."""

import numpy as np
from scipy.sparse import csr_array

from hierstan.design import Floats, Integers
from hierstan.prediction.new_data import Rows
from hierstan.prediction.simulate import Posterior


def averages(posterior: Posterior, rows: Rows, index: Integers, count: int) -> Floats:
    """Average expected values within parts of some rows, draw by draw.

    The average is linear in the coefficients: its weights are averages of columns.

    Parameters
    ----------
    posterior : Posterior
        Draws of the fit.
    rows : Rows
        M rows of known levels.
    index : ndarray of int, shape (M,)
        Part of each row, from 0 to count - 1; none is empty.
    count : int
        Number of parts.

    Returns
    -------
    ndarray, shape (count, S)
        In units of the response, offsets included.
    """
    share = 1.0 / np.bincount(index, minlength=count)[index]
    each = np.arange(len(rows))

    def weights(values: Floats, columns: Integers, width: int) -> csr_array:
        return csr_array((share * values, (index, columns)), shape=(count, width))

    mean = weights(np.ones(len(rows)), each, len(rows))
    means = (mean @ rows.X) @ posterior.beta + (mean @ rows.offset)[:, None]
    for group in rows.groups:
        effects = posterior.effects(group.factor)
        for q in range(group.factor.Q):
            own = weights(group.Z[:, q], group.level, group.factor.J)
            means += own @ effects[:, q].T
    return np.asarray(means)
