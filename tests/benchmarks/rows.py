"""That rows cost the marginal program nothing: from a thousand to ten million of them.

Run by hand: ``python tests/benchmarks/rows.py``. Every row of the table is measured in a
process of its own, one after the other; the compiled program comes from the cache.
"""

import json
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path
from time import perf_counter

import cmdstanpy
import numpy as np
import pandas as pd

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


def measure(rows: int) -> dict[str, float]:
    """Measure what this number of rows costs."""
    design, priors = (made := simulate(rows)), default_priors(made)
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


def main() -> None:
    """Print the table; or as a child process, measure one row of it."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
        return
    for position, rows in enumerate(ROWS):
        command = [sys.executable, str(Path(__file__)), str(rows)]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(told.stdout)
        if not position:
            head = ["rows", *found]
            sys.stdout.write(f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n")
        cells = [f"{rows:,}", *(f"{value:,.4g}" for value in found.values())]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
