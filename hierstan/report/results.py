"""The machine-readable result, a public contract."""

import json
import math
from typing import Any

from hierstan.analysis import Analysis
from hierstan.design import Design
from hierstan.ladder import CrossCheck
from hierstan.programs import source_sha256
from hierstan.version import __version__

SCHEMA = 1


def results(analysis: Analysis) -> dict[str, Any]:
    """Return the content of ``results.json``.

    Parameters
    ----------
    analysis : Analysis
        What was run.

    Returns
    -------
    dict
        Schema 1. ``frequentist.mixedlm`` is the REML fit, ``mixedlm_ml`` the ML fit; both
        null when there is none. ``stan_mode`` and ``crosscheck`` are null where the
        marginal program was not fitted. Times are the only numbers that differ between
        two runs with one seed.
    """
    design = analysis.design
    mixed = {name: fit.estimates().to_dict() for name, fit in analysis.mixed.items()}
    return {
        "schema": SCHEMA,
        "hierstan": __version__,
        **_data(design),
        "priors": {
            "preset": analysis.model.priors.name,
            "named": list(analysis.model.priors.named),
            "distributions": analysis.model.priors.describe(design, digits=None),
        },
        "frequentist": {
            "ols": analysis.ols.to_dict(),
            "mixedlm": mixed.get("REML"),
            "mixedlm_ml": mixed.get("ML"),
        },
        "stan_mode": analysis.check.stan_mode().to_dict() if analysis.check else None,
        "posterior": {name: f.estimates().to_dict() for name, f in analysis.fits.items()},
        "crosscheck": analysis.check.to_dict() if analysis.check else None,
        "diagnostics": {name: f.diagnostics.to_dict() for name, f in analysis.fits.items()},
        "shrinkage": analysis.pooling(),
        "left_out": dict(analysis.left_out),
        "engine": analysis.engine,
        "programs": {name: source_sha256(name) for name in analysis.fits},
        "sampler": {
            "chains": analysis.settings.chains,
            "warmup": analysis.settings.warmup,
            "draws": analysis.settings.draws,
        },
        "seed": analysis.settings.seed,
    }


def crosscheck_results(check: CrossCheck) -> dict[str, Any]:
    """Return the parts of ``results.json`` that a cross-check alone can fill."""
    fits = {"marginal": check.posterior, "marginal, flat priors": check.flat}
    return {
        "schema": SCHEMA,
        "hierstan": __version__,
        **_data(check.model.design),
        "frequentist": {"mixedlm": check.mixed.estimates().to_dict()},
        "stan_mode": check.stan_mode().to_dict(),
        "posterior": {n: f.estimates().to_dict() for n, f in fits.items() if f},
        "crosscheck": check.to_dict(),
        "diagnostics": {n: f.diagnostics.to_dict() for n, f in fits.items() if f},
        "engine": check.model.engine.describe(),
        "seed": check.settings.seed,
    }


def _data(design: Design) -> dict[str, Any]:
    """Describe formula, rows and groups."""
    return {
        "formula": design.formula.text,
        "data": {
            "rows": design.rows,
            "used": design.N,
            "dropped": design.dropped,
            "missing": dict(design.missing),
            "sha256": design.sha256,
        },
        "groups": {factor.name: factor.J for factor in design.factors},
    }


def to_json(content: dict[str, Any]) -> str:
    """Return JSON text; nan and infinities, which JSON lacks, are null."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
