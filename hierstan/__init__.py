"""Multilevel models in Stan, cross-checked against mixed models.

>>> import hierstan as hs
>>> fit = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon()).mixedlm()
>>> fit.converged
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hierstan import data as data
    from hierstan import plots as plot
    from hierstan.analysis import Analysis, analyze
    from hierstan.description import Description, describe
    from hierstan.diagnostics.advice import Advice, advise
    from hierstan.engines import SamplerSettings
    from hierstan.errors import ConvergenceWarning
    from hierstan.estimates import Estimates, compare
    from hierstan.fit import Fit
    from hierstan.ladder import CrossCheck, crosscheck
    from hierstan.marginal.left_out import left_out_density
    from hierstan.marginal.moments import group_moments
    from hierstan.model import Model
    from hierstan.prediction.comparison import compare_loo
    from hierstan.priors import Priors
    from hierstan.version import __version__

# Imported when first used: statsmodels, arviz and matplotlib take two seconds together,
# which `hierstan --help` and a look at the data need not wait for.
_HOMES = {
    "Advice": "hierstan.diagnostics.advice",
    "Analysis": "hierstan.analysis",
    "ConvergenceWarning": "hierstan.errors",
    "CrossCheck": "hierstan.ladder",
    "Description": "hierstan.description",
    "Estimates": "hierstan.estimates",
    "Fit": "hierstan.fit",
    "Model": "hierstan.model",
    "Priors": "hierstan.priors",
    "SamplerSettings": "hierstan.engines",
    "__version__": "hierstan.version",
    "advise": "hierstan.diagnostics.advice",
    "analyze": "hierstan.analysis",
    "compare": "hierstan.estimates",
    "compare_loo": "hierstan.prediction.comparison",
    "crosscheck": "hierstan.ladder",
    "describe": "hierstan.description",
    "group_moments": "hierstan.marginal.moments",
    "left_out_density": "hierstan.marginal.left_out",
}
_MODULES = {"data": "hierstan.data", "plot": "hierstan.plots"}

__all__ = [
    "Advice",
    "Analysis",
    "ConvergenceWarning",
    "CrossCheck",
    "Description",
    "Estimates",
    "Fit",
    "Model",
    "Priors",
    "SamplerSettings",
    "__version__",
    "advise",
    "analyze",
    "compare",
    "compare_loo",
    "crosscheck",
    "data",
    "describe",
    "group_moments",
    "left_out_density",
    "plot",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hierstan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
