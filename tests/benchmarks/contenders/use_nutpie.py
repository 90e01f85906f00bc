"""The PyMC model sampled by nutpie, compiled by numba."""

import nutpie
from contender import Run
from pymc_model import build, hand_over


def main() -> None:
    """Compile and sample."""
    run = Run()
    compiled = nutpie.compile_pymc_model(build(run))
    run.mark("built")
    trace = nutpie.sample(
        compiled, draws=run.draws, tune=run.warmup, chains=run.chains, cores=run.cores,
        seed=run.seed, progress_bar=False,
    )  # fmt: skip
    run.mark("sampled")
    hand_over(run, trace)


if __name__ == "__main__":
    main()
