"""Prior scales of one model, as numbers and in words."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Any

from hierstan.design import Design, Floats
from hierstan.errors import PriorError
from hierstan.priors.distributions import (
    LKJ,
    Distribution,
    HalfStudentT,
    Normal,
    read_distribution,
)
from hierstan.priors.names import Parameter, find, parameters


@dataclass(frozen=True, eq=False)
class Priors:
    """Priors of one model, in the user's units.

    Normal for coefficients, half-Student-t for standard deviations, LKJ for correlation
    matrices. All scales are on the sd scale of y per unit of the column concerned, and an
    infinite one is a flat prior.

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
    tau_df, tau_scale : ndarray, shape (K,)
        Half-Student-t priors of the group standard deviations; 1 degree of freedom is
        half-Cauchy, infinitely many are half-normal.
    sigma_df, sigma_scale : float
        Half-Student-t prior of the residual standard deviation.
    eta : ndarray, shape (F,)
        LKJ shape of the correlation matrix of each group term; 1 is uniform.
    named : tuple of str
        Parameters whose prior was set by name and not by the preset.
    """

    name: str
    x_center: Floats
    beta_location: Floats
    beta_scale: Floats
    gamma_location: Floats
    gamma_scale: Floats
    tau_df: Floats
    tau_scale: Floats
    sigma_df: float
    sigma_scale: float
    eta: Floats
    named: tuple[str, ...] = ()

    @property
    def centred(self) -> bool:
        """Whether the intercept's prior is about the response at average predictors."""
        return bool(self.x_center.any())

    def parameters(self, design: Design) -> tuple[Parameter, ...]:
        """List everything that has a prior, by name; see `hierstan.priors.parameters`."""
        return parameters(design, centred=self.centred)

    def of(self, parameter: Parameter) -> Distribution:
        """Return the prior of one parameter."""
        k = parameter.index
        match parameter.role:
            case "beta":
                return Normal(float(self.beta_location[k]), float(self.beta_scale[k]))
            case "gamma":
                return Normal(float(self.gamma_location[k]), float(self.gamma_scale[k]))
            case "tau":
                return HalfStudentT(float(self.tau_df[k]), float(self.tau_scale[k]))
            case "sigma":
                return HalfStudentT(self.sigma_df, self.sigma_scale)
            case "eta":
                return LKJ(float(self.eta[k]))

    def describe(self, design: Design, digits: int | None = 3) -> dict[str, str]:
        """Write every prior as a distribution.

        Parameters
        ----------
        design : Design
            The design they were made for, which knows the names.
        digits : int, optional
            Significant digits of the numbers a preset chose; None for all of them. What
            was set by name is written as it was set.

        Returns
        -------
        dict
            Parameter, as tables name it, to its prior, such as
            ``"half-student-t(3, 0.819)"``. With ``digits=None`` the dict, passed as
            `priors` to `hierstan.Model` beside the same preset, sets the same priors.
        """
        return {
            parameter.name: self.of(parameter).text(
                None if parameter.name in self.named else digits
            )
            for parameter in self.parameters(design)
        }

    def set(self, design: Design, distributions: Mapping[str, str]) -> "Priors":
        """Return a copy with some priors set by name.

        Parameters
        ----------
        design : Design
            The design they were made for.
        distributions : mapping of str to str
            Names as `describe` gives them, or ``sd(factor)``, ``coef(factor)`` and
            ``corr(factor)`` for all of a factor, which a more exact name overrides; and
            distributions as `hierstan.priors.distributions.read_distribution` reads them.

        Returns
        -------
        Priors
            What is not named stays as it is.

        Raises
        ------
        PriorError
            When there is no such parameter, two names mean the same one, or a distribution
            cannot be read or does not suit its parameter.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model("log_radon ~ floor + (floor || county)", hs.data.radon())
        >>> changed = model.priors.set(
        ...     model.design,
        ...     {"sd(county)": "half-normal(1)", "sd(floor | county)": "half-normal(2)"},
        ... ).describe(model.design)
        >>> changed["sd(Intercept | county)"], changed["sd(floor | county)"]
        ('half-normal(1)', 'half-normal(2)')
        """
        listed = self.parameters(design)
        meant = {name: find(name, listed) for name in distributions}
        values: dict[str, Any] = {
            field.name: copy(getattr(self, field.name)) for field in fields(self)
        }
        chosen: dict[Parameter, str] = {}
        # Whole factors first, so that single parameters have the last word.
        for name in sorted(meant, key=lambda name: len(meant[name]) == 1):
            for parameter in meant[name]:
                rival = chosen.get(parameter)
                if rival is not None and len(meant[rival]) == len(meant[name]):
                    raise PriorError(
                        f"The names {rival!r} and {name!r} mean the same parameter; set "
                        "its prior once."
                    )
                chosen[parameter] = name
        for parameter, name in chosen.items():
            prior = read_distribution(distributions[name], parameter.kind, parameter.name)
            _put(values, parameter, prior)
        named = {*self.named, *(parameter.name for parameter in chosen)}
        values["named"] = tuple(p.name for p in listed if p.name in named)
        return replace(self, **values)


def _put(values: dict[str, Any], parameter: Parameter, prior: Distribution) -> None:
    """Write a distribution into the arrays."""
    k, role = parameter.index, parameter.role
    match prior:
        case Normal(location, scale):
            values[f"{role}_location"][k], values[f"{role}_scale"][k] = location, scale
        case HalfStudentT(df, scale) if role == "sigma":
            values["sigma_df"], values["sigma_scale"] = df, scale
        case HalfStudentT(df, scale):
            values["tau_df"][k], values["tau_scale"][k] = df, scale
        case LKJ(eta):
            values["eta"][k] = eta
