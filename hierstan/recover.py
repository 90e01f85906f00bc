"""Group effects, and their moments, from draws of the variances alone.

Given tau, the correlations and sigma, all else in the marginal program is normal, with
moments in closed form. So effects are drawn, or averaged over, after sampling and for many
draws at once: matrices of a few effects are loops, their elements arrays over draws and
levels.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hierstan.design import Floats
from hierstan.engines.base import Arrays, Samples

# Numbers in each array of a step.
_CHUNK = 2**20

Data = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class EffectMoments:
    """Means and standard deviations of effects over a posterior.

    Attributes
    ----------
    mean, sd : ndarray, shape (Q, J)
        Of the group effects u.
    coef_mean, coef_sd : ndarray, shape (Q, J)
        Of the group coefficients beta + u, where the population has the coefficient.
    """

    mean: Floats
    sd: Floats
    coef_mean: Floats
    coef_sd: Floats


def with_effects(data: Data, samples: Samples) -> Samples:
    """Add draws of u to a run of the marginal program.

    Parameters
    ----------
    data : mapping
        Its data block.
    samples : Samples
        The run; its seed makes the draws repeatable.

    Returns
    -------
    Samples
        With ``u``, and the time this took counted.
    """
    start = time.perf_counter()
    shape = samples.variables["sigma"].shape
    theta = flatten(samples.variables)
    u = draw_effects(data, theta, samples.settings.seed).reshape(*shape, -1)
    return replace(
        samples,
        variables={**samples.variables, "u": u},
        seconds=samples.seconds + time.perf_counter() - start,
    )


def flatten(variables: Arrays) -> dict[str, Floats]:
    """Join the chains of what the other functions need."""
    draws = variables["sigma"].size
    # The engine leaves out what has no elements.
    nothing = np.zeros((draws, 0))
    return {
        name: np.asarray(variables.get(name, nothing)).reshape(
            draws, -1 if name in variables else 0
        )
        for name in ("tau", "cpc", "sigma", "beta")
    }


def draw_effects(data: Data, theta: Arrays, seed: int) -> Floats:
    """Draw the group effects given each draw of everything else.

    With root root' = Sigma / sigma^2 and D_j = R_j root, the effects of level j are
    root v_j with v_j normal, of mean A_j^-1 D_j' E_j'(y - X beta) and covariance
    sigma^2 A_j^-1, where A_j = I + D_j'D_j.

    Parameters
    ----------
    data : mapping
        Data block of the marginal program.
    theta : mapping of str to ndarray, shape (draws, ...)
        From `flatten`.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    ndarray, shape (draws, Q J)
        Effects laid out as ``u`` in the programs.
    """
    rng = np.random.default_rng([seed, 1])
    k, kind = np.asarray(data["k"]), np.asarray(data["kind"]) - 1
    K, J, M = k.shape
    out = np.empty((len(theta["sigma"]), K, J))
    for rows in _steps(len(out), J * K):
        given = _Given.of(data, {name: values[rows] for name, values in theta.items()})
        contrast = np.append(-given.beta, np.ones((len(given.beta), 1)), axis=1)
        r = contrast @ k.reshape(-1, M).T  # draws by (K J)
        r = r.reshape(-1, K, J).swapaxes(0, 1)
        L = given.L[:, :, :, kind]
        v = _forward(L, np.einsum("abnj,anj->bnj", given.D[:, :, :, kind], r))
        v += given.s * rng.standard_normal(v.shape)
        out[rows] = np.einsum("nab,bnj->naj", given.root, _backward(L, v))
    return out.reshape(len(out), -1)


def effect_moments(data: Data, theta: Arrays, population: Floats) -> EffectMoments:
    """Average the exact moments of effects over draws of the variances (Rao-Blackwell).

    Nothing is drawn and nothing kept per draw: given the variances, beta is integrated out
    too (Gelfand and Smith 1990, doi:10.1080/01621459.1990.10476213).

    Parameters
    ----------
    data, theta : mapping
        As for `draw_effects`; ``beta`` is not used.
    population : ndarray, shape (Q, P)
        Share of each population coefficient in each group coefficient: mostly 0 and 1.

    Returns
    -------
    EffectMoments
        Standard deviations hold the spread of the means and the mean of the variances.
    """
    k, kind = np.asarray(data["k"]), np.asarray(data["kind"]) - 1
    K, J, M = k.shape
    S = np.asarray(data["S"])
    uncentre = np.eye(M - 1)
    uncentre[:1] -= data["x_center"]
    slope = S[-1, -1] * np.linalg.inv(S[:-1, :-1])
    share = population @ uncentre @ slope
    constant = population @ uncentre @ slope @ S[:-1, -1] / S[-1, -1]
    totals = [_Running(), _Running()]
    for rows in _steps(len(theta["sigma"]), J * K * M):
        given = _Given.of(data, {name: values[rows] for name, values in theta.items()})
        beta, root = given.coefficients(data)
        half = _forward(given.L, given.root.transpose(2, 1, 0)[..., None])
        gain = np.einsum("abnc,adnc->bdnc", half, _forward(given.L, given.D.swapaxes(0, 1)))
        spread = given.s**2 * np.einsum("abnc,abnc->bnc", half, half)
        W = np.einsum("abnj,bjm->anjm", gain[:, :, :, kind], k)
        mean = W[..., -1] - np.einsum("anjp,np->anj", W[..., :-1], beta)
        for total, part, shift in ((totals[0], 0.0 * share, 0.0 * constant),
                                   (totals[1], share, constant)):  # fmt: skip
            moves = (part[:, None, None] - W[..., :-1]) @ root
            centre = mean + (part @ beta.T + shift[:, None])[:, :, None]
            total.add(centre, spread[:, :, kind] + np.sum(moves**2, axis=-1))
    return EffectMoments(*totals[0].moments(), *totals[1].moments())


def _steps(draws: int, width: int) -> Iterator[slice]:
    """Part the draws so that arrays of `width` numbers a draw stay small."""
    size = max(1, _CHUNK // width)
    return (slice(start, start + size) for start in range(0, draws, size))


@dataclass(frozen=True, eq=False)
class _Given:
    """What some draws of the variances fix, in standard units but for `root`.

    Attributes
    ----------
    s : ndarray, shape (draws, 1)
        sigma.
    beta : ndarray, shape (draws, P)
        Coefficients of Xs.
    root : ndarray, shape (draws, K, K)
        Root of Sigma / sigma^2, from standard units to those of u.
    D, L : ndarray, shape (K, K, draws, C)
        R root, and the Cholesky factor of I + D'D.
    """

    s: Floats
    beta: Floats
    root: Floats
    D: Floats
    L: Floats

    @classmethod
    def of(cls, data: Data, theta: Arrays) -> "_Given":
        S, R = np.asarray(data["S"]), np.asarray(data["R"])
        unit, sigma = S[-1, -1], theta["sigma"]
        root = (
            roots_of_covariance(theta["tau"], theta["cpc"], data["Q"]) / sigma[:, :, None]
        )
        D = np.einsum("cab,nbd->adnc", R, data["T"] @ root)
        A = np.einsum("abnc,adnc->bdnc", D, D)
        A[np.diag_indices(len(A))] += 1.0
        beta = theta["beta"].copy()
        beta[:, :1] += beta @ data["x_center"][:, None]
        inner = (beta @ S[:-1, :-1].T - S[:-1, -1]) / unit
        return cls(sigma / unit, inner, root * unit, D, _cholesky(A))

    def inverses(self) -> tuple[Floats, Floats]:
        """Return the inverses of I + D D', shape (K, K, draws, C), and log determinants."""
        A = np.einsum("abnc,dbnc->adnc", self.D, self.D)
        A[np.diag_indices(len(A))] += 1.0
        L = _cholesky(A)
        inverse = _forward(L, np.broadcast_to(np.eye(len(A))[..., None, None], A.shape))
        logdet = 2.0 * np.sum([np.log(L[a, a]) for a in range(len(A))], axis=0)
        return np.einsum("abnc,adnc->bdnc", inverse, inverse), logdet

    def coefficients(self, data: Data) -> tuple[Floats, Floats]:
        """Return the mean and a root of the covariance of the coefficients of Xs."""
        k, kind = np.asarray(data["k"]), np.asarray(data["kind"]) - 1
        inverse, _ = self.inverses()
        K, n, M = len(k), len(self.s), k.shape[2]
        kk = np.zeros((self.D.shape[3], K, K, M, M))
        np.add.at(kk, kind, np.einsum("ajm,bjp->jabmp", k, k))
        weights = inverse.transpose(2, 3, 0, 1).reshape(n, -1)
        W = np.asarray(data["remainder"]) + (weights @ kk.reshape(-1, M * M)).reshape(
            n, M, M
        )
        W = W / self.s[:, :, None] ** 2 + prior_products(data)
        P = M - 1
        covariance = np.linalg.inv(W[:, :P, :P])
        mean = np.einsum("npq,nq->np", covariance, W[:, :P, P])
        return mean, np.linalg.cholesky(covariance)


def prior_products(data: Data) -> Floats:
    """Return the normal prior of beta as cross products of rows of data with error sd 1."""
    S = np.asarray(data["S"])
    inverse = np.linalg.inv(S[:-1, :-1])
    rows = np.column_stack(
        [S[-1, -1] * inverse, data["beta_location"] - inverse @ S[:-1, -1]]
    )
    rows = rows / np.asarray(data["beta_scale"])[:, None]
    return np.asarray(rows.T @ rows)


def roots_of_covariance(tau: Floats, cpc: Floats, sizes: Sequence[int]) -> Floats:
    """Return diag(tau) L at every draw, block after block, shape (draws, K, K).

    L is the Cholesky factor of the correlations with these canonical partial correlations.
    """
    L = np.zeros((*tau.shape, tau.shape[1]))
    start = following = 0
    for size in sizes:
        for row in range(start, start + size):
            left = np.ones(len(tau))
            for column in range(start, row):
                L[:, row, column] = cpc[:, following] * np.sqrt(left)
                left = left * (1.0 - cpc[:, following] ** 2)
                following += 1
            L[:, row, row] = np.sqrt(left)
        start += size
    return np.asarray(tau[:, :, None] * L)


def _cholesky(A: Floats) -> Floats:
    """Factor positive definite matrices, shape (K, K, ...), all at once."""
    L = np.zeros_like(A)
    for a in range(len(A)):
        for b in range(a + 1):
            rest = A[a, b] - np.sum(L[a, :b] * L[b, :b], axis=0)
            L[a, b] = np.sqrt(rest) if a == b else rest / L[b, b]
    return L


def _forward(L: Floats, right: Floats) -> Floats:
    """Solve L x = right; `right` is (K, ...) or (K, columns, ...)."""
    x = np.empty(np.broadcast_shapes(right.shape, right.shape[:-2] + L.shape[2:]))
    for a in range(len(L)):
        x[a] = (right[a] - sum((L[a, b] * x[b] for b in range(a)), 0.0)) / L[a, a]
    return x


def _backward(L: Floats, right: Floats) -> Floats:
    """Solve L' x = right."""
    x = np.empty_like(right)
    for a in reversed(range(len(L))):
        later = range(a + 1, len(L))
        x[a] = (right[a] - sum((L[b, a] * x[b] for b in later), 0.0)) / L[a, a]
    return x


class _Running:
    """Mean and variance over draws, in one pass (Chan, Golub and LeVeque 1983)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.squares: Any = 0.0
        self.within: Any = 0.0

    def add(self, centres: Floats, variances: Floats) -> None:
        """Take in conditional means and variances, shape (K, draws, J)."""
        n = centres.shape[1]
        mean = centres.mean(axis=1)
        total = self.count + n
        shift = mean - self.mean
        self.squares = (
            self.squares
            + np.sum((centres - mean[:, None]) ** 2, axis=1)
            + shift**2 * self.count * n / total
        )
        self.mean = self.mean + shift * n / total
        self.within = self.within + variances.sum(axis=1)
        self.count = total

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and standard deviation."""
        return self.mean, np.sqrt((self.squares + self.within) / self.count)
