"""Can a fit be trusted, where does it fail, why, and what to do."""

from hierstan.diagnostics.cause import Cause
from hierstan.diagnostics.limits import population_series
from hierstan.diagnostics.state import NUMBERS, Diagnostics, diagnose

__all__ = [
    "NUMBERS",
    "Cause",
    "Diagnostics",
    "diagnose",
    "population_series",
]
