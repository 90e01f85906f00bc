"""Pictures of how the programs sampled."""

from collections.abc import Iterator

from hierstan import plots
from hierstan.analysis import Analysis
from hierstan.fit import Fit
from hierstan.naming import sd_name
from hierstan.report.names import factor_file
from hierstan.report.pictures.picture import Picture, units


def diagnostic_pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw the funnel of each factor, where divergences sit, and all chains."""
    partial = {
        n: fit for n, fit in analysis.fits.items() if fit.program.pooling == "partial"
    }
    for factor in analysis.design.factors if partial else ():
        effect = factor.effects[-1]
        level = plots.funnel_level(factor, effect)
        why = f"which has as few rows as any {factor.name}"
        if plots.prior_slope(factor, level, effect):
            why = f"whose own rows do not determine its {effect}"
        others = ""
        if len(partial) > 1:
            others = ", and a program that ends above the others did not get into it"
        yield Picture.of_fits(
            partial,
            f"funnel_{factor_file(factor)}",
            "diagnostics",
            f"How small {sd_name(factor.name, effect)} gets, and where the group then is",
            "When the sd is small, every group effect must be small too. Where the draws "
            f"narrow towards the bottom, that is the funnel{others}; where they do not "
            f"narrow, there is none. Drawn is {level}, {why}.",
            f"Draws of {sd_name(factor.name, effect)}, on a log axis, against {effect} in "
            f"{level}, a panel for each of {', '.join(partial)}; diverging transitions "
            "are marked.",
            plots.funnel(partial, factor, effect, level),
        )
    for name, fit in partial.items():
        if fit.diagnostics.divergences:
            yield Picture.of_fits(
                {name: fit},
                f"divergences_{name}",
                "diagnostics",
                f"Where {name} diverges",
                "Every sd where transitions diverge, below where they do not. What sits "
                "at small values is a funnel.",
                f"For each sd of {name} its draws on a log axis with those of the "
                f"{fit.diagnostics.divergences} diverging transitions marked.",
                plots.divergences(fit),
            )
    for name, fit in analysis.fits.items():
        yield from _chains(name, fit)


def _chains(name: str, fit: Fit) -> Iterator[Picture]:
    yield Picture.of_fits(
        {name: fit},
        f"rank_{name}",
        "diagnostics",
        f"Ranks of the chains: {name}",
        "Share of each chain's draws in each range of rank, over that of all chains. A "
        "chain that agrees with the others stays near 1. The band reaches two standard "
        "errors to each side, for independent draws and each range by itself.",
        f"For each parameter of {name} a line per chain across the ranges of rank; a band "
        "shows how far independent draws would stray from 1.",
        plots.rank(fit),
        folded=True,
    )
    yield Picture.of_fits(
        {name: fit},
        f"trace_{name}",
        "diagnostics",
        f"Paths of the chains: {name}",
        "Density of each chain on the left, its path on the right. Chains that agree "
        f"cover each other. {units(fit.design)}",
        f"For each parameter of {name} the density of every chain beside its path; "
        f"{fit.diagnostics.divergences} diverging transitions are marked.",
        plots.trace(fit),
        folded=True,
    )
