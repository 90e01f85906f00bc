"""Pictures of what partial pooling does to groups."""

from collections.abc import Iterator

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.design import Factor
from hierstan.plots.names import bare
from hierstan.report.names import factor_file
from hierstan.report.pictures.picture import Picture

# The counties the radon tutorials look at.
_FAMILIAR = ("CASS", "CROW WING", "FREEBORN")


def group_pictures(analysis: Analysis, factor: Factor) -> Iterator[Picture]:
    """Draw how the groups of a factor moved, and some of them with their data."""
    suffix = f"_{factor_file(factor)}"
    table = analysis.shrinkage(factor)
    if {"ols", "unpooled"} & set(table) and {"partial", "blup"} & set(table):
        shown = {} if analysis.best is None else {analysis.best.program.name: analysis.best}
        if "ols" not in table:
            shown["unpooled"] = analysis.fits["unpooled"]
        source = "by least squares" if "ols" in table else "by Stan without pooling"
        yield Picture.of_fits(
            shown,
            f"shrinkage{suffix}",
            "shrinkage",
            f"What partial pooling does to each {factor.name}",
            f"An arrow leads from a group's own estimate, {source}, to the partially "
            "pooled one; the less its data say, the farther it moves.",
            f"An arrow for each of {factor.J} levels of {factor.name}, from its own "
            f"estimate {source} to the partially pooled one; the tables below have the "
            "numbers.",
            plots.shrinkage(table, factor.effects, factor.name),
        )
    if analysis.best is not None and factor.Q > 1:
        first, second, *_ = factor.effects
        yield Picture.of_fits(
            {analysis.best.program.name: analysis.best},
            f"ellipses{suffix}",
            "shrinkage",
            f"{first} and {second} of each {factor.name}, pooled together",
            "Ellipses hold half of the probability: dashed the population, thin what a "
            "group's own rows say, filled its posterior. The curve is the path from "
            "complete to no pooling.",
            f"Ellipses in the plane of {first} and {second} for some levels of "
            f"{factor.name}: own rows, posterior and, around the middle, the population.",
            plots.shrinkage_ellipses(analysis.best.shrinkage_regions(factor.name)),
        )
    yield from _line_pictures(analysis, factor, suffix)


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
        yield Picture.of_fits(
            lines,
            f"panels{suffix}",
            "shrinkage",
            f"Selected levels of {factor.name}",
            "Thick lines are posterior means, thin ones draws, dots the data. Where a "
            f"group has one value of {predictor} only, its unpooled slope is no finding: "
            "it is the prior, unchanged.",
            f"{bare(analysis.design.formula.response)} against {predictor} in "
            f"{', '.join(levels)}, a panel each, with the lines of {' and '.join(lines)}.",
            plots.panels(lines, factor, predictor, levels, analysis.settings.seed),
        )
