"""Pictures: one function each, from readings to a matplotlib Figure."""

from hierstan.plots.divergences import divergences
from hierstan.plots.energy import energy
from hierstan.plots.forest import forest
from hierstan.plots.funnel import funnel, funnel_level
from hierstan.plots.group_means import group_means
from hierstan.plots.joint import joint
from hierstan.plots.ladder import ladder
from hierstan.plots.loo_pit import loo_pit
from hierstan.plots.panels import panel_levels, panel_predictor, panels, prior_slope
from hierstan.plots.prior_predictive import prior_predictive
from hierstan.plots.rank import rank
from hierstan.plots.replications import replications
from hierstan.plots.shrinkage import shrinkage
from hierstan.plots.shrinkage_ellipses import shrinkage_ellipses
from hierstan.plots.trace import trace

__all__ = [
    "divergences",
    "energy",
    "forest",
    "funnel",
    "funnel_level",
    "group_means",
    "joint",
    "ladder",
    "loo_pit",
    "panel_levels",
    "panel_predictor",
    "panels",
    "prior_predictive",
    "prior_slope",
    "rank",
    "replications",
    "shrinkage",
    "shrinkage_ellipses",
    "trace",
]
