"""The same model in units that suit a computer.

Optimizers stop by absolute tolerances and sums of squares cancel, so a fit to data in
micrograms, or with years as a predictor, would come out otherwise than in kilograms or with
years since 2000. Here every model is brought to one scale first, and its results back.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import block_diag

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError
from hierstan.frequentist.equations import Solution, solve
from hierstan.sums import Sums

# Residual sd of least squares, relative to the response's size, that is rounding only.
_EXACT_FIT = 1e-10


@dataclass(frozen=True, eq=False)
class Standard:
    """A design with orthonormal columns, and the way back.

    With X = Xs R, y = X b + s ys and Z T = Zs (T block by block), the parameters are
    beta = b + s R^-1 beta_s, u = s T u_s, Sigma = s^2 T Sigma_s T' and sigma = s sigma_s.

    Attributes
    ----------
    y, X : ndarray, shapes (N,), (N, P)
        Standardized: ys has mean square one and is orthogonal to Xs, and Xs'Xs = N I.
    factor : Factor
        With standardized effect columns; the columns of a block are orthogonal.
    sums : Sums
        Of the standardized data.
    R, b, s, T : ndarray (P, P), ndarray (P,), float, ndarray (Q, Q)
        The way back, as above.
    """

    y: Floats
    X: Floats
    factor: Factor
    sums: Sums
    R: Floats
    b: Floats
    s: float
    T: Floats

    @classmethod
    def of(cls, design: Design, factor: Factor) -> "Standard":
        """Bring a design to standard units.

        Raises
        ------
        DataError
            When the population columns explain the response exactly.
        """
        root = np.sqrt(design.N)
        size = np.abs(design.y).max()
        Q, R = np.linalg.qr(design.X)
        y = design.y / size
        # Twice: the first projection leaves rounding errors of the size of y.
        b = Q.T @ y
        rest = y - Q @ b
        again = Q.T @ rest
        rest, b = rest - Q @ again, b + again
        s = float(np.sqrt(np.mean(rest**2)))
        if s < _EXACT_FIT:
            raise DataError(
                f"The population part of {design.formula.text!r} explains the response "
                "exactly; nothing is left for groups and sigma."
            )
        inverses = []
        for start, count in zip(factor.starts, factor.blocks, strict=True):
            block = factor.Z[:, start : start + count]
            inverses.append(root * np.linalg.inv(np.linalg.qr(block, mode="r")))
        T = block_diag(*inverses)
        standard = replace(factor, Z=factor.Z @ T)
        ys, Xs = rest / s, Q * root
        sums = Sums.of(ys, Xs, [standard])
        b = np.linalg.solve(R, b) * size if design.P else b
        return cls(ys, Xs, standard, sums, R / root, b, s * float(size), T)

    def inward(self, Sigma: Floats, sigma: float) -> tuple[Floats, float]:
        """Return variances in standard units."""
        inverse = np.linalg.inv(self.T) / self.s
        return inverse @ Sigma @ inverse.T, sigma / self.s

    def outward(self, Sigma: Floats, sigma: float) -> tuple[Floats, float]:
        """Return variances in the data's units."""
        forward = self.s * self.T
        return forward @ Sigma @ forward.T, sigma * self.s

    def loglik(self, Sigma: Floats, sigma: float, *, reml: bool) -> float:
        """Return the log likelihood in standard units, at standard variances."""
        return solve(self.sums, [Sigma], sigma, reml=reml).loglik

    def solution(self, Sigma: Floats, sigma: float, *, reml: bool) -> Solution:
        """Solve at standard variances and bring the results to the data's units."""
        inside = solve(self.sums, [Sigma], sigma, reml=reml)
        P = len(self.b)
        loglik = inside.loglik - (self.sums.N - (P if reml else 0)) * np.log(self.s)
        if reml:
            loglik -= np.linalg.slogdet(self.R)[1]
        back = self.s * np.linalg.inv(self.R)
        forward = self.s * self.T
        return Solution(
            loglik=float(loglik),
            beta=self.b + back @ inside.beta,
            beta_covariance=back @ inside.beta_covariance @ back.T,
            u=tuple(u @ forward.T for u in inside.u),
            u_covariance=tuple(forward @ c @ forward.T for c in inside.u_covariance),
        )
