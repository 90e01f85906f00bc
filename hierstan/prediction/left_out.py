"""What leaving out rows and leaving out groups have in common."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierstan.prediction.psis import khat_limit

_LISTED = 8  # parts named in a printed result


@dataclass(frozen=True, eq=False)
class LeftOut:
    """How well each part of the data is predicted from all others.

    Attributes
    ----------
    pointwise : pandas.DataFrame
        A row per part, with ``elpd``, log p(y_i | y_-i), and ``khat`` of its importance
        weights.
    draws : int
        Draws that were weighed.
    r_eff : float
        Effective draws per draw, for the number of weights to smooth.
    remedy : str
        What to do about parts with a high k-hat.
    remark : str
        Why the numbers need care; empty when they do not.
    """

    pointwise: pd.DataFrame
    draws: int
    r_eff: float
    remedy: str
    remark: str

    @property
    def elpd(self) -> float:
        """Expected log predictive density: the sum over all parts."""
        return float(self.pointwise["elpd"].sum())

    @property
    def se(self) -> float:
        """Standard error of `elpd` for another sample of as many, sqrt(n) times the sd."""
        return float(np.sqrt(len(self.pointwise)) * self.pointwise["elpd"].std())

    @property
    def khat_limit(self) -> float:
        """Largest k-hat to trust, min(1 - 1 / log10(draws), 0.7)."""
        return khat_limit(self.draws)

    @property
    def high(self) -> pd.DataFrame:
        """Parts above the limit, the worst first: their densities are not to be trusted."""
        found = self.pointwise[~(self.pointwise["khat"] <= self.khat_limit)]
        return found.sort_values("khat", ascending=False)

    @property
    def noun(self) -> str:
        """What a part is called, in the plural."""
        return "rows"

    @property
    def advice(self) -> str:
        """Say whether to trust it, and what to do if not."""
        if not len(self.high):
            return f"No k-hat is above {self.khat_limit:.2f}."
        return (
            f"{len(self.high)} of {len(self.pointwise)} {self.noun} "
            f"{'has' if len(self.high) == 1 else 'have'} a k-hat above "
            f"{self.khat_limit:.2f}, so elpd is not to be trusted. {self.remedy}"
        )

    def _told(self, first: list[str]) -> str:
        """Put what to know below the first lines."""
        lines = [*first, self.advice]
        if self.remark:
            lines.append(f"Beware: {self.remark}.")
        if len(self.high):
            lines.append(self.high.head(_LISTED).to_string(float_format="{:.3g}".format))
        return "\n".join(lines)
