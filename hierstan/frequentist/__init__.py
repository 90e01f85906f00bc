"""Least squares and mixed-model fits of the same design matrices that Stan gets."""

from hierstan.frequentist.least_squares import GroupFit, fit_by_group, fit_ols
from hierstan.frequentist.mixedlm import MixedFit, fit_mixedlm

__all__ = ["GroupFit", "MixedFit", "fit_by_group", "fit_mixedlm", "fit_ols"]
