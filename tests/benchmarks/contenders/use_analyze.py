"""The whole of ``hierstan analyze``: four programs, mixed models, cross-check, report."""

import subprocess
import sys
import tempfile
from pathlib import Path

from contender import Run

PROGRAMS = "pooled,unpooled,noncentered,marginal"


def main() -> None:
    """Run the command on the table, with the case's priors."""
    run = Run()
    priors = dict(run.case["priors"])
    command = [sys.executable, "-m", "hierstan", "analyze", str(run.data_file)]
    command += [run.case["formula"], "--programs", PROGRAMS, "--quiet"]
    command += ["--engine", run.options["engine"]]
    command += ["--priors", priors.pop("preset")]
    for name, prior in priors.items():
        command += ["--prior", f"{name}={prior}"]
    for option in ("chains", "warmup", "draws", "seed"):
        command += [f"--{option}", str(getattr(run, option))]
    run.mark("built")
    with tempfile.TemporaryDirectory() as folder:
        command += ["--out", str(Path(folder) / "report")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr or f"exit status {done.returncode}")
    run.mark("sampled")
    run.finish()


if __name__ == "__main__":
    main()
