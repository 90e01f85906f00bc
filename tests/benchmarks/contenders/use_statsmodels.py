"""REML by statsmodels: a point estimate, here for its time."""

import warnings

import pandas as pd
from contender import Run
from statsmodels.regression.mixed_linear_model import MixedLM


def main() -> None:
    """Say the model as MixedLM has it: one factor of groups, components for the rest."""
    run = Run()
    frame = pd.read_csv(run.data_file, dtype=run.text_columns)
    fixed = run.case["formula"].split(" + (", 1)[0]
    effects = run.case["effects"]
    outer = effects[0]["factor"]
    options = {"groups": outer, "re_formula": "1"}
    if run.case["correlated"]:
        options["re_formula"] = " + ".join(
            "1" if effect["name"] == "Intercept" else effect["name"] for effect in effects
        )
    else:
        options["vc_formula"] = {
            effect["name"] + effect["factor"]: f"0 + {effect['name']}"
            if effect["factor"] == outer
            else f"0 + C({effect['factor']})"
            for effect in effects[1:]
        }
    model = MixedLM.from_formula(fixed, frame, **options)
    run.mark("built")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = model.fit(reml=True)
    run.mark("sampled")
    run.finish(
        failure=None if result.converged else f"did not converge: {told[-1].message}"
    )


if __name__ == "__main__":
    main()
