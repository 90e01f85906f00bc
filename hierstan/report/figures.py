"""Which pictures a report shows, where, and what to say under each."""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.design import Factor
from hierstan.ladder import panels
from hierstan.report.tables import factor_file

# The counties the radon tutorials look at.
_FAMILIAR = ("CASS", "CROW WING", "FREEBORN")


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and what is said about it.

    Attributes
    ----------
    name : str
        Of its files.
    section : str
        Where it stands.
    title, caption : str
        Above and below it.
    alt : str
        What is to be seen, for those who do not see it.
    figure : matplotlib.figure.Figure
        The picture itself.
    folded : bool
        Whether the page shows it on demand only.
    """

    name: str
    section: str
    title: str
    caption: str
    alt: str
    figure: Figure
    folded: bool = False


def pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw the pictures that an analysis has something to say for, one after another."""
    estimates = analysis.estimates()
    yield Picture(
        "forest",
        "estimates",
        "Every estimate of every parameter",
        "Dots are posterior means, diamonds maximum likelihood estimates, lines 95 % "
        "intervals. Hollow and dotted: failed its checks.",
        f"For each parameter a panel with the estimates and 95 % intervals of "
        f"{', '.join(estimates)}; the same numbers are in the table of every fit.",
        plots.forest(estimates),
    )
    yield from _check_pictures(analysis)
    for factor in analysis.design.factors:
        yield from _group_pictures(analysis, factor)
    for name, fit in analysis.fits.items():
        yield Picture(
            f"trace_{name}",
            "diagnostics",
            f"Chains: {name}",
            "Density of each chain on the left, its path on the right. Chains that agree "
            "cover each other.",
            f"For each parameter of {name} the density of every chain beside its path; "
            f"{fit.diagnostics.divergences} diverging transitions are marked.",
            plots.trace(fit),
            folded=True,
        )
    prior = analysis.prior()
    if prior is not None:
        yield Picture(
            "prior_predictive",
            "run",
            "What the priors expect of the data",
            f"{prior.summary} Every curve is scaled to the same height.",
            "Density of data sets drawn from the priors, together and one by one, beside "
            f"the density of {analysis.design.formula.response}. {prior.summary}",
            plots.prior_predictive(prior),
        )


def _check_pictures(analysis: Analysis) -> Iterator[Picture]:
    if analysis.check is not None:
        criterion = analysis.check.mode.criterion
        yield Picture(
            "crosscheck",
            "crosscheck",
            f"From {criterion} to the posterior",
            "From the likelihood (dashed) to the posterior under flat priors is what "
            "averaging does; from there to the posterior is what the priors do. Below: "
            f"the {criterion} estimate and its interval.",
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
            "Log density against the group sds, shrinking from left to right: with the "
            "effects at their best it grows without end, with the effects integrated out "
            "it has a maximum near 1.",
            plots.joint(analysis.joint),
        )


def _group_pictures(analysis: Analysis, factor: Factor) -> Iterator[Picture]:
    suffix = f"_{factor_file(factor)}"
    table = analysis.shrinkage(factor)
    if analysis.best is not None and ("unpooled" in table or "ols" in table):
        yield Picture(
            f"shrinkage{suffix}",
            "shrinkage",
            f"What partial pooling does to each {factor.name}",
            "An arrow leads from a group's own estimate to the partially pooled one; the "
            "less its data say, the farther it moves.",
            f"An arrow for each of {factor.J} levels of {factor.name}, from its own "
            "estimate to the partially pooled one; the tables below have the numbers.",
            plots.shrinkage(table, factor.effects, factor.name),
        )
    yield from _line_pictures(analysis, factor, suffix)
    partial = {
        n: fit for n, fit in analysis.fits.items() if fit.program.pooling == "partial"
    }
    if partial:
        effect = factor.effects[-1]
        yield Picture(
            f"funnel{suffix}",
            "diagnostics",
            f"The funnel of sd({effect} | {factor.name})",
            "When the sd is small, every group effect must be small too: the space the "
            "sampler has to enter narrows. Look at how far down each program comes.",
            f"Draws of sd({effect} | {factor.name}), on a log axis, against one group's "
            f"{effect}, a panel for each of {', '.join(partial)}; diverging transitions "
            "are marked.",
            plots.funnel(partial, factor, effect),
        )


def _line_pictures(analysis: Analysis, factor: Factor, suffix: str) -> Iterator[Picture]:
    predictor = plots.panel_predictor(analysis.design)
    lines = {
        name: fit
        for name, fit in (
            ("unpooled", analysis.fits.get("unpooled")),
            (analysis.best.program.name if analysis.best else "", analysis.best),
        )
        if fit is not None
    }
    if predictor and lines and len(analysis.design.factors) == 1:
        levels = [level for level in _FAMILIAR if level in factor.levels]
        if len(levels) < len(_FAMILIAR):
            levels = plots.panel_levels(factor, predictor)
        yield Picture(
            f"panels{suffix}",
            "shrinkage",
            f"Selected levels of {factor.name}",
            "Thick lines are posterior means, thin ones draws, dots the data. Where a "
            f"group has one value of {predictor} only, its unpooled slope is no finding: "
            "it is the prior, unchanged.",
            f"{analysis.design.formula.response} against {predictor} in "
            f"{', '.join(levels)}, a panel each, with the lines of {' and '.join(lines)}.",
            plots.panels(lines, factor, predictor, levels, analysis.settings.seed),
        )
