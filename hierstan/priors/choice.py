"""What a user may pass as priors: a preset, names, a file, or priors made before."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from hierstan.design import Design
from hierstan.errors import PriorError
from hierstan.priors.presets import PRESETS
from hierstan.priors.scales import Priors

PriorChoice = str | os.PathLike[str] | Mapping[str, str] | Priors | None


def resolve_priors(priors: PriorChoice, design: Design) -> Priors:
    """Turn what a user may pass as priors into priors for a design.

    Parameters
    ----------
    priors : str, mapping, path, Priors or None
        Name of a preset; priors by name, as `Priors.set` reads them, where the name
        ``"preset"`` may say which preset the others come from; a TOML file
        (`read_priors`); priors made before; or None for the default.
    design : Design
        The design they are for.

    Returns
    -------
    Priors
        Checked against the design.

    Raises
    ------
    PriorError
        When the preset or a parameter is unknown, a distribution cannot be read or does
        not suit its parameter, or the shapes do not fit the design.

    Examples
    --------
    >>> import hierstan as hs
    >>> model = hs.Model(
    ...     "log_radon ~ floor + (floor | county)",
    ...     hs.data.radon(),
    ...     priors={"floor": "normal(-0.5, 1)", "corr(county)": "lkj(2)"},
    ... )
    >>> for name, prior in model.priors.describe(model.design).items():
    ...     print(f"{name}: {prior}")
    Intercept (at average predictors): normal(1.26, 2.05)
    floor: normal(-0.5, 1)
    coef(Intercept | county): normal(1.26, 2.24)
    sd(Intercept | county): half-student-t(3, 0.897)
    coef(floor | county): normal(0, 5.5)
    sd(floor | county): half-student-t(3, 2.2)
    corr(county): lkj(2)
    sigma: half-student-t(3, 0.819)
    """
    if isinstance(priors, Priors):
        return _fitting(priors, design)
    if isinstance(priors, os.PathLike) or (
        isinstance(priors, str) and priors.endswith(".toml")
    ):
        priors = read_priors(priors)
    if isinstance(priors, Mapping):
        named = {name: text for name, text in priors.items() if name != "preset"}
        return _preset(priors.get("preset"), design).set(design, named)
    return _preset(priors, design)


def read_priors(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read priors from a TOML file.

    Parameters
    ----------
    path : str or path
        A file with a key ``preset`` and a table ``[priors]`` of names and distributions,
        either of which may be missing::

            preset = "default"

            [priors]
            floor = "normal(0, 1)"
            "sd(floor | county)" = "half-normal(0.5)"

    Returns
    -------
    dict of str to str
        Distributions by name, with the preset as ``"preset"``.

    Raises
    ------
    PriorError
        When there is no such file, it is not TOML, or it holds anything else.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PriorError(
            f"The prior file {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriorError(
            f"The prior file {path} is not TOML: {error}. Names with blanks, brackets or "
            "bars stand in quotes."
        ) from error
    for key in content:
        if key not in ("preset", "priors"):
            raise PriorError(
                f"The prior file {path} has a key {key!r}; it may have preset, and a table "
                "[priors] for everything else."
            )
    table = content.get("priors", {})
    if not isinstance(table, dict):
        raise PriorError(f"In the prior file {path}, priors must be a table [priors].")
    if "preset" in table:
        raise PriorError(
            f"In the prior file {path}, preset belongs above the table [priors]."
        )
    return table | ({"preset": content["preset"]} if "preset" in content else {})


def _preset(name: str | None, design: Design) -> Priors:
    name = "default" if name is None else name
    if not isinstance(name, str) or name not in PRESETS:
        raise PriorError(
            f"There is no prior preset {name!r}; use {', '.join(PRESETS)}, or a file whose "
            "name ends in .toml."
        )
    return PRESETS[name](design)


def _fitting(priors: Priors, design: Design) -> Priors:
    """Refuse priors of another design."""
    shapes = (len(priors.beta_scale), len(priors.tau_scale), len(priors.eta))
    wanted = (design.P, len(design.effects), len(design.group_terms))
    if shapes != wanted:
        raise PriorError(
            f"These priors are for {shapes[0]} coefficients, {shapes[1]} effects and "
            f"{shapes[2]} group terms; the design has {wanted[0]}, {wanted[1]} and "
            f"{wanted[2]}."
        )
    return priors
