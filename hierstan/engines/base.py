"""The one interface between models and whatever runs Stan programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hierstan.errors import InputError, SamplingError
from hierstan.progress import Progress

StanData = Mapping[str, Any]
Floats = npt.NDArray[np.float64]
Arrays = Mapping[str, Floats]

SAMPLER_NAMES = {
    "lp__": "lp",
    "accept_stat__": "acceptance_rate",
    "stepsize__": "step_size",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "divergent__": "diverging",
    "energy__": "energy",
}
"""Stan's columns by ArviZ's names."""


@dataclass(frozen=True)
class SamplerSettings:
    """How to sample.

    Attributes
    ----------
    chains : int
        Markov chains, run side by side on the cores there are.
    warmup, draws : int
        Iterations per chain that adapt, and that are kept.
    seed : int
        From 0 to 2**32 - 1; initial values and every chain's stream follow from it.
    adapt_delta : float
        Target acceptance rate of the warm-up, in (0, 1). The default is above Stan's 0.8:
        radon's noncentered failed its checks for 2 of 8 seeds at 0.8, for none at 0.9 or
        0.95, in the same time; marginal had divergences in 8 of 150 fits of fifteen designs
        at 0.9 and in 1 at 0.95, for a fifth more steps.
    max_treedepth : int
        A trajectory has at most 2**max_treedepth leapfrog steps.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 1
    adapt_delta: float = 0.95
    max_treedepth: int = 10

    def __post_init__(self) -> None:
        """Refuse settings the sampler cannot use."""
        for name in ("chains", "warmup", "draws", "seed", "max_treedepth"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer):
                raise InputError(f"{name} is {value!r}; it must be a whole number.")
        if not isinstance(self.adapt_delta, float | int | np.number):
            raise InputError(f"adapt_delta is {self.adapt_delta!r}; it must be a number.")
        for name, least in {
            "chains": 1,
            "warmup": 1,
            "draws": 4,
            "max_treedepth": 1,
        }.items():
            if getattr(self, name) < least:
                raise InputError(
                    f"{name} is {getattr(self, name)}; it must be at least {least}."
                )
            if getattr(self, name) >= 2**31:  # Stan's integers have 32 bits
                raise InputError(
                    f"{name} is {getattr(self, name)}; it must be below 2**31."
                )
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed is {self.seed}; it must lie between 0 and 2**32 - 1.")
        if not 0 < self.adapt_delta < 1:
            raise InputError(f"adapt_delta is {self.adapt_delta}; it must be in (0, 1).")


@dataclass(frozen=True, eq=False)
class Samples:
    """Raw draws of one run, before they are given names.

    Attributes
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Parameters, transformed parameters and generated quantities.
    sampler : mapping of str to ndarray, shape (chains, draws)
        ``lp``, ``acceptance_rate``, ``step_size``, ``tree_depth``, ``n_steps``,
        ``diverging`` (0 or 1) and ``energy``: ArviZ's names.
    settings : SamplerSettings
        What was asked for.
    seconds : float
        Wall time from start to draws in memory, compilation not counted.
    compile_seconds : float
        Wall time of compilation; 0 when the program was in the cache.
    raw : object
        What the engine itself returned.
    """

    variables: Arrays
    sampler: Arrays
    settings: SamplerSettings
    seconds: float
    compile_seconds: float
    raw: Any


@dataclass(frozen=True, eq=False)
class Mode:
    """Where an optimization ended.

    Attributes
    ----------
    variables : mapping of str to ndarray
        Parameters, transformed parameters and generated quantities there.
    log_density : float
        The target there, without Jacobians.
    arrived : bool
        Whether the optimizer met one of its criteria; no proof of an optimum.
    seconds : float
        Wall time, compilation not counted.
    raw : object
        What the engine itself returned.
    """

    variables: Arrays
    log_density: float
    arrived: bool
    seconds: float
    raw: Any


class Engine(Protocol):
    """Something that compiles and samples Stan programs."""

    name: str

    def describe(self) -> dict[str, str]:
        """Describe what runs Stan.

        Returns
        -------
        dict of str to str
            ``name``; ``through``, a package and its version; ``source``, where Stan comes
            from or why this engine runs; and ``stan``, its version, where that is known.
        """
        ...

    def compile(self, programs: Sequence[str], progress: Progress) -> dict[str, float]:
        """Make programs ready to run; return the seconds each took (0 when cached).

        Raises
        ------
        EngineError
            When there is no usable toolchain, or a program does not compile.
        """
        ...

    def sample(
        self,
        program: str,
        data: StanData,
        inits: Sequence[Mapping[str, Any]],
        settings: SamplerSettings,
        progress: Progress,
    ) -> Samples:
        """Sample one program with NUTS, from one set of initial values per chain.

        Raises
        ------
        SamplingError
            When a chain ends without its draws; carries Stan's message.
        """
        ...

    def optimize(
        self, program: str, data: StanData, init: Mapping[str, Any], seed: int
    ) -> Mode:
        """Climb the log density, without Jacobians, from one set of initial values.

        Raises
        ------
        SamplingError
            When it cannot start.
        """
        ...

    def log_density(
        self, program: str, data: StanData, points: Sequence[Mapping[str, Any]]
    ) -> tuple[Floats, Floats]:
        """Evaluate the log density, without Jacobians, at parameter values.

        Parameters
        ----------
        program : str
            Which program.
        data : mapping
            Its data block.
        points : sequence of mapping
            The program's parameters by name, all of them and nothing else.

        Returns
        -------
        ndarray, shape (points,)
            Log densities, constants included.
        ndarray, shape (points, D)
            Their gradients in the D unconstrained parameters, in the program's order.

        Raises
        ------
        SamplingError
            When a point is outside of the parameters' range.
        """
        ...


EngineChoice = str | Engine | None
"""An engine's name, an engine, or the default: see `hierstan.engines.choice`."""


def stopped(doing: str, words: str) -> SamplingError:
    """Make the error for a Stan that stopped, in Stan's own words."""
    return SamplingError(f"Stan stopped while {doing}. It said:\n{words}")
