"""Bambi with its defaults: the non-centered form, sampled by PyMC."""

import bambi as bmb
import numpy as np
import pandas as pd
from contender import Run


def main() -> None:
    """Fit with the case's priors; its ``|`` means independent effects always."""
    run = Run()
    frame = pd.read_csv(run.data_file, dtype=run.text_columns)
    *tau_scale, sigma_scale = run.case["half_normal"]
    priors = {
        term: bmb.Prior("Normal", mu=location, sigma=scale)
        for term, (location, scale) in zip(
            run.case["terms"], run.case["normal"], strict=True
        )
    }
    groups = []
    for effect, scale in zip(run.case["effects"], tau_scale, strict=True):
        name = "1" if effect["name"] == "Intercept" else effect["name"]
        groups.append(f"{name}|{effect['factor']}")
        own = bmb.Prior("HalfNormal", sigma=scale)
        priors[groups[-1]] = bmb.Prior("Normal", mu=0, sigma=own)
    priors["sigma"] = bmb.Prior("HalfNormal", sigma=sigma_scale)
    formula = run.case["formula"].replace("||", "|")
    model = bmb.Model(formula, frame, priors=priors, center_predictors=False)
    model.build()
    run.mark("built")
    trace = model.fit(
        run.draws, tune=run.warmup, chains=run.chains, cores=run.cores,
        random_seed=run.seed, progressbar=False, compute_convergence_checks=False,
    )  # fmt: skip
    run.mark("sampled")
    posterior = trace["posterior"]

    def together(names: list[str]) -> np.ndarray:
        return np.stack([posterior[name].to_numpy() for name in names], axis=-1)

    run.finish(
        run.named(
            together(run.case["terms"]),
            together([f"{name}_sigma" for name in groups]),
            None,
            posterior["sigma"].to_numpy(),
        ),
        divergences=int(trace["sample_stats"]["diverging"].sum()),
        sampling_seconds=posterior.attrs.get("sampling_time"),
    )


if __name__ == "__main__":
    main()
