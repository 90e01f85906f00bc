"""The log density of a Gaussian model in sixty digits, where doubles have none to spare."""

from decimal import Decimal, localcontext

from hierstan.design import Design
from hierstan.priors import Priors

DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640629")

Matrix = list[list[Decimal]]


def exact_density(
    design: Design, priors: Priors, tau: list[float], cpc: list[float], sigma: float
) -> float:
    """Log density of y with u and beta integrated out.

    Arguments are taken at their binary values. One correlation at most per factor, so
    that it is the partial correlation itself.
    """
    with localcontext() as context:
        context.prec = DIGITS
        V = _covariance(design, [Decimal(t) for t in tau], [Decimal(c) for c in cpc])
        mean = [Decimal(0)] * design.N
        centres = [Decimal(centre) for centre in priors.x_center.tolist()]
        X = [
            [Decimal(value) - centre for value, centre in zip(row, centres, strict=True)]
            for row in design.X.tolist()
        ]
        scale = [Decimal(s) ** 2 for s in priors.beta_scale.tolist()]
        location = [Decimal(m) for m in priors.beta_location.tolist()]
        for i, row in enumerate(X):
            mean[i] = _dot(row, location)
            weighted = [value * s for value, s in zip(row, scale, strict=True)]
            for k, other in enumerate(X):
                V[i][k] += _dot(weighted, other)
            V[i][i] += Decimal(sigma) ** 2
        residual = [Decimal(y) - m for y, m in zip(design.y.tolist(), mean, strict=True)]
        return float(_normal(V, residual))


def _covariance(design: Design, tau: list[Decimal], cpc: list[Decimal]) -> Matrix:
    V = [[Decimal(0)] * design.N for _ in range(design.N)]
    effect = pair = 0
    for factor in design.factors:
        Q = factor.Q
        Sigma = [[Decimal(0)] * Q for _ in range(Q)]
        for q in range(Q):
            Sigma[q][q] = tau[effect + q] ** 2
        for a, b in factor.pairs:
            Sigma[a][b] = Sigma[b][a] = tau[effect + a] * tau[effect + b] * cpc[pair]
            pair += 1
        effect += Q
        Z = [[Decimal(value) for value in row] for row in factor.Z.tolist()]
        for i, row in enumerate(Z):
            carried = [_dot(row, column) for column in Sigma]
            for k, other in enumerate(Z):
                if factor.index[i] == factor.index[k]:
                    V[i][k] += _dot(carried, other)
    return V


def _normal(V: Matrix, residual: list[Decimal]) -> Decimal:
    """Log density by a Cholesky factorization."""
    total = Decimal(0)
    z: list[Decimal] = []
    L: Matrix = []
    for i, row in enumerate(V):
        new: list[Decimal] = []
        for k in range(i):
            new.append((row[k] - _dot(new, L[k][:k])) / L[k][k])
        new.append((row[i] - _dot(new, new)).sqrt())
        L.append(new)
        z.append((residual[i] - _dot(new[:i], z)) / new[i])
        total += (2 * PI).ln() / 2 + new[i].ln() + z[i] ** 2 / 2
    return -total


def _dot(left: list[Decimal], right: list[Decimal]) -> Decimal:
    return sum((a * b for a, b in zip(left, right, strict=True)), Decimal(0))
