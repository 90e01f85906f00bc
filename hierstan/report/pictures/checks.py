"""Pictures of how well a fit expects the data."""

from collections.abc import Iterator

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.errors import HierstanError
from hierstan.plots.names import bare
from hierstan.report.checks import leaves_out_rows
from hierstan.report.names import factor_file
from hierstan.report.pictures.picture import Picture

_REPLICATIONS = 50


def check_pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw the data beside what the fit to report expects."""
    fit, response = analysis.best, bare(analysis.design.formula.response)
    if fit is None:
        return
    name = fit.program.name
    replicated = fit.replicate(min(_REPLICATIONS, analysis.settings.draws))
    observed = fit.residuals()["observed"].to_numpy()
    yield Picture.of_fits(
        {name: fit},
        "replications",
        "checks",
        f"{response}: the data and what {name} expects",
        "Where the thick line leaves the thin ones, the fit does not expect such data.",
        f"Density of {response} over those of {len(replicated)} data sets replicated by "
        f"{name}.",
        plots.replications(observed, replicated, response),
    )
    for factor in analysis.design.factors:
        means = fit.group_means(factor.name)
        inside = int(means["inside"].sum())
        yield Picture.of_fits(
            {name: fit},
            f"group_means_{factor_file(factor)}",
            "checks",
            f"Mean {response} of each {factor.name}",
            f"Observed means over the 95 % intervals of replicated ones: {inside} of "
            f"{len(means)} are inside. The fit has seen these rows, and each group's "
            "effect follows its own mean: that many are inside says little for the model, "
            "those outside say something against it.",
            f"For each {factor.name} its observed mean {response} and the interval of "
            f"replicated means, in their order; {inside} of {len(means)} are inside.",
            plots.group_means(means, response),
        )
    if leaves_out_rows(analysis):
        try:
            calibration = fit.loo(integrated=None).calibration(interval=0.95)
        except HierstanError:
            return  # the section says why
        yield Picture.of_fits(
            {name: fit},
            "loo_pit",
            "checks",
            "Calibration of predictions of rows left out",
            "Share of rows below each predicted probability, less that probability. "
            "Calibrated predictions stay in the band at all points at once in 95 % of data "
            "sets. An S says that they are too narrow or too wide, a hump that they are "
            "too high or too low.",
            "Difference of the distribution function of leave-one-out probabilities from "
            f"the uniform one, with its band; {int((~calibration['inside']).sum())} of "
            f"{len(calibration)} points are outside.",
            plots.loo_pit(calibration),
        )
