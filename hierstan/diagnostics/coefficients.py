"""Coefficients that the data do not settle, and predictors far from zero."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from hierstan.design import Design
from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.limits import RHAT_LIMIT_GROUPS
from hierstan.naming import coefficient_name

# A predictor whose mean is this many sds from zero has its intercepts outside of the data.
FAR_FROM_ZERO = 3.0
# Draws of two coefficients this correlated make a ridge seven times as long as wide.
RIDGE = 0.98
# A posterior variance above this share of the prior's owes more to the prior.
PRIOR_WIDTH = 0.5


def find_far_from_zero(design: Design) -> Iterator[Cause]:
    """Find predictors whose group intercepts lie far outside of their data."""
    for factor in design.factors:
        if "Intercept" not in factor.effects:
            continue
        for name, column in zip(factor.effects, factor.Z.T, strict=True):
            mean, sd = float(column.mean()), float(column.std())
            if not 0 < FAR_FROM_ZERO * sd < abs(mean) or column.min() <= 0 <= column.max():
                continue
            text = (
                f"At {name} = 0, where the intercepts of {factor.name} are, there are no "
                f"data (mean {mean:.4g}, sd {sd:.2g})."
            )
            advice = f"Write center({name}) in the formula."
            numbers = {"mean": mean, "sd": sd, "sds_from_zero": abs(mean) / sd}
            yield Cause("far from zero", name, True, numbers, text, advice)


def find_weak_identification(evidence: Evidence) -> Iterator[Cause]:
    """Find coefficients that depend on each other, or are about as wide as their prior.

    Coefficients that depend on each other and are both clear of zero are a matter of where
    the predictors have their zero; they are named where the sampler minds.

    The intercept is left out: programs sample it at average predictors, where neither its
    correlations nor its prior are those of the reported one.
    """
    if "beta" not in evidence.draws or evidence.prior_only:
        return
    beta = evidence.draws["beta"]
    terms = [str(term) for term in beta["term"].to_numpy()]
    values = beta.to_numpy().reshape(-1, len(terms))
    kept = [k for k, term in enumerate(terms) if term != "Intercept"]
    for a, b in combinations(kept, 2):
        if not (values[:, a].std() > 0 and values[:, b].std() > 0):
            continue
        r = float(np.corrcoef(values[:, a], values[:, b])[0, 1])
        if abs(r) > RIDGE:
            one, other = terms[a], terms[b]
            explains = evidence.slow(coefficient_name(one)) or evidence.slow(
                coefficient_name(other)
            )
            needed = all(abs(values[:, k].mean()) > 2 * values[:, k].std() for k in (a, b))
            if needed and not explains:
                continue
            text = (
                f"The coefficients {one} and {other} are known only together: their draws "
                f"correlate at {r:.3f}."
            )
            advice = f"Leave one of {one} and {other} out, or combine them."
            if needed:
                advice = (
                    "Write center( ) around the predictor they have in common, or make "
                    "them orthogonal, as poly( ) does: the model is the same."
                )
            numbers = {"correlation": r}
            name = f"{one}, {other}"
            yield Cause("weak identification", name, explains, numbers, text, advice)
    scales = dict(zip(evidence.design.terms, evidence.priors.beta_scale, strict=True))
    for k in kept:
        share = float(values[:, k].var() / scales[terms[k]] ** 2)
        # Chains that are not together yet say nothing about the width.
        mixed = evidence.parameters["rhat"][coefficient_name(terms[k])] <= RHAT_LIMIT_GROUPS
        if mixed and share > PRIOR_WIDTH:
            text = (
                f"The data say little about {terms[k]}: its posterior variance is "
                f"{share:.0%} of its prior's."
            )
            advice = f'State the prior you mean, priors={{"{terms[k]}": "normal(m, s)"}}'
            advice += f", or leave {terms[k]} out." if _unclear(evidence, terms[k]) else "."
            explains = evidence.slow(coefficient_name(terms[k]))
            numbers = {"share_of_prior_variance": share}
            yield Cause(
                "weak identification",
                coefficient_name(terms[k]),
                explains,
                numbers,
                text,
                advice,
            )


def _unclear(evidence: Evidence, term: str) -> bool:
    """Tell whether the data alone leave it open if there is a coefficient at all."""
    data = evidence.likelihood
    if data is None:
        return False
    k = evidence.design.terms.index(term)
    return bool(abs(data.beta[k]) < 2 * np.sqrt(data.beta_covariance[k, k]))
