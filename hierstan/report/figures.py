"""Which pictures a report shows, and what to say under each."""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.design import Factor
from hierstan.ladder import panels

# The counties the radon tutorials look at.
_FAMILIAR = ("CASS", "CROW WING", "FREEBORN")


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with the name of its file, its heading and the sentence under it."""

    name: str
    title: str
    caption: str
    figure: Figure


def pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw the pictures that an analysis has something to say for, one after another."""
    yield Picture(
        "forest",
        "Every estimate of every parameter",
        "Dots are posterior means, diamonds maximum likelihood estimates, lines 95 % "
        "intervals. Hollow and dotted: failed its checks.",
        plots.forest(analysis.estimates()),
    )
    if analysis.check is not None:
        criterion = analysis.check.mode.criterion
        yield Picture(
            "crosscheck",
            f"From {criterion} to the posterior",
            "From the likelihood (dashed) to the posterior under flat priors is what "
            "averaging does; from there to the posterior is what the priors do. Below: "
            f"the {criterion} estimate and its interval.",
            plots.ladder(panels(analysis.check), criterion),
        )
    if analysis.joint is not None:
        yield Picture(
            "joint_mode",
            "Expectation versus mode",
            analysis.joint.verdict,
            plots.joint(analysis.joint),
        )
    for factor in analysis.design.factors:
        yield from _group_pictures(analysis, factor)
    for name, fit in analysis.fits.items():
        yield Picture(
            f"trace_{name}",
            f"Chains: {name}",
            f"{fit.diagnostics.verdict[:1].upper()}{fit.diagnostics.verdict[1:]}",
            plots.trace(fit),
        )


def _group_pictures(analysis: Analysis, factor: Factor) -> Iterator[Picture]:
    suffix = f"_{factor.name.replace(':', '_')}"
    table = analysis.shrinkage(factor)
    if analysis.best is not None and ("unpooled" in table or "ols" in table):
        yield Picture(
            f"shrinkage{suffix}",
            f"What partial pooling does to each {factor.name}",
            "An arrow leads from a group's own estimate to the partially pooled one; the "
            "less its data say, the farther it moves.",
            plots.shrinkage(table, factor.effects, factor.name),
        )
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
            f"Selected levels of {factor.name}",
            "Thick lines are posterior means, thin ones draws, dots the data. Where a "
            f"group has one value of {predictor} only, its unpooled slope is no finding: "
            "it is the prior, unchanged.",
            plots.panels(lines, factor, predictor, levels, analysis.settings.seed),
        )
    partial = {
        n: fit for n, fit in analysis.fits.items() if fit.program.pooling == "partial"
    }
    if partial:
        effect = factor.effects[-1]
        yield Picture(
            f"funnel{suffix}",
            f"The funnel of sd({effect} | {factor.name})",
            "When the sd is small, every group effect must be small too: the space the "
            "sampler has to enter narrows. Look at how far down each program comes.",
            plots.funnel(partial, factor, effect),
        )
