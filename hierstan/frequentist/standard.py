"""The same model in units that suit a computer.

Optimizers stop by absolute tolerances and sums of squares cancel, so a fit to data in
micrograms, or with years as a predictor, would come out otherwise than in kilograms or with
years since 2000. Here every model is brought to one scale first, and its results back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.linalg import block_diag

from hierstan.design import Design, Factor, Floats
from hierstan.errors import DataError
from hierstan.frequentist import equations
from hierstan.frequentist.equations import Criterion, Solution
from hierstan.frequentist.variances import Variances
from hierstan.structure import chain
from hierstan.sums import Sums

# Residual sd of least squares, relative to the response's size, that is rounding only.
_EXACT_FIT = 1e-10
# Effects of crossed factors that are solved for together.
MOST_CROSSED = 3000


@dataclass(frozen=True, eq=False)
class Standard:
    """A design with orthonormal columns, and the way back.

    With X = Xs R, y = X b + s ys and Z T = Zs (T block by block), the parameters are
    beta = b + s R^-1 beta_s, u = s T u_s, Sigma = s^2 T Sigma_s T' and sigma = s sigma_s.

    Attributes
    ----------
    y, X : ndarray, shapes (N,), (N, P)
        Standardized: ys has mean square one and is orthogonal to Xs, and Xs'Xs = N I.
    factors : tuple of Factor
        With standardized effect columns; the columns of a block are orthogonal.
    chain, crossed : tuple of int
        Positions of the factors that are nested in each other, finest first, and of the
        others.
    sums : Sums
        Of the standardized data.
    R, b, s : ndarray (P, P), ndarray (P,), float
        The way back, as above.
    T : tuple of ndarray, shape (Q, Q)
        The way back for the effects of each factor.
    """

    y: Floats
    X: Floats
    factors: tuple[Factor, ...]
    chain: tuple[int, ...]
    crossed: tuple[int, ...]
    sums: Sums
    R: Floats
    b: Floats
    s: float
    T: tuple[Floats, ...]

    @classmethod
    def of(cls, design: Design, factors: Sequence[Factor] | None = None) -> "Standard":
        """Bring a design to standard units.

        Parameters
        ----------
        design : Design
            Formula and data.
        factors : sequence of Factor, optional
            In place of the design's own.

        Raises
        ------
        DataError
            When crossed factors are too large, or the population columns explain the
            response exactly.
        """
        factors = design.factors if factors is None else factors
        nested, crossed = arrange(factors)
        _check_size(factors, crossed)
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
        T = tuple(_orthogonalizing(factor, root) for factor in factors)
        scaled = tuple(
            replace(factor, Z=factor.Z @ back)
            for factor, back in zip(factors, T, strict=True)
        )
        ys, Xs = rest / s, Q * root
        sums = Sums.of(ys, Xs, [scaled[k] for k in nested], [scaled[k] for k in crossed])
        b = np.linalg.solve(R, b) * size if design.P else b
        scale = s * float(size)
        return cls(ys, Xs, scaled, nested, crossed, sums, R / root, b, scale, T)

    def with_response(self, y: Floats) -> "Standard":
        """Put another response, in standard units, in place of y."""
        nested = [self.factors[k] for k in self.chain]
        crossed = [self.factors[k] for k in self.crossed]
        return replace(self, y=y, sums=self.sums.with_response(y, self.X, nested, crossed))

    def inward(self, variances: Variances) -> Variances:
        """Return variances in standard units."""
        back = [np.linalg.inv(T) / self.s for T in self.T]
        Sigmas = zip(back, variances.Sigmas, strict=True)
        return Variances(tuple(B @ S @ B.T for B, S in Sigmas), variances.sigma / self.s)

    def outward(self, variances: Variances) -> Variances:
        """Return variances in the data's units."""
        forward = [self.s * T for T in self.T]
        Sigmas = zip(forward, variances.Sigmas, strict=True)
        return Variances(tuple(F @ S @ F.T for F, S in Sigmas), variances.sigma * self.s)

    def outward_loglik(self, loglik: float, *, reml: bool) -> float:
        """Return a log likelihood of standard units as that of the data's units."""
        P = len(self.b) if reml else 0
        change = (self.sums.N - P) * np.log(self.s)
        if reml:
            change += np.linalg.slogdet(self.R)[1]
        return float(loglik - change)

    def loglik(self, inside: Variances, *, reml: bool) -> float:
        """Return the log likelihood in standard units, at standard variances."""
        Sigmas = self._arranged(inside.Sigmas)
        return equations.loglik(self.sums, Sigmas, inside.sigma, reml=reml)

    def criterion(self, Lambdas: Sequence[Floats], *, reml: bool) -> Criterion:
        """Return the likelihood as a function of sigma, at roots of Sigma / sigma^2."""
        return equations.criterion(self.sums, self._arranged(Lambdas), reml=reml)

    def coefficients(self, inside: Variances) -> Floats:
        """Return the coefficients at standard variances, in the data's units."""
        Sigmas = self._arranged(inside.Sigmas)
        found = equations.coefficients(self.sums, Sigmas, inside.sigma)
        return self.b + self.s * np.linalg.solve(self.R, found)

    def solution(self, inside: Variances, *, reml: bool) -> Solution:
        """Solve at standard variances and bring the results to the data's units."""
        found = equations.solve(
            self.sums, self._arranged(inside.Sigmas), inside.sigma, reml=reml
        )
        back = self.s * np.linalg.inv(self.R)
        order = np.argsort([*self.chain, *self.crossed])
        forward = [self.s * T for T in self.T]
        return Solution(
            loglik=self.outward_loglik(found.loglik, reml=reml),
            beta=self.b + back @ found.beta,
            beta_covariance=back @ found.beta_covariance @ back.T,
            u=tuple(found.u[k] @ F.T for k, F in zip(order, forward, strict=True)),
            u_covariance=tuple(
                F @ found.u_covariance[k] @ F.T for k, F in zip(order, forward, strict=True)
            ),
        )

    def _arranged(self, matrices: Sequence[Floats]) -> list[Floats]:
        """From the order of the formula to that of the sums."""
        return [matrices[k] for k in (*self.chain, *self.crossed)]


def arrange(factors: Sequence[Factor]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Choose the factors to eliminate one after the other; the rest is done in one.

    Parameters
    ----------
    factors : sequence of Factor
        In the order of the formula.

    Returns
    -------
    tuple of int
        Positions of the chain of nested factors with the most effects, finest first.
    tuple of int
        Positions of all others.
    """
    best: tuple[int, ...] = ()
    effects = [factor.J * factor.Q for factor in factors]
    for size in range(1, len(factors) + 1):
        for some in combinations(range(len(factors)), size):
            order = chain([factors[k] for k in some])
            if order is not None and sum(effects[k] for k in some) > sum(
                effects[k] for k in best
            ):
                best = tuple(some[k] for k in order)
    return best, tuple(k for k in range(len(factors)) if k not in best)


def _check_size(factors: Sequence[Factor], crossed: Sequence[int]) -> None:
    """Refuse crossed factors that are too large, before anything starts."""
    effects = sum(factors[f].J * factors[f].Q for f in crossed)
    if effects > MOST_CROSSED:
        sizes = ", ".join(f"{f.name!r} ({f.J:,} levels)" for f in factors)
        rest = " and ".join(repr(factors[f].name) for f in crossed)
        raise DataError(
            f"The factors {sizes} are crossed and leave {effects:,} effects of {rest} to "
            f"be solved for together; the limit is {MOST_CROSSED:,}, where a fit takes "
            f"about a minute, and the time grows with the cube: this would take about "
            f"{(effects / MOST_CROSSED) ** 3:,.0f} minutes. Take the smaller factor's "
            "levels together, or leave out its effects."
        )


def _orthogonalizing(factor: Factor, root: float) -> Floats:
    """T of one factor: the columns of Z T are orthogonal within each block."""
    inverses = []
    for start, count in zip(factor.starts, factor.blocks, strict=True):
        block = factor.Z[:, start : start + count]
        inverses.append(root * np.linalg.inv(np.linalg.qr(block, mode="r")))
    return np.asarray(block_diag(*inverses))
