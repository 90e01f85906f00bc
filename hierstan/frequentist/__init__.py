"""Least squares and mixed-model fits of the same design matrices that Stan gets."""

from hierstan.frequentist.by_group import GroupFit, fit_by_group
from hierstan.frequentist.least_squares import fit_ols, regression
from hierstan.frequentist.mixedfit import FactorFit, MixedFit
from hierstan.frequentist.mixedlm import fit_at, fit_from, fit_mixedlm

__all__ = [
    "FactorFit",
    "GroupFit",
    "MixedFit",
    "fit_at",
    "fit_by_group",
    "fit_from",
    "fit_mixedlm",
    "fit_ols",
    "regression",
]
