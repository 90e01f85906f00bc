"""Measure contenders on cases: ``make bench``, or ``python -m benchmarks --help``.

Results are written after every run, so that an interruption loses one run and no more.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import machine
from benchmarks.accuracy import integrate
from benchmarks.cases import CASES, Case
from benchmarks.environments import interpreter, versions
from benchmarks.measure import Bench, Entry, Settings, absence, measure_all
from benchmarks.registry import Contender, chosen
from benchmarks.table import render, state

from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.frequentist import fit_mixedlm


def main() -> None:
    """Run, or render a file of results again."""
    asked = _parser().parse_args()
    if asked.render:
        write(json.loads(asked.render.read_text(encoding="utf-8")), asked.render.parent)
        return
    names = list(CASES) if asked.cases == "all" else asked.cases.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.exit(f"There is no case {', '.join(unknown)}; there are {', '.join(CASES)}.")
    try:
        contenders = chosen(asked.contenders)
    except ValueError as error:
        sys.exit(str(error))
    settings = Settings(
        asked.chains, asked.warmup, asked.draws, asked.cores, asked.limit, asked.repeats
    )
    CmdStanEngine().toolchain()  # built here, if it has to be, and not by a contender
    missing = {c.name: absence(c) for c in contenders}
    results: dict[str, Any] = {
        "machine": machine.describe(),
        "settings": asdict(settings),
        "versions": {
            name: versions(name, program)
            for name in dict.fromkeys(c.environment for c in contenders)
            if (program := interpreter(name)) is not None
        },
        "cases": {},
        "entries": [],
    }
    with tempfile.TemporaryDirectory(prefix="hierstan-bench-") as work:
        for name in names:
            run_case(CASES[name], contenders, missing, settings, results,
                     Path(work) / name, asked)  # fmt: skip
    sys.stdout.write((asked.out / "results.md").read_text(encoding="utf-8"))


def run_case(
    case: Case,
    contenders: tuple[Contender, ...],
    missing: dict[str, str | None],
    settings: Settings,
    results: dict[str, Any],
    folder: Path,
    asked: argparse.Namespace,
) -> None:
    """Measure all contenders on one case and write the results as they grow."""
    own = [c for c in contenders if not c.cases or case.name in c.cases]
    case.write(folder)
    posterior = case.posterior()
    reml = dict(fit_mixedlm(case.design).estimates().rows())
    start = np.array([reml[parameter.name].center for parameter in posterior.parameters])
    exact = integrate(posterior, start)
    results["cases"][case.name] = {
        "title": case.title, "formula": case.formula, "priors": case.priors(),
        "exact": asdict(exact),
    }  # fmt: skip
    bench = Bench(case.name, folder, exact, settings)
    found: dict[str, Entry] = {}
    earlier = list(results["entries"])

    def cannot(contender: Contender) -> str | None:
        return missing[contender.name] or contender.cannot(case)

    cold = case.name in asked.cold.split(",")
    for entry in measure_all(bench, own, cannot, cold=cold):
        found[entry.contender] = entry
        ordered = [found[c.name] for c in own if c.name in found]
        results["entries"] = [*earlier, *map(asdict, ordered)]
        write(results, asked.out)
        sys.stderr.write(f"{case.name}: {entry.contender}: {state(entry)}\n")


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results.json and results.md."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    (folder / "results.md").write_text(render(results), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--cases", default="all", help=f"all, or some of {','.join(CASES)}")
    parser.add_argument("--contenders", default="all", help="all, or words of their names")
    parser.add_argument("--cold", default="radon", help="cases timed with empty caches too")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--render", type=Path, help="a results.json to make a table of")
    default = asdict(Settings())
    for name, value in default.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return parser


if __name__ == "__main__":
    main()
