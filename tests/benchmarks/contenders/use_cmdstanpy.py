"""CmdStanPy with the programs beside this file, as a Stan user would write them."""

import shutil
from pathlib import Path

import cmdstanpy
from contender import Run


def main() -> None:
    """Compile unless done before, and sample."""
    run = Run()
    cmdstanpy.disable_logging()
    centered = "centered" in run.options
    name = "correlated" if run.case["correlated"] else "independent"
    name += "_centered" if centered else ""
    program = run.cache / f"{name}.stan"
    if not program.exists():
        shutil.copy(Path(__file__).parent / "stan" / program.name, program)
    model = cmdstanpy.CmdStanModel(stan_file=str(program), stanc_options={"O1": True})
    run.mark("built")
    arrays = run.arrays
    N, P = arrays["X"].shape
    group, J = arrays["group"] + 1, arrays["J"]
    data = {
        "N": N, "P": P, "K": len(J), "y": arrays["y"], "X": arrays["X"], "Z": arrays["Z"],
        "J": J[0] if run.case["correlated"] else J,
        "group": group[0] if run.case["correlated"] else group,
        "beta_location": [m for m, _ in run.case["normal"]],
        "beta_scale": [s for _, s in run.case["normal"]],
        "tau_scale": run.case["half_normal"][:-1],
        "sigma_scale": run.case["half_normal"][-1],
    }  # fmt: skip
    fit = model.sample(
        data, chains=run.chains, parallel_chains=run.cores, seed=run.seed,
        iter_warmup=run.warmup, iter_sampling=run.draws, show_progress=False,
    )  # fmt: skip
    shape = (run.chains, run.draws, -1)
    beta, tau, sigma = (
        fit.stan_variable(name).reshape(shape) for name in ("beta", "tau", "sigma")
    )
    rho = None
    if run.case["correlated"]:
        rho = fit.stan_variable("rho").reshape(shape)[..., 0]
    run.mark("sampled")
    draws = run.named(beta, tau, rho, sigma[..., 0])
    run.finish(draws, divergences=int(fit.divergences.sum()))


if __name__ == "__main__":
    main()
