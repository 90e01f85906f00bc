"""Rooms in schools in towns, crossed with raters: every way factors can lie."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierstan.design import Design, Factor, Floats


def schools(rows: int = 240) -> pd.DataFrame:
    """Unbalanced, with predictors of rows, of schools (`size`) and of raters (`strict`)."""
    rng = np.random.default_rng(17)
    data = pd.DataFrame({"room": (24 * rng.beta(1.3, 1, rows)).astype(int)})
    data["school"], data["town"] = data["room"] // 4, data["room"] // 12
    data["rater"] = rng.choice(list("PQRST"), rows, p=[0.1, 0.15, 0.2, 0.25, 0.3])
    data["x"], data["w"] = rng.normal(3, 1, rows), rng.normal(size=rows)
    data["size"] = np.array([0.4, -1.2, 2.1, 0.7, -0.3, 1.6])[data["school"]]
    strict = {"P": 0.3, "Q": -1.0, "R": 2.0, "S": 0.7, "T": 1.1}
    data["strict"] = data["rater"].map(strict)
    data["y"] = rng.normal(size=24)[data["room"]] + rng.normal(size=6)[data["school"]]
    data["y"] += data["x"] * (1 + 0.5 * rng.normal(size=24)[data["room"]])
    data["y"] += 0.6 * data["strict"] + 0.8 * data["size"] + rng.normal(size=rows)
    return data


@dataclass(frozen=True, eq=False)
class Given:
    """Values of all parameters, and the effects that dense algebra predicts from them."""

    design: Design
    coefficients: Floats
    Sigmas: tuple[Floats, ...]
    noise: float

    @classmethod
    def random(cls, design: Design, seed: int) -> "Given":
        """Generic values; correlated effects where the model has them."""
        rng = np.random.default_rng(seed)
        Sigmas = []
        for factor in design.factors:
            Sigma = np.zeros((factor.Q, factor.Q))
            for start, size in zip(factor.starts, factor.blocks, strict=True):
                own = slice(start, start + size)
                root = rng.normal(size=(size, size + 1))
                Sigma[own, own] = root @ root.T
            Sigmas.append(Sigma)
        return cls(design, rng.normal(size=design.P), tuple(Sigmas), rng.uniform(0.5, 2))

    S = 1

    @property
    def beta(self) -> Floats:
        """Coefficients, shape (P, 1)."""
        return self.coefficients[:, None]

    @property
    def sigma(self) -> Floats:
        """Residual sd, shape (1,)."""
        return np.array([self.noise])

    def root(self, factor: Factor) -> Floats:
        """Cholesky factor of Sigma, shape (Q, Q, 1)."""
        return np.linalg.cholesky(self.Sigmas[self.design.factors.index(factor)])[..., None]

    @property
    def columns(self) -> Floats:
        """Z of all factors written out, level after level, N x K."""
        parts = []
        for factor in self.design.factors:
            rows = np.eye(factor.J)[factor.index]
            parts += [rows[:, [j]] * factor.Z for j in range(factor.J)]
        return np.hstack(parts)

    def places(self, factor: Factor) -> Floats:
        """Where the effects of a factor are among all, (J, Q)."""
        start = 0
        for other in self.design.factors:
            stop = start + other.J * other.Q
            if other is factor:
                break
            start = stop
        return np.arange(start, stop).reshape(factor.J, factor.Q)

    @property
    def precision(self) -> Floats:
        """Of all effects given y and beta."""
        Z = self.columns
        out = Z.T @ Z / self.noise**2
        for factor, Sigma in zip(self.design.factors, self.Sigmas, strict=True):
            for own in self.places(factor):
                out[np.ix_(own, own)] += np.linalg.inv(Sigma)
        return out

    def effects(self, factor: Factor) -> Floats:
        """E[u | y, beta], shape (1, Q, J)."""
        rest = self.design.y - self.design.X @ self.coefficients
        u = np.linalg.solve(self.precision, self.columns.T @ rest / self.noise**2)
        return u[self.places(factor)].T[None]
