"""Where the distance between a posterior mean and a REML estimate comes from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from hierstan.estimates import AnyValue, Estimates, PosteriorValue

# Parts below these are not worth a word: a tenth of the sd they are measured in, and the
# distance at which two optimizers agree (in standard errors).
SMALL = 0.1
ENGINE = 1e-4
# A Monte Carlo error above this share of the same sd asks for more draws.
MONTE_CARLO = 0.05


@dataclass(frozen=True)
class Rung:
    """One parameter on its way from REML (or ML) to the posterior mean.

    ``mean - estimate = engine + mode_to_mean + prior``, each known up to `monte_carlo`.

    Attributes
    ----------
    name : str
        The parameter, as tables name it.
    estimate, se : float, float or None
        By MixedLM, or our own climb where it has no fit; with the standard error of the
        observed information.
    mode : float
        By Stan: the mode of the flat-prior marginal density.
    engine : float
        `mode` - `estimate`: zero unless one of the two optimizers stopped short.
    flat_mean : float or None
        Posterior mean under flat priors; None without sampling, or where it is not finite.
    mode_to_mean : float or None
        `flat_mean` - `mode`: a mean averages over the uncertainty of all parameters, a
        mode takes their single most likely values.
    mean, sd : float or None
        Of the posterior under the user's priors.
    flat_sd : float or None
        Of the posterior under flat priors.
    prior : float or None
        `mean` - `flat_mean`.
    monte_carlo : float or None
        Standard error of `mean` - `flat_mean` from the finite number of draws.
    verdict : str
        The largest part, in words.
    """

    name: str
    estimate: float
    se: float | None
    mode: float
    engine: float
    flat_mean: float | None
    mode_to_mean: float | None
    mean: float | None
    sd: float | None
    flat_sd: float | None
    prior: float | None
    monte_carlo: float | None
    verdict: str

    @property
    def unit(self) -> float | None:
        """What parts are measured in, for their names with ``_sd``.

        The sd of the wider of the two posteriors, under flat priors and under the user's:
        ``max(sd, flat_sd)``. In sds of a posterior that a prior leaves no room every
        other part would look large. Without a flat posterior it is `sd`, without sampling
        `se`.
        """
        sds = [sd for sd in (self.sd, self.flat_sd) if sd is not None]
        return max(sds) if sds else self.se

    def in_sd(self, part: float | None) -> float | None:
        """Return a part as a multiple of `unit`; None where there is none."""
        return None if part is None or not self.unit else part / self.unit

    def to_dict(self) -> dict[str, Any]:
        """Return the row of ``results.json``: each part as it is, and divided by `unit`."""
        parts = ("engine", "mode_to_mean", "prior", "monte_carlo")
        return asdict(self) | {f"{p}_sd": self.in_sd(getattr(self, p)) for p in parts}


def climb_ladder(
    mixed: Estimates,
    mode: Estimates,
    flat: Estimates | None,
    posterior: Estimates | None,
    evidence: Mapping[str, str],
) -> tuple[Rung, ...]:
    """Compare the estimates of every parameter, rung by rung.

    Parameters
    ----------
    mixed, mode : Estimates
        By MixedLM, and Stan's mode of the same criterion.
    flat, posterior : Estimates, optional
        Posteriors under flat priors and under the user's.
    evidence : mapping of str to str
        How much data speak to a parameter, in words: "85 counties".

    Returns
    -------
    tuple of Rung
        A row per parameter, in the order of the tables.
    """
    modes = dict(mode.rows())
    flats = dict(flat.rows()) if flat else {}
    posteriors = dict(posterior.rows()) if posterior else {}
    return tuple(
        _rung(name, value, modes[name], flats.get(name), posteriors.get(name), evidence)
        for name, value in mixed.rows()
    )


def to_frame(rungs: tuple[Rung, ...]) -> pd.DataFrame:
    """Return the ladder as a table, a row per parameter."""
    return pd.DataFrame([rung.to_dict() for rung in rungs]).set_index("name")


def _rung(
    name: str,
    mixed: AnyValue,
    mode: AnyValue,
    flat: AnyValue | None,
    posterior: AnyValue | None,
    evidence: Mapping[str, str],
) -> Rung:
    estimate, se = mixed.center, mixed.spread
    flat_mean = flat.center if isinstance(flat, PosteriorValue) else None
    flat_sd = flat.spread if isinstance(flat, PosteriorValue) else None
    mean = sd = shift = prior = error = None
    if isinstance(posterior, PosteriorValue):
        mean, sd, error = posterior.mean, posterior.sd, posterior.mcse_mean
        if isinstance(flat, PosteriorValue):
            prior = posterior.mean - flat.mean
            error = (posterior.mcse_mean**2 + flat.mcse_mean**2) ** 0.5
    if flat_mean is not None:
        shift = flat_mean - mode.center
    rung = Rung(
        name, estimate, se, mode.center, mode.center - estimate, flat_mean, shift,
        mean, sd, flat_sd, prior, error, verdict="",
    )  # fmt: skip
    verdict = _verdict(rung, mode, evidence.get(name, ""))
    return replace(rung, verdict=verdict)


def _verdict(rung: Rung, mode: AnyValue, evidence: str) -> str:
    """Say in a sentence what moves a parameter, largest part first."""
    told = []
    engine = rung.engine / mode.spread if mode.spread else rung.engine
    if abs(engine) > ENGINE:
        side = "below" if engine > 0 else "above"
        told.append(
            f"the mixed-model fit stops {_size(engine)} se {side} the optimum that Stan "
            "finds"
        )
    parts = {
        name: share
        for name in ("prior", "mode_to_mean")
        if (share := rung.in_sd(getattr(rung, name))) is not None and abs(share) >= SMALL
    }
    largest_first = sorted(parts, key=lambda name: -abs(parts[name]))
    told += [_words(name, parts[name], rung, evidence) for name in largest_first]
    noise = rung.in_sd(rung.monte_carlo)
    if noise is not None and noise > MONTE_CARLO:
        told.append(f"the draws leave {_size(noise)} sd open: take more")
    if told:
        return "; ".join(told)
    if rung.mean is None:
        return "same optimum"
    if rung.prior is None or not rung.sd:
        gap = rung.in_sd(rung.mean - rung.estimate)
        return "" if gap is None else f"the posterior mean is {_side(gap)} the estimate"
    return "agree"


def _words(name: str, share: float, rung: Rung, evidence: str) -> str:
    if name == "prior":
        way = "up" if share > 0 else "down"
        told = f"the prior pulls {rung.name} {way} by {_size(share)} sd"
        return f"{told}; {evidence}" if evidence else told
    return (
        f"averaging puts the mean {_side(share)} the most likely value, already under flat "
        "priors"
    )


def _side(share: float) -> str:
    return f"{_size(share)} sd {'above' if share > 0 else 'below'}"


def _size(share: float) -> str:
    return f"{abs(share):.1g}" if abs(share) < 0.095 else f"{abs(share):.1f}"
