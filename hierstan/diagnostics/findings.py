"""All causes of one fit, and what they add up to."""

from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.chains import find_apart
from hierstan.diagnostics.coefficients import find_far_from_zero, find_weak_identification
from hierstan.diagnostics.conflict import KIND as CONFLICT
from hierstan.diagnostics.conflict import find_conflicts
from hierstan.diagnostics.exact import KIND as EXACT
from hierstan.diagnostics.exact import find_exact_fit
from hierstan.diagnostics.geometry import find_funnel, find_ridges, find_strong_data
from hierstan.diagnostics.mixing import find_cut_off, find_short_run, find_too_few_draws
from hierstan.diagnostics.spread import find_boundary, find_prior_dominated

_MARGINAL = 'Use program="marginal": the same posterior, the group effects integrated out.'
# What is to be mended in the model before any program is chosen.
_MODEL = (CONFLICT, "far from zero")
# A predictor this many sds from zero is the cause, whatever else looks like one.
_VERY_FAR = 10.0
_MORE = "take more draws (and as long a warm-up), and look at the trace picture."


def find_causes(evidence: Evidence) -> tuple[Cause, ...]:
    """Find what explains a failed fit, and what is true of the model besides.

    Parameters
    ----------
    evidence : Evidence
        Of one fit.

    Returns
    -------
    tuple of Cause
        First those that explain failures, in the order in which they should be mended. A
        chain may be stuck in a funnel: where its sd is what the chains differ in, or
        divergences show it, the funnel is the cause.
    """
    exact = find_exact_fit(evidence) if evidence.failed else None
    if exact:
        return (exact,)
    remarks = _remarks(evidence)
    if not evidence.failed:
        return tuple(remarks)
    found = list(find_far_from_zero(evidence.design))
    apart = find_apart(evidence)
    first = [cause for cause in remarks if cause.kind == CONFLICT]
    # Data very far from zero make a geometry of their own, which goes away with it.
    far = any(cause.evidence["sds_from_zero"] > _VERY_FAR for cause in found)
    funnel = None if far else find_funnel(evidence)
    cut = find_cut_off(evidence)
    few = None if cut else find_too_few_draws(evidence)
    short = None if few else find_short_run(evidence)
    if short:
        found.append(short)
    elif funnel and (
        apart is None
        or apart.parameter == funnel.parameter
        or evidence.diverges_below(funnel.parameter)
    ):
        found.append(funnel)
    elif apart:
        found.append(apart)
    else:
        strong = None if found else find_strong_data(evidence)
        found += [*find_ridges(evidence), *(c for c in (strong, cut, few) if c)]
    found += [cause for cause in remarks if cause.explains and cause not in first]
    return (*first, *found, *(cause for cause in remarks if not cause.explains))


def _remarks(evidence: Evidence) -> list[Cause]:
    """Find what is true of the model; a prior at fault is named, and not what it does.

    Other remarks would be about a posterior that such a prior has pulled off the data.
    """
    conflicts = list(find_conflicts(evidence))
    if conflicts:
        return conflicts
    boundary = find_boundary(evidence)
    if evidence.failed:  # how near to zero draws come is what a failed fit gets wrong
        boundary = (cause for cause in boundary if cause.explains)
    remarks = [*boundary, *find_prior_dominated(evidence)]
    return [*remarks, *find_weak_identification(evidence)]


def advise_in_words(
    evidence: Evidence, causes: tuple[Cause, ...]
) -> tuple[str, tuple[str, ...]]:
    """Say what to do about a failed fit.

    Parameters
    ----------
    evidence : Evidence
        Of one fit.
    causes : tuple of Cause
        From `find_causes`.

    Returns
    -------
    str
        Advice; empty for a sound fit. Where no cause is clear it says so, and gives the
        general step.
    tuple of str
        Programs that it speaks for, best first.
    """
    if not evidence.failed:
        return "", ()
    explaining = [cause for cause in causes if cause.explains]
    if explaining and explaining[0].kind == EXACT:
        return explaining[0].advice, ()
    data = mend_first(causes)
    rest = [c.advice for c in explaining if c.kind not in _MODEL and c.advice]
    told = " ".join(rest) if rest else _general(evidence, known=bool(explaining))
    programs = [cause.program for cause in explaining if cause.program]
    if evidence.marginal_available:
        programs.insert(0, "marginal")
        told = f"{_MARGINAL} With them as parameters: {told[:1].lower()}{told[1:]}"
    if data:
        told = f"Where that is not enough: {told[:1].lower()}{told[1:]}"
    return f"{data} {told}".strip(), tuple(dict.fromkeys(programs))


def mend_first(causes: tuple[Cause, ...]) -> str:
    """Say what is to be mended in the model before any program is chosen."""
    told = [cause.advice for cause in causes if cause.explains and cause.kind in _MODEL]
    return " ".join(dict.fromkeys(told))


def general_step(divergences: int, adapt_delta: float) -> str:
    """Return the step that is right when nothing better is known."""
    closer = 0.99 if adapt_delta < 0.985 else 0.999
    if not divergences or adapt_delta >= closer:
        return _MORE
    return f"raise adapt_delta ({closer}), {_MORE}"


def _general(evidence: Evidence, *, known: bool) -> str:
    """Return the step that is right when nothing better is known."""
    step = general_step(evidence.divergences, evidence.samples.settings.adapt_delta)
    return f"{step[:1].upper()}{step[1:]}" if known else f"No clear cause: {step}"
