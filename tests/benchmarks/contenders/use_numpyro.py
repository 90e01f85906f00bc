"""NumPyro in double precision, chains side by side on the processor."""

import jax
import numpy as np
import numpyro
from contender import Run
from numpyro import distributions as dist
from numpyro.infer import MCMC, NUTS

COMPILING = "/jax/core/compile"


def main() -> None:
    """Sample; what JAX reports as compilation is not counted as sampling."""
    run = Run()
    numpyro.set_host_device_count(run.chains)
    numpyro.enable_x64()
    compiling: list[float] = []

    def listen(event: str, duration: float, **_: object) -> None:
        if event.startswith(COMPILING):
            compiling.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    arrays = run.arrays
    X, Z, group = (arrays[name] for name in ("X", "Z", "group"))
    J = [int(levels) for levels in arrays["J"]]
    location, scale = np.array(run.case["normal"], dtype=float).T
    tau_scale = np.array(run.case["half_normal"][:-1], dtype=float)

    def model() -> None:
        beta = numpyro.sample("beta", dist.Normal(location, scale).to_event(1))
        tau = numpyro.sample("tau", dist.HalfNormal(tau_scale).to_event(1))
        sigma = numpyro.sample("sigma", dist.HalfNormal(run.case["half_normal"][-1]))
        mu = X @ beta
        if run.case["correlated"]:
            root = numpyro.sample("root", dist.LKJCholesky(len(J), 1.0))
            with numpyro.plate("levels", J[0]):
                z = numpyro.sample("z", dist.Normal().expand([len(J)]).to_event(1))
            u = z @ (tau[:, None] * root).T
            mu += (Z * u[group[0]]).sum(axis=1)
        else:
            for k in range(len(J)):
                centered = "centered" in run.options
                own = dist.Normal(0.0, tau[k] if centered else 1.0)
                value = numpyro.sample(f"u{k}", own.expand([J[k]]).to_event(1))
                u = value if centered else tau[k] * value
                mu += Z[:, k] * u[group[k]]
        numpyro.sample("y", dist.Normal(mu, sigma), obs=arrays["y"])

    sampler = MCMC(
        NUTS(model), num_warmup=run.warmup, num_samples=run.draws, num_chains=run.chains,
        progress_bar=False,
    )  # fmt: skip
    run.mark("built")
    before = sum(compiling)
    sampler.run(jax.random.PRNGKey(run.seed))
    drawn = {
        name: np.asarray(values)
        for name, values in sampler.get_samples(group_by_chain=True).items()
    }
    run.mark("sampled")
    compiled = sum(compiling) - before
    rho = None
    if run.case["correlated"]:
        rho = drawn["root"][..., 1, 0]  # root has rows of length one
    run.finish(
        run.named(drawn["beta"], drawn["tau"], rho, drawn["sigma"]),
        divergences=int(sampler.get_extra_fields()["diverging"].sum()),
        sampling_seconds=run.elapsed("built", "sampled") - compiled,
    )


if __name__ == "__main__":
    main()
