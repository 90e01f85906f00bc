"""The engine that runs Stan through CmdStanPy."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hierstan.engines.base import (
    SAMPLER_NAMES,
    Floats,
    Mode,
    SamplerSettings,
    Samples,
    StanData,
    stopped,
)
from hierstan.engines.chains import ReportingModel, in_thread
from hierstan.engines.programs_cache import compiled
from hierstan.engines.quiet import cmdstanpy
from hierstan.processes import Processes, wait_for
from hierstan.progress import SILENT, Progress
from hierstan.resources import directory
from hierstan.toolchain import CmdStan, ensure

# Enough digits that |mean| / sd = 1e5 still leaves five for the sd.
_SIGNIFICANT_DIGITS = 10
_ALL_DIGITS = 17  # for densities and modes, which are compared to the last of them
# Stan's own stop at 1e-8 of the objective, which is 1e-5 of a log likelihood of 1000.
_OPTIMIZER = {
    "tol_obj": 1e-13,
    "tol_rel_obj": 10,
    "tol_grad": 1e-8,
    "tol_rel_grad": 1e3,
    "tol_param": 1e-12,
}
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
            "through": f"CmdStanPy {version('cmdstanpy')}",
            "cmdstanpy": version("cmdstanpy"),
            "stan": ".".join(map(str, toolchain.version or ())),
            "source": toolchain.source,
        }

    def compile(
        self, programs: Sequence[str], progress: Progress = SILENT
    ) -> dict[str, float]:
        """Compile programs, two at a time; see `Engine.compile`."""
        toolchain = self.toolchain(progress)
        source, processes = directory("stan"), Processes()
        with ThreadPoolExecutor(_COMPILER_JOBS) as pool:
            jobs = {
                name: pool.submit(compiled, source / f"{name}.stan", toolchain, processes)
                for name in programs
                if name not in self._executables
            }
            try:
                _wait(jobs, progress)
            except KeyboardInterrupt:
                processes.stop()
                raise
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
            model = ReportingModel(self.executable(program), advance)
            try:
                fit = in_thread(
                    model.sample,
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
                    on_interrupt=model.processes.stop,
                )
                variables = _by_chain(fit.stan_variables(), settings)
                sampler = {
                    ours: np.asarray(fit.method_variables()[theirs], dtype=float).T
                    for theirs, ours in SAMPLER_NAMES.items()
                }
            except (RuntimeError, ValueError) as error:
                raise stopped(f"sampling {program}", _told(error)) from error
        seconds = time.perf_counter() - start
        return Samples(variables, sampler, settings, seconds, compile_seconds, fit)

    def optimize(
        self, program: str, data: StanData, init: Mapping[str, Any], seed: int
    ) -> Mode:
        """Climb with L-BFGS; see `Engine.optimize`."""
        start = time.perf_counter()
        with self._quiet_model(program) as model:
            try:
                found = model.optimize(
                    dict(data),
                    inits=dict(init),
                    seed=seed,
                    algorithm="lbfgs",
                    jacobian=False,
                    iter=10_000,
                    require_converged=False,
                    sig_figs=_ALL_DIGITS,
                    **_OPTIMIZER,
                )
                named = found.stan_variables()
                density = float(found.optimized_params_dict["lp__"])
            except (RuntimeError, ValueError) as error:
                raise stopped(f"optimizing {program}", _told(error)) from error
        shapes = found.metadata.stan_vars  # CmdStanPy gives vectors of one as numbers
        variables = {
            name: np.reshape(value, shapes[name].dimensions)
            for name, value in named.items()
        }
        seconds = time.perf_counter() - start
        return Mode(variables, density, bool(found.converged), seconds, found)

    def log_density(
        self, program: str, data: StanData, points: Sequence[Mapping[str, Any]]
    ) -> tuple[Floats, Floats]:
        """Evaluate with log_prob, a process per point; see `Engine.log_density`."""
        with self._quiet_model(program) as model:
            try:
                tables = [
                    model.log_prob(
                        dict(point), dict(data), jacobian=False, sig_figs=_ALL_DIGITS
                    )
                    for point in points
                ]
            except (RuntimeError, ValueError) as error:
                raise stopped(f"evaluating {program}", _told(error)) from error
        values = np.array([table.iloc[0].to_numpy(dtype=float) for table in tables])
        return values[:, 0], values[:, 1:]

    @contextmanager
    def _quiet_model(self, program: str) -> Iterator[cmdstanpy.CmdStanModel]:
        """Return CmdStanPy's model of a program, its logging off."""
        executable = self.executable(program)
        with self.active(), cmdstanpy.disable_logging():
            yield cmdstanpy.CmdStanModel(exe_file=executable)


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


def _wait(jobs: Mapping[str, "Future[tuple[Path, float]]"], progress: Progress) -> None:
    """Wait for compilations; say so only if it takes longer than a look into the cache."""
    waiting = wait(jobs.values(), timeout=0.2).not_done
    if waiting:
        missing = [name for name, job in jobs.items() if job in waiting]
        with progress.task(f"Compiling {', '.join(missing)}", len(missing)) as done:
            for count in wait_for(waiting):
                done(count)


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
