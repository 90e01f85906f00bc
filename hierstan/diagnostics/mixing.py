"""A fit that mixes and needs nothing but more draws, and how many."""

import math

from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.limits import (
    EBFMI_LIMIT,
    ESS_PER_CHAIN,
    POPULATION,
    RHAT_LIMIT,
    RHAT_LIMIT_GROUPS,
)

# ESS is estimated to about a tenth at these sizes; what is advised has twice that to spare.
_MARGIN = 1.2
# Fewer effective draws than this say too little about mixing, and more kept draws a chain
# than this are no advice.
FEWEST, _MOST = 40, 20_000
# Share of the transitions cut off from which on that is why draws are too few.
_CUT = 0.1
# Iterations that Stan's three phases of adaptation take at their shortest: 75 + 25 + 50.
_ADAPTATION = 150


def find_too_few_draws(evidence: Evidence) -> Cause | None:
    """Find fits whose only fault is an ESS (and the R-hat that goes with it).

    R-hat is about sqrt(1 + 2 chains / ESS), so a short run of a sampler that mixes fails
    1.01 together with ESS; up to 1.05 it counts as the same finding. Nothing may diverge,
    E-BFMI must be in order, and the least effective quantity must have 40 effective draws,
    so that its ESS is known well enough to say how many draws are needed.
    """
    table, settings = evidence.parameters, evidence.samples.settings
    least = table[["ess_bulk", "ess_tail"]].min(axis=1, skipna=False)
    smallest = float(least.min(skipna=False))
    if (
        not evidence.failed
        or evidence.divergences
        or not evidence.chains["ebfmi"].min(skipna=False) >= EBFMI_LIMIT
        or not table["rhat"].max(skipna=False) <= RHAT_LIMIT_GROUPS
        or not smallest >= FEWEST
    ):
        return None
    worst = table["rhat"].where(table["variable"].isin(POPULATION)).max()
    # R-hat^2 - 1 falls as 1 / draws, like ESS grows.
    factor = max(evidence.least / smallest, (worst**2 - 1) / (RHAT_LIMIT**2 - 1), 1.0)
    needed = math.ceil(settings.draws * factor * _MARGIN / 100) * 100
    if needed > _MOST:
        return None
    name = str(least.idxmin())
    told = (
        f"{name} has {smallest:.0f} effective draws of "
        f"{settings.chains * settings.draws}, and {evidence.least} are wanted"
    )
    if smallest >= evidence.least:
        failing = table[table["failing"] != ""]
        name = str(failing["rhat"].idxmax())
        told = (
            f"R-hat is {failing['rhat'].max():.3f} for {name}, though all have at least "
            f"{smallest:.0f} effective draws"
        )
    text = f"The chains mix and are too short: {told}."
    advice = (
        f"Take draws={needed}"
        + (f" for each of the {settings.chains} chains" if settings.chains > 1 else "")
        + (f" after warmup={max(settings.warmup, 1000)}" if settings.warmup < 1000 else "")
        + "."
    )
    numbers = {"ess": smallest, "wanted": float(evidence.least), "draws_needed": needed}
    return Cause("too few draws", name, True, numbers, text, advice)


def find_cut_off(evidence: Evidence) -> Cause | None:
    """Find trajectories that end at the limit of their depth, before they turn.

    Draws are then closer together than the sampler would have them. A tenth of all
    transitions counts.
    """
    settings = evidence.samples.settings
    total = settings.chains * settings.draws
    hits = int(evidence.chains["treedepth_hits"].sum())
    if not hits > _CUT * total:
        return None
    depth = settings.max_treedepth
    text = (
        f"{hits} of {total} trajectories were cut off at depth {depth} (2^{depth} steps), "
        "before they had gone as far as they would."
    )
    advice = f"Set max_treedepth={max(depth + 2, 10)}; each step of it doubles the time."
    return Cause("cut off", "", True, {"hits": float(hits)}, text, advice)


def find_short_run(evidence: Evidence) -> Cause | None:
    """Find failed runs too short to tell why they failed.

    With fewer draws a chain than the effective draws that are wanted of it (100), or a
    warm-up shorter than Stan's adaptation (150 iterations), a sampler that suits the
    posterior fails as well, and what its draws look like is chance.
    """
    settings = evidence.samples.settings
    short = []
    if settings.warmup < _ADAPTATION:
        short.append(f"a warm-up of {settings.warmup} (adaptation takes {_ADAPTATION})")
    if settings.draws < ESS_PER_CHAIN:
        short.append(
            f"{settings.draws} draws a chain ({ESS_PER_CHAIN} effective ones are wanted)"
        )
    if not evidence.failed or not short:
        return None
    smallest = float(evidence.parameters["ess_bulk"].min(skipna=False))
    text = (
        f"The run is too short to tell more: {' and '.join(short)}; the smallest ESS is "
        f"{smallest:.0f}."
    )
    warmup, draws = max(settings.warmup, 1000), max(settings.draws, 1000)
    advice = f"Sample again with warmup={warmup} and draws={draws}."
    numbers = {
        "warmup": float(settings.warmup), "draws": float(settings.draws), "ess": smallest,
    }  # fmt: skip
    return Cause("too few draws", "", True, numbers, text, advice)
