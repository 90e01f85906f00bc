"""The exact posterior of a model with nested factors, by quadrature over its variances.

Given theta (standard deviations, correlations, sigma), coefficients and group effects are
normal with moments in closed form, so only theta is left to integrate. The quadrature is
over ratios tau / sigma in place of tau: given these the likelihood is known for every
sigma at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hierstan.design import Design, Floats
from hierstan.frequentist.equations import criterion, solve
from hierstan.frequentist.variances import parameters_of
from hierstan.structure import chain
from hierstan.sums import Sums

Box = Sequence[Sequence[float]]


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
    """Integrate independent effects over tau in (0, upper) and sigma in a range.

    Coefficients are flat. `upper` and `sigma_range` must hold all but a negligible part of
    the posterior.
    """
    low, high = sigma_range

    def log_priors(thetas: Floats) -> Floats:
        return np.array([log_prior(theta[:-1], float(theta[-1])) for theta in thetas])

    box = [*((0.0, top / low) for top in upper), (low, high)]
    return Posterior(design, log_priors).moments(box, nodes)


class Posterior:
    """The posterior of theta with coefficients and effects integrated out.

    Points are ratios tau / sigma in the order of the formula, correlations, and sigma.

    Parameters
    ----------
    design : Design
        Factors nested in each other.
    log_priors : callable
        Of thetas, one per row: standard deviations, correlations, sigma.
    normal : tuple of ndarray, shape (P,), optional
        Locations and scales of the coefficients' normal priors; flat without.
    """

    def __init__(
        self,
        design: Design,
        log_priors: Callable[[Floats], Floats],
        normal: tuple[Floats, Floats] | None = None,
    ) -> None:
        self.terms, self.log_priors, self.normal = design.terms, log_priors, normal
        self.factors = design.factors
        self.parameters = parameters_of(design.factors)
        order = chain(design.factors)
        assert order is not None, "crossed factors are not integrated here"
        self.order = order
        self.sums = Sums.of(design.y, design.X, [design.factors[k] for k in order])

    @property
    def names(self) -> list[str]:
        """Coefficients, then theta."""
        return [*self.terms, *(parameter.name for parameter in self.parameters)]

    def thetas(self, ratios: Floats, sigmas: Floats) -> Floats:
        """Standard deviations, correlations and sigma of points that share all ratios."""
        scaled = [parameter.kind == "sd" for parameter in self.parameters[:-1]]
        rest = np.where(scaled, ratios * sigmas[:, None], ratios)
        return np.column_stack([rest, sigmas])

    def at(self, ratios: Floats, sigmas: Floats) -> tuple[Floats, Floats, Floats]:
        """Log densities of points, and means and variances of beta given each."""
        roots = [self._root(k, ratios) for k in self.order]
        found = criterion(self.sums, roots, reml=True)
        solution = solve(self.sums, [root @ root.T for root in roots], 1.0, reml=True)
        logs = np.array([found.loglik(float(sigma)) for sigma in sigmas])
        # A flat prior of tau is one of the ratio with this Jacobian.
        freedom = sum(parameter.kind == "sd" for parameter in self.parameters)
        logs += freedom * np.log(sigmas) + self.log_priors(self.thetas(ratios, sigmas))
        covariances = sigmas[:, None, None] ** 2 * solution.beta_covariance
        means = np.tile(solution.beta, (len(sigmas), 1))
        if self.normal is not None:
            # The prior's integral is a normal density of the estimate under a flat one.
            location, scale = self.normal
            spread = covariances + np.diag(scale**2)
            gap = solution.beta - location
            pull = np.linalg.solve(spread, np.tile(gap, (len(sigmas), 1))[..., None])[
                ..., 0
            ]
            logs -= 0.5 * (pull @ gap + np.linalg.slogdet(spread)[1])
            means = means - (covariances @ pull[..., None])[..., 0]
            covariances = covariances - covariances @ np.linalg.solve(spread, covariances)
        return logs, means, np.diagonal(covariances, axis1=1, axis2=2)

    def moments(self, box: Box, nodes: int) -> Moments:
        """Integrate by Gauss-Legendre; the box must hold the posterior.

        Ratios have their nodes on the scale of their square roots, on which their
        posteriors are less skewed, and still not infinitely far from zero.
        """
        scaled = [parameter.kind == "sd" for parameter in self.parameters[:-1]]
        ends = np.array(box[:-1], dtype=float)
        ends[scaled] = np.sqrt(ends[scaled])
        points, weights = product_rule(ends, nodes)
        weights = weights * np.prod(2.0 * points[:, scaled], axis=1)
        points[:, scaled] **= 2
        columns, own = product_rule(box[-1:], nodes)
        sigmas = columns[:, 0]
        found = [self.at(ratios, sigmas) for ratios in points]
        logs, betas, inner = (np.concatenate(part) for part in zip(*found, strict=True))
        mass = np.exp(logs - logs.max()) * np.outer(weights, own).ravel()
        mass /= mass.sum()
        thetas = np.concatenate([self.thetas(ratios, sigmas) for ratios in points])
        values = np.hstack([betas, thetas])
        mean = mass @ values
        # Deviations, not second moments, so that no digits cancel.
        variance = mass @ (values - mean) ** 2
        variance[: len(self.terms)] += mass @ inner
        return Moments(
            dict(zip(self.names, map(float, mean), strict=True)),
            dict(zip(self.names, map(float, np.sqrt(variance)), strict=True)),
        )

    def _root(self, k: int, ratios: Floats) -> Floats:
        """A root of the covariance of a factor's effects over sigma^2."""
        size = np.ones(self.factors[k].Q)
        Omega = np.eye(len(size))
        for parameter, value in zip(self.parameters[:-1], ratios, strict=True):
            if parameter.factor == k and parameter.kind == "sd":
                size[parameter.effects[0]] = value
            elif parameter.factor == k:
                a, b = parameter.effects
                Omega[a, b] = Omega[b, a] = value
        return np.asarray(size[:, None] * np.linalg.cholesky(Omega))


def product_rule(box: Box, nodes: int) -> tuple[Floats, Floats]:
    """Points, one per row, and weights of a product of Gauss-Legendre rules."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    halves = [0.5 * (high - low) for low, high in box]
    axes = [low + half * (x + 1) for half, (low, _) in zip(halves, box, strict=True)]
    points = np.stack([grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")], axis=1)
    grids = np.meshgrid(*(half * w for half in halves), indexing="ij")
    return points, np.prod(grids, axis=0).ravel()
