"""How much the data have to say about each parameter, in words."""

import numpy as np
import numpy.typing as npt

from hierstan.design import Design, Factor


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
        for q, effect in enumerate(factor.effects):
            told[f"sd({effect} | {factor.name})"] = _count(factor, determined[:, q])
        for a, b in factor.pairs:
            both = determined[:, a] & determined[:, b]
            name = f"corr({factor.effects[b]}, {factor.effects[a]} | {factor.name})"
            told[name] = _count(factor, both)
    return told


def _count(factor: Factor, which: npt.NDArray[np.bool_]) -> str:
    if which.all():
        return f"it rests on {factor.J} levels of {factor.name}"
    return f"it rests on {which.sum()} of {factor.J} levels of {factor.name}"
