"""The engine that runs Stan inside of this process, without a compiler."""

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import TextIOBase
from typing import Any, Never

import numpy as np
import stanli
from scipy.optimize import minimize

from hierstan.engines.base import (
    SAMPLER_NAMES,
    Floats,
    Mode,
    SamplerSettings,
    Samples,
    StanData,
    stopped,
)
from hierstan.engines.stanli_models import Bound, bind, to_json, translate
from hierstan.errors import EngineError
from hierstan.progress import SILENT, Advance, Progress

# Stan's own criteria in scipy's terms, as tight as rounding allows.
_OPTIMIZER = {"maxiter": 10_000, "maxfun": 100_000, "maxcor": 20, "maxls": 50,
              "ftol": 2e-15, "gtol": 1e-8}  # fmt: skip
_RELATIVE_GRADIENT = 1e3 * np.finfo(float).eps  # g' H^-1 g / |f|, CmdStan engine's as well
_CLIMBS = 4  # where there is no highest place, more climbs find none
_NO_STEP = 1e-300


class StanliEngine:
    """Stan's compiler, math and NUTS out of stanli's shared library.

    Chains are threads of this process: a program is ready in tenths of a second, and
    nothing is written to disk. The price is that a crash in native code would take Python
    down with it, and that Ctrl-C reaches chains only when they run in the main thread.

    Parameters
    ----------
    reason : str
        Why this engine runs.

    Notes
    -----
    stanli knows log densities with the Jacobian of the transforms only. Those without,
    which modes and comparisons are about, are the difference to the same program with an
    empty model block, whose density is the Jacobian. Modes are found by scipy's L-BFGS-B.
    """

    name = "stanli"

    def __init__(self, reason: str = "asked for") -> None:
        self.reason = reason
        self._seconds: dict[str, float] = {}

    def describe(self) -> dict[str, str]:
        """Name the engine, its version and why it runs; it does not tell Stan's version."""
        return {
            "name": self.name,
            "through": f"stanli {stanli.__version__}",
            "source": self.reason,
        }

    def compile(
        self, programs: Sequence[str], progress: Progress = SILENT
    ) -> dict[str, float]:
        """Translate programs, once per process; see `Engine.compile`."""
        if not self._seconds:
            with progress.task(f"Running Stan in stanli ({self.reason})"):
                pass
        for program in programs:
            if program not in self._seconds:
                self._seconds[program] = translate(program)[1]
        return {program: self._seconds[program] for program in programs}

    def executable(self, program: str) -> Never:
        """Refuse: there is no compiled program for CmdStanPy's own methods.

        Raises
        ------
        EngineError
            Always; names the engine that can.
        """
        raise EngineError(
            f"stanli makes no executable of {program}; what CmdStanPy does with one "
            '(laplace, pathfinder, generated quantities) needs engine="cmdstan".'
        )

    def sample(
        self,
        program: str,
        data: StanData,
        inits: Sequence[Mapping[str, Any]],
        settings: SamplerSettings,
        progress: Progress = SILENT,
    ) -> Samples:
        """Sample with NUTS, one thread per chain; see `Engine.sample`.

        Chain k takes the random numbers that CmdStan's chain k takes for the same seed.
        """
        compile_seconds = self.compile([program], progress)[program]
        iterations = settings.chains * (settings.warmup + settings.draws)
        start = time.perf_counter()
        with (
            progress.task(f"Sampling {program}", iterations) as advance,
            _saying(f"sampling {program}"),
        ):
            model = bind(program, to_json(data)).complete()
            starts = np.array([model.unconstrain(dict(values)) for values in inits])
            with _reporting(progress, advance) as heard:
                fit = model.sample(
                    chains=settings.chains,
                    warmup=settings.warmup,
                    samples=settings.draws,
                    seed=settings.seed,
                    inits=starts,
                    delta=settings.adapt_delta,
                    max_depth=settings.max_treedepth,
                    refresh=max(1, iterations // settings.chains // 20) if heard else 0,
                )
        variables = {name: fit.draws(name) for name in fit.variables}
        sampler = {
            ours: fit.sampler_stats[:, :, stanli.SAMPLER_COLUMNS.index(theirs)]
            for theirs, ours in SAMPLER_NAMES.items()
        }
        seconds = time.perf_counter() - start
        return Samples(variables, sampler, settings, seconds, compile_seconds, fit)

    def optimize(
        self, program: str, data: StanData, init: Mapping[str, Any], seed: int
    ) -> Mode:
        """Climb with L-BFGS-B; see `Engine.optimize`."""
        self.compile([program])
        start = time.perf_counter()
        with _saying(f"optimizing {program}"):
            density = _density(program, data)
            model = density.whole.complete()
            point = model.unconstrain(dict(init))
            found = _climb(density, point)
            # One transition without a step returns all variables of the place it stands on.
            fit = model.sample(
                chains=1, warmup=0, samples=1, seed=seed, inits=found.x, max_depth=1,
                step_size=_NO_STEP, adapt_engaged=False, refresh=0,
            )  # fmt: skip
        variables = {name: fit.draws(name)[0, 0] for name in fit.variables}
        seconds = time.perf_counter() - start
        return Mode(variables, -float(found.fun), _arrived(found), seconds, found)

    def log_density(
        self, program: str, data: StanData, points: Sequence[Mapping[str, Any]]
    ) -> tuple[Floats, Floats]:
        """Evaluate in this process; see `Engine.log_density`."""
        self.compile([program])
        with _saying(f"evaluating {program}"):
            density = _density(program, data)
            free = [density.whole.model.unconstrain(dict(point)) for point in points]
            pairs = [density.at(point) for point in free]
        return np.array([value for value, _ in pairs]), np.array([g for _, g in pairs])


@dataclass(frozen=True)
class _Density:
    """A log density without the Jacobian: that of a program less that of an empty one."""

    whole: Bound
    empty: Bound

    def at(self, point: Floats) -> tuple[float, Floats]:
        """Return value and gradient at unconstrained parameters; raises RuntimeError."""
        value, slope = self.whole.model.log_prob_grad(point)
        jacobian, its_slope = self.empty.model.log_prob_grad(point)
        return value - jacobian, slope - its_slope


class _Last(threading.local):
    """The density used last: a cross-check asks for the same one several times.

    Each thread has its own, because one model evaluates one point at a time.
    """

    of: tuple[str, str] | None = None
    density: _Density


_last = _Last()


def _density(program: str, data: StanData) -> _Density:
    """Return a density, anew unless it is the one that was used last."""
    text = to_json(data)
    if _last.of != (program, text):
        _last.of = None
        _last.density = _Density(bind(program, text), bind(program, text, jacobian=True))
        _last.of = program, text
    return _last.density


def _climb(density: _Density, point: Floats) -> Any:
    """Climb from a point with a density, and again from where rounding ended a climb."""
    highest = density.at(point)[0]  # where it cannot start is an error, no poor place

    def loss(place: Floats) -> tuple[float, Floats]:
        try:
            value, slope = density.at(place)
        except RuntimeError:  # no density there: so low that the line search turns back
            return abs(highest) * 10 + 1e4, np.zeros(len(place))
        return -value, -slope

    for _ in range(_CLIMBS):
        found = minimize(loss, point, jac=True, method="L-BFGS-B", options=_OPTIMIZER)
        if _arrived(found) or not -found.fun > highest:
            break
        point, highest = found.x, -float(found.fun)
    return found


def _arrived(found: Any) -> bool:
    """Tell whether a climb met one of Stan's criteria."""
    decrement = found.jac @ found.hess_inv.matvec(found.jac)
    return bool(
        found.success or 0 <= decrement <= _RELATIVE_GRADIENT * max(abs(found.fun), 1.0)
    )


@contextmanager
def _saying(doing: str) -> Iterator[None]:
    """Turn stanli's complaints into ours."""
    try:
        yield
    except (RuntimeError, ValueError, MemoryError) as error:
        raise stopped(doing, str(error)) from error


class _Console(TextIOBase):
    """Reads CmdStan's progress lines off what stanli prints."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._reached: dict[str, int] = {}

    def write(self, text: str) -> int:
        found = re.match(r"Chain \[(\d+)\] Iteration:\s+(\d+)", text)
        if found:
            self._reached[found[1]] = int(found[2])
            self._advance(sum(self._reached.values()))
        return len(text)


@contextmanager
def _reporting(progress: Progress, advance: Advance) -> Iterator[bool]:
    """Pass progress on; with nobody to listen, leave the process's output alone."""
    if progress is SILENT:
        yield False
        return
    with redirect_stdout(_Console(advance)):
        yield True
