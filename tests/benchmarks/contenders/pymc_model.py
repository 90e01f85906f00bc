"""The model in PyMC, for PyMC's own sampler and for nutpie."""

import numpy as np
import pymc as pm
from contender import Run


def build(run: Run) -> pm.Model:
    """Write the model as PyMC's documentation does, non-centered unless asked."""
    arrays = run.arrays
    X, Z, group = (arrays[name] for name in ("X", "Z", "group"))
    J = [int(levels) for levels in arrays["J"]]
    location, scale = np.array(run.case["normal"], dtype=float).T
    *tau_scale, sigma_scale = run.case["half_normal"]
    with pm.Model() as model:
        beta = pm.Normal("beta", location, scale, shape=len(scale))
        sigma = pm.HalfNormal("sigma", sigma_scale)
        mu = pm.math.dot(X, beta)
        if run.case["correlated"]:
            own = pm.HalfNormal.dist(np.array(tau_scale), shape=len(J))
            root, _, _ = pm.LKJCholeskyCov(
                "root", n=len(J), eta=1.0, sd_dist=own, compute_corr=True
            )
            z = pm.Normal("z", 0.0, 1.0, shape=(len(J), J[0]))
            u = pm.math.dot(root, z).T
            mu += (Z * u[group[0]]).sum(axis=1)
        else:
            tau = pm.HalfNormal("tau", np.array(tau_scale, dtype=float), shape=len(J))
            for k in range(len(J)):
                if "centered" in run.options:
                    u = pm.Normal(f"u{k}", 0.0, tau[k], shape=J[k])
                else:
                    u = tau[k] * pm.Normal(f"z{k}", 0.0, 1.0, shape=J[k])
                mu += Z[:, k] * u[group[k]]
        pm.Normal("y", mu, sigma, observed=arrays["y"])
    return model


def hand_over(run: Run, trace: object, sampling_seconds: float | None = None) -> None:
    """Name the draws and finish."""
    posterior, stats = trace["posterior"], trace["sample_stats"]
    rho, tau = None, "tau"
    if run.case["correlated"]:
        tau, rho = "root_stds", posterior["root_corr"].to_numpy()[:, :, 0, 1]
    beta, tau, sigma = (posterior[name].to_numpy() for name in ("beta", tau, "sigma"))
    run.finish(
        run.named(beta, tau, rho, sigma),
        divergences=int(stats["diverging"].sum()),
        sampling_seconds=sampling_seconds,
    )
