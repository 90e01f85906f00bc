"""Data without noise: a response that the design determines."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse.linalg import lsmr

from hierstan.design import Design, Factor, Floats

# Residuals of this share of the response's sd are rounding errors.
ROUNDING = 1e-8


def without_noise(design: Design, factors: Sequence[Factor]) -> tuple[float, str] | None:
    """Find a response that coefficients of its own for every level explain exactly.

    The likelihood then grows without bound as sigma goes to zero. It is found by least
    squares with more rows than coefficients, without which any response is explained.

    Parameters
    ----------
    design : Design
        Response and population columns.
    factors : sequence of Factor
        Whose levels have coefficients; none for one regression of all rows.

    Returns
    -------
    (float, str) or None
        Root mean square of what is left over the response's sd, and a sentence or two;
        None where there is noise.
    """
    y, size = design.y, float(np.std(design.y))
    spare = design.N - design.P - sum(factor.J * factor.Q for factor in factors)
    if spare < 1 or not size > 0:
        return None
    around = y - y.mean() * design.has_intercept
    columns = hstack([csr_array(_orthonormal(design.X)), *map(_indicators, factors)])
    tight = 1e-14
    fitted = columns @ lsmr(columns, around, atol=tight, btol=tight, maxiter=1000)[0]
    share = float(np.sqrt(np.mean((around - fitted) ** 2))) / size
    if not share <= ROUNDING:
        return None
    predictors = ", ".join(term for term in design.terms if term != "Intercept")
    groups = " and ".join(factor.name for factor in factors)
    both = f"{groups} (with {predictors})" if groups and predictors else groups
    determines = "determine" if len(factors) > 1 else "determines"
    return share, (
        f"{both or predictors} {determines} {design.formula.response} exactly: what least "
        f"squares leaves is {share:.1g} of its sd, which is rounding error. So sigma is "
        "zero, and the likelihood has no bound there."
    )


def remedy(design: Design) -> str:
    """Say what to do about a response without noise."""
    return (
        f"Check how {design.formula.response} was made: there is no noise in it to "
        "estimate, as in a column that was averaged or copied by group. Take it as it was "
        "measured; no program or setting helps."
    )


def _indicators(factor: Factor) -> csr_array:
    """Write the effects of a factor out, shape (N, J Q)."""
    Z, rows = _orthonormal(factor.Z), np.arange(len(factor.index))
    shape = (len(rows), factor.J)
    blocks = [csr_array((column, (rows, factor.index)), shape=shape) for column in Z.T]
    return csr_array(hstack(blocks))


def _orthonormal(columns: Floats) -> Floats:
    """Return a basis of the same span in which least squares is well conditioned."""
    return np.asarray(np.linalg.qr(columns)[0])
