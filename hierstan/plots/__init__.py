"""Pictures: one function each, from readings to a matplotlib Figure."""

from hierstan.plots.forest import forest
from hierstan.plots.funnel import funnel, funnel_level
from hierstan.plots.panels import panel_levels, panel_predictor, panels
from hierstan.plots.prior_predictive import prior_predictive
from hierstan.plots.shrinkage import shrinkage
from hierstan.plots.trace import trace

__all__ = [
    "forest",
    "funnel",
    "funnel_level",
    "panel_levels",
    "panel_predictor",
    "panels",
    "prior_predictive",
    "shrinkage",
    "trace",
]
