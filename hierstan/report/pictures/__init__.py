"""Which pictures a report shows, where, and what to say under each."""

from collections.abc import Iterator

from hierstan.analysis import Analysis
from hierstan.report.pictures.checks import check_pictures
from hierstan.report.pictures.diagnostics import diagnostic_pictures
from hierstan.report.pictures.estimates import (
    crosscheck_pictures,
    estimate_pictures,
    prior_pictures,
)
from hierstan.report.pictures.groups import group_pictures
from hierstan.report.pictures.picture import Picture

__all__ = ["Picture", "pictures"]


def pictures(analysis: Analysis) -> Iterator[Picture]:
    """Draw the pictures that an analysis has something to say for, in their order."""
    yield from estimate_pictures(analysis)
    yield from crosscheck_pictures(analysis)
    for factor in analysis.design.factors:
        yield from group_pictures(analysis, factor)
    yield from diagnostic_pictures(analysis)
    yield from check_pictures(analysis)
    yield from prior_pictures(analysis)
