"""What to trust, a line for every fit: told by a sign and a word, not by colour alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from hierstan.analysis import Analysis
from hierstan.fit import Fit
from hierstan.frequentist import MixedFit

# Data sets that a fit expects reach what was observed with a probability between these.
_EXPECTED = (0.005, 0.995)

SIGNS = {"good": "✓", "care": "!", "bad": "✗", "none": "–"}


@dataclass(frozen=True)
class Line:
    """The state of one fit.

    Attributes
    ----------
    state : {"good", "care", "bad", "none"}
        Can be trusted, with care, not, or was not fitted.
    word : str
        The same in a word.
    name, kind : str
        Which fit, and what it is.
    told, advice : str
        Why, and what to do.
    """

    state: str
    word: str
    name: str
    kind: str
    told: str
    advice: str = ""

    @property
    def sign(self) -> str:
        """The state as a sign."""
        return SIGNS[self.state]


def labels(analysis: Analysis) -> dict[str, str]:
    """Name the programs as tables do: one that failed never looks like one that did not."""
    return {
        name: name if fit.diagnostics.sound else f"{name} (failed)"
        for name, fit in analysis.fits.items()
    }


def headline(analysis: Analysis, predictive: pd.DataFrame | None) -> Line:
    """Say which numbers to report, if any.

    Parameters
    ----------
    analysis : Analysis
        What was run.
    predictive : pandas.DataFrame or None
        Statistics of the data beside those of replications of the best fit, with their
        ``p_value``; None where they were not computed.
    """
    best = analysis.best
    if best is None:
        told = f"Nothing here has partial pooling; fitted are {', '.join(analysis.fits)}."
        return Line("care", "With care", "", "", told)
    name, kind = best.program.name, best.program.title
    if not best.diagnostics.sound:
        told = "No fit with partial pooling passed its checks: do not report one yet."
        return Line("bad", "Not yet", name, kind, told)
    if analysis.check is not None and not analysis.check.agrees:
        told = (
            f"{name} passed its checks, but Stan and the mixed model do not have one "
            "optimum: see the cross-check before you report."
        )
        return Line("care", "With care", name, kind, told)
    against = best.diagnostics.contradicted
    if against:
        told = (
            f"{name} passed its checks, but prior and data contradict each other for "
            f"{', '.join(against)}: its numbers are the prior's as much as the data's. "
            "State a prior that you mean, in the units of the data, before you report."
        )
        return Line("care", "With care", name, kind, told)
    if odd := _unexpected(predictive):
        told = (
            f"{name}'s sampling passed every check, but the model does not expect such "
            f"data ({odd}): see the checks of fit before you report."
        )
        return Line("care", "With care", name, kind, told)
    told = f"Report {name} ({kind}): its sampling passed every check."
    return Line("good", "Trust", name, kind, told)


def _unexpected(predictive: pd.DataFrame | None) -> str:
    """Name the statistics of the data that hardly a replication has."""
    if predictive is None:
        return ""
    low, high = _EXPECTED
    odd = predictive[~predictive["p_value"].between(low, high)]
    return ", ".join(
        f"{row['statistic']} {row['observed']:.3g}, expected from {row['low']:.3g} to "
        f"{row['high']:.3g}"
        for row in odd.to_dict("records")
    )


def lines(analysis: Analysis) -> Iterator[Line]:
    """Yield a line per fit, the one to report first."""
    order = sorted(analysis.fits.values(), key=lambda fit: fit is not analysis.best)
    yield from (_program(fit) for fit in order)
    yield from (_mixed(name, fit) for name, fit in analysis.mixed.items())
    for name, reason in analysis.left_out.items():
        yield Line("none", "Not fitted", name, "", reason)


def _program(fit: Fit) -> Line:
    state, program = fit.diagnostics, fit.program
    if state.sound:
        remarks = "; ".join(state.remarks)
        if state.contradicted:
            return Line("care", "With care", program.name, program.title, remarks)
        return Line("good", "Sound", program.name, program.title, remarks)
    return Line(
        "bad", "Do not trust", program.name, program.title, state.verdict, state.advice
    )


def _mixed(name: str, fit: MixedFit) -> Line:
    kind = f"mixed model, log likelihood {fit.solution.loglik:.4f}"
    told = "" if fit.verdict == "converged" else fit.verdict
    if not fit.converged:
        return Line("bad", "Do not trust", name, kind, told)
    if fit.singular:
        return Line("care", "With care", name, kind, told)
    return Line("good", "Converged", name, kind, told)
