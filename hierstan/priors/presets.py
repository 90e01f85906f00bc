"""The presets: autoscaled, as the radon tutorials have them, and flat."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hierstan.design import Design, Floats
from hierstan.priors.scales import Priors
from hierstan.unpooled import unpooled_blocks


def default_priors(design: Design) -> Priors:
    """Return weakly informative priors that adapt to the units of y and X.

    With m and s the mean and sd of y, and s_k the sd of column k of X or Z:

    ======================================  ===================================
    Intercept, at average predictors        normal(m, 2.5 s)
    other population coefficients           normal(0, 2.5 s / s_k)
    sd of a group slope                     half-student-t(3, s / s_k)
    sd of a group intercept                 half-student-t(3, sqrt(s^2 + a^2))
    correlation matrices                    lkj(1), uniform
    sigma                                   half-student-t(3, s)
    unpooled group slope                    normal(0, 2.5 s / s_k)
    unpooled group intercept                normal(m, 2.5 sqrt(s^2 + b^2))
    ======================================  ===================================

    The first two are rstanarm's (its vignette "Prior Distributions", as of 2020). For
    standard deviations it has an exponential on sigma and a gamma on the total variance of
    a factor's effects; half-Student-t priors differ by being one per effect, finite at
    zero and heavy in the tail (Gelman 2006, doi:10.1214/06-BA117A). Another difference: a
    column that does not vary has its root mean square for s_k, where rstanarm has 1.

    Group intercepts, unlike the population's, are at predictors equal to zero, which may
    be far from the data. Their scales are widened to what intercept and slopes imply there
    together, through a^2 = sum (s m_k / s_k)^2 over the factor's slopes and b^2 the same
    over the columns of X, m_k being the column's mean.

    Parameters
    ----------
    design : Design
        Supplies the scales.

    Returns
    -------
    Priors
        Scales in the units of y and the columns: rescaling those rescales them, so the
        posterior follows.
    """
    s = float(np.std(design.y, ddof=1))
    mean = float(np.mean(design.y))
    x_center = _column_means(design)
    intercept = np.array([name == "Intercept" for name in design.terms], dtype=bool)
    beta_scale = 2.5 * s / _column_sd(design.X)
    beta_scale[intercept] = 2.5 * s
    z_is_intercept = np.array([name == "Intercept" for _, name in design.effects])
    z_sd = np.where(z_is_intercept, 1.0, _column_sd(design.Z))
    gamma_scale = 2.5 * s / z_sd
    at_zero = np.hypot.reduce(np.append(beta_scale[~intercept] * x_center[~intercept], 0.0))
    gamma_scale[z_is_intercept] = np.hypot(2.5 * s, at_zero)
    tau_scale = s / z_sd
    z_mean = design.Z.mean(axis=0)
    owner = np.repeat(np.arange(len(design.factors)), [f.Q for f in design.factors])
    for own in (owner == f for f in range(len(design.factors))):
        slopes = own & ~z_is_intercept
        tau_scale[own & z_is_intercept] = np.hypot.reduce(
            np.append(tau_scale[slopes] * z_mean[slopes], s)
        )
    return Priors(
        name="default",
        x_center=x_center,
        beta_location=np.where(intercept, mean, 0.0),
        beta_scale=beta_scale,
        gamma_location=np.where(z_is_intercept & ~_differences(design), mean, 0.0),
        gamma_scale=gamma_scale,
        tau_df=np.full(len(tau_scale), 3.0),
        tau_scale=tau_scale,
        sigma_df=3.0,
        sigma_scale=s,
        eta=np.ones(len(design.group_terms)),
    )


def seeds_priors(design: Design) -> Priors:
    """Return the fixed, very wide priors of the radon tutorials.

    Coefficients normal(0, 10^4) under partial and complete pooling, normal(0, 100) for
    every group when unpooled; standard deviations half-Cauchy(5); correlations LKJ(1),
    which the tutorials do not have. Nothing is centred and nothing follows the units:
    they were written for log radon.

    Parameters
    ----------
    design : Design
        Supplies the shapes only.

    Returns
    -------
    Priors
        The same scales for any data.
    """
    K = len(design.effects)
    return Priors(
        name="seeds",
        x_center=np.zeros(design.P),
        beta_location=np.zeros(design.P),
        beta_scale=np.full(design.P, 1e4),
        gamma_location=np.zeros(K),
        gamma_scale=np.full(K, 100.0),
        tau_df=np.ones(K),
        tau_scale=np.full(K, 5.0),
        sigma_df=1.0,
        sigma_scale=5.0,
        eta=np.ones(len(design.group_terms)),
    )


def flat_priors(design: Design) -> Priors:
    """Return no prior knowledge: every coefficient and standard deviation flat.

    Flat on the scale of the coefficient and of the sd, not of its logarithm or square;
    correlations LKJ(1), which is uniform over correlation matrices. The posterior then is
    the likelihood, normalized, if that is possible: `hierstan.propriety` refuses where it
    is not.

    Parameters
    ----------
    design : Design
        Supplies the shapes only.

    Returns
    -------
    Priors
        With infinite scales, which stand for flat.
    """
    K = len(design.effects)
    return Priors(
        name="flat",
        x_center=_column_means(design),
        beta_location=np.zeros(design.P),
        beta_scale=np.full(design.P, np.inf),
        gamma_location=np.zeros(K),
        gamma_scale=np.full(K, np.inf),
        tau_df=np.full(K, np.inf),
        tau_scale=np.full(K, np.inf),
        sigma_df=np.inf,
        sigma_scale=np.inf,
        eta=np.ones(len(design.group_terms)),
    )


PRESETS: Mapping[str, Callable[[Design], Priors]] = MappingProxyType(
    {"default": default_priors, "seeds": seeds_priors, "flat": flat_priors}
)


def _column_means(design: Design) -> Floats:
    """Means of the columns beside the intercept; zeros where there is no intercept."""
    means = np.zeros(design.P)
    if design.has_intercept:
        means[1:] = design.X[:, 1:].mean(axis=0)
    return means


def _column_sd(matrix: Floats) -> Floats:
    """Sd of each column, or its root mean square where it does not vary."""
    sd = matrix.std(axis=0, ddof=1)
    level = np.sqrt(np.mean(matrix**2, axis=0))
    return np.asarray(np.where(sd > 1e-12 * level, sd, level))


def _differences(design: Design) -> npt.NDArray[np.bool_]:
    """Tell which effects are differences from a baseline in the unpooled program."""
    differs = {
        (block.factor.name, name)
        for block in unpooled_blocks(design)
        if block.differs
        for name in block.names
    }
    return np.array([(f.name, name) in differs for f, name in design.effects], dtype=bool)
