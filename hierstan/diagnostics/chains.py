"""The sampler's own record, chain by chain, and chains that do not agree."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from hierstan.arviz_stats import convergence, ebfmi
from hierstan.design import Floats
from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.limits import RHAT_LIMIT_GROUPS, population_series
from hierstan.engines.base import Samples

# Chains whose R-hat is above this are in different places. Slow mixing alone gets there
# with 38 effective draws of 4 chains: R-hat is about sqrt(1 + 8 / ESS).
APART = 1.1


def chain_table(samples: Samples) -> pd.DataFrame:
    """Return what the sampler recorded, chain by chain.

    Parameters
    ----------
    samples : Samples
        A run.

    Returns
    -------
    pandas.DataFrame
        A row per chain, counted from 0: ``divergences`` and ``treedepth_hits``
        (transitions), ``ebfmi``, ``acceptance_rate`` (mean), ``step_size`` and
        ``leapfrogs`` (gradients of all kept draws together); nan where the engine did not
        record it.
    """
    record = samples.sampler
    nothing = np.full(record["diverging"].shape, np.nan)
    limit = samples.settings.max_treedepth
    return pd.DataFrame(
        {
            "divergences": record["diverging"].sum(axis=1).astype(int),
            "treedepth_hits": (record["tree_depth"] >= limit).sum(axis=1),
            "ebfmi": ebfmi(record["energy"]),
            "acceptance_rate": record.get("acceptance_rate", nothing).mean(axis=1),
            "step_size": record.get("step_size", nothing)[:, -1],
            "leapfrogs": record.get("n_steps", nothing).sum(axis=1),
        }
    ).rename_axis("chain")


def energies(samples: Samples) -> tuple[Floats, Floats]:
    """Return the energy about its mean, and its steps from draw to draw, of every chain.

    Parameters
    ----------
    samples : Samples
        A run.

    Returns
    -------
    ndarray, shape (chains, draws)
        Energy less its chain's mean.
    ndarray, shape (chains, draws - 1)
        Its steps.
    """
    energy = samples.sampler["energy"]
    return energy - energy.mean(axis=1, keepdims=True), np.diff(energy, axis=1)


def find_apart(evidence: Evidence) -> Cause | None:
    """Find a chain that is stuck, or chains that are in several places.

    A chain is stuck when it does not move, or when without it R-hat of every population
    parameter is at most 1.05 and with it one is above 1.1. Without such a chain an R-hat
    above 1.1 is several modes only if every chain by itself mixes: R-hat of its halves
    stays below 1.05; else the chains are merely slow.
    """
    series = population_series(evidence.draws)
    chains = evidence.samples.settings.chains
    if chains < 2:
        return None
    still = np.array([[np.ptp(x) == 0 for x in v] for v in series.values()])
    rhat = evidence.parameters["rhat"].loc[list(series)]
    name = str(rhat.idxmax()) if rhat.notna().any() else next(iter(series))
    if still.any(axis=0).sum() == 1:
        chain = int(np.flatnonzero(still.any(axis=0))[0])
        name = next(n for n, row in zip(series, still, strict=True) if row[chain])
        return _stuck(chain, name, {"rhat": float(rhat[name])}, "has not moved")
    worst = float(rhat.max(skipna=False))
    if not worst > APART:
        return None
    if chains > 2:
        without = [_largest_rhat(series, np.arange(chains) != k) for k in range(chains)]
        chain = int(np.argmin(without))
        if without[chain] <= RHAT_LIMIT_GROUPS:
            distance = _distance(series[name], chain)
            numbers = {
                "rhat": worst, "rhat_without": without[chain], "distance": distance,
            }  # fmt: skip
            told = (
                f"is {abs(distance):.2g} sd {'above' if distance > 0 else 'below'} the "
                f"others in {name} (R-hat {worst:.2f} with it, {without[chain]:.2f} "
                "without)"
            )
            return _stuck(chain, name, numbers, told)
    alone = [_largest_rhat(series, np.arange(chains) == k) for k in range(chains)]
    if max(alone) <= RHAT_LIMIT_GROUPS:
        text = (
            f"The chains are in several places: R-hat of {name} is {worst:.2f}, while each "
            f"chain by itself is steady (R-hat of halves up to {max(alone):.2f})."
        )
        numbers = {"rhat": worst, "rhat_alone": max(alone)}
        return Cause("several modes", name, True, numbers, text, _RERUN)
    return None


_RERUN = (
    "Sample again with another seed and a longer warm-up (warmup=2000), and look at the "
    "trace picture; leave no chain out by hand."
)


def _stuck(chain: int, name: str, numbers: dict[str, float], told: str) -> Cause:
    text = f"Chain {chain} (counted from 0) {told}: it is stuck, or found another mode."
    return Cause("stuck chain", name, True, {"chain": chain, **numbers}, text, _RERUN)


def _largest_rhat(series: dict[str, Floats], chains: npt.NDArray[np.bool_]) -> float:
    """R-hat over some chains of the parameter where it is largest; inf for nan."""
    some = {name: (("chain", "draw"), values[chains]) for name, values in series.items()}
    found = convergence(xr.Dataset(some))["rhat"]
    return max(float(np.nan_to_num(value, nan=np.inf)) for value in found.values())


def _distance(values: Floats, chain: int) -> float:
    """How far a chain's mean is from that of the others, in their sd."""
    others = np.delete(values, chain, axis=0)
    return float((values[chain].mean() - others.mean()) / others.std())
