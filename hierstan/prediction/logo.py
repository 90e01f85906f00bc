"""Leave-one-group-out: how well a group is predicted of which nothing was seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from hierstan.design import Design, find_factor
from hierstan.errors import DataError, InputError
from hierstan.marginal.data import elimination_order
from hierstan.marginal.fitted import Conditional
from hierstan.marginal.left_out import group_densities, level_densities
from hierstan.prediction.left_out import LeftOut
from hierstan.prediction.psis import log_weights
from hierstan.programs import Program


@dataclass(frozen=True, eq=False)
class LeaveOneGroupOut(LeftOut):
    """What each group's prediction from all other groups is worth.

    Attributes
    ----------
    pointwise : pandas.DataFrame
        By level: ``n``, its rows; ``elpd``, log p(y_j | y_-j), the joint density of its
        rows; ``per_row``, that over n; ``khat`` of the importance weights.
    factor : str
        Whose levels are left out.
    """

    factor: str

    @property
    def noun(self) -> str:
        """What a part is called, in the plural."""
        return f"levels of {self.factor}"

    def __str__(self) -> str:
        """Return the sum, whether to trust it, and the groups that say no."""
        return self._told(
            [
                f"Leave-one-{self.factor}-out, coefficients and group effects integrated "
                f"out, {self.draws} draws",
                f"elpd {self.elpd:.1f} (se {self.se:.1f}) of {len(self.pointwise)} "
                f"{self.noun}",
            ]
        )

    __repr__ = __str__


def leave_one_group_out(
    program: Program,
    model: Conditional,
    design: Design,
    factor: str | None,
    *,
    r_eff: float,
    remark: str,
) -> LeaveOneGroupOut:
    """Weigh draws of theta for each group; see `hierstan.fit.Fit.leave_one_group_out`."""
    if program.pooling == "none":
        raise InputError(
            "Without pooling a group that was left out is known by its prior only; leave "
            "groups out of a fit with partial or complete pooling."
        )
    coarsest_of_all = min(design.factors, key=lambda factor: factor.J)
    chosen = coarsest_of_all if factor is None else find_factor(design, factor)
    order = elimination_order(model.design)
    finest, coarsest = (model.design.factors[order[k]].name for k in (0, -1))
    if program.pooling == "complete" or chosen.name == finest != coarsest:
        logs = level_densities(model, chosen)
    elif chosen.name == coarsest:
        logs = group_densities(model.design, model.priors, model.theta)
    else:
        raise DataError(
            f"{chosen.name} has factors nested in it and lies in others; leave out levels "
            f"of {finest} or of {coarsest}."
        )
    log_weight, khat = log_weights(np.ascontiguousarray(logs.T), r_eff)
    elpd = logsumexp(log_weight + logs.T, axis=1)
    table = pd.DataFrame(
        {"n": chosen.sizes, "elpd": elpd, "per_row": elpd / chosen.sizes, "khat": khat},
        pd.Index(chosen.levels, name=chosen.name),
    )
    return LeaveOneGroupOut(
        table,
        draws=len(logs),
        r_eff=r_eff,
        remedy=(
            "The standard deviations depend on these groups: refit without them, one at a "
            "time, for their densities."
        ),
        remark=remark,
        factor=chosen.name,
    )
