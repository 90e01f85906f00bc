"""What a cause is, and what it is found from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hierstan.design import Design, Factor
from hierstan.diagnostics.likelihood import Likelihood, likelihood_of
from hierstan.diagnostics.limits import ESS_PER_CHAIN, RHAT_LIMIT
from hierstan.diagnostics.places import CLEAR
from hierstan.diagnostics.reliability import reliabilities
from hierstan.engines.base import Samples
from hierstan.naming import sd_name
from hierstan.priors import Priors
from hierstan.programs import Program
from hierstan.structure import chain


@dataclass(frozen=True)
class Cause:
    """A reason why a fit is as it is.

    Attributes
    ----------
    kind : str
        ``"far from zero"``, ``"funnel"``, ``"stuck chain"``, ``"several modes"``,
        ``"strong data"``, ``"ridge"``, ``"weak identification"``, ``"boundary"``, ``"too
        few draws"``, ``"cut off"``, ``"prior-dominated sd"``, ``"prior conflict"`` or
        ``"exact fit"``.
    parameter : str
        What it is about, as tables name it; empty when it is the whole fit.
    explains : bool
        Whether it explains a check that failed; otherwise it is a remark on the model,
        true of a sound fit as well.
    evidence : mapping of str to float
        The numbers it rests on; `text` says what they are.
    text : str
        The cause and its evidence, a sentence or two.
    advice : str
        What to do about it; may be empty.
    program : str
        The program that does not have it, to be tried; empty when none is known.
    """

    kind: str
    parameter: str
    explains: bool
    evidence: Mapping[str, float]
    text: str
    advice: str = ""
    program: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return an entry of ``causes`` in ``results.json``; nan becomes null."""
        numbers = {
            name: None if np.isnan(value) else float(value)
            for name, value in self.evidence.items()
        }
        return {
            "kind": self.kind, "parameter": self.parameter, "explains": self.explains,
            "evidence": numbers, "text": self.text, "advice": self.advice,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that causes are found from.

    Attributes
    ----------
    program, design, priors : Program, Design, Priors
        The model.
    draws : xarray.Dataset
        Named draws.
    samples : Samples
        The run.
    parameters, chains, places : pandas.DataFrame
        From `limits.parameter_table`, `chains.chain_table` and
        `places.divergence_places`.
    failed : bool
        Whether any check failed.
    prior_only : bool
        Whether there is no likelihood, so that the data say nothing.
    """

    program: Program
    design: Design
    priors: Priors
    draws: xr.Dataset
    samples: Samples
    parameters: pd.DataFrame
    chains: pd.DataFrame
    places: pd.DataFrame
    failed: bool
    prior_only: bool

    @property
    def least(self) -> int:
        """Effective draws that every quantity is to have."""
        return ESS_PER_CHAIN * self.samples.settings.chains

    @property
    def divergences(self) -> int:
        """Transitions that diverged."""
        return int(self.chains["divergences"].sum())

    @property
    def effects_sampled(self) -> bool:
        """Whether group effects are parameters, and their geometry the sampler's."""
        return self.program.name in ("centered", "noncentered")

    @property
    def marginal_available(self) -> bool:
        """Whether the group effects could be integrated out instead."""
        return self.effects_sampled and chain(self.design.factors) is not None

    @property
    def deviations(self) -> list[tuple[int, str, Factor]]:
        """Every group sd: its position in ``tau``, its name, and its factor."""
        if "tau" not in self.draws:
            return []
        return [
            (k, sd_name(factor.name, effect), factor)
            for k, (factor, effect) in enumerate(self.design.effects)
        ]

    @cached_property
    def reliability(self) -> xr.DataArray:
        """Mean reliability of the group effects; 0 without a likelihood."""
        found = reliabilities(self.design, self.draws)
        return found * 0.0 if self.prior_only else found

    @cached_property
    def likelihood(self) -> Likelihood | None:
        """What the data say without the priors; computed only where it is asked for."""
        return likelihood_of(self.program, self.design)

    def slow(self, name: str, share: float = 1.0) -> bool:
        """Tell whether a population parameter fails R-hat or ESS.

        And has fewer effective draws than a share of the draws taken.
        """
        row = self.parameters.loc[name]
        failed = not (row["rhat"] <= RHAT_LIMIT and row["ess_bulk"] >= self.least)
        return failed and not row["ess_bulk"] >= share * self.draws["sigma"].size

    def diverges_below(self, name: str) -> bool:
        """Tell whether divergences clearly sit at small values of a sd."""
        return bool(name in self.places.index and self.places["score"][name] < -CLEAR)
