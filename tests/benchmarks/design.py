"""How long a design of a million rows takes, and how much memory.

Run by hand: ``python tests/benchmarks/design.py``. Every case runs in a process of its own
and is timed beside pandas' mean of y by group on the same data, so that figures of
different machines can be compared. Memory is the process's peak, the data included.
"""

import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

ROWS, GROUPS = 1_000_000, 10_000
CASES = {
    "integers": "y ~ x + z + (x | g)",
    "strings": "y ~ x + z + (x | g)",
    "objects": "y ~ x + z + (x | g)",
    "categories": "y ~ x + z + (x | g)",
    "strings, two nested factors": "y ~ x + z + (x | district) + (1 | g)",
    "strings, combined by '/'": "y ~ x + z + (1 | district/g)",
    "strings, categories crossed": "y ~ x * kind * half + (x | g)",
}


def make(case: str) -> pd.DataFrame:
    """Make the data of a case, in random order."""
    rng = np.random.default_rng(1)
    number = rng.permutation(np.arange(ROWS) % GROUPS)
    data = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=["y", "x", "z"])
    names = pd.Series([f"group {k:05d}" for k in range(GROUPS)])
    text = names.iloc[number].reset_index(drop=True)
    kinds = {"objects": object, "categories": "category"}
    data["g"] = number if case == "integers" else text.astype(kinds.get(case, "str"))
    data["district"] = (number // 20).astype(str)
    data["kind"] = rng.choice(list("pqrst"), ROWS)
    data["half"] = rng.choice(["a", "b"], ROWS)
    return data


def run(case: str) -> str:
    """Build one design; return a row of the table."""
    from hierstan.evaluate import build_design

    data = make(case)
    start = perf_counter()
    data.groupby("g", observed=True)["y"].mean()
    beside = perf_counter() - start
    start = perf_counter()
    design = build_design(CASES[case], data)
    seconds = perf_counter() - start
    unit = 1024**2 if sys.platform == "linux" else 1024**3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    formula = CASES[case].replace("|", r"\|")
    cells = [case, f"`{formula}`", design.P, f"{seconds:.2f}"]
    cells += [f"{seconds / beside:.0f}", f"{peak:.2f}"]
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Print the table, or one row of it."""
    if len(sys.argv) > 1:
        sys.stdout.write(run(sys.argv[1]) + "\n")
        return
    sys.stdout.write(
        f"{ROWS:,} rows, {GROUPS:,} groups\n\n"
        "| group labels | formula | P | seconds | times a group mean | peak GB |\n"
        "|---|---|---|---|---|---|\n"
    )
    for case in CASES:
        command = [sys.executable, str(Path(__file__)), case]
        row = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        sys.stdout.write(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
