"""Fits without Stan whose draws are independent and whose posterior is known exactly."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from dense_posterior import Theta, coefficients, effects, log_density
from synthetic import synthetic_fit

from hierstan.arviz_stats import convergence
from hierstan.design import Floats
from hierstan.draws import name_draws, reported
from hierstan.engines.base import Arrays
from hierstan.fit import Fit
from hierstan.priors import resolve_priors

Rows = npt.NDArray[np.int64]


def with_variables(fit: Fit, variables: Arrays) -> Fit:
    """Return a fit with other draws, by Stan's names, shape (chains, draws, ...).

    Its diagnostics stay those of the old draws: draws of a few values only, as here, are
    none that a sampler gives, and ArviZ 1.x refuses to weigh them for the diagnostics.
    """
    samples = replace(fit.samples, variables={**fit.samples.variables, **variables})
    draws = name_draws(fit.program, fit.design, samples.variables)
    statistics = convergence(reported(draws))
    return replace(fit, samples=samples, draws=draws, statistics=statistics)


@dataclass(frozen=True, eq=False)
class OnGrid:
    """A model with one effect of one factor, its sds restricted to a grid.

    So the posterior is a sum of normals, and so is the density of any rows given others.
    """

    formula: str
    data: pd.DataFrame
    taus: Floats
    sigmas: Floats
    draws: int = 1000
    chains: int = 4
    seed: int = 5

    @cached_property
    def empty(self) -> Fit:
        """The design, with draws that mean nothing."""
        return synthetic_fit(self.formula, self.data, chains=self.chains, draws=self.draws)

    @cached_property
    def thetas(self) -> list[Theta]:
        """All points of the grid; their prior is uniform."""
        one = (np.eye(1),)
        return [Theta(np.array([t]), one, float(s)) for t in self.taus for s in self.sigmas]

    def log_densities(self, rows: Rows) -> Floats:
        """Log density of some rows at each point, all else integrated out."""
        fit = self.empty
        return np.array(
            [log_density(fit.design, fit.priors, theta, rows) for theta in self.thetas]
        )

    @cached_property
    def everything(self) -> Floats:
        """The density of all rows at each point."""
        return self.log_densities(np.arange(self.empty.design.N))

    def given_others(self, rows: Rows) -> tuple[float, float]:
        """Log p(y_rows | the others), and the standard error of its estimate.

        The estimate is the mean over independent draws of theta, without smoothing, of
        1 / p(y_rows | the others, theta), whose inverse and logarithm are taken.
        """
        others = np.setdiff1d(np.arange(self.empty.design.N), rows)
        rest = self.log_densities(others)
        log_p = self.everything - rest
        posterior = np.exp(self.everything - self.everything.max())
        posterior /= posterior.sum()
        ratios = np.exp(log_p.min() - log_p)
        mean = posterior @ ratios
        spread = np.sqrt(posterior @ (ratios - mean) ** 2)
        error = spread / mean / np.sqrt(self.draws * self.chains)
        found = np.logaddexp.reduce(self.everything) - np.logaddexp.reduce(rest)
        return float(found), error

    @cached_property
    def fit(self) -> Fit:
        """Independent draws of everything from the exact posterior."""
        empty, rng = self.empty, np.random.default_rng(self.seed)
        design, priors = empty.design, empty.priors
        S = self.draws * self.chains
        posterior = np.exp(self.everything - self.everything.max())
        points = rng.choice(len(posterior), S, p=posterior / posterior.sum())
        beta, u = np.empty((S, design.P)), np.empty((S, design.factors[0].J))
        for point in np.unique(points):
            theta, mine = self.thetas[point], np.flatnonzero(points == point)
            normal = coefficients(design, priors, theta)
            beta[mine] = rng.multivariate_normal(*normal, size=len(mine))
            for k in mine:
                u[k] = rng.multivariate_normal(*effects(design, priors, theta, beta[k]))
        beta[:, 0] -= beta @ priors.x_center
        chosen = [self.thetas[point] for point in points]
        flat = {
            "beta": beta,
            "u": u,
            "tau": np.array([theta.tau for theta in chosen]),
            "sigma": np.array([theta.sigma for theta in chosen]),
        }
        shape = (self.chains, self.draws)
        return with_variables(
            empty, {name: v.reshape(*shape, *v.shape[1:]) for name, v in flat.items()}
        )


def constant_fit(
    formula: str,
    data: pd.DataFrame,
    program: str,
    *,
    priors: str = "default",
    **theta: Floats | float,
) -> Fit:
    """Return a fit whose draws of the variances are all the same."""
    fit = synthetic_fit(formula, data, program, draws=60)
    fit = replace(fit, priors=resolve_priors(priors, fit.design))
    shape = fit.samples.variables["sigma"].shape
    constant = {
        name: np.broadcast_to(value, (*shape, *np.shape(value))).copy()
        for name, value in theta.items()
    }
    return with_variables(fit, constant)
