"""How much the data have to say about each parameter, in words."""

import numpy as np
import numpy.typing as npt

from hierstan.design import Design, Factor
from hierstan.naming import corr_names, sd_names


def evidence(design: Design) -> dict[str, str]:
    """Count what informs the standard deviations and correlations.

    Parameters
    ----------
    design : Design
        Any number of factors.

    Returns
    -------
    dict of str to str
        By the parameter's name in tables: ``"it rests on 60 of 85 levels of county"``. A
        level whose rows have one value of the predictor says nothing about how slopes
        vary.
    """
    told = {}
    for factor in design.factors:
        determined = factor.determined()
        for name, which in zip(sd_names(factor), determined.T, strict=True):
            told[name] = _count(factor, which)
        for name, (a, b) in zip(corr_names(factor), factor.pairs, strict=True):
            told[name] = _count(factor, determined[:, a] & determined[:, b])
    return told


def _count(factor: Factor, which: npt.NDArray[np.bool_]) -> str:
    if which.all():
        return f"it rests on {factor.J} levels of {factor.name}"
    return f"it rests on {which.sum()} of {factor.J} levels of {factor.name}"
