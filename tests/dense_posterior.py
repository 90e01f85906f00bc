"""The Gaussian model written out with N x N matrices: slow, and hard to get wrong."""

from dataclasses import dataclass

import dense
import numpy as np
import numpy.typing as npt
from scipy import stats

from hierstan.design import Design, Floats
from hierstan.priors import Priors


@dataclass(frozen=True)
class Theta:
    """Standard deviations, a correlation matrix for every factor, and sigma."""

    tau: Floats
    Omegas: tuple[Floats, ...]
    sigma: float


def indicator(design: Design) -> Floats:
    """Z with a column for every effect of every level, laid out as u is."""
    columns = [
        np.where(factor.index == j, factor.Z[:, q], 0.0)
        for factor in design.factors
        for q in range(factor.Q)
        for j in range(factor.J)
    ]
    return np.column_stack(columns)


def effects_covariance(design: Design, theta: Theta) -> Floats:
    """Covariance matrix of u."""
    size = sum(factor.J * factor.Q for factor in design.factors)
    out = np.zeros((size, size))
    start = effect = 0
    for factor, Omega in zip(design.factors, theta.Omegas, strict=True):
        tau = theta.tau[effect : effect + factor.Q]
        block = np.kron(Omega * np.outer(tau, tau), np.eye(factor.J))
        stop = start + len(block)
        out[start:stop, start:stop] = block
        start, effect = stop, effect + factor.Q
    return out


def log_prior(priors: Priors, theta: Theta) -> float:
    """Half-Student-t and LKJ(1) priors for factors of at most two correlated effects."""
    scales = np.append(priors.tau_scale, priors.sigma_scale)
    df = np.append(np.broadcast_to(priors.tau_df, len(theta.tau)), priors.sigma_df)
    values = np.append(theta.tau, theta.sigma)
    proper = np.isfinite(scales)
    logs = stats.t(df[proper], 0, scales[proper]).logpdf(values[proper]) + np.log(2)
    return float(np.sum(logs))


def covariance(design: Design, theta: Theta) -> Floats:
    """V, of y given beta."""
    tau = np.split(theta.tau, np.cumsum([factor.Q for factor in design.factors])[:-1])
    Sigmas = [
        Omega * np.outer(own, own) for Omega, own in zip(theta.Omegas, tau, strict=True)
    ]
    return dense.covariance(design.factors, Sigmas, theta.sigma)


def coefficients(design: Design, priors: Priors, theta: Theta) -> tuple[Floats, Floats]:
    """Mean and covariance of the coefficients of centred X given y, u integrated out."""
    X = design.X - priors.x_center
    V = covariance(design, theta)
    precision = np.diag(1.0 / priors.beta_scale**2)
    inverse = np.linalg.inv(X.T @ np.linalg.solve(V, X) + precision)
    right = X.T @ np.linalg.solve(V, design.y) + precision @ priors.beta_location
    return inverse @ right, inverse


def effects(
    design: Design, priors: Priors, theta: Theta, beta_centered: Floats
) -> tuple[Floats, Floats]:
    """Mean and covariance of u given y and beta."""
    Z, Sigma = indicator(design), effects_covariance(design, theta)
    gain = np.linalg.solve(covariance(design, theta), Z @ Sigma).T
    residual = design.y - (design.X - priors.x_center) @ beta_centered
    return gain @ residual, Sigma - gain @ Z @ Sigma


def log_density(
    design: Design, priors: Priors, theta: Theta, rows: npt.NDArray[np.int64]
) -> float:
    """Log density of some rows, u and beta integrated out."""
    X = design.X - priors.x_center
    V = covariance(design, theta) + X @ np.diag(priors.beta_scale**2) @ X.T
    normal = stats.multivariate_normal(
        (X @ priors.beta_location)[rows], V[np.ix_(rows, rows)]
    )
    return float(normal.logpdf(design.y[rows]))
