"""Data without noise, as the cause of a fit that fails."""

from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.noise import remedy, without_noise

KIND = "exact fit"


def find_exact_fit(evidence: Evidence) -> Cause | None:
    """Find a response that the design determines; see `hierstan.noise.without_noise`."""
    if evidence.prior_only:
        return None
    complete = evidence.program.pooling == "complete"
    found = without_noise(evidence.design, () if complete else evidence.design.factors)
    if found is None:
        return None
    share, text = found
    advice = remedy(evidence.design)
    return Cause(KIND, "sigma", True, {"residual_share": share}, text, advice)
