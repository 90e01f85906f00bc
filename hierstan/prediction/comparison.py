"""Programs and formulas compared by what they predict of data they have not seen."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hierstan.errors import InputError, kind_of
from hierstan.prediction.cross_validated import CrossValidated
from hierstan.prediction.left_out import LeftOut
from hierstan.prediction.loo import LeaveOneOut

# Below these a normal approximation of the difference is too sure of itself (Sivula,
# Magnusson, Matamoros and Vehtari 2020, arXiv:2008.10296).
_SMALL, _FEW = 4.0, 100


def compare_loo(
    fits: Mapping[str, CrossValidated | LeftOut], *, by: str | None = None
) -> pd.DataFrame:
    """Compare fits by leave-one-out, or leave-one-group-out, cross-validation.

    Without pooling, what is expected of a row whose group's others do not determine its
    coefficients is the prior's, so its density, and elpd, depend much on how wide that is.

    Parameters
    ----------
    fits : mapping of str to Fit, LeaveOneOut or LeaveOneGroupOut
        By the name that their rows get; all of the same rows of the same response. Of a
        Fit, coefficients and group effects are integrated out where its factors allow it
        (``fit.loo(integrated=None)``), else all its parameters are weighed.
    by : str, optional
        A factor, to leave its levels out instead of rows.

    Returns
    -------
    pandas.DataFrame
        By name, the best first:

        ``elpd``, ``se``
            Expected log predictive density of rows (or groups), and its standard error.
        ``difference``, ``se_difference``
            From the best; the standard error is that of a sum of paired differences,
            sqrt(n) times their sd, so it can be much smaller than `se`.
        ``p_loo``
            Effective number of parameters; nan where groups are left out.
        ``khat``, ``high``
            The largest k-hat, and how many are above the limit.
        ``integrated``
            Whether only draws of standard deviations and correlations were weighed.
        ``warning``
            In words, why a number or a difference is not to be trusted; else empty. A
            difference below 4 is no reason to prefer either, and its standard error is
            not reliable, nor is it with fewer than 100 rows or groups (Sivula, Magnusson,
            Matamoros and Vehtari 2020, arXiv:2008.10296).

    Raises
    ------
    InputError
        When there is nothing to compare, or the fits are not of the same data; and what
        `Fit.loo` and `Fit.leave_one_group_out` raise.

    Examples
    --------
    >>> import hierstan as hs
    >>> model = hs.Model(
    ...     "Reaction ~ Days + (1 | Subject)", hs.data.sleepstudy(), engine="stanli"
    ... )
    >>> names = ("pooled", "marginal")
    >>> found = hs.compare_loo({name: model.sample(name, seed=1) for name in names})
    >>> found["difference"].round(-1).to_dict()
    {'marginal': 0.0, 'pooled': -70.0}
    """
    if not isinstance(fits, Mapping):
        raise InputError(
            "compare_loo takes fits by name, as in {'slopes': fit, 'intercepts': other}; "
            f"{kind_of(fits)} was given."
        )
    if not fits:
        raise InputError("Name at least one fit to compare.")
    for name, fit in fits.items():
        if not isinstance(fit, CrossValidated | LeftOut):
            raise InputError(
                f"compare_loo takes fits, or what fit.loo() and fit.leave_one_group_out() "
                f"return; {name!r} is {kind_of(fit)}."
            )
    found = {name: _left_out(fit, by) for name, fit in fits.items()}
    _require_same_data(found)
    best = max(found, key=lambda name: found[name].elpd)
    lines = {
        name: _line(found[name], found[best])
        for name in sorted(found, key=lambda name: -found[name].elpd)
    }
    for name, line in lines.items():
        same = name != best and _same_model(fits[name], fits[best])
        line["warning"] = _warning(line, found[name], best if same else "")
        if name != best and (found[best].remark or len(found[best].high)):
            doubt = f"the elpd of {best} is not to be trusted, nor a difference from it"
            line["warning"] = "; ".join(filter(None, [str(line["warning"]), doubt]))
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("fit")


def _left_out(fit: CrossValidated | LeftOut, by: str | None) -> LeftOut:
    if isinstance(fit, LeftOut):
        return fit
    return fit.loo(integrated=None) if by is None else fit.leave_one_group_out(by)


def _require_same_data(found: Mapping[str, LeftOut]) -> None:
    """Refuse densities of different rows, groups or responses."""
    (first, one), *others = found.items()
    for name, other in others:
        what = (type(one), one.noun) != (type(other), other.noun)
        column = "observed" if isinstance(one, LeaveOneOut) else "n"
        if what or not one.pointwise.index.equals(other.pointwise.index):
            problem = "leave out different rows or groups"
        elif not np.allclose(one.pointwise[column], other.pointwise[column], rtol=1e-12):
            problem = "are of different data or of a different response"
        else:
            continue
        raise InputError(
            f"{first!r} and {name!r} {problem}, so their densities cannot be compared; fit "
            "all to the same rows (drop those with missing values first) and one response."
        )


def _line(one: LeftOut, best: LeftOut) -> dict[str, float | bool | str]:
    apart = one.pointwise["elpd"] - best.pointwise["elpd"]
    rows = one if isinstance(one, LeaveOneOut) else None
    return {
        "elpd": one.elpd,
        "se": one.se,
        "difference": float(apart.sum()),
        "se_difference": float(np.sqrt(len(apart)) * apart.std()),
        "p_loo": float("nan") if rows is None else rows.p_loo,
        "khat": float(one.pointwise["khat"].max()),
        "high": len(one.high),
        "integrated": rows is None or rows.integrated,
    }


def _same_model(one: CrossValidated | LeftOut, other: CrossValidated | LeftOut) -> bool:
    """Whether two fits are programs of one posterior."""
    return (
        isinstance(one, CrossValidated)
        and isinstance(other, CrossValidated)
        and one.program.pooling == other.program.pooling
        and one.design is other.design
        and one.priors is other.priors
    )


def _warning(line: Mapping[str, float | bool | str], one: LeftOut, same: str) -> str:
    told = [one.remark] if one.remark else []
    if line["high"]:
        told.append(
            f"{line['high']} k-hat above {one.khat_limit:.2f}: elpd is not to be trusted"
        )
    difference = float(line["difference"])
    if same:
        told.append(f"the same model as {same}: the difference is Monte Carlo error")
    elif difference < 0:
        if difference > -_SMALL:
            told.append(f"difference below {_SMALL:.0f}: no reason to prefer either")
        elif -difference < 2 * float(line["se_difference"]):
            told.append("difference within two standard errors")
        if len(one.pointwise) < _FEW:
            told.append(f"fewer than {_FEW} {one.noun}: se_difference may be too small")
    return "; ".join(told)
