"""The models and data that every contender is given."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from exact import Posterior

import hierstan as hs
from hierstan.design import Design, Floats
from hierstan.evaluate import build_design

Interval = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """A formula with data and priors that all contenders can express.

    Attributes
    ----------
    name, title : str
        For the command line and for the table.
    formula : str
        In lme4's notation.
    frame : callable
        Makes the data, one row per observation.
    normal : dict of str to (float, float)
        Location and scale of each coefficient's normal prior, at predictors equal to zero.
    half_normal : dict of str to float
        Scale of each standard deviation's half-normal prior. Correlations are LKJ(1).
    """

    name: str
    title: str
    formula: str
    frame: Callable[[], pd.DataFrame]
    normal: dict[str, Interval]
    half_normal: dict[str, float]

    @cached_property
    def design(self) -> Design:
        """The matrices; those contenders that take no formula get them as they are."""
        return build_design(self.formula, self.frame())

    @property
    def correlated(self) -> bool:
        """Whether the effects of a factor are correlated."""
        return any(factor.pairs for factor in self.design.factors)

    def posterior(self) -> Posterior:
        """Coefficients and effects integrated out."""
        count = len(self.half_normal) - 1  # then correlations, then sigma
        scales = np.array(list(self.half_normal.values()))

        def log_priors(thetas: Floats) -> Floats:
            deviations = np.column_stack([thetas[:, :count], thetas[:, -1]])
            return -0.5 * np.sum((deviations / scales) ** 2, axis=1)

        location, scale = np.array(list(self.normal.values())).T
        return Posterior(self.design, log_priors, (location, scale))

    def priors(self) -> dict[str, str]:
        """The priors in this package's words; the preset centres no predictor."""
        named = {term: f"normal({m}, {s})" for term, (m, s) in self.normal.items()}
        named |= {name: f"half-normal({s})" for name, s in self.half_normal.items()}
        return {"preset": "seeds", **named}

    def write(self, folder: Path) -> None:
        """Write what contenders read: a table, matrices, and what is to be fitted."""
        folder.mkdir(parents=True, exist_ok=True)
        design = self.design
        columns = [design.formula.response, *self.normal, *(f.name for f in design.factors)]
        frame = self.frame()
        frame = frame[[name for name in columns if name in frame]].dropna()
        frame.to_csv(folder / "frame.csv", index=False)
        effects = [(f, q) for f in design.factors for q in range(f.Q)]
        np.savez(
            folder / "arrays.npz",
            y=design.y,
            X=design.X,
            Z=np.column_stack([f.Z[:, q] for f, q in effects]),
            group=np.stack([f.index for f, _ in effects]),
            J=np.array([f.J for f, _ in effects]),
        )
        told = {
            "formula": self.formula,
            "response": design.formula.response,
            "terms": list(design.terms),
            "effects": [{"name": f.effects[q], "factor": f.name} for f, q in effects],
            "names": self.posterior().names,
            "correlated": self.correlated,
            "normal": [list(self.normal[term]) for term in design.terms],
            "half_normal": list(self.half_normal.values()),
            "priors": self.priors(),
        }
        (folder / "case.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def synthetic() -> pd.DataFrame:
    """Make 100,000 rows in 1,000 groups of equal size, in random order."""
    rows, groups = 10**5, 10**3
    rng = np.random.default_rng(1)
    index = rng.permutation(np.arange(rows) % groups)
    x = rng.normal(size=rows)
    u = rng.normal(size=(groups, 2)) * [0.5, 0.3]
    y = 1.0 + 2.0 * x + u[index, 0] + u[index, 1] * x + rng.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{k:03d}" for k in index]})


def _us() -> pd.DataFrame:
    return hs.data.radon_us().dropna(subset="log_uranium")


CASES = {
    case.name: case
    for case in (
        Case(
            "radon",
            "Radon, 919 homes in 85 counties",
            "log_radon ~ floor + (floor || county)",
            hs.data.radon,
            {"Intercept": (0, 10), "floor": (0, 10)},
            {"sd(Intercept | county)": 2, "sd(floor | county)": 2, "sigma": 2},
        ),
        Case(
            "sleepstudy",
            "Sleepstudy, 180 reaction times of 18 subjects",
            "Reaction ~ Days + (Days | Subject)",
            hs.data.sleepstudy,
            {"Intercept": (250, 100), "Days": (0, 50)},
            {"sd(Intercept | Subject)": 100, "sd(Days | Subject)": 25, "sigma": 100},
        ),
        Case(
            "us",
            "Radon in the US, 12,124 homes in 463 counties in 9 states",
            "log_radon ~ floor + log_uranium + (1 | state) + (1 | fips)",
            _us,
            {"Intercept": (0, 10), "floor": (0, 10), "log_uranium": (0, 10)},
            {"sd(Intercept | state)": 2, "sd(Intercept | fips)": 2, "sigma": 2},
        ),
        Case(
            "synthetic",
            "Synthetic, 100,000 rows in 1,000 groups",
            "y ~ x + (x || g)",
            synthetic,
            {"Intercept": (0, 10), "x": (0, 10)},
            {"sd(Intercept | g)": 2, "sd(x | g)": 2, "sigma": 2},
        ),
    )
}
