"""Where groups are, by their own rows, by the population, and by both: two effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hierstan.design import Factor, Floats
from hierstan.errors import InputError
from hierstan.fit import Fit
from hierstan.prediction.levels import find_levels
from hierstan.prediction.simulate import Posterior
from hierstan.shrinkage.information import GroupInformation, group_information
from hierstan.shrinkage.predictors import LevelPredictor, covariance_root

_SHOWN = 6
# Multiples of Sigma along the path; the ends are what they come close to.
_MULTIPLES = np.logspace(-5, 5, 121)


@dataclass(frozen=True, eq=False)
class Region:
    """One group: two of its coefficients, in units of y per unit of the effect's column.

    Attributes
    ----------
    level : str
        The group.
    n : int
        Its rows.
    own : ndarray, shape (2,)
        Estimate from its own rows. Where they do not determine it, the one among all that
        fit as well that is nearest to `pooled` in fitted values.
    information : ndarray, shape (2, 2)
        Inverse covariance of `own`, with any other effects of the group unknown; singular
        where `own` is not determined.
    pooled : ndarray, shape (2,)
        What it is pulled towards.
    mean : ndarray, shape (2,)
        Posterior mean.
    covariance : ndarray, shape (2, 2)
        Posterior covariance.
    path : ndarray, shape (K, 2)
        From `pooled` towards `own`: beta + u for Sigma times 0, then times 1e-5 to 1e5.
    determined : bool
        Whether its own rows determine both coefficients.
    """

    level: str
    n: int
    own: Floats
    information: Floats
    pooled: Floats
    mean: Floats
    covariance: Floats
    path: Floats
    determined: bool


@dataclass(frozen=True, eq=False)
class Regions:
    """Some groups of a factor and the population they come from.

    Attributes
    ----------
    factor : str
        Name of the factor.
    response : str
        Name of the response.
    effects : tuple of str
        The two effects.
    groups : tuple of Region
        The groups.
    center : ndarray, shape (2,)
        Posterior mean of what groups are pulled towards, averaged over all levels.
    covariance : ndarray, shape (2, 2)
        Posterior mean of Sigma: how groups scatter about that.
    alike : bool
        Whether all levels are pulled towards the same value.
    """

    factor: str
    response: str
    effects: tuple[str, str]
    groups: tuple[Region, ...]
    center: Floats
    covariance: Floats
    alike: bool


@dataclass(frozen=True, eq=False)
class _Means:
    """Posterior means as a single draw: of beta and u, of each Sigma, and of sigma^2."""

    posterior: Posterior
    S: int = 1

    @property
    def beta(self) -> Floats:
        return np.asarray(self.posterior.beta.mean(axis=1, keepdims=True))

    @property
    def sigma(self) -> Floats:
        return np.asarray(np.sqrt(np.mean(self.posterior.sigma**2, keepdims=True)))

    def effects(self, factor: Factor) -> Floats:
        return np.asarray(self.posterior.effects(factor).mean(axis=0, keepdims=True))

    def Sigma(self, factor: Factor) -> Floats:
        root = self.posterior.root(factor)
        return np.asarray(np.einsum("acs,bcs->ab", root, root) / root.shape[2])

    def root(self, factor: Factor) -> Floats:
        return covariance_root(self.Sigma(factor))[:, :, None]


def shrinkage_regions(
    fit: Fit,
    factor: Factor,
    effects: Sequence[str] | None = None,
    levels: Any = None,
) -> Regions:
    """Describe groups by the ellipses of two effects.

    At the posterior means of beta, of the effects of other factors, of Sigma and of
    sigma^2: the group's own estimate with its information S_j, and the path that beta + u
    takes when Sigma is multiplied by t,

        pooled + (S_j + (t Sigma)^-1)^-1 S_j (own - pooled),

    from what it is pulled towards (t = 0) through partial pooling (t = 1) to its own
    estimate (t without bound). Along it, ellipses of the population's contours touch those
    of the group's information. The posterior mean is near its point with t = 1, not on it:
    it averages over all parameters.

    Parameters
    ----------
    fit : Fit
        A fit with partial pooling.
    factor : Factor
        A factor with two or more effects.
    effects : sequence of str, optional
        Two of them; by default the first two.
    levels : str, number or sequence of them, optional
        Groups to describe, by name or by value. By default six, from the most rows to the
        fewest, among which one that does not determine its coefficients, if there is one.

    Returns
    -------
    Regions
        Means, covariances and paths.

    Raises
    ------
    InputError
        When the factor has one effect only, or not these effects or levels.
    """
    chosen = _effects(factor, effects)
    determined = np.all(factor.determined()[:, chosen], axis=1)
    some = _levels(factor, determined, levels)
    posterior = fit.posterior
    point = _Means(posterior)
    found = group_information(fit.design, factor, point)
    predictor = LevelPredictor.of(fit.design, factor)
    pair = np.ix_(chosen, chosen)
    groups = []
    for j in some:
        draws = predictor.effects(posterior, slice(j, j + 1))
        draws = draws + predictor.pulled_towards(posterior, slice(j, j + 1))
        own, path = _path(found, j, point.root(factor)[:, :, 0], factor)
        groups.append(
            Region(
                level=factor.levels[j],
                n=int(factor.sizes[j]),
                own=own[chosen],
                information=_marginal(found.information[j], chosen),
                pooled=found.pooled[j, chosen],
                mean=draws[chosen, 0].mean(axis=1),
                covariance=np.cov(draws[chosen, 0]),
                path=path[:, chosen],
                determined=bool(determined[j]),
            )
        )
    return Regions(
        factor=factor.name,
        response=fit.design.formula.response,
        effects=(factor.effects[chosen[0]], factor.effects[chosen[1]]),
        groups=tuple(groups),
        center=found.pooled[:, chosen].mean(axis=0),
        covariance=point.Sigma(factor)[pair],
        alike=predictor.alike,
    )


def _effects(factor: Factor, effects: Sequence[str] | None) -> list[int]:
    """Return the positions of two effects."""
    there = ", ".join(map(repr, factor.effects))
    if factor.Q < 2:
        raise InputError(
            f"{factor.name!r} has one effect, {there}; ellipses take two, as in "
            f"(x | {factor.name}). Use hs.plot.shrinkage."
        )
    names = factor.effects[:2] if effects is None else tuple(effects)
    if len(set(names)) != 2 or not set(names) <= set(factor.effects):
        raise InputError(f"Name two effects of {factor.name!r}; it has {there}.")
    return [factor.effects.index(name) for name in names]


def _levels(factor: Factor, determined: npt.NDArray[np.bool_], levels: Any) -> list[int]:
    """Return the positions of the groups to describe."""
    if levels is not None:
        return find_levels(factor, levels)
    order = np.argsort(-factor.sizes, kind="stable")
    told, untold = order[determined[order]], order[~determined[order]]
    room = _SHOWN - bool(len(untold))
    spread = np.linspace(0, len(told) - 1, min(room, len(told))).astype(np.int64)
    return [*told[spread].tolist(), *untold[:1].tolist()]


def _path(
    found: GroupInformation, j: int, root: Floats, factor: Factor
) -> tuple[Floats, Floats]:
    """Return the own estimate, or the nearest that fits as well, and the path to it."""
    S, score = found.information[j], found.score[j]
    size = np.sqrt(np.mean(factor.Z**2, axis=0))
    scaled = np.linalg.pinv(S / np.outer(size, size), rcond=1e-10, hermitian=True)
    own = found.pooled[j] + scaled @ (score / size) / size
    A = root.T @ S @ root
    values, vectors = np.linalg.eigh(A)
    values = np.maximum(values, 0.0)
    turned = vectors.T @ (root.T @ score)
    # With t Sigma: root (I / t + A)^-1 root' score.
    moves = turned / (1.0 / _MULTIPLES[:, None] + values) @ vectors.T @ root.T
    path = np.vstack([np.zeros(len(score)), moves]) + found.pooled[j]
    return own, path


def _marginal(information: Floats, chosen: list[int]) -> Floats:
    """Return the information on some coefficients when the others are unknown."""
    rest = [q for q in range(len(information)) if q not in chosen]
    own = information[np.ix_(chosen, chosen)]
    if not rest:
        return own
    across = information[np.ix_(chosen, rest)]
    inverse = np.linalg.pinv(information[np.ix_(rest, rest)], rcond=1e-10, hermitian=True)
    return np.asarray(own - across @ inverse @ across.T)
