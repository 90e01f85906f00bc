"""Samplers behind one interface."""

from hierstan.engines.base import Engine, EngineChoice, SamplerSettings, Samples
from hierstan.engines.choice import choose_engine

__all__ = ["Engine", "EngineChoice", "SamplerSettings", "Samples", "choose_engine"]
