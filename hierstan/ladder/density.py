"""Stan's flat-prior marginal density, and the points to evaluate it at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hierstan.correlations import partial_correlations, roots_of_covariance
from hierstan.design import Design, Floats
from hierstan.engines.base import Arrays, Engine, StanData
from hierstan.frequentist.variances import Variances
from hierstan.marginal.data import raw_parameters
from hierstan.priors import resolve_priors
from hierstan.programs import get_program, initial_values, stan_data

PROGRAM = "marginal"


@dataclass(frozen=True, eq=False)
class FlatDensity:
    """The marginal program with flat priors: the likelihood of the mixed model.

    With the coefficients integrated out its log density is the restricted likelihood, with
    the coefficients as parameters it is the likelihood (Harville 1974,
    doi:10.1093/biomet/61.2.383), constants included.

    Attributes
    ----------
    design : Design
        The model; its factors are nested in one another.
    engine : Engine
        What runs Stan.
    reml : bool
        Which likelihood.
    data : dict
        The program's data block.
    """

    design: Design
    engine: Engine
    reml: bool
    data: dict[str, Any]

    @classmethod
    def of(cls, design: Design, engine: Engine, *, reml: bool) -> "FlatDensity":
        """Lay the data out.

        Raises
        ------
        DataError
            When the marginal program cannot take the design.
        """
        priors = resolve_priors("flat", design)
        data = stan_data(get_program(PROGRAM), design, priors)
        # LKJ(1) is flat for matrices, not for the partial correlations that Stan climbs in.
        given = {
            "beta_sampled": int(not reml), "of_tau": 1, "eta": np.zeros(len(priors.eta))
        }  # fmt: skip
        return cls(design, engine, reml, data | given)

    def mode(self, seed: int) -> Variances:
        """Climb to the mode, from two places, and return the variances of the higher."""
        starts = initial_values(
            get_program(PROGRAM), self.design, self.data, chains=2, seed=seed
        )
        found = [self.engine.optimize(PROGRAM, self.data, start, seed) for start in starts]
        best = max(found, key=lambda mode: mode.log_density)
        return read_variances(self.design, self.data, best.variables)

    def values(self, points: Sequence[Variances], betas: Sequence[Floats]) -> Floats:
        """Evaluate Stan's log density.

        Parameters
        ----------
        points : sequence of Variances
            In the data's units.
        betas : sequence of ndarray, shape (P,)
            Coefficients that go with them; under REML they are not used.

        Returns
        -------
        ndarray, shape (points,)
            Log densities, constants included.
        """
        given = [
            self._parameters(point, beta) for point, beta in zip(points, betas, strict=True)
        ]
        return self.engine.log_density(PROGRAM, self.data, given)[0]

    def _parameters(self, point: Variances, beta: Floats) -> dict[str, Any]:
        """Write a point as the program's parameters."""
        tau = [np.sqrt(np.diag(Sigma)) for Sigma in point.Sigmas]
        cpc = [
            partial_correlations(Sigma[start : start + size, start : start + size])
            for factor, Sigma in zip(self.design.factors, point.Sigmas, strict=True)
            for start, size in zip(factor.starts, factor.blocks, strict=True)
        ]
        S, centred = np.asarray(self.data["S"]), beta.copy()
        centred[:1] += self.data["x_center"] @ beta
        standard = (S[:-1, :-1] @ centred - S[:-1, -1]) / S[-1, -1]
        return {
            **raw_parameters(
                self.data, np.concatenate(tau), np.concatenate([*cpc, np.zeros(0)])
            ),
            "sigma": point.sigma,
            "beta_standard": [] if self.reml else standard.tolist(),
        }


def read_variances(design: Design, data: StanData, variables: Arrays) -> Variances:
    """Read the variances off the parameters of a program with partial pooling.

    Parameters
    ----------
    design : Design
        The model.
    data : mapping of str to object
        The program's data block.
    variables : mapping of str to ndarray
        Where an optimization ended.

    Returns
    -------
    Variances
        In the data's units.
    """
    tau = np.asarray(variables["tau"], dtype=float).reshape(1, -1)
    cpc = np.asarray(variables.get("cpc", np.zeros(0)), dtype=float).reshape(1, -1)
    root = roots_of_covariance(tau, cpc, data["Q"])[0]
    Sigmas, start = [], 0
    for factor in design.factors:
        own = root[start : start + factor.Q, start : start + factor.Q]
        Sigmas.append(own @ own.T)
        start += factor.Q
    return Variances(tuple(Sigmas), float(variables["sigma"]))
