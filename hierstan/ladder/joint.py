"""Why one must not maximize over group effects: expectation versus mode."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from hierstan.design import Floats
from hierstan.engines.base import Engine, Mode
from hierstan.errors import InputError
from hierstan.frequentist import MixedFit
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances, parameters_of
from hierstan.ladder.density import read_variances
from hierstan.priors import resolve_priors
from hierstan.programs import get_program, initial_values, stan_data

# The sds of the fit times these: from ten times down to a millionth.
_SHARES = np.geomspace(10.0, 1e-6, 57)
# An sd below this part of the fitted one, and all of its effects, are on their way to zero.
_COLLAPSED = 0.01


@dataclass(frozen=True, eq=False)
class JointMode:
    """What maximizing over the group effects, too, comes to.

    Attributes
    ----------
    criterion : str
        ``"REML"`` or ``"ML"``: of the fit that the ray goes through.
    ray : pandas.DataFrame
        Along standard deviations that are ``share`` times the fitted ones, at the fitted
        sigma: ``joint``, the flat-prior density of the centered program, highest over
        beta and u, and ``marginal``, the likelihood with u integrated out.
    end : Mode
        Where Stan's optimizer stopped when let loose on the centered program.
    effects : pandas.DataFrame
        A row per standard deviation, by name, in units of the response per unit of the
        predictor: ``fitted``, ``reached`` by the optimizer, and ``farthest``, the largest
        distance from zero of its effects where the optimizer stopped.
    narrowest : dict of str to float
        By factor, the sd that was reached in relation to the fitted one, of the
        combination of effects where that is smallest.
    """

    criterion: str
    ray: pd.DataFrame
    end: Mode
    effects: pd.DataFrame
    narrowest: dict[str, float]

    @property
    def smallest_tau(self) -> float:
        """The smallest sd where the optimizer stopped."""
        return float(self.effects["reached"].min())

    @property
    def collapsed(self) -> str:
        """The sd that ran to zero with all of its effects; empty when none did.

        Evidence is that sd and effects are below a hundredth of the fitted sd.
        """
        size = self.effects[["reached", "farthest"]].max(axis=1) / self.effects["fitted"]
        return str(size.idxmin()) if size.min() < _COLLAPSED else ""

    @property
    def verdict(self) -> str:
        """Say in a few sentences what happened."""
        best = float(self.ray["marginal"].max())
        return (
            f"{self._stop()} With u integrated out the maximum is {best:,.2f}: that is "
            f"what {self.criterion} finds, and what a posterior mean averages over."
        )

    @property
    def description(self) -> str:
        """Say what the densities do along the ray."""
        joint = self.ray.set_index("share")["joint"].sort_index()
        change = float(joint.iloc[0] - np.interp(1.0, joint.index, joint))
        return (
            "From the fitted sds to a millionth of them the density with the effects at "
            f"their best {'rises' if change > 0 else 'falls'} by {abs(change):,.0f}; with "
            "the effects integrated out it has its maximum near the fitted ones."
        )

    def _stop(self) -> str:
        """Say where the optimizer stopped, and that it is no maximum."""
        density = f"a log density of {self.end.log_density:,.0f}"
        endless = "because the density of u grows without bound as the sd shrinks"
        ran = "Maximizing the centered density over the group effects u as well ran to"
        if name := self.collapsed:
            row = self.effects.loc[name]
            return (
                f"{ran} {name} = {row['reached']:.1e} ({row['fitted']:.3g} by "
                f"{self.criterion}), with all of its effects within {row['farthest']:.1e} "
                f"of zero, and {density}; it has no maximum, {endless}."
            )
        factor, share = min(self.narrowest.items(), key=lambda item: item[1])
        if share < _COLLAPSED:
            return (
                f"{ran} effects of {factor} that lie on a line or plane: the sd of one "
                f"combination of them is {share:.1e} of that by {self.criterion}. It has "
                f"{density}; it has no maximum, {endless}."
            )
        stops = " and ".join(
            f"{name} = {row['reached']:.3g} ({row['fitted']:.3g} by {self.criterion})"
            for name, row in self.effects.to_dict("index").items()
        )
        return (
            "Maximizing the centered density over the group effects u as well stopped at a "
            f"local optimum at best, {stops}, with {density}. The density has no maximum, "
            f"{endless}: along "
            f"the ray, at a millionth of the fitted sds, it is {self._far_down()}."
        )

    def _far_down(self) -> str:
        """Set the density at the end of the ray beside where the optimizer stopped."""
        value = float(self.ray.sort_values("share")["joint"].iloc[0])
        if value > self.end.log_density:
            return f"already {value:,.0f}"
        return f"still {value:,.0f}, as the groups are so distinct, and rises from there on"

    def __str__(self) -> str:
        """Return the verdict."""
        return self.verdict

    __repr__ = __str__


def joint_mode(mixed: MixedFit, engine: Engine, seed: int = 1) -> JointMode:
    """Let Stan's optimizer loose on the centered program, and show why it runs away.

    The joint density of u and tau is unbounded: with u = 0 it grows like tau^-J as tau
    goes to 0, while the residuals lose no more than what the groups explain.

    Parameters
    ----------
    mixed : MixedFit
        A fit with standard deviations above zero, which the ray goes through.
    engine : Engine
        What runs Stan.
    seed : int
        Of the start.

    Returns
    -------
    JointMode
        The ray, and the end.

    Raises
    ------
    InputError
        When the fit is singular: a ray through zero goes nowhere.
    EngineError
        When the toolchain or Stan is at fault.
    """
    if mixed.singular:
        raise InputError(
            f"The {mixed.criterion} fit is {mixed.verdict}. A ray through its standard "
            "deviations needs all of them above zero, and correlations short of one. Leave "
            "out the effects that do not vary."
        )
    design = mixed.design
    program = get_program("centered")
    data = stan_data(program, design, resolve_priors("flat", design))
    (start,) = initial_values(program, design, data, chains=1, seed=seed)
    end = engine.optimize("centered", data, start, seed)
    standard = Standard.of(design)
    rows = [_along(mixed, standard, float(share)) for share in _SHARES]
    reached = read_variances(design, data, end.variables)
    return JointMode(
        mixed.criterion,
        pd.DataFrame(rows),
        end,
        _effects(mixed, reached, end.variables["u"]),
        _narrowest(mixed, reached),
    )


def _effects(mixed: MixedFit, reached: Variances, u: Floats) -> pd.DataFrame:
    """Set the sds that were reached, and the size of their effects, beside the fit's."""
    factors = mixed.design.factors
    sizes = np.split(np.abs(u), np.cumsum([f.J * f.Q for f in factors])[:-1])
    farthest = [
        float(size.reshape(factor.Q, factor.J)[q].max())
        for factor, size in zip(factors, sizes, strict=True)
        for q in range(factor.Q)
    ]
    sds = [p for p in parameters_of(factors) if p.kind == "sd"]
    return pd.DataFrame(
        {
            "fitted": [sd.value(mixed.variances) for sd in sds],
            "reached": [sd.value(reached) for sd in sds],
            "farthest": farthest,
        },
        index=[sd.name for sd in sds],
    )


def _narrowest(mixed: MixedFit, reached: Variances) -> dict[str, float]:
    """Compare the covariances of each factor where they differ most: smallest eigenvalue.

    That of a fitted covariance's inverse times the one that was reached.
    """
    shares = {}
    for factor, fitted, Sigma in zip(
        mixed.design.factors, mixed.variances.Sigmas, reached.Sigmas, strict=True
    ):
        smallest = float(eigh(Sigma, fitted, eigvals_only=True)[0])
        shares[factor.name] = float(np.sqrt(max(smallest, 0.0)))  # rounding
    return shares


def _along(mixed: MixedFit, standard: Standard, share: float) -> dict[str, float]:
    """Evaluate both densities with all sds multiplied by a share."""
    design, fitted = mixed.design, mixed.variances
    Sigmas = tuple(share**2 * Sigma for Sigma in fitted.Sigmas)
    inside = standard.inward(Variances(Sigmas, fitted.sigma))
    solution = standard.solution(inside, reml=mixed.reml)
    residual = design.y - design.X @ solution.beta
    prior = 0.0
    for factor, u, Sigma in zip(design.factors, solution.u, Sigmas, strict=True):
        residual = residual - np.sum(factor.Z * u[factor.index], axis=1)
        prior += _normal(u, Sigma)
    joint = prior + _normal(residual[:, None], np.array([[fitted.sigma**2]]))
    return {"share": share, "joint": joint, "marginal": solution.loglik}


def _normal(values: Floats, covariance: Floats) -> float:
    """Sum of log densities N(0, covariance) of the rows of an array."""
    n, Q = values.shape
    root = np.linalg.cholesky(covariance)
    scaled = np.linalg.solve(root, values.T)
    logdet = 2 * np.sum(np.log(np.diag(root)))
    return -0.5 * float(n * (Q * np.log(2 * np.pi) + logdet) + np.sum(scaled**2))
