"""The exact posterior of a model with one factor, by quadrature over its variances.

Given (tau, sigma), coefficients and group effects are normal with moments in closed
form, so only the variances are left to integrate. Flat coefficients; independent effects.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hierstan.design import Design, Floats
from hierstan.frequentist.equations import solve
from hierstan.sums import Sums


@dataclass(frozen=True)
class Moments:
    """Posterior mean and sd of each quantity."""

    mean: dict[str, float]
    sd: dict[str, float]


def exact_posterior(
    design: Design,
    log_prior: Callable[[Floats, float], float],
    upper: list[float],
    sigma_range: tuple[float, float],
    nodes: int = 28,
) -> Moments:
    """Integrate by Gauss-Legendre over tau in (0, upper) and sigma in a range.

    `upper` and `sigma_range` must hold all but a negligible part of the posterior.
    """
    factor = design.factors[0]
    sums = Sums.of(design.y, design.X, [factor])
    x, w = np.polynomial.legendre.leggauss(nodes)
    axes = [(0.5 * top * (x + 1), 0.5 * top * w) for top in upper]
    low, high = sigma_range
    axes.append((0.5 * (high - low) * (x + 1) + low, 0.5 * (high - low) * w))
    grids = np.meshgrid(*(points for points, _ in axes), indexing="ij")
    weights = np.prod(np.meshgrid(*(weight for _, weight in axes), indexing="ij"), axis=0)
    thetas = np.stack([grid.ravel() for grid in grids], axis=1)
    logs, betas, variances = [], [], []
    for *tau, sigma in thetas:
        solution = solve(sums, [np.diag(np.square(tau))], float(sigma), reml=True)
        logs.append(solution.loglik + log_prior(np.array(tau), float(sigma)))
        betas.append(solution.beta)
        variances.append(np.diag(solution.beta_covariance))
    mass = np.exp(np.array(logs) - max(logs)) * weights.ravel()
    mass /= mass.sum()
    beta = np.array(betas)
    names = [f"sd({effect} | {factor.name})" for effect in factor.effects] + ["sigma"]
    mean = dict(zip(names, mass @ thetas, strict=True))
    second = dict(zip(names, mass @ thetas**2, strict=True))
    mean |= dict(zip(design.terms, mass @ beta, strict=True))
    second |= dict(zip(design.terms, mass @ (beta**2 + np.array(variances)), strict=True))
    sd = {name: float(np.sqrt(second[name] - mean[name] ** 2)) for name in mean}
    return Moments({name: float(value) for name, value in mean.items()}, sd)
