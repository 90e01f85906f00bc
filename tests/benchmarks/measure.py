"""Run contenders on a case and judge what they hand over."""

import json
import os
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from benchmarks.accuracy import failure, judge
from benchmarks.environments import home, interpreter, lacking
from benchmarks.processes import Outcome, run
from benchmarks.registry import OWN, Contender
from exact import Moments

from hierstan.design import Floats
from hierstan.toolchain import locate

SCRIPTS = Path(__file__).parent / "contenders"
# One chain, as little warm-up as all accept, and the fewest draws that all give.
FIRST_DRAW = {"chains": 1, "warmup": 5, "draws": 4}


@dataclass(frozen=True)
class Settings:
    """How everything is run: sampler, processors, seconds a run may take, repeats."""

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    cores: int = 2
    limit: float = 600.0
    repeats: int = 3


@dataclass
class Entry:
    """One contender on one case.

    Attributes
    ----------
    case, contender : str
        Which.
    absent : str or None
        Why it was not run.
    first_draw : dict
        Seconds to the first draw, ``"cold"`` and ``"warm"``, or why there is none.
    runs : list of dict
        One for each repeat: its measures, or the ``failure`` that left it without.
    """

    case: str
    contender: str
    absent: str | None = None
    first_draw: dict[str, float | str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)


class Bench:
    """One case with its exact posterior, ready for contenders.

    Parameters
    ----------
    name : str
        Of the case.
    folder : Path
        Where the case is written, and where draws pass through.
    exact : Moments
        The truth.
    settings : Settings
        How to run.
    """

    def __init__(self, name: str, folder: Path, exact: Moments, settings: Settings) -> None:
        self.name, self.folder = name, folder
        self.exact, self.settings = exact, settings

    def first_draw(self, contender: Contender, *, cold: bool) -> float | str:
        """Return the seconds from the start of a process to its first draws.

        Cold is with nothing kept from earlier runs: programs are compiled anew. What is
        installed once (environments, the Stan toolchain) is there already.
        """
        cache = _cache(contender)
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        outcome = self._run(contender, FIRST_DRAW, seed=1)[0]
        trouble = _trouble(outcome, self.settings.limit)
        if trouble is None:
            self.filled(contender).touch()
        return trouble or outcome.seconds

    def filled(self, contender: Contender) -> Path:
        """Return the file that says that what a contender keeps covers this case."""
        return _cache(contender) / f"filled by {self.name}"

    def measure(self, contender: Contender, seed: int) -> dict[str, Any]:
        """Run a contender once at full length and judge its draws."""
        settings = asdict(self.settings)
        outcome, drawn = self._run(contender, settings, seed)
        measured: dict[str, Any] = {
            name: getattr(outcome, name) for name in ("seconds", "cpu_seconds", "peak_mb")
        }
        trouble = _trouble(outcome, self.settings.limit)
        if trouble:
            return {**measured, "failure": trouble}
        told = json.loads(outcome.output.splitlines()[-1])
        measured |= told
        if drawn is None:
            return measured
        exact = self.exact if contender.compares == "posterior" else None
        accuracy = judge(drawn, exact)
        measured |= asdict(accuracy)
        measured["failure"] = told["failure"] or failure(accuracy, told["divergences"])
        for kind in ("bulk", "tail"):
            size = measured[f"ess_{kind}"]
            measured[f"{kind}_per_second"] = size / outcome.seconds
            measured[f"{kind}_per_sampling_second"] = size / told["sampling_seconds"]
        return measured

    def _run(
        self, contender: Contender, how: dict[str, Any], seed: int
    ) -> tuple[Outcome, dict[str, Floats] | None]:
        cache = _cache(contender)
        cache.mkdir(parents=True, exist_ok=True)
        output, request = self.folder / "draws.npz", self.folder / "request.json"
        for earlier in (output, output.with_suffix(".csv")):
            earlier.unlink(missing_ok=True)
        asked = {
            "folder": str(self.folder), "output": str(output), "cache": str(cache),
            "options": contender.options, "cores": self.settings.cores, "seed": seed,
            **{name: how[name] for name in FIRST_DRAW},
        }  # fmt: skip
        request.write_text(json.dumps(asked), encoding="utf-8")
        program = interpreter(contender.environment)
        command = [str(program), str(SCRIPTS / contender.script), str(request)]
        variables = _variables(cache, own=contender.environment == OWN)
        outcome = run(command, variables, self.settings.limit)
        return outcome, _draws(output, self.settings.chains)


def measure_all(
    bench: Bench,
    contenders: Sequence[Contender],
    cannot: Callable[[Contender], str | None],
    *,
    cold: bool,
) -> Iterator[Entry]:
    """Measure contenders on a case; give each entry as often as it has grown.

    Repeats are the outer loop, so that a machine that slows down slows all alike. One that
    failed to end, or to end in time, is not tried again.
    """
    entries = {c.name: Entry(bench.name, c.name, cannot(c)) for c in contenders}
    present = [c for c in contenders if entries[c.name].absent is None]
    yield from (entry for entry in entries.values() if entry.absent)
    for contender in present:
        entry = entries[contender.name]
        if cold:
            entry.first_draw["cold"] = bench.first_draw(contender, cold=True)
        elif not bench.filled(contender).exists():
            bench.first_draw(contender, cold=False)
        warm = entry.first_draw["warm"] = bench.first_draw(contender, cold=False)
        if isinstance(warm, str):
            entry.runs.append({"failure": warm})  # what has no first draw has no others
        yield entry
    for repeat in range(bench.settings.repeats):
        for contender in present:
            entry = entries[contender.name]
            if not any("bulk_per_second" not in r and r["failure"] for r in entry.runs):
                entry.runs.append(bench.measure(contender, seed=repeat + 1))
                yield entry


def absence(contender: Contender) -> str | None:
    """Say what this machine or environment lacks for a contender."""
    program = interpreter(contender.environment)
    if program is None:
        return f"{contender.environment} is not on this machine"
    return lacking(contender, program)


def median(entry: Entry, name: str) -> tuple[float, float, float] | None:
    """Return median, least and largest of a measure over the runs that have it."""
    values = [run[name] for run in entry.runs if run.get(name) is not None]
    return (statistics.median(values), min(values), max(values)) if values else None


def _draws(output: Path, chains: int) -> dict[str, Floats] | None:
    """Read what a contender handed over: R writes a table, chain after chain."""
    if output.exists():
        with np.load(output) as stored:
            return dict(stored)
    table = output.with_suffix(".csv")
    if not table.exists():
        return None
    columns = pd.read_csv(table)
    return {str(k): v.to_numpy().reshape(chains, -1) for k, v in columns.items()}


def _cache(contender: Contender) -> Path:
    """What contenders of one environment keep; this package's programs have one each."""
    return home() / "kept" / "-".join([contender.environment, *contender.options.values()])


def _variables(cache: Path, *, own: bool) -> dict[str, str]:
    """Environment variables that keep everything in one folder.

    Modules on the path of the environment that runs this are not for peers.
    """
    return {
        **{k: v for k, v in os.environ.items() if own or k != "PYTHONPATH"},
        "CMDSTAN": str(locate().path),
        "HIERSTAN_CACHE": str(cache),
        "PYTENSOR_FLAGS": f"base_compiledir={cache / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(cache / "numba"),
    }


def _trouble(outcome: Outcome, limit: float) -> str | None:
    if outcome.status is None:
        return f"stopped after {limit:g} s"
    if outcome.status:
        lines = [line for line in outcome.errors.splitlines() if line.strip()]
        return f"exit status {outcome.status}: {lines[-1].strip() if lines else 'silent'}"
    return None
