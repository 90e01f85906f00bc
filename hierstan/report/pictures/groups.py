"""Pictures of what partial pooling does to groups."""

from collections.abc import Iterator, Mapping, Sequence

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.design import Factor
from hierstan.errors import DataError, FormulaError
from hierstan.fit import Fit
from hierstan.plots.names import bare, joined
from hierstan.report.names import factor_file
from hierstan.report.pictures.picture import Picture
from hierstan.shrinkage import Regions

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
            "pooled one. The less its rows say, the larger is the share that it goes of "
            "the way to what it is pulled towards.",
            f"An arrow for each of {factor.J} levels of {factor.name}, from its own "
            f"estimate {source} to the partially pooled one; the tables below have the "
            "numbers.",
            plots.shrinkage(table, factor.effects, factor.name),
        )
    if analysis.best is not None and factor.Q > 1:
        first, second, *_ = factor.effects
        regions = analysis.best.shrinkage_regions(factor.name)
        count = len(regions.groups)
        some = f"in {count} of {factor.J} levels of {factor.name}"
        if count == factor.J:
            some = f"in each {factor.name}"
        yield Picture.of_fits(
            {analysis.best.program.name: analysis.best},
            f"ellipses{suffix}",
            "shrinkage",
            f"{first} and {second} {some}, pooled together",
            "Ellipses hold half of the probability: dashed the population, thin what a "
            "group's own rows say, filled its posterior. The curve is the path from "
            f"complete to no pooling. {_chosen(regions, factor)}",
            f"Ellipses in the plane of {first} and {second} {some}: own rows, posterior "
            "and, around the middle, the population.",
            plots.shrinkage_ellipses(regions),
        )
    yield from _line_pictures(analysis, factor, suffix)


def _chosen(regions: Regions, factor: Factor) -> str:
    """Say which levels are shown, and what the number behind each is."""
    count = len(regions.groups)
    told = "The number behind a level is that of its rows."
    if count == factor.J:
        return told
    last = ""
    if not all(group.determined for group in regions.groups):
        last = ", and one whose own rows do not determine both"
    return (
        f"Shown are {count} of {factor.J} levels, spread evenly over them in the order of "
        f"their rows{last}. {told}"
    )


def _prior_slopes(
    lines: Mapping[str, Fit], factor: Factor, predictor: str, levels: Sequence[str]
) -> str:
    """Say where an unpooled slope is no finding, if it is in the picture."""
    if not any(fit.program.pooling == "none" for fit in lines.values()):
        return ""
    found = [level for level in levels if plots.prior_slope(factor, level, predictor)]
    if not found:
        return ""
    return (
        f" The own rows of {joined(found)} do not determine the slope of {predictor}: "
        "without pooling it is no finding but its prior's, so that no mean is drawn."
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
        try:
            figure = plots.panels(lines, factor, predictor, levels, analysis.settings.seed)
        except (DataError, FormulaError):
            return  # a term has no value between those in the data: there is no line
        yield Picture.of_fits(
            lines,
            f"panels{suffix}",
            "shrinkage",
            f"Selected levels of {factor.name}",
            "Thick lines are posterior means, thin ones draws, dots the data."
            f"{_prior_slopes(lines, factor, predictor, levels)}",
            f"{bare(analysis.design.formula.response)} against {predictor} in "
            f"{', '.join(levels)}, a panel each, with the lines of {' and '.join(lines)}.",
            figure,
        )
