"""The engine that runs Stan through CmdStanPy."""

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cmdstanpy
import numpy as np

from hierstan.engines.base import SamplerSettings, Samples, StanData
from hierstan.engines.programs_cache import compiled
from hierstan.errors import SamplingError
from hierstan.progress import SILENT, Advance, Progress
from hierstan.resources import directory
from hierstan.toolchain import CmdStan, ensure

_SAMPLER_NAMES = {
    "lp__": "lp",
    "accept_stat__": "acceptance_rate",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "divergent__": "diverging",
    "energy__": "energy",
}
# Enough digits that |mean| / sd = 1e5 still leaves five for the sd.
_SIGNIFICANT_DIGITS = 10
_COMPILER_JOBS = 2  # one takes up to 1.5 GB of memory


class CmdStanEngine:
    """CmdStan through CmdStanPy, with the user's installation or the embedded one.

    Parameters
    ----------
    path : pathlib.Path, optional
        A CmdStan directory; by default the one `hierstan.toolchain.locate` finds.
    """

    name = "cmdstan"

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._toolchain: CmdStan | None = None
        self._executables: dict[str, Path] = {}
        self._compile_seconds: dict[str, float] = {}

    def toolchain(self, progress: Progress = SILENT) -> CmdStan:
        """Return the CmdStan in use, building the embedded one when there is none."""
        if self._toolchain is None:
            self._toolchain = ensure(self._path, progress)
        return self._toolchain

    def describe(self) -> dict[str, str]:
        """Name the engine, its versions and where its CmdStan comes from."""
        toolchain = self.toolchain()
        return {
            "name": self.name,
            "cmdstanpy": version("cmdstanpy"),
            "stan": ".".join(map(str, toolchain.version or ())),
            "source": toolchain.source,
        }

    def compile(
        self, programs: Sequence[str], progress: Progress = SILENT
    ) -> dict[str, float]:
        """Compile programs, two at a time; see `Engine.compile`."""
        toolchain = self.toolchain(progress)
        new = [name for name in programs if name not in self._executables]
        source = directory("stan")
        with (
            self.active(),
            cmdstanpy.disable_logging(),
            ThreadPoolExecutor(_COMPILER_JOBS) as pool,
        ):
            jobs = {
                name: pool.submit(compiled, source / f"{name}.stan", toolchain)
                for name in new
            }
            missing = [name for name, job in jobs.items() if not _done_soon(job)]
            if missing:
                with progress.task(f"Compiling {', '.join(missing)}", len(missing)) as done:
                    for count, name in enumerate(missing, start=1):
                        jobs[name].exception()
                        done(count)
            for name, job in jobs.items():
                self._executables[name], self._compile_seconds[name] = job.result()
        return {name: self._compile_seconds[name] for name in programs}

    def executable(self, program: str) -> Path:
        """Return the compiled program, for CmdStanPy's own methods."""
        self.compile([program])
        return self._executables[program]

    def active(self) -> AbstractContextManager[None]:
        """Point CmdStanPy at this engine's CmdStan for a while."""
        return _process_cmdstan(self.toolchain())

    def sample(
        self,
        program: str,
        data: StanData,
        inits: Sequence[Mapping[str, Any]],
        settings: SamplerSettings,
        progress: Progress = SILENT,
    ) -> Samples:
        """Sample with NUTS, one process per chain; see `Engine.sample`."""
        compile_seconds = self.compile([program], progress)[program]
        iterations = settings.chains * (settings.warmup + settings.draws)
        start = time.perf_counter()
        with (
            progress.task(f"Sampling {program}", iterations) as advance,
            self.active(),
            cmdstanpy.disable_logging(),
        ):
            model = _ReportingModel(self.executable(program), advance)
            try:
                fit = model.sample(
                    dict(data),
                    chains=settings.chains,
                    iter_warmup=settings.warmup,
                    iter_sampling=settings.draws,
                    seed=settings.seed,
                    inits=[dict(values) for values in inits],
                    adapt_delta=settings.adapt_delta,
                    max_treedepth=settings.max_treedepth,
                    sig_figs=_SIGNIFICANT_DIGITS,
                    show_progress=False,
                    refresh=max(1, (settings.warmup + settings.draws) // 20),
                )
                variables = _by_chain(fit.stan_variables(), settings)
                sampler = {
                    ours: np.asarray(fit.method_variables()[theirs], dtype=float).T
                    for theirs, ours in _SAMPLER_NAMES.items()
                }
            except (RuntimeError, ValueError) as error:
                raise SamplingError(
                    f"Stan stopped while sampling {program}. It said:\n{_told(error)}"
                ) from error
        seconds = time.perf_counter() - start
        return Samples(variables, sampler, settings, seconds, compile_seconds, fit)


class _ReportingModel(cmdstanpy.CmdStanModel):  # type: ignore[misc]
    """A compiled program whose chains report to our progress instead of tqdm's bars.

    CmdStanPy has no public hook, and its own bars write to standard output. Were the
    private method renamed, sampling would go on unseen; a test notices.
    """

    def __init__(self, executable: Path, advance: Advance) -> None:
        super().__init__(exe_file=executable)
        self._advance = advance
        self._lock = threading.Lock()
        self._reached: dict[int, int] = {}

    def _run_cmdstan(self, *args: Any, **kwargs: Any) -> None:
        super()._run_cmdstan(*args, **{**kwargs, "progress_hook": self._report})

    def _report(self, line: str, chain: int) -> None:
        found = re.match(r"Iteration:\s+(\d+)", line)
        if found:
            with self._lock:
                self._reached[chain] = int(found[1])
                self._advance(sum(self._reached.values()))


@contextmanager
def _process_cmdstan(toolchain: CmdStan) -> Iterator[None]:
    """Point CmdStanPy at a CmdStan for a while; its setting is process-wide."""
    before = os.environ.get("CMDSTAN")
    os.environ["CMDSTAN"] = str(toolchain.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["CMDSTAN"]
        else:
            os.environ["CMDSTAN"] = before


def _done_soon(job: Any) -> bool:
    """Wait as long as a look into the cache takes, so that hits are not announced."""
    try:
        job.exception(timeout=0.2)
    except TimeoutError:
        return False
    return True


def _told(error: Exception) -> str:
    """Return Stan's own lines once each, without CmdStanPy's record of the run."""
    lines = str(error).split("Command and output files:")[0].splitlines()
    return "\n".join(list(dict.fromkeys(lines))[:8])


def _by_chain(
    variables: Mapping[str, Any], settings: SamplerSettings
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Undo CmdStanPy's concatenation of chains, which goes chain after chain."""
    shape = (settings.chains, settings.draws)
    return {
        name: np.asarray(values, dtype=float).reshape(*shape, *np.shape(values)[1:])
        for name, values in variables.items()
    }
