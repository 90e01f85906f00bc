"""Fit a mixed model by statsmodels, and see to it that the optimum is one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

import numpy as np

from hierstan.design import Design
from hierstan.errors import DataError
from hierstan.frequentist.boundary import gain_off_the_edge, is_singular, put_at_zero
from hierstan.frequentist.climb import climb, even_starts
from hierstan.frequentist.information import observed_information
from hierstan.frequentist.mixedfit import MixedFit
from hierstan.frequentist.search import beyond_mixedlm, search
from hierstan.frequentist.section import Section
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances
from hierstan.naming import sd_names
from hierstan.noise import remedy, without_noise
from hierstan.threads import one_thread

# Log likelihood still to be gained before a fit counts as short of its optimum.
SHORTFALL = 1e-5
# Two optimizers that end closer than this have found one optimum.
SAME_OPTIMUM = 1e-6
# Below this share of the response's sd a residual sd may be rounding error.
_SUSPECT = 1e-5

Options = ParamSpec("Options")


def _of_noisy_data(
    fit: Callable[Concatenate[Design, Options], MixedFit],
) -> Callable[Concatenate[Design, Options], MixedFit]:
    """Refuse data without noise, whose likelihood has no optimum to find."""

    @wraps(fit)
    def careful(
        design: Design, /, *args: Options.args, **kwargs: Options.kwargs
    ) -> MixedFit:
        try:
            found = fit(design, *args, **kwargs)
        except np.linalg.LinAlgError:
            _refuse_exact(design)
            raise
        if found.variances.sigma < _SUSPECT * np.std(design.y):
            _refuse_exact(design)
        return found

    return careful


def _refuse_exact(design: Design) -> None:
    if exact := without_noise(design, design.factors):
        raise DataError(f"{exact[1]} {remedy(design)}")


@_of_noisy_data
@one_thread
def fit_mixedlm(design: Design, *, reml: bool = True) -> MixedFit:
    """Fit a mixed model by statsmodels' MixedLM.

    MixedLM searches for the variances; our own climb of the same likelihood checks that
    it arrived, and settles the last digits. What MixedLM is known to get wrong is computed
    here: standard errors of the coefficients and of the variances, and whether the
    optimum is one. Its warnings go into the fit's log, its state into one verdict.

    A model that MixedLM cannot express (correlated effects of a nested or crossed factor),
    or that would take it minutes, is fitted by our climb alone, and the verdict says so.

    Parameters
    ----------
    design : Design
        Any factors. Nested ones cost next to nothing. Of crossed ones, the factor (or
        chain of nested factors) with the most effects does too; all others together may
        have 3,000 effects, which takes half a second per evaluation and about a minute
        per fit (measured on one core).
    reml : bool
        Restricted maximum likelihood (default) or maximum likelihood.

    Returns
    -------
    MixedFit
        Estimates on the standard deviation scale.

    Raises
    ------
    DataError
        When crossed factors are too large, or the population columns or the groups explain
        the response exactly.
    """
    standard = Standard.of(design)
    substitute = beyond_mixedlm(standard)
    found: Variances | None = None
    log: list[str] = []
    if substitute is None:
        found, log = search(standard, reml=reml)
        if found is None:
            substitute = "MixedLM finds no finite likelihood"
    best, state = _search_on(design, standard, found, reml)
    gained = 0.0
    if found is not None:
        gained = standard.loglik(best, reml=reml) - standard.loglik(found, reml=reml)
        gained = gained if gained >= SHORTFALL else 0.0
    return _assemble(design, standard, state, reml, gained, substitute, log)


@_of_noisy_data
@one_thread
def fit_from(design: Design, optimum: Variances, *, reml: bool = True) -> MixedFit:
    """Fit by MixedLM's default optimizer, and from a known optimum when it is short of it.

    Parameters
    ----------
    design : Design
        Factors of any kind that MixedLM takes.
    optimum : Variances
        In the data's units, such as Stan's mode. A MixedLM fit that ends more than 1e-6
        of log likelihood below is started again from there; where that is at an edge,
        which MixedLM cannot start from, the optimum itself is taken. Where MixedLM has no
        fit, it plays no part.
    reml : bool
        Which likelihood.

    Returns
    -------
    MixedFit
        With what was gained, if MixedLM was short. Where MixedLM cannot take the design,
        or finds no finite likelihood, it is `fit_mixedlm`'s, our own climb.
    """
    standard = Standard.of(design)
    there = standard.inward(optimum)
    best = None
    if beyond_mixedlm(standard) is None:
        best, log = search(standard, reml=reml, routes=1)
    if best is None:
        return fit_mixedlm(design, reml=reml)
    highest = standard.loglik(there, reml=reml)
    short = highest - standard.loglik(best, reml=reml)
    gained = 0.0
    if short > SAME_OPTIMUM:
        gained = short
        again, more = search(standard, reml=reml, routes=1, start=there)
        log += more
        best = there
        if again is not None and standard.loglik(again, reml=reml) > highest:
            best = again
    state = _settle(design, standard, best, reml)
    return _assemble(design, standard, state, reml, gained, None, log)


@_of_noisy_data
@one_thread
def fit_at(design: Design, variances: Variances, *, reml: bool = True) -> MixedFit:
    """Take given variances for the optimum, and compute all that follows from them.

    Parameters
    ----------
    design : Design
        Any factors.
    variances : Variances
        In the data's units, such as Stan's mode. A standard deviation where the
        likelihood is no higher than without it is put at exactly zero.
    reml : bool
        Which likelihood.

    Returns
    -------
    MixedFit
        Not converged when the likelihood still rises from there.
    """
    standard = Standard.of(design)
    state = _settle(design, standard, standard.inward(variances), reml)
    return _assemble(design, standard, state, reml, 0.0, None, [])


def _assemble(
    design: Design,
    standard: Standard,
    state: "_State",
    reml: bool,
    gained: float,
    substitute: str | None,
    log: list[str],
) -> MixedFit:
    """Compute what follows from the variances."""
    if gained:
        log.append(f"MixedLM stopped {gained:.3g} of log likelihood short; refitted")
    log += [
        f"{sd_names(design.factors[f])[q]} put at zero, where the likelihood is as high"
        for f, q in state.zeroed
    ]
    inside = standard.inward(state.variances)
    singular = any(is_singular(Sigma, inside.sigma) for Sigma in inside.Sigmas)
    return MixedFit(
        design=design,
        reml=reml,
        variances=state.variances,
        solution=standard.solution(inside, reml=reml),
        errors=state.errors,
        singular=singular,
        converged=state.shortfall < SHORTFALL,
        gained=gained,
        substitute=substitute,
        log=tuple(log),
    )


@dataclass(frozen=True, eq=False)
class _State:
    """A point with what is known about it, in the data's units."""

    variances: Variances
    zeroed: list[tuple[int, int]]
    errors: dict[str, float]
    shortfall: float


def _settle(design: Design, standard: Standard, inside: Variances, reml: bool) -> _State:
    """Put sds at zero that belong there, and ask what is left to gain."""
    variances, zeroed = put_at_zero(standard, standard.outward(inside), reml=reml)
    errors, shortfall = observed_information(design, variances, zeroed, reml=reml)
    inside = standard.inward(variances)
    gain = gain_off_the_edge(standard, inside, reml=reml)
    return _State(variances, zeroed, errors, max(shortfall, gain))


def _search_on(
    design: Design, standard: Standard, found: Variances | None, reml: bool
) -> tuple[Variances, _State]:
    """Climb once from nowhere; if nothing is an optimum yet, again from everywhere.

    Returns the highest point, in standard units and settled.
    """

    def higher(one: Variances, other: Variances) -> Variances:
        gain = standard.loglik(other, reml=reml) - standard.loglik(one, reml=reml)
        return other if gain > 0 else one

    section, (large, small) = Section(standard, reml=reml), even_starts(standard)
    best = climb(section, [large]).inside
    if found is not None:
        best = higher(found, best)
    state = _settle(design, standard, best, reml)
    if state.shortfall >= SHORTFALL:
        best = higher(best, climb(section, [best, large, small]).inside)
        state = _settle(design, standard, best, reml)
    return best, state
