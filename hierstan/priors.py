"""Prior scales: the autoscaled default, the presets, and how they read in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hierstan.design import Design, Floats
from hierstan.errors import PriorError


@dataclass(frozen=True, eq=False)
class Priors:
    """Priors of one model, in the user's units.

    Normal for coefficients, half-Student-t for standard deviations, LKJ for correlation
    matrices. All scales are on the sd scale of y per unit of the column concerned.

    Attributes
    ----------
    name : str
        Preset they came from.
    x_center : ndarray, shape (P,)
        Taken off the columns of X before priors apply: with the column means, the
        intercept's prior is about the response at average predictors; with zeros, at
        predictors equal to zero.
    beta_location, beta_scale : ndarray, shape (P,)
        Normal priors of the population coefficients (of centred columns).
    gamma_location, gamma_scale : ndarray, shape (K,)
        Normal priors of the group coefficients of the unpooled program, one per effect.
    tau_df, tau_scale : float, ndarray of shape (K,)
        Half-Student-t priors of the group standard deviations.
    sigma_df, sigma_scale : float
        Half-Student-t prior of the residual standard deviation.
    eta : ndarray, shape (F,)
        LKJ shape of the correlation matrix of each group term; 1 is uniform.
    """

    name: str
    x_center: Floats
    beta_location: Floats
    beta_scale: Floats
    gamma_location: Floats
    gamma_scale: Floats
    tau_df: float
    tau_scale: Floats
    sigma_df: float
    sigma_scale: float
    eta: Floats

    def describe(self, design: Design) -> dict[str, str]:
        """Write every prior as a distribution.

        Parameters
        ----------
        design : Design
            The design they were made for, which knows the names.

        Returns
        -------
        dict
            Parameter, as tables name it, to its prior, such as
            ``"half-Student-t(3, 0, 0.819)"``.
        """
        lines = {
            name
            + (
                " (at average predictors)" if name == "Intercept" and centred else ""
            ): f"normal({location:.3g}, {scale:.3g})"
            for name, location, scale, centred in zip(
                design.terms,
                self.beta_location,
                self.beta_scale,
                [bool(self.x_center.any())] * design.P,
                strict=True,
            )
        }
        for k, (factor, effect) in enumerate(design.effects):
            lines[f"{effect} | {factor.name} (unpooled)"] = (
                f"normal({self.gamma_location[k]:.3g}, {self.gamma_scale[k]:.3g})"
            )
            lines[f"sd({effect} | {factor.name})"] = _half_t(self.tau_df, self.tau_scale[k])
        for f, (factor, size) in enumerate(design.group_terms):
            if size > 1:
                lines[f"corr({factor.name})"] = f"LKJ({self.eta[f]:g})"
        lines["sigma"] = _half_t(self.sigma_df, self.sigma_scale)
        return lines


def default_priors(design: Design) -> Priors:
    """Return weakly informative priors that adapt to the units of y and X.

    With s = sd(y) and s_k the sd of column k (1 for an indicator of the intercept):
    the intercept, at average predictors, is normal(mean(y), 2.5 s); other coefficients
    are normal(0, 2.5 s / s_k), as rstanarm scales them. tau_k is half-Student-t(3, 0,
    s / s_k) and sigma half-Student-t(3, 0, s), which are finite at zero and heavy in the
    tail (Gelman 2006, doi:10.1214/06-BA117A). Correlation matrices are uniform, LKJ(1).

    The unpooled program gives each group the prior of the population coefficient of the
    same name. Group intercepts, unlike the population's, are at predictors equal to zero,
    which may be far from the data: their scales (of the unpooled intercept, and of its sd)
    are widened to what the priors of intercept and slopes imply there.

    Parameters
    ----------
    design : Design
        Supplies the scales.

    Returns
    -------
    Priors
        Rescaling y or a column rescales them, so the posterior follows the units.
    """
    s = float(np.std(design.y, ddof=1))
    mean = float(np.mean(design.y))
    centred = design.has_intercept
    x_center = np.zeros(design.P)
    if centred:
        x_center[1:] = design.X[:, 1:].mean(axis=0)
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
        gamma_location=np.where(z_is_intercept, mean, 0.0),
        gamma_scale=gamma_scale,
        tau_df=3.0,
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
        tau_df=1.0,
        tau_scale=np.full(K, 5.0),
        sigma_df=1.0,
        sigma_scale=5.0,
        eta=np.ones(len(design.group_terms)),
    )


PRESETS: Mapping[str, Callable[[Design], Priors]] = MappingProxyType(
    {"default": default_priors, "seeds": seeds_priors}
)


def resolve_priors(priors: str | Priors | None, design: Design) -> Priors:
    """Turn what a user may pass as priors into priors for a design.

    Parameters
    ----------
    priors : str, Priors or None
        Name of a preset, priors made before, or None for the default.
    design : Design
        The design they are for.

    Returns
    -------
    Priors
        Checked against the design.

    Raises
    ------
    PriorError
        When the preset is unknown, or the shapes do not fit the design.
    """
    if isinstance(priors, Priors):
        shapes = (len(priors.beta_scale), len(priors.tau_scale), len(priors.eta))
        wanted = (design.P, len(design.effects), len(design.group_terms))
        if shapes != wanted:
            raise PriorError(
                f"These priors are for {shapes[0]} coefficients, {shapes[1]} effects and "
                f"{shapes[2]} group terms; the design has {wanted[0]}, {wanted[1]} and "
                f"{wanted[2]}."
            )
        return priors
    name = priors or "default"
    if name not in PRESETS:
        raise PriorError(f"There is no prior preset {name!r}; use {', '.join(PRESETS)}.")
    return PRESETS[name](design)


def _column_sd(matrix: Floats) -> Floats:
    """Sd of each column, or its root mean square where it does not vary."""
    sd = matrix.std(axis=0, ddof=1)
    level = np.sqrt(np.mean(matrix**2, axis=0))
    return np.asarray(np.where(sd > 1e-12 * level, sd, level))


def _half_t(df: float, scale: float) -> str:
    name = "half-Cauchy(" if df == 1 else f"half-Student-t({df:g}, "
    return f"{name}0, {scale:.3g})"
