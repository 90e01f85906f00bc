"""Group effects, and their moments, from draws of the variances alone.

Given tau, the correlations and sigma, all else in the marginal program is normal, with
moments in closed form. So effects are drawn, or averaged over, after sampling.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hierstan.design import Floats
from hierstan.engines.base import Arrays, Samples
from hierstan.marginal.block import DataBlock
from hierstan.marginal.elimination import Elimination, eliminate, in_steps


@dataclass(frozen=True, eq=False)
class EffectMoments:
    """Means and standard deviations of one factor's effects over a posterior.

    Attributes
    ----------
    mean, sd : ndarray, shape (Q, J)
        Of the group effects u.
    coef_mean, coef_sd : ndarray, shape (Q, J)
        Of the group coefficients beta + u.
    """

    mean: Floats
    sd: Floats
    coef_mean: Floats
    coef_sd: Floats


def with_effects(data: Mapping[str, Any], samples: Samples) -> Samples:
    """Add draws of u to a run of the marginal program.

    Parameters
    ----------
    data : mapping
        Its data block.
    samples : Samples
        The run; its seed makes the draws repeatable.

    Returns
    -------
    Samples
        With ``u``, and the time this took counted.
    """
    start = time.perf_counter()
    shape = samples.variables["sigma"].shape
    u = draw_effects(data, flatten(samples.variables), samples.settings.seed)
    return replace(
        samples,
        variables={**samples.variables, "u": u.reshape(*shape, -1)},
        seconds=samples.seconds + time.perf_counter() - start,
    )


def flatten(variables: Arrays) -> dict[str, Floats]:
    """Join the chains of what the other functions need."""
    draws = variables["sigma"].size
    # The engine leaves out what has no elements.
    nothing = np.zeros((draws, 0))
    return {
        name: variables[name].reshape(draws, -1) if name in variables else nothing
        for name in ("tau", "cpc", "sigma", "beta")
    }


def draw_effects(data: Mapping[str, Any], theta: Arrays, seed: int) -> Floats:
    """Draw the effects given each draw of everything else, the coarsest factor first.

    Parameters
    ----------
    data : mapping
        Data block of the marginal program.
    theta : mapping of str to ndarray, shape (draws, ...)
        From `flatten`.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    ndarray, shape (draws, sum of Q J)
        Effects laid out as ``u`` in the programs.
    """
    block = DataBlock(data)
    rng = np.random.default_rng([seed, 1])
    sizes = [Q * J for Q, J in zip(block.effects, block.levels, strict=True)]
    order = np.argsort(block.place)
    starts = {i: sum(sizes[k] for k in order[:rank]) for rank, i in enumerate(order)}
    out = np.empty((len(theta["sigma"]), sum(sizes)))
    for rows, some in in_steps(theta, block.width):
        found = eliminate(block, some, likelihood=False)
        known = np.concatenate([-block.inward(some["beta"]).T, np.ones((1, len(found.s)))])
        drawn: dict[int, Floats] = {}
        for i in reversed(range(len(block.levels))):
            step = found.steps[i]
            noise = rng.standard_normal(step.spread.shape[1:])
            u = np.einsum("abnj,bnj->anj", step.spread, noise) * found.s[:, None]
            u += np.einsum("avnj,vn->anj", step.slopes[:, -block.M :], known)
            left = 0
            for above in range(i + 1, len(block.levels)):
                coarser = drawn[above][:, :, block.parent(i, above)]
                slopes = step.slopes[:, left : left + len(coarser)]
                u -= np.einsum("avnj,vnj->anj", slopes, coarser)
                left += len(coarser)
            drawn[i] = u
            own = np.einsum("ab,bnj->naj", block.outward_effects(i), u)
            out[rows, starts[i] : starts[i] + sizes[i]] = own.reshape(len(own), -1)
    return out


def effect_moments(
    data: Mapping[str, Any], theta: Arrays, shares: Mapping[int, Floats]
) -> dict[int, EffectMoments]:
    """Average the exact moments of effects over draws of the variances (Rao-Blackwell).

    Nothing is drawn and nothing kept per draw: given the variances, beta is integrated out
    too (Gelfand and Smith 1990, doi:10.1080/01621459.1990.10476213).

    Parameters
    ----------
    data, theta : mapping
        As for `draw_effects`; ``beta`` is not used.
    shares : mapping of int to ndarray, shape (Q, P)
        For each factor, counted from the finest, the share of each population coefficient
        in each group coefficient: 1 for the one of the same name.

    Returns
    -------
    dict of int to EffectMoments
        Standard deviations hold the spread of the means and the mean of the variances.
    """
    block = DataBlock(data)
    P = block.M - 1
    slope, origin = block.outward()
    totals = {i: (_Running(), _Running()) for i in shares}
    width = block.width * (sum(block.effects) + P)
    for _, some in in_steps(theta, width):
        found = eliminate(block, some)
        for i, (mean, covariance) in enumerate(joint_moments(block, found)):
            if i not in shares:
                continue
            Q = block.effects[i]
            into = np.zeros((Q, covariance.shape[-1]))
            into[:, :Q] = block.outward_effects(i)
            for total, share in zip(totals[i], (0.0 * shares[i], shares[i]), strict=True):
                into[:, into.shape[1] - P :] = share @ slope
                centre = mean @ into.T + share @ origin
                spread = np.einsum("av,njvw,aw->nja", into, covariance, into)
                total.add(centre, spread)
    return {
        i: EffectMoments(*plain.moments(), *with_beta.moments())
        for i, (plain, with_beta) in totals.items()
    }


def coefficients(block: DataBlock, found: Elimination) -> tuple[Floats, Floats]:
    """Return mean (draws, P) and covariance of the coefficients of standardized X."""
    P = block.M - 1
    W = (found.products.sum(axis=1) + block.total) / found.s[
        :, None, None
    ] ** 2 + block.prior
    covariance = np.linalg.inv(W[:, :P, :P])
    return np.einsum("npq,nq->np", covariance, W[:, :P, P]), covariance


def joint_moments(block: DataBlock, found: Elimination) -> list[tuple[Floats, Floats]]:
    """Return moments of each factor's effects with all that they depend on.

    For each factor, from the finest, mean (draws, J, V) and covariance of its effects,
    then those of the coarser factors that its levels lie in, then coefficients of X.
    """
    beta, covariance = coefficients(block, found)
    joint: list[tuple[Floats, Floats]] = []
    for i in reversed(range(len(block.levels))):
        step, J = found.steps[i], block.levels[i]
        if joint:
            parent = block.parent(i, i + 1)
            up, up_cov = joint[0][0][:, parent], joint[0][1][:, parent]
        else:
            up = np.repeat(beta[:, None], J, axis=1)
            up_cov = np.repeat(covariance[:, None], J, axis=1)
        moves = -step.slopes[:, :-1].transpose(2, 3, 0, 1)
        mean = step.slopes[:, -1].transpose(1, 2, 0) + np.einsum("njav,njv->nja", moves, up)
        carried = moves @ up_cov
        spread = np.einsum("abnj,cbnj->njac", step.spread, step.spread)
        spread = spread * found.s[:, None, None, None] ** 2
        spread = spread + carried @ np.swapaxes(moves, -1, -2)
        top = np.concatenate([spread, carried], axis=-1)
        bottom = np.concatenate([np.swapaxes(carried, -1, -2), up_cov], axis=-1)
        joint.insert(
            0,
            (np.concatenate([mean, up], axis=-1), np.concatenate([top, bottom], axis=-2)),
        )
    return joint


class _Running:
    """Mean and variance over draws, in one pass (Chan, Golub and LeVeque 1983)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.squares: Any = 0.0

    def add(self, centres: Floats, variances: Floats) -> None:
        """Take in conditional means and variances, shape (draws, J, Q)."""
        mean = centres.mean(axis=0)
        total = self.count + len(centres)
        shift = mean - self.mean
        self.squares = (
            self.squares
            + np.sum((centres - mean) ** 2 + variances, axis=0)
            + shift**2 * self.count * len(centres) / total
        )
        self.mean = self.mean + shift * len(centres) / total
        self.count = total

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and standard deviation, shape (Q, J)."""
        return self.mean.T, np.sqrt(self.squares / self.count).T
