"""What a sampled fit says about the pooling of its groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from hierstan.design import Design, Factor, find_factor
from hierstan.errors import InputError
from hierstan.programs import Program

if TYPE_CHECKING:
    from hierstan.fit import Fit
    from hierstan.shrinkage import Regions


class Shrunken:
    """The part of a `Fit` that says what partial pooling does to its groups."""

    program: Program
    design: Design

    @property
    def _fit(self) -> "Fit":
        return cast("Fit", self)

    def shrinkage(self, factor: str | None = None) -> pd.DataFrame:
        """Say how far partial pooling moves every group, from where and towards what.

        Parameters
        ----------
        factor : str, optional
            Name of a grouping factor; not needed where there is one only.

        Returns
        -------
        pandas.DataFrame
            A row per effect and level; see `hierstan.shrinkage.shrinkage_table`.
            `Analysis.shrinkage` sets Stan's no pooling and the BLUPs beside it.

        Raises
        ------
        InputError
            When this is not a posterior with partial pooling, or there is no such factor.

        Examples
        --------
        >>> import hierstan as hs
        >>> model = hs.Model(
        ...     "Reaction ~ Days + (1 | Subject)", hs.data.sleepstudy(), engine="stanli"
        ... )
        >>> table = model.sample("marginal", seed=1).shrinkage()
        >>> table[["effect", "level", "n", "weight", "direction"]].head(2).round(1)
              effect level   n  weight direction
        0  Intercept   308  10     0.9   towards
        1  Intercept   309  10     0.9   towards
        """
        from hierstan.shrinkage import shrinkage_table

        chosen = self._pooled_factor(factor)
        return shrinkage_table(self.design, chosen, partial=self._fit)

    def shrinkage_regions(
        self,
        factor: str | None = None,
        effects: Sequence[str] | None = None,
        levels: Any = None,
    ) -> "Regions":
        """Describe groups by the ellipses of two effects, for `hs.plot.shrinkage_ellipses`.

        Parameters
        ----------
        factor : str, optional
            Name of a grouping factor; not needed where there is one only.
        effects : sequence of str, optional
            Two of its effects; by default the first two.
        levels : str, number or sequence of them, optional
            Groups to describe, by name or by value; by default six of different sizes.

        Returns
        -------
        Regions
            Means, covariances and paths; see
            `hierstan.shrinkage.regions.shrinkage_regions`.

        Raises
        ------
        InputError
            When this is not a posterior with partial pooling, there is no such factor,
            effect or level, or the factor has one effect only.
        """
        from hierstan.shrinkage import shrinkage_regions

        return shrinkage_regions(self._fit, self._pooled_factor(factor), effects, levels)

    def pooling(self) -> pd.DataFrame:
        """Measure pooling and explained variance at every level.

        Returns
        -------
        pandas.DataFrame
            Gelman and Pardoe's pooling factor and R-squared, a row for the data and for
            each effect of each factor; see `hierstan.shrinkage.pooling_table`.

        Raises
        ------
        InputError
            For draws from the prior only.
        """
        from hierstan.shrinkage import pooling_table

        return pooling_table(self._fit)

    def require_pooling(self) -> None:
        """Refuse what is no posterior with partial pooling.

        Raises
        ------
        InputError
            When the program does not pool in part, or for draws from the prior only.
        """
        if self.program.pooling != "partial":
            raise InputError(
                f"The {self.program.name} program does not pool groups in part; sample "
                "centered, noncentered or marginal."
            )
        self._fit.require_data("nothing has been pooled")

    def _pooled_factor(self, name: str | None) -> Factor:
        self.require_pooling()
        return find_factor(self.design, name)
