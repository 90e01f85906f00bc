"""The likelihood as a function of a vector, all parameters free or one of them held.

The vector holds lower-triangular roots L of Sigma / sigma^2, in which singular matrices
are interior points. A standard deviation is the length of a row of L and a correlation
the angle between two; in a basis that begins with these rows both are simple functions of
one to three entries, so one of them can be held without a constraint on the others.
"""

from dataclasses import replace

import numpy as np
from scipy.linalg import null_space

from hierstan.design import Floats
from hierstan.frequentist.standard import Standard
from hierstan.frequentist.variances import Packing, Parameter, Variances, lower_roots

# A relative sd at zero cannot leave it by its slope, which is zero; it starts from here.
_OFF_ZERO = 0.01


class Section:
    """The likelihood of a model in standard units, over all of its variances.

    Sigma is basis L L' basis' for each factor, over sigma^2, and sigma at its best.

    Attributes
    ----------
    bounds : list of (float or None, float or None)
        Of each element of the vector; empty where there are none.
    """

    def __init__(self, standard: Standard, *, reml: bool) -> None:
        self.standard, self.reml = standard, reml
        self.packing = Packing(standard.factors)
        self.bases = [np.eye(factor.Q) for factor in standard.factors]
        self.bounds: list[tuple[float | None, float | None]] = []

    def pack(self, variances: Variances) -> Floats:
        """Return the vector at, or next to, some variances, off zero to be able to move."""
        factors = self.standard.factors
        turned = [
            basis.T @ Sigma @ basis
            for basis, Sigma in zip(self.bases, variances.Sigmas, strict=True)
        ]
        roots = [root / variances.sigma for root in lower_roots(factors, turned)]
        for root in roots:
            root *= np.where(np.diagonal(root) < 0, -1.0, 1.0)
            np.fill_diagonal(root, np.maximum(np.diagonal(root), _OFF_ZERO))
        return self.packing.pack(roots)

    def expand(self, theta: Floats) -> tuple[Floats, float | None]:
        """Return all entries of the roots, and sigma where it is not free."""
        return theta, None

    def loglik(self, theta: Floats) -> float:
        """Return the log likelihood, -inf where rounding leaves none."""
        return self._solve(theta)[0]

    def variances(self, theta: Floats) -> Variances:
        """Return the variances in standard units."""
        _, Lambdas, sigma = self._solve(theta)
        return Variances(tuple(sigma**2 * L @ L.T for L in Lambdas), sigma)

    def _solve(self, theta: Floats) -> tuple[float, list[Floats], float]:
        entries, sigma = self.expand(theta)
        roots = self.packing.unpack(entries)
        Lambdas = [B @ L for B, L in zip(self.bases, roots, strict=True)]
        try:
            criterion = self.standard.criterion(Lambdas, reml=self.reml)
        except np.linalg.LinAlgError:
            return -np.inf, Lambdas, np.nan
        sigma = criterion.best_sigma if sigma is None else sigma
        loglik = criterion.loglik(sigma) if sigma > 0 else np.nan
        return loglik if np.isfinite(loglik) else -np.inf, Lambdas, sigma


class HeldSigma(Section):
    """With the residual standard deviation held."""

    def __init__(self, standard: Standard, value: float, *, reml: bool) -> None:
        super().__init__(standard, reml=reml)
        self.sigma = value / standard.s

    def expand(self, theta: Floats) -> tuple[Floats, float | None]:
        """Return all entries of the roots, and sigma."""
        return theta, self.sigma


class HeldSd(Section):
    """With the standard deviation of one effect held; log sigma ends the vector."""

    def __init__(
        self, standard: Standard, parameter: Parameter, value: float, *, reml: bool
    ) -> None:
        super().__init__(standard, reml=reml)
        (corner,) = self._turn(parameter)
        self.size = value / (standard.s * abs(corner[0]))

    def _turn(self, parameter: Parameter) -> Floats:
        """Begin the basis of a block with some effects; return them in this basis."""
        f, own = parameter.factor, self._block(parameter)
        rows = self.standard.T[f][list(parameter.effects), own]
        basis, corner = np.linalg.qr(rows.T, mode="complete")
        count = len(rows)
        signs = np.ones(len(basis))
        signs[:count] = np.where(np.diagonal(corner) < 0, -1.0, 1.0)
        self.bases[f][own, own] = basis * signs
        self.places = [
            self.packing.entries.index((f, own.start + row, own.start + column))
            for row in range(count)
            for column in range(row + 1)
        ]
        return np.asarray((corner.T * signs)[:, :count])

    def _block(self, parameter: Parameter) -> slice:
        factor = self.standard.factors[parameter.factor]
        for start, size in zip(factor.starts, factor.blocks, strict=True):
            if start <= parameter.effects[0] < start + size:
                return slice(start, start + size)
        raise IndexError(parameter.name)

    def pack(self, variances: Variances) -> Floats:
        """Return the vector next to some variances, the held one at its value."""
        rest = np.delete(super().pack(variances), self.places)
        return np.append(rest, np.log(variances.sigma))

    def expand(self, theta: Floats) -> tuple[Floats, float | None]:
        """Return all entries of the roots, and sigma."""
        sigma = float(np.exp(np.clip(theta[-1], -50.0, 50.0)))
        place = self.places[0]
        return np.insert(theta[:-1], place, self.size / sigma), sigma


class HeldCorrelation(HeldSd):
    """With the correlation of two effects held; their relative sds begin the vector.

    In a basis in which they are r11 z1 and r12 z1 + r22 z2, and z = L g with g spherical,
    the sds of the effects are a = r11 |l11| and b with

        r12 l11 + r22 l21 = rho b,  r22 l22 = sqrt(1 - rho^2) b.
    """

    def __init__(
        self, standard: Standard, parameter: Parameter, value: float, *, reml: bool
    ) -> None:
        Section.__init__(self, standard, reml=reml)
        self.corner, self.value = self._turn(parameter), value
        free = len(self.packing.entries) - 3
        self.bounds = [(0.0, None), (0.0, None), *[(None, None)] * free]

    def pack(self, variances: Variances) -> Floats:
        """Return the vector next to some variances, the held one at its value."""
        entries = Section.pack(self, variances)
        l11, l21, l22 = entries[self.places]
        (r11, _), (r12, r22) = self.corner
        second = np.hypot(r12 * l11 + r22 * l21, r22 * l22)
        return np.concatenate([[r11 * l11, second], np.delete(entries, self.places)])

    def expand(self, theta: Floats) -> tuple[Floats, float | None]:
        """Return all entries of the roots; sigma is free."""
        (r11, _), (r12, r22) = self.corner
        first, second = theta[:2]
        l11 = first / r11
        l21 = (self.value * second - r12 * l11) / r22
        l22 = np.sqrt(1.0 - self.value**2) * second / r22
        entries = np.empty(len(self.packing.entries))
        entries[self.places] = l11, l21, l22
        entries[np.delete(np.arange(len(entries)), self.places)] = theta[2:]
        return entries, None


def hold_coefficient(standard: Standard, term: int, value: float) -> Section:
    """Return the likelihood with one population coefficient held; no REML has such a one.

    A step of r / |r|^2 in the standard coefficients, with r the row of the way back,
    changes this coefficient alone; it goes to the response, and the columns left are
    those that do not change it.
    """
    row = standard.s * np.linalg.inv(standard.R)[term]
    move = row * (value - standard.b[term]) / (row @ row)
    P = len(row)
    mix = np.zeros((P + 1, P))
    mix[:P, : P - 1] = null_space(row[None])
    mix[:P, -1] = -move
    mix[-1, -1] = 1.0
    return Section(replace(standard, sums=standard.sums.recombined(mix)), reml=False)


def hold(standard: Standard, parameter: Parameter, value: float, *, reml: bool) -> Section:
    """Return the likelihood with a standard deviation or correlation held at a value.

    Parameters
    ----------
    standard : Standard
        The model.
    parameter : Parameter
        Which.
    value : float
        In the data's units.
    reml : bool
        Which likelihood.
    """
    if parameter.kind == "sigma":
        return HeldSigma(standard, value, reml=reml)
    kind = HeldSd if parameter.kind == "sd" else HeldCorrelation
    return kind(standard, parameter, value, reml=reml)
