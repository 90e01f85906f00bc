"""PyMC with its own NUTS."""

import pymc as pm
from contender import Run
from pymc_model import build, hand_over


def main() -> None:
    """Sample; the time it counts as sampling leaves compilation out."""
    run = Run()
    with build(run):
        run.mark("built")
        trace = pm.sample(
            run.draws, tune=run.warmup, chains=run.chains, cores=run.cores,
            random_seed=run.seed, progressbar=False, compute_convergence_checks=False,
        )  # fmt: skip
    run.mark("sampled")
    hand_over(run, trace, trace["posterior"].attrs.get("sampling_time"))


if __name__ == "__main__":
    main()
