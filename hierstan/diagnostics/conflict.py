"""Priors that the data contradict."""

from collections.abc import Iterator

import numpy as np

from hierstan.design import Floats
from hierstan.diagnostics.cause import Cause, Evidence
from hierstan.diagnostics.likelihood import Likelihood
from hierstan.naming import coefficient_name
from hierstan.priors.distributions import HalfStudentT, Normal
from hierstan.priors.names import Parameter
from hierstan.propriety import used_parameters

KIND = "prior conflict"
# Distance of prior and data, in sds of their difference, and the probability that a sd's
# prior gives to what the data say (its lower end, two standard errors down).
APART, UNLIKELY = 3.0, 0.01
# A prior that moves the estimate by less than one standard error does no harm.
PULL = 1.0


_ADVICE = (
    "Check the units of the data and of the prior, and state a prior that you mean in "
    "them, or take the preset default, which follows the units."
)


def find_conflicts(evidence: Evidence) -> Iterator[Cause]:
    """Find priors that contradict the data, and decide against them.

    A coefficient's prior, of mean m and sd s, contradicts an estimate b of standard error
    e by the data alone when ``|b - m| / sqrt(s^2 + e^2)`` is above 3: the prior predictive
    check of the estimate (Evans and Moshonov 2006, doi:10.1214/06-BA129). That of a sd
    contradicts it when it gives the lower end of the estimate, two standard errors down,
    a probability below 0.01. That of group coefficients without pooling contradicts their
    estimates when the root mean square of such distances is above 3. All must pull the
    estimate by more than one standard error. The data alone are asked, which takes a mixed
    model, only where the draws are far from the prior's center or about as wide as the
    prior.
    """
    if evidence.prior_only:
        return
    design = evidence.design
    for parameter in used_parameters(evidence.program, design, evidence.priors):
        prior = evidence.priors.of(parameter)
        if isinstance(prior, Normal) and parameter.role == "beta":
            yield from _coefficient(evidence, parameter.index, prior)
        elif isinstance(prior, Normal) and parameter.role == "gamma":
            yield from _group_coefficients(evidence, parameter, prior)
        elif isinstance(prior, HalfStudentT):
            effect = parameter.index if parameter.role == "tau" else None
            yield from _deviation(evidence, parameter.name, effect, prior)


def held_by(prior: HalfStudentT, values: Floats) -> bool:
    """Tell whether draws of a sd reach as high as its prior, so that this may hold them.

    Data that want a larger sd than the prior push the draws up against it: their 95 %
    quantile is then at the prior's or above, for which its 90 % quantile allows.
    """
    if np.isinf(prior.scale):
        return False
    return prior.above(float(np.quantile(values, 0.95))) <= 0.1


def _coefficient(evidence: Evidence, k: int, prior: Normal) -> Iterator[Cause]:
    """Hold one coefficient, the intercept where its prior is, against the data."""
    design, term = evidence.design, evidence.design.terms[k]
    along = np.zeros(design.P)
    along[k] = 1.0
    if term == "Intercept":
        along += evidence.priors.x_center
    beta = evidence.draws["beta"].reindex(term=list(design.terms), fill_value=0.0)
    values = beta.to_numpy().reshape(-1, design.P) @ along
    m, s, mean = prior.location, prior.scale, float(values.mean())
    # Where prior and data are 3 apart, either the posterior has half the prior's variance,
    # or its mean is at 3 sqrt(1/2) prior sds from the prior's.
    suspect = np.isfinite(s) and (values.var() > 0.4 * s**2 or abs(mean - m) > 1.5 * s)
    data = evidence.likelihood if suspect else None
    if data is None:
        return
    b = float(data.beta @ along)
    e = float(np.sqrt(along @ data.beta_covariance @ along))
    apart = abs(b - m) / np.hypot(s, e)
    if not (apart > APART and apart * e / np.hypot(s, e) > PULL):
        return
    numbers = {
        "estimate": b, "se": e, "posterior_mean": mean, "prior_location": m,
        "prior_scale": s, "sds_apart": float(apart),
    }  # fmt: skip
    where = " (at average predictors)" * bool(term == "Intercept" and along.sum() != 1)
    told = f"{apart:.3g} sd apart"
    name = coefficient_name(term)
    yield _cause(evidence, name, name + where, prior, (data, b, e, mean), told, numbers)


def _group_coefficients(
    evidence: Evidence, parameter: Parameter, prior: Normal
) -> Iterator[Cause]:
    """Hold the coefficients of all levels, which have one prior, against the data."""
    name, m, s = parameter.name, prior.location, prior.scale
    factor, effect = evidence.design.effects[parameter.index]
    if f"coef[{factor.name}]" not in evidence.draws:  # of crossed factors, differences
        return
    drawn = evidence.draws[f"coef[{factor.name}]"].sel({f"effect of {factor.name}": effect})
    far = float(np.sqrt(np.mean((drawn.mean(("chain", "draw")) - m) ** 2)))
    wide = float(drawn.var(("chain", "draw")).mean())
    suspect = np.isfinite(s) and (wide > 0.4 * s**2 or far > 1.5 * s)
    data = evidence.likelihood if suspect else None
    if data is None or name not in data.groups:
        return
    b, e = data.groups[name]
    spread = np.hypot(s, e)
    apart = float(np.sqrt(np.mean(((b - m) / spread) ** 2)))
    pull = float(np.sqrt(np.mean(((b - m) / spread * e / spread) ** 2)))
    if not (apart > APART and pull > PULL):
        return
    estimate, error = float(b.mean()), float(np.sqrt(np.mean(e**2)))
    numbers = {
        "estimate": estimate, "se": error, "prior_location": m, "prior_scale": s,
        "sds_apart": apart,
    }  # fmt: skip
    text = (
        f"Your prior contradicts the data for {name}: the prior is {prior.text(3)}, the "
        f"rows of {len(b)} levels by themselves say {estimate:.4g} on average, ± "
        f"{error:.2g} each ({data.method}), {apart:.3g} sd apart."
    )
    yield Cause(KIND, name, evidence.failed, numbers, text, _ADVICE)


def _deviation(
    evidence: Evidence, name: str, effect: int | None, prior: HalfStudentT
) -> Iterator[Cause]:
    """Hold one sd against the data; without an effect, sigma."""
    found = evidence.draws["sigma"]
    if effect is not None:
        found = evidence.draws["tau"].isel(effect=effect)
    values = found.to_numpy().ravel()
    data = evidence.likelihood if held_by(prior, values) else None
    if data is None or name not in data.deviations:
        return
    estimate, error = data.deviations[name]
    chance = prior.above(max(estimate - 2 * error, 0.0))
    if chance >= UNLIKELY or prior.slope(estimate) * error <= PULL:
        return
    mean = float(values.mean())
    numbers = {
        "estimate": estimate, "se": error, "posterior_mean": mean,
        "prior_scale": prior.scale, "prior_probability": chance,
    }  # fmt: skip
    least = f"{chance:.1g}" if chance > 1e-12 else "less than 1e-12"
    told = f"as much as that has a prior probability of {least}"
    yield _cause(evidence, name, name, prior, (data, estimate, error, mean), told, numbers)


def _cause(
    evidence: Evidence,
    name: str,
    shown: str,
    prior: Normal | HalfStudentT,
    values: tuple[Likelihood, float, float, float],
    told: str,
    numbers: dict[str, float],
) -> Cause:
    data, estimate, error, mean = values
    text = (
        f"Your prior contradicts the data for {shown}: the prior is {prior.text(3)}, the "
        f"data alone say {estimate:.4g} ± {error:.2g} ({data.method}), {told}; the "
        f"posterior mean is {mean:.4g}."
    )
    return Cause(KIND, name, evidence.failed, numbers, text, _ADVICE)
