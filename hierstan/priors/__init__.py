"""Priors: the autoscaled default, presets, priors set by name, and how they read."""

from hierstan.priors.choice import PriorChoice, read_priors, resolve_priors
from hierstan.priors.names import Parameter, parameters
from hierstan.priors.presets import PRESETS, default_priors, flat_priors, seeds_priors
from hierstan.priors.scales import Priors

__all__ = [
    "PRESETS",
    "Parameter",
    "PriorChoice",
    "Priors",
    "default_priors",
    "flat_priors",
    "parameters",
    "read_priors",
    "resolve_priors",
    "seeds_priors",
]
