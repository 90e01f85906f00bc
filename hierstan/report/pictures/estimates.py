"""Pictures of estimates, of the cross-check and of the prior."""

from collections.abc import Iterator, Mapping

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.estimates import Estimates, Value
from hierstan.ladder import CrossCheck, panels
from hierstan.plots.names import bare, joined
from hierstan.report.pictures.picture import Picture, units


def estimate_pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw all fits side by side."""
    estimates = analysis.estimates()
    yield Picture(
        "forest",
        "estimates",
        "Every estimate of every parameter",
        "Dots are posterior means with their 95 % intervals, diamonds estimates by least "
        "squares, REML or ML with their Wald intervals. Hollow and dotted: failed its "
        f"checks.{_without_interval(estimates)} {units(analysis.design)}",
        f"For each parameter a panel with the estimates and 95 % intervals of "
        f"{', '.join(estimates)}; the same numbers are in the table of every fit.",
        plots.forest(estimates),
    )


def crosscheck_pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw the way from REML to the posterior mean."""
    if analysis.check is not None:
        criterion = analysis.check.mode.criterion
        interval = "Wald interval"
        if analysis.check.profile is not None:
            interval = (
                "interval: of coefficients the Wald interval, of standard deviations and "
                "correlations the profile-likelihood interval"
            )
        steps, curves = _steps(analysis.check)
        yield Picture.of_fits(
            {
                "the posterior": analysis.check.posterior,
                "the one under flat priors": analysis.check.flat,
            },
            "crosscheck",
            "crosscheck",
            f"From {criterion} to the posterior",
            f"{steps} Below: the {criterion} estimate and its 95 % {interval}."
            f"{_without_interval({criterion: analysis.check.stan_mode()})} "
            f"{units(analysis.design)}",
            f"For each parameter on one axis {joined(curves)}, above the {criterion} "
            "estimate; the table splits the distance between them.",
            plots.ladder(panels(analysis.check), criterion),
        )
    if analysis.joint is not None:
        yield Picture(
            "joint_mode",
            "crosscheck",
            "Expectation versus mode",
            analysis.joint.verdict,
            "Log density against the group sds, shrinking from left to right. "
            f"{analysis.joint.description}",
            plots.joint(analysis.joint),
        )


def _without_interval(estimates: Mapping[str, Estimates]) -> str:
    """Say why a diamond may stand alone, where one does."""
    alone = any(
        isinstance(value, Value) and value.low is None
        for found in estimates.values()
        for _, value in found.rows()
    )
    if not alone:
        return ""
    return (
        " A diamond without a line has no interval: that estimate is at its bound (a "
        "singular fit)."
    )


def _steps(check: CrossCheck) -> tuple[str, list[str]]:
    """Say what leads from curve to curve, and name the curves."""
    curves = ["the profile likelihood"]
    if check.flat is not None:
        curves.append("the posterior under flat priors")
    if check.posterior is not None:
        curves.append("the posterior")
    if check.flat is not None:
        return (
            "From the likelihood (dashed) to the posterior under flat priors is what "
            "averaging does; from there to the posterior is what the priors do."
        ), curves
    if check.posterior is not None:
        return (
            "From the likelihood (dashed) to the posterior is what averaging and the "
            "priors do together: there is no posterior under flat priors to part them."
        ), curves
    return "The likelihood is dashed.", curves


def prior_pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw what the priors expect, where they are proper."""
    prior = analysis.prior()
    if prior is not None:
        yield Picture(
            "prior_predictive",
            "run",
            "What the priors expect of the data",
            f"{prior.summary} Every curve is scaled to the same height.",
            "Density of data sets drawn from the priors, together and one by one, beside "
            f"the density of {bare(analysis.design.formula.response)}. {prior.summary}",
            plots.prior_predictive(prior),
        )
