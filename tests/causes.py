"""Fits on draws that were made to have a cause, and what was found in them."""

from typing import Any

import numpy as np
import pandas as pd
from synthetic import Change, ar1, synthetic_fit

from hierstan.design import Floats
from hierstan.diagnostics import Cause
from hierstan.fit import Fit


def grouped(levels: int, rows: int, seed: int = 4) -> pd.DataFrame:
    """Columns y, x, a group and a second one crossed with it."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(levels), rows)
    data = pd.DataFrame({"x": rng.normal(size=g.size), "y": rng.normal(3, 2, g.size)})
    data["g"] = [f"g{k:02d}" for k in g]
    data["h"] = [f"h{k % 11}" for k in range(g.size)]
    return data


def fit_of(
    change: Change = lambda v, s: None,
    program: str = "noncentered",
    formula: str = "y ~ x + (1 | g)",
    data: pd.DataFrame | None = None,
    **settings: Any,
) -> Fit:
    """Return 4 x 1000 independent draws, sds about 1.2 and sigma 0.7, with a change."""
    data = grouped(20, 12) if data is None else data
    settings = {"chains": 4, "draws": 1000, **settings}
    return synthetic_fit(formula, data, program, change=change, **settings)


def named(fit: Fit) -> dict[str, Cause]:
    """Return what was found, by kind."""
    return {cause.kind: cause for cause in fit.diagnostics.causes}


def kinds(fit: Fit, *, explaining: bool = True) -> list[str]:
    """Return the kinds of causes that explain something, or of mere remarks."""
    return [c.kind for c in fit.diagnostics.causes if c.explains == explaining]


def crawling_sd(center: float, spread: float = 0.8) -> Change:
    """Return the change that makes the first sd crawl about `center`."""

    def change(v: dict[str, Floats], s: dict[str, Floats]) -> None:
        v["tau"][:, :, 0] = center * np.exp(spread * ar1(0.98, (4, 1000), seed=8))

    return change
