"""hierstan itself: the program and the engine that the options name."""

import warnings

import pandas as pd
from contender import Run

import hierstan as hs
from hierstan.progress import SILENT


def main() -> None:
    """Sample with the package's defaults."""
    run = Run()
    program = run.options["program"]
    frame = pd.read_csv(run.data_file, dtype=run.text_columns)
    model = hs.Model(
        run.case["formula"], frame, run.case["priors"], engine=run.options["engine"]
    )
    model.engine.compile([program], SILENT)
    run.mark("built")
    with warnings.catch_warnings():
        # A run that fails its checks is a finding here, and in the table.
        warnings.simplefilter("ignore", hs.ConvergenceWarning)
        fit = model.sample(
            program, chains=run.chains, warmup=run.warmup, draws=run.draws, seed=run.seed
        )
    run.mark("sampled")
    # Diagnostics, which others leave to the user, count in the total.
    run.finish(
        fit.series(),
        divergences=fit.diagnostics.divergences,
        sampling_seconds=fit.samples.seconds,
    )


if __name__ == "__main__":
    main()
