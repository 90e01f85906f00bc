"""The shape of the posterior that a parameterization makes: funnel, reverse, ridge."""

from collections.abc import Iterator

import numpy as np

from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.naming import coefficient_name

# Reliability that the effects keep at the low end of their sd (5 % quantile over the
# posterior): little in a funnel, much where the data are strong.
LITTLE, MUCH = 0.2, 0.7
# Effective draws a draw below which a sd crawls, as in a funnel, or a parameter drags.
CRAWLS, DRAGS = 0.1, 0.25
MANY_LEVELS = 10
# Correlation of a coefficient with the mean of its group effects that makes a ridge.
TRADED = -0.9


def find_funnel(evidence: Evidence) -> Cause | None:
    """Find the sd at whose small values the centered program fails.

    When the sd is small all group effects are squeezed together, too narrow for the step
    size that suits the rest. That needs effects about which the data say little there;
    effects that their data settle keep their width. So two things are asked: effects of
    reliability below 0.2 at the low end of their sd, and a sd with less than one effective
    draw in ten, or at whose small values transitions diverge.
    """
    if evidence.program.name != "centered":
        return None
    table, total = evidence.parameters, evidence.draws["sigma"].size
    low = evidence.reliability.quantile(0.05, "draw").to_numpy()
    candidates = [
        (k, name)
        for k, name, _ in evidence.deviations
        if low[k] < LITTLE
        and (evidence.diverges_below(name) or evidence.slow(name, CRAWLS))
    ]
    if not candidates:
        return None
    k, name = min(candidates, key=lambda item: float(table["ess_bulk"][item[1]]))
    below = [item for item in candidates if evidence.diverges_below(item[1])]
    if below:
        k, name = min(below, key=lambda item: float(evidence.places["score"][item[1]]))
    tau = evidence.draws["tau"].isel(effect=k)
    bottom, middle = (float(q) for q in tau.quantile([0.05, 0.5]))
    mean = float(evidence.reliability.mean("draw")[k])
    ess = float(table["ess_bulk"][name])
    numbers = {
        "ess_bulk": ess, "draws": float(total), "quantile_05": bottom, "median": middle,
        "reliability": mean, "reliability_low": float(low[k]),
    }  # fmt: skip
    told = f"it has {ess:.0f} effective of {total} draws"
    if below:
        times = float(evidence.places["times_lower"][name])
        numbers |= {"times_lower": times, "score": float(evidence.places["score"][name])}
        told += (
            f", and is {times:.2g} times lower where the sampler diverges than elsewhere"
        )
    text = (
        f"The culprit is {name}: {told}; its median is {middle:.3g}, its 5 % quantile "
        f"{bottom:.3g}, where the data settle {low[k]:.0%} of a group effect "
        f"(reliability; {mean:.0%} on average). This is the funnel: when the sd is small "
        "all its group effects are squeezed together, too narrow for the step size that "
        "suits the rest."
    )
    advice = 'Use program="noncentered": the same posterior without the funnel.'
    return Cause("funnel", name, True, numbers, text, advice, "noncentered")


def find_strong_data(evidence: Evidence) -> Cause | None:
    """Find the reverse of the funnel, of which the noncentered program is slow.

    Effects that their data settle are tau z, so every z has to follow tau: the ridge is
    long where the data are strong. Centered has none of that, but shares the ridges of
    `find_ridges`: it had 0.3 to 2 times the effective draws a second of noncentered in 18
    sets, nested and crossed, so that only a trial tells. It is found when a sd, or a
    coefficient of which there are group effects, has less than one effective draw in four,
    every effect keeps a reliability of 0.7 at the low end of its sd, and every factor has
    ten levels; with fewer the sd's own wide tail matters more.
    """
    if evidence.program.name != "noncentered":
        return None
    low = evidence.reliability.quantile(0.05, "draw").to_numpy()
    levels = min(factor.J for _, _, factor in evidence.deviations)
    terms, effects = evidence.design.terms, evidence.design.effects
    concerned = [name for _, name, _ in evidence.deviations]
    concerned += [coefficient_name(effect) for _, effect in effects if effect in terms]
    slow = any(evidence.slow(name, DRAGS) for name in concerned)
    if not slow or low.min() < MUCH or levels < MANY_LEVELS:
        return None
    smallest = float(low.min())
    text = (
        f"The data are strong: they settle {smallest:.0%} or more of every kind of group "
        "effect (reliability, where its sd is small), so the standardized effects must "
        "follow the sds."
    )
    advice = (
        'hs.advise(fit) tries program="centered", which suits some such data better and '
        "some worse; or take more draws."
    )
    program = "centered"
    if evidence.marginal_available:
        advice = program = ""
    numbers = {"reliability_low": smallest, "levels": float(levels)}
    return Cause("strong data", "", True, numbers, text, advice, program)


def find_ridges(evidence: Evidence) -> Iterator[Cause]:
    """Find slow coefficients that trade against the mean of their group effects.

    The data settle beta + u of every level, and so the sum of beta and the mean of u; each
    by itself is free by about tau / sqrt(J). Marginal integrates both out.
    """
    if not (evidence.effects_sampled and "beta" in evidence.draws):
        return
    for factor in evidence.design.factors:
        effects = evidence.draws[f"u[{factor.name}]"].mean(f"level of {factor.name}")
        for effect in factor.effects:
            if effect not in evidence.design.terms:
                continue
            if not evidence.slow(coefficient_name(effect), DRAGS):
                continue
            beta = evidence.draws["beta"].sel(term=effect).to_numpy().ravel()
            shared = effects.sel({f"effect of {factor.name}": effect}).to_numpy().ravel()
            if not (np.std(beta) > 0 and np.std(shared) > 0):
                continue
            r = float(np.corrcoef(beta, shared)[0, 1])
            if r > TRADED:
                continue
            alone, together = float(np.std(beta)), float(np.std(beta + shared))
            text = (
                f"The coefficient {effect} and the mean of its {factor.J} effects of "
                f"{factor.name} trade against each other: their draws correlate at "
                f"{r:.3f}; the sum has a sd of {together:.2g}, and {effect} itself one of "
                f"{alone:.2g}. The sampler must creep along that ridge."
            )
            numbers = {"correlation": r, "sd_of_sum": together, "sd": alone}
            yield Cause("ridge", coefficient_name(effect), True, numbers, text)
