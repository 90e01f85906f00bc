"""What parameters are called, wherever a user meets them."""

from collections.abc import Collection
from typing import Literal

from hierstan.design import Factor

Kind = Literal["coefficient", "sd", "corr", "sigma"]

SIGMA = "sigma"


def coefficient_name(term: str, taken: Collection[str] = (SIGMA,)) -> str:
    """Name a population coefficient by its term.

    A predictor may be called sigma; the residual sd has the older right to the name.

    Parameters
    ----------
    term : str
        A column of X.
    taken : collection of str
        Names with a meaning of their own.

    Examples
    --------
    >>> coefficient_name("floor"), coefficient_name("sigma")
    ('floor', 'sigma (coefficient)')
    """
    return f"{term} (coefficient)" if term in taken else term


def sd_name(factor: str, effect: str) -> str:
    """Name the standard deviation of an effect: ``"sd(floor | county)"``."""
    return about("sd", label(factor, effect))


def corr_name(factor: str, *effects: str) -> str:
    """Name a correlation: ``"corr(Intercept, floor | county)"``."""
    return about("corr", label(factor, *effects))


def coef_name(factor: str, effect: str) -> str:
    """Name the group coefficients of an effect: ``"coef(floor | county)"``."""
    return about("coef", label(factor, effect))


def about(kind: str, what: str) -> str:
    """Name a kind of parameter of effects, or of a whole factor: ``"sd(county)"``."""
    return f"{kind}({what})"


def sd_names(factor: Factor) -> list[str]:
    """Name all standard deviations of a factor, in the order of its Z."""
    return [sd_name(factor.name, effect) for effect in factor.effects]


def corr_names(factor: Factor) -> list[str]:
    """Name all correlations of a factor, in the order of its `pairs`."""
    return [about("corr", pair) for pair in pair_labels(factor)]


def parameter_name(variable: str, labels: tuple[str, ...]) -> str:
    """Name one element of a variable of named draws as tables do."""
    if variable == "tau":
        return about("sd", labels[0])
    if variable == "rho":
        return about("corr", labels[0])
    if variable == "beta":
        return coefficient_name(labels[0])
    if labels:
        kind = "effect" if variable.startswith("u[") else "coefficient"
        return f"the {kind} {labels[0]} of {labels[1]}"
    return variable


def label(factor: str, *effects: str) -> str:
    """Name effects with their factor: ``"Intercept, floor | county"``."""
    return f"{', '.join(effects)} | {factor}"


def effect_label(factor: Factor, effect: str) -> str:
    """Name an effect with its factor: ``"floor | county"``."""
    return label(factor.name, effect)


def pair_label(factor: Factor, a: int, b: int) -> str:
    """Name a correlated pair: ``"Intercept, floor | county"``."""
    return label(factor.name, factor.effects[b], factor.effects[a])


def effect_labels(factor: Factor) -> list[str]:
    """Name all effects of a factor, in the order of its Z."""
    return [effect_label(factor, effect) for effect in factor.effects]


def pair_labels(factor: Factor) -> list[str]:
    """Name all correlated pairs of a factor, in the order of its `pairs`."""
    return [pair_label(factor, a, b) for a, b in factor.pairs]
