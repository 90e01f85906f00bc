"""The marginal program beside centered and noncentered, and that rows cost it nothing.

Run by hand: ``python tests/benchmarks/marginal.py``. Every row of a table is measured in
a process of its own, one after the other; compiled programs come from the cache. The first
table compares effective draws per second of the slowest population parameter on radon, with
wall time until the draws of all effects are in memory. The second does so on 100,000 rows
in 1,000 groups, where noncentered is given two short chains of which only the sampling
counts, not the warm-up. In the third the number of rows grows.
"""

import json
import subprocess
import sys
import tempfile
import tracemalloc
import warnings
from pathlib import Path
from time import perf_counter

import cmdstanpy
import numpy as np
import pandas as pd

import hierstan as hs
from hierstan.design import Design, Factor
from hierstan.engines.base import SamplerSettings
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.formula import parse
from hierstan.priors import default_priors
from hierstan.programs import get_program, initial_values, stan_data
from hierstan.progress import SILENT

FORMULA = "y ~ x + (x | g)"
GROUPS = 1000
ROWS = [10**k for k in range(3, 8)]


def simulate(rows: int) -> Design:
    """Make a design directly: with as many rows as groups a formula would be refused."""
    rng = np.random.default_rng(1)
    index = rng.permutation(np.arange(rows) % GROUPS)
    Z = np.column_stack([np.ones(rows), rng.normal(size=rows)])
    u = rng.normal(size=(GROUPS, 2)) * [0.5, 0.3]
    y = Z @ [1.0, 2.0] + np.sum(Z * u[index], axis=1) + rng.normal(size=rows)
    names = ("Intercept", "x")
    factor = Factor("g", tuple(map(str, range(GROUPS))), index, names, Z, (2,))
    return Design(parse(FORMULA), y, names, Z, (factor,), rows, {}, pd.DataFrame())


def radon(program: str) -> dict[str, float]:
    """Sample the tutorials' model with the default settings."""
    formula = "log_radon ~ floor + (floor || county)"
    model = hs.Model(formula, hs.data.radon(), priors="seeds")
    model.engine.compile([program], SILENT)
    with warnings.catch_warnings():
        # A program that fails its checks is a finding here, not a reason to stop.
        warnings.simplefilter("ignore", hs.ConvergenceWarning)
        state = model.sample(program, seed=1).diagnostics
    return {
        "seconds": state.seconds,
        "effective draws a second": state.ess_per_second,
        "divergences": state.divergences,
    }


def large(program: str) -> dict[str, float]:
    """Sample 100,000 rows; noncentered briefly and without its warm-up's time."""
    design = simulate(10**5)
    frame = pd.DataFrame({"y": design.y, "x": design.X[:, 1], "g": design.factors[0].index})
    model = hs.Model(FORMULA, frame)
    model.engine.compile([program], SILENT)
    short = {"chains": 2, "warmup": 150, "draws": 100} if program != "marginal" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hs.ConvergenceWarning)
        fit = model.sample(program, seed=1, **short)
    state = fit.diagnostics
    seconds = state.seconds
    if short:
        seconds = max(time["sampling"] for time in fit.samples.raw.time)
    return {
        "seconds": seconds,
        "effective draws a second": state.ess_per_second * state.seconds / seconds,
        "divergences": state.divergences,
    }


def rows(number: str) -> dict[str, float]:
    """Measure what the number of rows costs."""
    design, priors = (made := simulate(int(number))), default_priors(made)
    program = get_program("marginal")
    start = perf_counter()
    data = stan_data(program, design, priors)
    seconds = perf_counter() - start
    tracemalloc.start()
    stan_data(program, design, priors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.json"
        cmdstanpy.write_stan_json(str(file), data)
        size = file.stat().st_size
    settings = SamplerSettings(chains=1, warmup=300, draws=300, seed=1)
    inits = initial_values(program, design, data, 1, 1)
    samples = CmdStanEngine().sample("marginal", data, inits, settings, SILENT)
    steps = float(samples.sampler["n_steps"].sum())
    return {
        "seconds for the sums": seconds,
        "MB for them": peak / 1e6,
        "data file, kB": size / 1000,
        "microseconds a gradient": samples.raw.time[0]["sampling"] / steps * 1e6,
    }


TABLES = {
    "radon": (radon, ["marginal", "noncentered", "centered"]),
    "large": (large, ["marginal", "noncentered"]),
    "rows": (rows, [str(number) for number in ROWS]),
}


def main() -> None:
    """Print the tables asked for, or all; or as a child process, measure one row."""
    if sys.argv[1:2] == ["--row"]:
        measure, _ = TABLES[sys.argv[2]]
        sys.stdout.write(json.dumps(measure(sys.argv[3])))
        return
    for table in sys.argv[1:] or TABLES:
        found = {}
        for case in TABLES[table][1]:
            command = [sys.executable, str(Path(__file__)), "--row", table, case]
            told = subprocess.run(command, check=True, capture_output=True, text=True)
            found[case] = json.loads(told.stdout)
        frame = pd.DataFrame(found).T
        rate = "effective draws a second"
        if rate in frame:
            frame["marginal's is higher by"] = frame.loc["marginal", rate] / frame[rate]
        head = ["", *frame.columns]
        lines = [head, ["---"] * len(head)]
        lines += [[case, *(f"{v:,.4g}" for v in row)] for case, row in zip(
            frame.index, frame.to_numpy(), strict=True
        )]  # fmt: skip
        text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        sys.stdout.write(f"{table}\n\n{text}\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
