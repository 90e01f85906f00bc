"""Fitted values given the standard deviations: normal, with moments in closed form.

At each draw of standard deviations, correlations and sigma, coefficients and group effects
are normal given the data, and so are the fitted values. Rows of one level of the finest
factor with the same columns have the same moments: these are found once for each such kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hierstan.design import Design, Factor, Floats, Integers
from hierstan.engines.base import Arrays
from hierstan.errors import DataError
from hierstan.marginal.block import DataBlock
from hierstan.marginal.data import elimination_order, marginal_data
from hierstan.marginal.elimination import eliminate, in_steps
from hierstan.marginal.recover import flatten, joint_moments
from hierstan.priors import Priors
from hierstan.programs import Program, population_columns
from hierstan.structure import chain, relations
from hierstan.unpooled import unpooled_blocks


@dataclass(frozen=True, eq=False)
class Conditional:
    """A fit as draws of theta, beside which all is normal: sds, correlations, sigma.

    Attributes
    ----------
    design : Design
        Factors nested in one another; the response less what the prior expects of it.
    priors : Priors
        Of the coefficients of its X.
    theta : mapping of str to ndarray, shape (S, ...)
        ``tau``, ``cpc`` and ``sigma``.
    """

    design: Design
    priors: Priors
    theta: Mapping[str, Floats]

    @classmethod
    def of(
        cls, program: Program, design: Design, priors: Priors, variables: Arrays
    ) -> "Conditional":
        """Read a fit of any program as draws of theta.

        No pooling is partial pooling with known standard deviations, those of the prior
        of its coefficients; complete pooling has one group, whose effect has sd zero.

        Parameters
        ----------
        program, design, priors : Program, Design, Priors
            What was fitted.
        variables : mapping of str to ndarray, shape (chains, draws, ...)
            By Stan's names.

        Raises
        ------
        DataError
            When factors are crossed, or a coefficient without pooling has a flat prior.
        """
        theta = flatten(variables)
        S = len(theta["sigma"])
        none = np.zeros((S, 0))
        if program.pooling == "complete":
            rows = design.N
            everyone = Factor(
                "all", ("all",), np.zeros(rows, np.int64), ("Intercept",),
                np.ones((rows, 1)), (1,),
            )  # fmt: skip
            theta |= {"tau": np.zeros((S, 1)), "cpc": none}
            return cls(replace(design, factors=(everyone,)), priors, theta)
        if chain(design.factors) is None:
            crossed = next(r for r in relations(design) if not r.nested)
            raise DataError(
                f"Group effects cannot be integrated out level by level, because {crossed}."
            )
        if program.pooling == "partial":
            return cls(design, priors, theta)
        keep = population_columns(program, design)
        blocks = unpooled_blocks(design)
        names = [(factor.name, effect) for factor, effect in design.effects]
        own = [names.index((b.factor.name, name)) for b in blocks for name in b.names]
        scale = priors.gamma_scale[own]
        if not np.isfinite(scale).all():
            raise DataError(
                "Group coefficients cannot be integrated out under a flat prior; give each "
                "coef( | ) a proper one by name."
            )
        known = np.hstack([b.Z for b in blocks]) @ priors.gamma_location[own]
        factors = tuple(
            Factor(b.label, b.levels, b.index, b.names, b.Z, (1,) * len(b.names))
            for b in blocks
        )
        others = replace(
            design,
            y=design.y - known,
            X=design.X[:, keep],
            terms=tuple(design.terms[p] for p in keep),
            factors=factors,
        )
        kept = replace(
            priors,
            x_center=priors.x_center[keep],
            beta_location=priors.beta_location[keep],
            beta_scale=priors.beta_scale[keep],
        )
        return cls(others, kept, theta | {"tau": np.tile(scale, (S, 1)), "cpc": none})

    def thinned(self, chosen: Integers) -> "Conditional":
        """Keep some draws."""
        some = {name: values[chosen] for name, values in self.theta.items()}
        return replace(self, theta=some)

    @property
    def sigma(self) -> Floats:
        """Residual standard deviation, shape (S,)."""
        return self.theta["sigma"][:, 0]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Moments of the fitted values X beta + sum Z u given y, at every draw of theta.

    Attributes
    ----------
    mean : ndarray, shape (n, S)
        Of each kind of row.
    leverage : ndarray, shape (n, S)
        Variance over sigma^2: below one, and the nearer to it the more the fitted value
        owes to the row itself.
    """

    mean: Floats
    leverage: Floats


@dataclass(frozen=True, eq=False)
class Kinds:
    """The different rows of a design, in standard units.

    Attributes
    ----------
    which : ndarray of int, shape (N,)
        The kind of each row.
    level : ndarray of int, shape (n,)
        Level of the finest factor of each kind.
    W : ndarray, shape (n, V)
        Columns of its effects, of the coarser factors' from finer to coarser, and of X.
    base : ndarray, shape (n,)
        Part of the fitted value that no coefficient changes, in units of y.
    """

    which: Integers
    level: Integers
    W: Floats
    base: Floats

    @classmethod
    def of(cls, design: Design, block: DataBlock) -> "Kinds":
        """Find the rows that differ."""
        factors = [design.factors[k] for k in elimination_order(design)]
        X = design.X - np.asarray(block.data["x_center"])
        rows = np.column_stack([factors[0].index, *(f.Z for f in factors), X])
        different, which = np.unique(rows, axis=0, return_inverse=True)
        level, W = different[:, 0].astype(np.int64), different[:, 1:]
        start = 0
        for i, factor in enumerate(factors):
            stop = start + factor.Q
            W[:, start:stop] = W[:, start:stop] @ block.outward_effects(i) / block.unit
            start = stop
        W[:, start:] = W[:, start:] @ np.linalg.inv(block.S[:-1, :-1])
        return cls(which.reshape(-1), level, W, W[:, start:] @ block.S[:-1, -1])

    def __len__(self) -> int:
        """Return the number of kinds."""
        return len(self.level)


def fitted_values(model: Conditional, block: DataBlock, kinds: Kinds) -> Fitted:
    """Find mean and leverage of each kind of row at each draw.

    Parameters
    ----------
    model : Conditional
        The fit.
    block, kinds : DataBlock, Kinds
        Its data; see `reduced`.

    Returns
    -------
    Fitted
        Two arrays of kinds times draws.
    """
    S, V = len(model.sigma), kinds.W.shape[1]
    mean, leverage = np.empty((len(kinds), S)), np.empty((len(kinds), S))
    columns = kinds.W.T
    width = max(block.width * V, 4 * len(kinds))
    for rows, some in in_steps(model.theta, width):
        found = eliminate(block, some)
        centre, covariance = joint_moments(block, found)[0]
        total = np.zeros((len(found.s), len(kinds)))
        spread = np.zeros_like(total)
        for v in range(V):
            total += columns[v] * centre[:, kinds.level, v]
            for w in range(v + 1):
                weight = columns[v] * columns[w] * (1 if v == w else 2)
                spread += weight * covariance[:, kinds.level, v, w]
        mean[:, rows] = (kinds.base + block.unit * total).T
        leverage[:, rows] = (spread / found.s[:, None] ** 2).T
    return Fitted(mean, leverage)


def reduced(model: Conditional) -> tuple[DataBlock, Kinds]:
    """Return the data block that densities depend on, and the kinds of rows."""
    block = DataBlock(marginal_data(model.design, model.priors))
    return block, Kinds.of(model.design, block)
