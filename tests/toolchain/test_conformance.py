"""Our driver beside recorded outputs of CmdStan 2.35.0."""

import math
import re
import shutil
from pathlib import Path

import pytest
from toolchain_support import REFERENCE, Program, read_csv

from hierstan.toolchain.machine import Version

pytestmark = pytest.mark.stan

COMMANDS = [
    tuple(line.split("|"))
    for line in (REFERENCE / "commands.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
# What differs between two runs by nature.
DIFFERS = re.compile(r"start_datetime = |stancflags =|Elapsed Time:| seconds \(")


def run(program: Program, command: tuple[str, ...], where: Path) -> Path:
    name, _, data, arguments = command
    before, after = re.split(r"(?:^| )output ", arguments)
    for path in REFERENCE.glob("intercepts_*"):  # inputs of laplace and of gq
        shutil.copy(path, where)
    (where / f"{name}.csv").unlink(missing_ok=True)
    program.done(f"{before} data file={data} output file={name}.csv {after}", where)
    return where / f"{name}.csv"


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not DIFFERS.search(line)]


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_output_is_that_of_cmdstan(
    command: tuple[str, ...],
    bernoulli: Program,
    intercepts: Program,
    work: Path,
    stan_version: Version,
) -> None:
    program = bernoulli if command[1] == "bernoulli" else intercepts
    written = run(program, command, work)
    recorded = REFERENCE / written.name
    if stan_version[:2] == (2, 35):
        assert lines(written) == lines(recorded)
        return
    ours, theirs = read_csv(written), read_csv(recorded)
    # Newer services add these two columns; all the others are the recorded ones.
    added = {"converged__", "path__"}
    assert [name for name in ours.names if name not in added] == theirs.names
    assert len(ours.rows) == len(theirs.rows)
    settings = [line for line in theirs.comments if line.endswith("(Default)")]
    assert [line for line in ours.comments if line.endswith("(Default)")] == settings


def test_posterior_is_right(bernoulli: Program, work: Path) -> None:
    """Two successes in ten with a uniform prior: Beta(3, 9), by conjugacy."""
    bernoulli.done(
        "sample num_samples=4000 random seed=31 data file=bernoulli.json output file=o.csv",
        work,
    )
    draws = read_csv(work / "o.csv").column("theta")
    mean = sum(draws) / len(draws)
    sd = math.sqrt(3 * 9 / (12**2 * 13))
    # NUTS keeps more than 1 draw in 4 here: 1000 effective draws, 4 standard errors.
    assert abs(mean - 3 / 12) < 4 * sd / math.sqrt(1000)
