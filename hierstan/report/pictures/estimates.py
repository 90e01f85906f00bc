"""Pictures of estimates, of the cross-check and of the prior."""

from collections.abc import Iterator

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.ladder import panels
from hierstan.plots.names import bare
from hierstan.report.pictures.picture import Picture


def estimate_pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw all fits side by side."""
    estimates = analysis.estimates()
    yield Picture(
        "forest",
        "estimates",
        "Every estimate of every parameter",
        "Dots are posterior means with their 95 % intervals, diamonds maximum likelihood "
        "estimates with their Wald intervals. Hollow and dotted: failed its checks.",
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
        yield Picture.of_fits(
            {
                "the posterior": analysis.check.posterior,
                "the one under flat priors": analysis.check.flat,
            },
            "crosscheck",
            "crosscheck",
            f"From {criterion} to the posterior",
            "From the likelihood (dashed) to the posterior under flat priors is what "
            "averaging does; from there to the posterior is what the priors do. Below: "
            f"the {criterion} estimate and its 95 % {interval}.",
            "For each parameter three curves on one axis: the profile likelihood, the "
            f"posterior under flat priors and the posterior, above the {criterion} "
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
