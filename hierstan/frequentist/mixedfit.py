"""A fitted mixed model, with the numbers its users expect from lme4."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from hierstan.design import Design, Factor, Floats
from hierstan.digits import to_text
from hierstan.estimates import Correlation, Estimates, Value
from hierstan.frequentist.equations import Solution
from hierstan.frequentist.variances import Variances, parameters_of
from hierstan.prediction.new_data import Groups
from hierstan.prediction.predict import predict_point
from hierstan.progress import SILENT, Progress

if TYPE_CHECKING:
    from hierstan.frequentist.bootstrap import Bootstrap
    from hierstan.frequentist.profile import Profile


@dataclass(frozen=True, eq=False)
class FactorFit:
    """What a mixed model says about one grouping factor.

    Attributes
    ----------
    factor : Factor
        The factor.
    tau : ndarray, shape (Q,)
        Standard deviations of its effects.
    Omega : ndarray, shape (Q, Q)
        Their correlations.
    u : ndarray, shape (J, Q)
        Best linear unbiased predictions of its effects (BLUPs).
    u_covariance : ndarray, shape (J, Q, Q)
        Their conditional variances, as lme4's ``condVar``.
    blup : ndarray, shape (J, Q)
        Group coefficients beta + u.
    """

    factor: Factor
    tau: Floats
    Omega: Floats
    u: Floats
    u_covariance: Floats
    blup: Floats


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A mixed-model fit, by statsmodels' MixedLM wherever it can take the model.

    Attributes
    ----------
    design : Design
        Formula and data.
    reml : bool
        Restricted maximum likelihood rather than maximum likelihood.
    variances : Variances
        Covariances of the effects of each factor, and sigma, in the data's units.
    solution : Solution
        Log likelihood, coefficients, predictions and covariances at these variances.
    errors : dict of str to float
        Standard errors of standard deviations and correlations from the observed
        information, by name; without those at their bound, which have none.
    singular : bool
        Whether some combination of effects has a standard deviation of zero.
    converged : bool
        True when the gradient leaves less than 1e-5 of log likelihood to be gained.
    gained : float
        Log likelihood that MixedLM had left and our own climb found; 0 when MixedLM
        arrived by itself, or was not asked.
    substitute : str or None
        Why the optimum is that of our own climb alone; None when MixedLM searched.
    log : tuple of str
        What statsmodels warned about on the way, for those who want to know.
    """

    design: Design
    reml: bool
    variances: Variances
    solution: Solution
    errors: dict[str, float]
    singular: bool
    converged: bool
    gained: float
    substitute: str | None
    log: tuple[str, ...]

    @property
    def criterion(self) -> str:
        """``"REML"`` or ``"ML"``."""
        return "REML" if self.reml else "ML"

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return self.variances.sigma

    @property
    def factors(self) -> tuple[FactorFit, ...]:
        """The grouping factors in the order of the formula."""
        return tuple(self[factor.name] for factor in self.design.factors)

    def __getitem__(self, name: str) -> FactorFit:
        """Return what the fit says about the factor of this name."""
        names = [factor.name for factor in self.design.factors]
        if name not in names:
            raise KeyError(f"no factor {name!r}; there are {', '.join(names)}")
        f = names.index(name)
        factor, Sigma = self.design.factors[f], self.variances.Sigmas[f]
        tau = np.sqrt(np.diag(Sigma))
        Omega = np.eye(factor.Q)
        for parameter in parameters_of(self.design.factors):
            if parameter.kind == "corr" and parameter.factor == f:
                a, b = parameter.effects
                Omega[a, b] = Omega[b, a] = parameter.value(self.variances)
        beta = dict(zip(self.design.terms, self.solution.beta, strict=True))
        population = np.array([beta.get(effect, 0.0) for effect in factor.effects])
        u = self.solution.u[f]
        covariance = self.solution.u_covariance[f]
        return FactorFit(factor, tau, Omega, u, covariance, u + population)

    @property
    def rescued(self) -> bool:
        """Whether MixedLM stopped short and was refitted."""
        return self.gained > 0

    @property
    def verdict(self) -> str:
        """One sentence on the state of the fit."""
        if not self.converged:
            told = (
                "did not converge: the gradient is not zero where the optimizer stopped, "
                "so neither estimates nor log likelihood can be trusted"
            )
        elif self.singular:
            told = f"singular: {self._bound()}"
        else:
            told = "converged"
        if self.rescued:
            told += (
                f" (rescued: MixedLM stopped {self.gained:.2g} of log likelihood short and "
                "was refitted)"
            )
        if self.substitute:
            told += (
                f" ({self.substitute}; the optimum is that of our own climb of the same "
                "likelihood)"
            )
        return told

    def _bound(self) -> str:
        """Say what is at its bound, and what that does and does not mean."""
        zero, one = [], []
        for parameter in parameters_of(self.design.factors):
            value = parameter.value(self.variances)
            if parameter.kind == "sd" and value == 0:
                zero.append(parameter.name)
            elif parameter.kind == "corr" and 1 - abs(value) < _ONE:
                one.append(f"{parameter.name} as {np.sign(value):.0f}")
        told = []
        if zero:
            told.append(
                f"{', '.join(zero)} estimated as zero; the data are explained as well "
                "without"
            )
        if one:
            told.append(
                f"{', '.join(one)}; the effects vary, but on one line, as far as the data "
                "tell"
            )
        if not told:
            told.append("some combination of effects does not vary")
        return "; ".join(told)

    def estimates(self) -> Estimates:
        """Summarize all parameters with standard errors.

        Coefficients have se (X' V^-1 X)^-1/2 and normal intervals, as lme4 prints them.
        Standard deviations and correlations have those of the observed information;
        intervals of the first are normal and end at zero, those of the second are normal
        on the atanh scale. Near a boundary both are rough: `profile` and `bootstrap` are
        not.
        """
        se = np.sqrt(np.diag(self.solution.beta_covariance))
        fixed = {
            name: _normal(float(b), float(s))
            for name, b, s in zip(self.design.terms, self.solution.beta, se, strict=True)
        }
        sd: dict[str, dict[str, Value]] = {f.name: {} for f in self.design.factors}
        corr: dict[str, list[Correlation]] = {
            f.name: [] for f in self.design.factors if f.pairs
        }
        for parameter in parameters_of(self.design.factors):
            if parameter.kind == "sigma":
                continue
            factor = self.design.factors[parameter.factor]
            estimate = parameter.value(self.variances)
            error = self.errors.get(parameter.name)
            effects = [factor.effects[q] for q in parameter.effects]
            if parameter.kind == "sd":
                sd[factor.name][effects[0]] = _positive(estimate, error)
            else:
                b, a = effects
                pair = Correlation(a, b, _bounded(estimate, error))
                corr[factor.name].append(pair)
        return Estimates(
            criterion=self.criterion,
            loglik=self.solution.loglik,
            converged=self.converged,
            singular=self.singular,
            rescued=self.rescued,
            fixed=fixed,
            sd=sd,
            corr={name: tuple(pairs) for name, pairs in corr.items()},
            sigma=_positive(self.sigma, self.errors.get("sigma")),
        )

    def predict(
        self, new_data: pd.DataFrame | None = None, *, groups: Groups = None
    ) -> "pd.Series[float]":
        """Predict expected values, BLUPs included; see `predict_point`."""
        effects = {fit.factor.name: fit.u for fit in self.factors}
        return predict_point(
            self.design, self.solution.beta, effects, new_data, groups=groups
        )

    def profile(
        self,
        level: float = 0.95,
        parameters: Iterable[str] | None = None,
        progress: Progress = SILENT,
    ) -> "Profile":
        """Return profile-likelihood intervals; see `profile_likelihood`."""
        from hierstan.frequentist.profile import profile_likelihood

        return profile_likelihood(self, level, parameters, progress)

    def bootstrap(
        self,
        n: int = 500,
        seed: int = 1,
        level: float = 0.95,
        progress: Progress = SILENT,
    ) -> "Bootstrap":
        """Return parametric-bootstrap intervals; see `bootstrap`."""
        from hierstan.frequentist.bootstrap import bootstrap

        return bootstrap(self, n, seed, level, progress)

    def __str__(self) -> str:
        """Return a table of the estimates under the verdict on them."""
        table = to_text(self.estimates().to_frame())
        by = "Mixed model" if self.substitute else "MixedLM"
        return (
            f"{self.design.formula.text}\n{by} ({self.criterion}), log likelihood "
            f"{self.solution.loglik:.4f}: {self.verdict}\n{table}"
        )

    __repr__ = __str__


_Z = float(stats.norm.ppf(0.975))
_ONE = 1e-6  # a correlation this close to one is at its bound


def _normal(estimate: float, se: float) -> Value:
    return Value(estimate, se, estimate - _Z * se, estimate + _Z * se)


def _positive(estimate: float, se: float | None) -> Value:
    if se is None or estimate == 0:
        return Value(estimate)
    return Value(estimate, se, max(0.0, estimate - _Z * se), estimate + _Z * se)


def _bounded(estimate: float, se: float | None) -> Value:
    if se is None or abs(estimate) >= 1:
        return Value(estimate)
    center, reach = np.arctanh(estimate), _Z * se / (1 - estimate**2)
    return Value(
        estimate, se, float(np.tanh(center - reach)), float(np.tanh(center + reach))
    )
