"""The mixed-model fit by statsmodels, with the numbers its users expect from lme4."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError
from hierstan.estimates import Correlation, Estimates, Value
from hierstan.frequentist.equations import Solution
from hierstan.frequentist.information import (
    gain_off_zero,
    is_singular,
    natural,
    observed_information,
)
from hierstan.frequentist.rescue import climb
from hierstan.frequentist.search import put_at_zero, search, without_effects
from hierstan.frequentist.standard import Standard

# Log likelihood still to be gained before a fit counts as short of its optimum.
SHORTFALL = 1e-5


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A mixed-model fit by statsmodels' MixedLM.

    Attributes
    ----------
    design : Design
        Formula and data.
    factor : Factor
        The grouping factor.
    reml : bool
        Restricted maximum likelihood rather than maximum likelihood.
    tau : ndarray, shape (Q,)
        Standard deviations of the effects.
    Omega : ndarray, shape (Q, Q)
        Their correlations.
    sigma : float
        Residual standard deviation.
    solution : Solution
        Coefficients, predictions (BLUPs) and covariances at these variances.
    errors : ndarray
        Standard errors of (tau, correlations, sigma) from the observed information; nan
        for what is at its bound, where there is none.
    singular : bool
        Whether some combination of effects has a standard deviation of zero.
    converged : bool
        True when the gradient leaves less than 1e-5 of log likelihood to be gained.
    gained : float
        Log likelihood that MixedLM had left and our own climb from there found; 0 when
        MixedLM arrived by itself.
    log : tuple of str
        What statsmodels warned about on the way, for those who want to know.
    """

    design: Design
    factor: Factor
    reml: bool
    tau: Floats
    Omega: Floats
    sigma: float
    solution: Solution
    errors: Floats
    singular: bool
    converged: bool
    gained: float
    log: tuple[str, ...]

    @property
    def criterion(self) -> str:
        """``"REML"`` or ``"ML"``."""
        return "REML" if self.reml else "ML"

    @property
    def blup(self) -> Floats:
        """Group coefficients beta + u, shape (J, Q)."""
        beta = dict(zip(self.design.terms, self.solution.beta, strict=True))
        population = np.array([beta.get(name, 0.0) for name in self.factor.effects])
        return np.asarray(self.solution.u[0] + population)

    @property
    def verdict(self) -> str:
        """One sentence on the state of the fit."""
        if not self.converged:
            return (
                "did not converge: the gradient is not zero where the optimizer stopped, "
                "so neither estimates nor log likelihood can be trusted"
            )
        told = "converged"
        if self.singular:
            told = (
                "singular: a standard deviation is estimated as zero or a correlation as "
                "one; the data are explained as well without it"
            )
        if self.rescued:
            told += (
                f" (rescued: MixedLM stopped {self.gained:.2g} of log likelihood short and "
                "was refitted from there)"
            )
        return told

    @property
    def rescued(self) -> bool:
        """Whether MixedLM stopped short and was refitted."""
        return self.gained > 0

    def estimates(self) -> Estimates:
        """Summarize all parameters with standard errors.

        Coefficients have se (X' V^-1 X)^-1/2 and normal intervals, as lme4 prints them.
        Standard deviations and correlations have those of the observed information;
        intervals of the first are normal and end at zero, those of the second are normal
        on the atanh scale. Near a boundary both are rough.
        """
        se = np.sqrt(np.diag(self.solution.beta_covariance))
        fixed = {
            name: _normal(float(b), float(s))
            for name, b, s in zip(self.design.terms, self.solution.beta, se, strict=True)
        }
        errors = [None if np.isnan(s) else float(s) for s in self.errors]
        Q = len(self.tau)
        sd = {
            name: _positive(float(t), s)
            for name, t, s in zip(self.factor.effects, self.tau, errors, strict=False)
        }
        pairs = tuple(
            Correlation(
                self.factor.effects[b],
                self.factor.effects[a],
                _bounded(float(self.Omega[a, b]), s),
            )
            for (a, b), s in zip(self.factor.pairs, errors[Q:-1], strict=True)
        )
        return Estimates(
            criterion=self.criterion,
            loglik=self.solution.loglik,
            converged=self.converged,
            singular=self.singular,
            rescued=self.rescued,
            fixed=fixed,
            sd={self.factor.name: sd},
            corr={self.factor.name: pairs} if self.factor.pairs else {},
            sigma=_positive(self.sigma, errors[-1]),
        )

    def __str__(self) -> str:
        """Return a table of the estimates under the verdict on them."""
        table = self.estimates().to_frame().to_string(float_format="{:.4g}".format)
        return (
            f"{self.design.formula.text}\nMixedLM ({self.criterion}), log likelihood "
            f"{self.solution.loglik:.4f}: {self.verdict}\n{table}"
        )


def fit_mixedlm(design: Design, *, reml: bool = True) -> MixedFit:
    """Fit a design with one grouping factor by statsmodels' MixedLM.

    statsmodels finds the variances. What it is known to get wrong is computed here from
    them: standard errors of the coefficients and of the variances, and whether it really
    arrived. Its warnings go into the fit's log, its state into one verdict.

    Parameters
    ----------
    design : Design
        Exactly one factor.
    reml : bool
        Restricted maximum likelihood (default) or maximum likelihood.

    Returns
    -------
    MixedFit
        Estimates on the standard deviation scale.

    Raises
    ------
    DataError
        When the design has several factors, the population columns explain the response
        exactly, or MixedLM finds no finite likelihood.
    """
    if len(design.factors) != 1:
        names = ", ".join(repr(factor.name) for factor in design.factors)
        raise DataError(
            f"MixedLM takes one grouping factor here; this formula has {names}."
        )
    factor = design.factors[0]
    standard = Standard.of(design, factor)
    inside, noise, log = search(standard, design.formula.text, reml=reml)
    state = _settle(design, standard, inside, noise, reml)
    gained = 0.0
    if state.shortfall >= SHORTFALL:
        before = standard.loglik(inside, noise, reml=reml)
        inside, noise = climb(standard, inside, noise, reml=reml)
        gained = standard.loglik(inside, noise, reml=reml) - before
        log.append(f"stopped {gained:.3g} of log likelihood short; refitted from there")
        state = _settle(design, standard, inside, noise, reml)
    log += [
        f"sd({factor.effects[q]}) put at zero, where the likelihood is as high"
        for q in state.zeroed
    ]
    reported = natural(state.Sigma, state.sigma, factor)
    Omega = np.eye(factor.Q)
    for (a, b), rho in zip(factor.pairs, reported[factor.Q : -1], strict=True):
        Omega[a, b] = Omega[b, a] = rho
    inside, noise = standard.inward(state.Sigma, state.sigma)
    return MixedFit(
        design=design,
        factor=factor,
        reml=reml,
        tau=reported[: factor.Q],
        Omega=Omega,
        sigma=state.sigma,
        solution=standard.solution(inside, noise, reml=reml),
        errors=state.errors,
        singular=bool(state.zeroed) or is_singular(inside, noise),
        converged=state.shortfall < SHORTFALL,
        gained=gained,
        log=tuple(log),
    )


@dataclass(frozen=True, eq=False)
class _State:
    """A point with what is known about it, in the data's units."""

    Sigma: Floats
    sigma: float
    zeroed: list[int]
    errors: Floats
    shortfall: float


def _settle(
    design: Design, standard: Standard, inside: Floats, noise: float, reml: bool
) -> _State:
    """Put sds at zero that belong there, and ask what is left to gain."""
    Sigma, sigma = standard.outward(inside, noise)
    Sigma, zeroed = put_at_zero(standard, Sigma, sigma, reml=reml)
    errors, shortfall = _errors(design, design.factors[0], Sigma, sigma, zeroed, reml)
    for q in zeroed:
        gain = gain_off_zero(standard, Sigma, sigma, q, reml=reml)
        shortfall = max(shortfall, gain)
    return _State(Sigma, sigma, zeroed, errors, shortfall)


def _errors(
    design: Design,
    factor: Factor,
    Sigma: Floats,
    sigma: float,
    zeroed: list[int],
    reml: bool,
) -> tuple[Floats, float]:
    """Return the information of the model without the effects that are at zero.

    Errors are laid out for all effects, nan for those.
    """
    rest = without_effects(factor, zeroed)
    errors = np.full(factor.Q + len(factor.pairs) + 1, np.nan)
    if rest is None:
        standard = Standard.of(design, factor)
        size = standard.sums.N - (design.P if reml else 0)
        errors[-1] = sigma / np.sqrt(2 * size)
        best = np.sqrt(standard.sums.N / size) * standard.s
        return errors, size * np.log(sigma / best) ** 2
    standard = Standard.of(design, rest)
    kept = [q for q in range(factor.Q) if q not in zeroed]
    inside = standard.inward(Sigma[np.ix_(kept, kept)], sigma)
    found, shortfall = observed_information(standard, *inside, reml=reml)
    errors[kept] = found[: len(kept)]
    for (a, b), error in zip(rest.pairs, found[len(kept) : -1], strict=True):
        errors[factor.Q + factor.pairs.index((kept[a], kept[b]))] = error
    errors[-1] = found[-1]
    return errors, shortfall


_Z = float(stats.norm.ppf(0.975))


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
