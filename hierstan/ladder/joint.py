"""Why one must not maximize over group effects: expectation versus mode."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierstan.design import Floats
from hierstan.engines.base import Engine, Mode
from hierstan.frequentist import MixedFit
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Variances
from hierstan.priors import resolve_priors
from hierstan.programs import get_program, initial_values, stan_data

# The sds of the fit times these: from ten times down to a millionth.
_SHARES = np.geomspace(10.0, 1e-6, 57)


@dataclass(frozen=True, eq=False)
class JointMode:
    """What maximizing over the group effects, too, comes to.

    Attributes
    ----------
    ray : pandas.DataFrame
        Along standard deviations that are ``share`` times the fitted ones, at the fitted
        sigma: ``joint``, the flat-prior density of the centered program, highest over
        beta and u, and ``marginal``, the likelihood with u integrated out.
    end : Mode
        Where Stan's optimizer stopped when let loose on the centered program.
    """

    ray: pd.DataFrame
    end: Mode

    @property
    def smallest_tau(self) -> float:
        """The smallest sd where the optimizer stopped."""
        return float(np.min(self.end.variables["tau"]))

    @property
    def verdict(self) -> str:
        """Say in a sentence what happened."""
        best = float(self.ray["marginal"].max())
        return (
            f"Maximizing the centered density over u as well ran to a sd of "
            f"{self.smallest_tau:.1e}, with every effect of its factor at zero, and a log "
            f"density of {self.end.log_density:,.0f}; it has no maximum, because the "
            "density of u grows without bound as the sd shrinks. With u integrated out "
            f"the maximum is {best:,.2f}: that is what REML and ML find, and what a "
            "posterior mean averages over."
        )

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
    """
    design = mixed.design
    program = get_program("centered")
    data = stan_data(program, design, resolve_priors("flat", design))
    (start,) = initial_values(program, design, data, chains=1, seed=seed)
    end = engine.optimize("centered", data, start, seed)
    standard = Standard.of(design)
    rows = [_along(mixed, standard, float(share)) for share in _SHARES]
    return JointMode(pd.DataFrame(rows), end)


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
