"""The mixed-model fit by statsmodels, with the numbers its users expect from lme4."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.linalg import block_diag
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams
from statsmodels.tools.numdiff import approx_fprime, approx_hess

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError
from hierstan.estimates import Correlation, Estimates, Value
from hierstan.frequentist.equations import Solution, Sums, solve

# lme4 calls a fit singular when a relative standard deviation is below this.
SINGULAR = 1e-4
# Log likelihood still to be gained, by a quadratic step, before a fit counts as short.
SHORTFALL = 1e-5
# Two log likelihoods closer than this are one as far as the optimizer can tell.
_SAME_LIKELIHOOD = 1e-6
# bfgs stops at 1e-5 by default, which leaves up to 4e-4 relative error in an sd of radon.
_GRADIENT_TOLERANCE = 1e-7


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
    converged : bool
        True when the gradient leaves less than 1e-5 of log likelihood to be gained.
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
    converged: bool
    log: tuple[str, ...]

    @property
    def singular(self) -> bool:
        """Whether some combination of effects has a standard deviation of zero."""
        return _is_singular(self.Omega * np.outer(self.tau, self.tau), self.sigma)

    @property
    def criterion(self) -> str:
        """``"REML"`` or ``"ML"``."""
        return "REML" if self.reml else "ML"

    @property
    def blup(self) -> Floats:
        """Group coefficients beta + u, shape (J, Q)."""
        beta = dict(zip(self.design.terms, self.solution.beta, strict=True))
        population = np.array([beta.get(name, 0.0) for name in self.factor.effects])
        return np.asarray(self.solution.u + population)

    @property
    def verdict(self) -> str:
        """One sentence on the state of the fit."""
        if not self.converged:
            return (
                "did not converge: the gradient is not zero where the optimizer stopped, "
                "so neither estimates nor log likelihood can be trusted"
            )
        if self.singular:
            return (
                "singular: a standard deviation is estimated as zero or a correlation as "
                "one; the data are explained as well without it"
            )
        return "converged"

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
            rescued=False,
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
        When the design has several factors, or MixedLM fails for numerical reasons.
    """
    if len(design.factors) != 1:
        names = ", ".join(repr(factor.name) for factor in design.factors)
        raise DataError(
            f"MixedLM takes one grouping factor here; this formula has {names}."
        )
    factor = design.factors[0]
    Sigma, sigma, log = _search(design, factor, reml)
    sums = Sums.of(design, factor)
    Sigma, zeroed = _at_zero(sums, Sigma, sigma, reml)
    log += tuple(
        f"sd({factor.effects[q]}) set to zero, where the likelihood is as high"
        for q in zeroed
    )
    tau = np.sqrt(np.diag(Sigma))
    scale = np.where(tau > 0, tau, 1.0)
    Omega = Sigma / np.outer(scale, scale)
    np.fill_diagonal(Omega, 1.0)
    parameters = np.concatenate([tau, [Omega[a, b] for a, b in factor.pairs], [sigma]])

    def loglik(theta: Floats) -> float:
        return solve(sums, *_unpack(theta, factor), reml=reml).loglik

    free = _free(factor, Sigma, sigma)
    errors, shortfall = _information(loglik, parameters, free)
    return MixedFit(
        design=design,
        factor=factor,
        reml=reml,
        tau=tau,
        Omega=Omega,
        sigma=sigma,
        solution=solve(sums, Sigma, sigma, reml=reml),
        errors=errors,
        converged=shortfall < SHORTFALL,
        log=log,
    )


def _search(
    design: Design, factor: Factor, reml: bool
) -> tuple[Floats, float, tuple[str, ...]]:
    """Let MixedLM look for the optimum by several routes and keep the highest point."""
    model = MixedLM(design.y, design.X, factor.index, exog_re=factor.Z)
    free, methods = None, ["bfgs", "powell"]
    if len(factor.blocks) > 1:
        may_differ = block_diag(*(np.ones((size, size)) for size in factor.blocks))
        free = MixedLMParams.from_components(fe_params=np.ones(design.P), cov_re=may_differ)
        methods = ["bfgs", "cg"]  # Powell's moves all parameters, fixed ones too
    best: Any = None
    log: list[str] = []
    for method in methods:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = model.fit(
                    reml=reml, free=free, method=method, **_tolerances(method)
                )
            except (np.linalg.LinAlgError, ValueError) as error:
                log.append(f"{method}: {error}")
                continue
        log.extend(dict.fromkeys(f"{method}: {warning.message}" for warning in caught))
        if np.isfinite(found.llf) and (best is None or found.llf > best.llf):
            best = found
        if found.converged and np.isfinite(found.llf) and not caught:
            break
    if best is None:
        raise DataError(
            f"MixedLM finds no fit for {design.formula.text!r} ({'; '.join(log)})."
        )
    return np.atleast_2d(best.cov_re), float(np.sqrt(best.scale)), tuple(log)


def _at_zero(
    sums: Sums, Sigma: Floats, sigma: float, reml: bool
) -> tuple[Floats, list[int]]:
    """Put standard deviations at zero that the optimizer can only creep towards.

    It works on a root of Sigma, where zero is a point like any other but the likelihood
    around it is flat, so it stops somewhere near. A standard deviation is zero when the
    likelihood there is as high.
    """
    zeroed = []
    highest = solve(sums, Sigma, sigma, reml=reml).loglik
    for q in range(len(Sigma)):
        without = Sigma.copy()
        without[q, :] = without[:, q] = 0.0
        loglik = solve(sums, without, sigma, reml=reml).loglik
        if Sigma[q, q] > 0 and loglik > highest - _SAME_LIKELIHOOD:
            Sigma, highest = without, max(loglik, highest)
            zeroed.append(q)
    return Sigma, zeroed


def _tolerances(method: str) -> dict[str, float]:
    return {} if method == "powell" else {"gtol": _GRADIENT_TOLERANCE}


def _is_singular(Sigma: Floats, sigma: float) -> bool:
    """Tell whether some combination of effects does not vary, relative to sigma."""
    smallest = float(np.linalg.eigvalsh(Sigma)[0])
    return max(smallest, 0.0) < (SINGULAR * sigma) ** 2


def _unpack(theta: Floats, factor: Factor) -> tuple[Floats, float]:
    """Return Sigma and sigma from (tau, correlations, sigma)."""
    tau, sigma = theta[: factor.Q], float(theta[-1])
    Omega = np.eye(factor.Q)
    for (a, b), rho in zip(factor.pairs, theta[factor.Q : -1], strict=True):
        Omega[a, b] = Omega[b, a] = rho
    return Omega * np.outer(tau, tau), sigma


def _free(factor: Factor, Sigma: Floats, sigma: float) -> npt.NDArray[np.bool_]:
    """Tell which of (tau, correlations, sigma) are inside their bounds.

    At zero are standard deviations and the correlations they take part in. When Sigma is
    singular otherwise, its correlations are at their bound.
    """
    inside = np.diag(Sigma) > 0
    kept = Sigma[np.ix_(inside, inside)]
    bound = bool(inside.any()) and _is_singular(kept, sigma)
    pairs = [bool(inside[a] and inside[b] and not bound) for a, b in factor.pairs]
    return np.array([*inside, *pairs, True])


def _information(
    loglik: Callable[[Floats], float], parameters: Floats, free: npt.NDArray[np.bool_]
) -> tuple[Floats, float]:
    """Return standard errors, nan where not free, and the log likelihood still to gain.

    Errors come from the observed information of the free parameters; the gain is that of
    one Newton step in them, infinite where the likelihood does not curve downwards.
    """

    def along(values: Floats) -> float:
        point = parameters.copy()
        point[free] = values
        return loglik(point)

    errors = np.full(len(parameters), np.nan)
    at = parameters[free]
    gradient = approx_fprime(at, along, centered=True).ravel()
    information = -np.atleast_2d(approx_hess(at, along))
    if np.linalg.eigvalsh(information)[0] <= 0:
        return errors, np.inf
    errors[free] = np.sqrt(np.diag(np.linalg.inv(information)))
    return errors, 0.5 * float(gradient @ np.linalg.solve(information, gradient))


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
