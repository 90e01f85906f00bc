"""The parameters that have a prior, by the names that tables give them."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hierstan.design import Design
from hierstan.errors import PriorError
from hierstan.naming import SIGMA, about, coef_name, coefficient_name, corr_name, sd_name

Role = Literal["beta", "gamma", "tau", "eta", "sigma"]

_KINDS: dict[Role, str] = {
    "beta": "coefficient",
    "gamma": "coefficient",
    "tau": "standard deviation",
    "eta": "correlation matrix",
    "sigma": "standard deviation",
}
# Names with a meaning of their own; a predictor of the same name says what it is.
_TAKEN = (SIGMA, "preset")


@dataclass(frozen=True)
class Parameter:
    """Something that has a prior.

    Attributes
    ----------
    name : str
        ``"floor"``, ``"coef(floor | county)"``, ``"sd(floor | county)"``,
        ``"corr(county)"`` or ``"sigma"``.
    role : {"beta", "gamma", "tau", "eta", "sigma"}
        What it is in the Stan programs: population coefficient, unpooled group
        coefficients, group standard deviation, correlations, residual standard deviation.
    index : int
        Its position among those of its role.
    aliases : tuple of str
        Other names that mean it.
    factor : str
        The factor it belongs to; empty for population coefficients and sigma.
    """

    name: str
    role: Role
    index: int
    aliases: tuple[str, ...] = ()
    factor: str = ""

    @property
    def kind(self) -> str:
        """What distributions it may have, as messages call it."""
        return _KINDS[self.role]


def parameters(design: Design, *, centred: bool) -> tuple[Parameter, ...]:
    """List everything that has a prior.

    Parameters
    ----------
    design : Design
        The model.
    centred : bool
        Whether the intercept's prior is about average predictors (`Priors.centred`). Its
        name then says so; plain ``"Intercept"`` means it either way.

    Returns
    -------
    tuple of Parameter
        Population coefficients, then each effect's group coefficients and standard
        deviation, correlation matrices, and sigma.
    """
    listed = []
    for p, term in enumerate(design.terms):
        name = coefficient_name(term, taken=_TAKEN)
        aliases: tuple[str, ...] = ()
        if term == "Intercept" and centred:
            name, aliases = "Intercept (at average predictors)", ("Intercept",)
        listed.append(Parameter(name, "beta", p, aliases))
    for k, (factor, effect) in enumerate(design.effects):
        own, spread = coef_name(factor.name, effect), sd_name(factor.name, effect)
        listed.append(Parameter(own, "gamma", k, factor=factor.name))
        listed.append(Parameter(spread, "tau", k, factor=factor.name))
    f = 0
    for factor in design.factors:
        correlated = sum(size > 1 for size in factor.blocks)
        for start, size in zip(factor.starts, factor.blocks, strict=True):
            if size > 1:
                names = [corr_name(factor.name, *factor.effects[start : start + size])]
                if correlated == 1:
                    names.insert(0, about("corr", factor.name))
                listed.append(Parameter(names[0], "eta", f, tuple(names[1:]), factor.name))
            f += 1
    return (*listed, Parameter(SIGMA, "sigma", 0))


def find(name: str, listed: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Find what a name means.

    Parameters
    ----------
    name : str
        A name or alias; or ``sd(factor)``, ``coef(factor)`` or ``corr(factor)`` for all
        of a factor. Blanks do not matter.
    listed : iterable of Parameter
        From `parameters`.

    Returns
    -------
    tuple of Parameter
        One, or all those of a factor.

    Raises
    ------
    PriorError
        When there is none; lists the names there are, and the nearest.
    """
    listed = tuple(listed)
    if not isinstance(name, str):
        raise PriorError(f"A prior is set for a name, which {name!r} is not.")
    for wanted in (str, _tight):
        for parameter in listed:
            if wanted(name) in map(wanted, (parameter.name, *parameter.aliases)):
                return (parameter,)
    found = tuple(
        parameter
        for parameter in listed
        if parameter.factor
        and _tight(name) == _tight(about(_PREFIX[parameter.role], parameter.factor))
    )
    if found:
        return found
    names = [parameter.name for parameter in listed]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise PriorError(
        f"There is no parameter {name!r} to set a prior for.{hint} Those of this model "
        f"are {', '.join(names)}."
    )


_PREFIX = {"gamma": "coef", "tau": "sd", "eta": "corr"}


def _tight(name: str) -> str:
    return re.sub(r"\s+", "", name)
