"""Every program, least squares and mixed model for one formula, in one object."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from hierstan.design import Design, Factor, find_factor
from hierstan.digits import to_text
from hierstan.engines import SamplerSettings
from hierstan.errors import PriorError
from hierstan.estimates import Estimates, compare
from hierstan.fit import Fit
from hierstan.frequentist import MixedFit
from hierstan.ladder.check import CrossCheck
from hierstan.ladder.joint import JointMode
from hierstan.model import Model
from hierstan.prediction.comparison import compare_loo
from hierstan.prediction.prior_predictive import PriorPredictive
from hierstan.shrinkage import shrinkage_table


@dataclass(frozen=True, eq=False)
class Analysis:
    """Fits of one model by every program and estimator asked for.

    Attributes
    ----------
    model : Model
        Formula, design and priors.
    settings : SamplerSettings
        How the programs were sampled.
    fits : dict of str to Fit
        By program.
    ols : Estimates
        Complete pooling by least squares.
    mixed : dict of str to MixedFit
        By criterion, ``"REML"`` and ``"ML"``; empty when there is no fit.
    check : CrossCheck or None
        Stan's mode beside MixedLM, and what makes the posterior mean differ; None when the
        marginal program was not fitted.
    joint : JointMode or None
        Where maximizing over group effects leads; None without the centered program, or
        where a standard deviation is zero anyhow.
    left_out : dict of str to str
        What was not fitted, and why.
    engine : dict of str to str
        What ran Stan.
    """

    model: Model
    settings: SamplerSettings
    fits: dict[str, Fit]
    ols: Estimates
    mixed: dict[str, MixedFit]
    check: CrossCheck | None
    joint: JointMode | None
    left_out: dict[str, str]
    engine: dict[str, str]

    @property
    def design(self) -> Design:
        """Matrices and names shared by all fits."""
        return self.model.design

    @property
    def best(self) -> Fit | None:
        """The fit with partial pooling to report; None without one.

        Of those that passed their checks, or else of all, the last in the order of
        `fits`: that in which the programs were given, the preferred one last. By default
        marginal is preferred to noncentered, and that to centered.
        """
        partial = [fit for fit in self.fits.values() if fit.program.pooling == "partial"]
        sound = [fit for fit in partial if fit.diagnostics.sound]
        return next(iter([*sound[::-1], *partial[::-1]]), None)

    def estimates(self) -> dict[str, Estimates]:
        """Return all fits in one shape: OLS, programs, then the mixed model."""
        return {
            "OLS": self.ols,
            **{name: fit.estimates() for name, fit in self.fits.items()},
            **{name: fit.estimates() for name, fit in self.mixed.items()},
        }

    def comparison(self) -> pd.DataFrame:
        """Return all population parameters of all fits side by side; see `compare`."""
        return compare(self.estimates())

    def loo(self, by: str | None = None) -> pd.DataFrame:
        """Compare the programs by what they predict of data left out; see `compare_loo`.

        Of groups (`by` names their factor), no pooling predicts nothing and is not there.
        """
        fits = self.fits.items()
        known = {name: fit for name, fit in fits if not by or fit.program.pooling != "none"}
        return compare_loo(known, by=by)

    def shrinkage(self, factor: Factor | str) -> pd.DataFrame:
        """Return the group coefficients of a factor; see `shrinkage_table`.

        Parameters
        ----------
        factor : Factor or str
            A grouping factor, or its name.

        Raises
        ------
        InputError
            When the formula has no such factor; names those it has.
        """
        if isinstance(factor, str):
            factor = find_factor(self.design, factor)
        if factor.name not in self._tables:
            self._tables[factor.name] = shrinkage_table(
                self.design,
                factor,
                partial=self.best,
                unpooled=self.fits.get("unpooled"),
                mixed=self.mixed.get("REML"),
            )
        return self._tables[factor.name].copy()

    def pooling(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return pooling factors and R-squared by factor and effect.

        Returns
        -------
        dict
            ``pooling_factor``, ``r_squared`` and the other numbers of `Fit.pooling` of the
            `best` fit; empty without partial pooling.
        """
        if self._pooling is None:
            return {}
        # By position: the first row is the data's, and a factor may be called so, too.
        rows = self._pooling.select_dtypes("float").iloc[1:].to_dict("records")
        found = iter(rows)
        return {
            factor.name: {
                effect: {str(name): float(value) for name, value in next(found).items()}
                for effect in factor.effects
            }
            for factor in self.design.factors
        }

    def pooling_table(self) -> pd.DataFrame | None:
        """Return explained variance and pooling factors of every level, as a table.

        Returns
        -------
        pandas.DataFrame or None
            `Fit.pooling` of the `best` fit; None without partial pooling.
        """
        return None if self._pooling is None else self._pooling.copy()

    @cached_property
    def _pooling(self) -> pd.DataFrame | None:
        return None if self.best is None else self.best.pooling()

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        """Tables of `shrinkage`, by factor, as they are asked for."""
        return {}

    def prior(self) -> PriorPredictive | None:
        """Return what the priors expect of the response; None where one of them is flat."""
        try:
            return self.model.prior_predictive(seed=self.settings.seed)
        except PriorError:
            return None

    def verdicts(self) -> dict[str, str]:
        """Return one sentence per fit on whether to trust it."""
        told = {
            name: f"{fit.diagnostics.verdict} {fit.diagnostics.advice}".strip()
            for name, fit in self.fits.items()
        }
        for name, mixed in self.mixed.items():
            told[f"MixedLM ({name})"] = mixed.verdict
        return told | {name: f"not fitted: {why}" for name, why in self.left_out.items()}

    def agreement(self) -> str:
        """Say how far the posterior is from REML, in sds, and what was checked.

        Two numbers are meant to differ: a posterior mean averages over the uncertainty of
        the standard deviations, REML takes their single most likely value, and the prior
        has its say.
        """
        if self.check is not None:
            return self.check.verdict
        reml = self.mixed.get("REML")
        if self.best is None or reml is None:
            return "There is no partial-pooling fit and REML fit to compare."
        theirs = dict(reml.estimates().rows())
        gaps = {
            name: (value.center - theirs[name].center) / value.spread
            for name, value in self.best.estimates().rows()
            if value.spread
        }
        widest = max(gaps, key=lambda name: abs(gaps[name]))
        name = self.best.program.name
        text = (
            f"Posterior means ({name}) and REML estimates differ by at most "
            f"{abs(gaps[widest]):.2f} posterior sd, for {widest}."
        )
        doubts = []
        if not reml.converged:
            doubts.append("MixedLM did not converge")
        if not self.best.diagnostics.sound:
            doubts.append(f"{name} failed its checks")
        if doubts:
            text += f" But {' and '.join(doubts)}, so the gap says little."
        return text

    def rows_used(self) -> str:
        """Say how many rows are in use, and which columns cost the others."""
        design = self.design
        if not design.dropped:
            return f"{design.N} rows."
        lost = ", ".join(f"{n} in {name!r}" for name, n in design.missing.items())
        return (
            f"{design.N} of {design.rows} rows; {design.dropped} dropped for missing "
            f"values ({lost})."
        )

    def ran_by(self) -> str:
        """Say which Stan ran the programs."""
        stan = f"Stan {self.engine.get('stan', '')}".strip()
        return f"{stan} through {self.engine['through']} ({self.engine['source']})"

    def write(self, directory: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the report directory; see `hierstan.report.write_report`."""
        from hierstan.report import write_report

        return write_report(self, Path(directory), force=force)

    def __str__(self) -> str:
        """Return the comparison with verdicts."""
        lines = [self.design.formula.text, self.rows_used(), self.model.priors_used()]
        lines += [self.ran_by() + ".", self.agreement(), ""]
        lines += [f"{name}: {verdict}" for name, verdict in self.verdicts().items()]
        table = to_text(self.comparison(), na_rep="")
        return "\n".join([*lines, "", table])

    __repr__ = __str__
