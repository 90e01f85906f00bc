"""Samplers behind one interface."""

from hierstan.engines.base import Engine, SamplerSettings, Samples

__all__ = ["Engine", "SamplerSettings", "Samples"]
