"""Shrinkage weights over a posterior of the variances."""

import numpy as np

from hierstan.design import Design, Factor, Floats
from hierstan.prediction.simulate import Posterior
from hierstan.shrinkage.information import Own
from hierstan.thinning import evenly

# Weights are smooth in the variances: 1,000 draws give their mean to 3 % of its posterior
# sd, and the ends of the interval to 9 % (Monte Carlo standard errors). With many levels
# the posterior of the variances is narrow, and fewer serve.
_MOST, _FEWEST, _NUMBERS = 1000, 250, 5_000_000


def weight_draws(design: Design, factor: Factor, posterior: Posterior) -> Floats:
    """Return the diagonal of W of every level at draws of the variances.

    Parameters
    ----------
    design, factor : Design, Factor
        The model and one of its factors.
    posterior : Posterior
        Draws with partial pooling.

    Returns
    -------
    ndarray, shape (Q, J, draws)
        At all draws, or evenly spread ones where there are more than 1,000, or than 5
        million numbers altogether, but at least at 250.
    """
    most = min(_MOST, _NUMBERS // (factor.Q * factor.J))
    chosen = evenly(posterior.S, max(_FEWEST, most))
    own = Own.of(design, factor)
    roots = [posterior.root(one)[:, :, chosen] for one in own.factors]
    sigma = posterior.sigma[chosen]
    found = np.empty((factor.Q, factor.J, len(chosen)))
    for some in own.steps(len(chosen)):
        W = own.weights([root[:, :, some] for root in roots], sigma[some])
        for q in range(factor.Q):
            found[q, :, some] = W[q, q].T
    return found
