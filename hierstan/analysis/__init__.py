"""Every program, least squares and mixed model for one formula, in one object."""

from hierstan.analysis.result import Analysis
from hierstan.analysis.run import analyze

__all__ = ["Analysis", "analyze"]
