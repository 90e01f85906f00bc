"""Samplers behind one interface."""

import warnings

from hierstan.engines.base import Engine, SamplerSettings, Samples

with warnings.catch_warnings():
    # In a notebook without ipywidgets tqdm, which CmdStanPy imports, warns that its bars
    # will be plain. None is ever shown: progress is ours.
    warnings.filterwarnings("ignore", "IProgress not found")
    import cmdstanpy as _  # noqa: F401

__all__ = ["Engine", "SamplerSettings", "Samples"]
