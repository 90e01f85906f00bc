"""What draws are worth: effective sizes, and how far they are from the exact posterior."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from exact import Box, Moments, Posterior, product_rule
from scipy.optimize import minimize

from hierstan.arviz_stats import convergence
from hierstan.design import Floats

# Quadrature nodes along each parameter, and for a look at a face of the box; how far more
# nodes may move a moment, in posterior sd.
_NODES, _FACE_NODES, _CLOSE = 16, 6, 1e-3
# Log density at a face of the box, less that at the mode, at which nothing is left.
_NEGLIGIBLE = -13.0
_WIDER = 1.25
_OFF_BOUND = 1e-9
_FAILED_RHAT = 1.01


@dataclass(frozen=True)
class Accuracy:
    """The state of one run's draws.

    Attributes
    ----------
    ess_bulk, ess_tail : float
        Smallest over coefficients, standard deviations, correlations and sigma.
    rhat : float
        Largest over them.
    mean_error, sd_error : float or None
        Largest distance from the exact posterior: of a mean, in posterior sd, and of an
        sd, as a share of it. None where there is no exact posterior to compare with.
    mean_error_mcse : float or None
        The largest distance of a mean in units of its own Monte Carlo standard error.
    """

    ess_bulk: float
    ess_tail: float
    rhat: float
    mean_error: float | None = None
    sd_error: float | None = None
    mean_error_mcse: float | None = None


def judge(draws: Mapping[str, Floats], exact: Moments | None) -> Accuracy:
    """Judge draws of shape (chains, draws), by parameter."""
    data = xr.Dataset({name: (("chain", "draw"), values) for name, values in draws.items()})
    data = data.assign_coords(chain=range(data.sizes["chain"]))
    found = {name: table.to_array() for name, table in convergence(data).items()}
    accuracy = Accuracy(
        ess_bulk=float(found["ess_bulk"].min()),
        ess_tail=float(found["ess_tail"].min()),
        rhat=float(found["rhat"].max(skipna=False)),
    )
    if exact is None:
        return accuracy
    if set(draws) != set(exact.mean):
        raise ValueError(f"draws of {sorted(draws)}, wanted {sorted(exact.mean)}")
    mcse = {name: float(found["mcse_mean"].sel(variable=name)) for name in draws}
    gaps = {name: abs(float(np.mean(draws[name])) - exact.mean[name]) for name in draws}
    spreads = {name: float(np.std(draws[name], ddof=1)) for name in draws}
    return Accuracy(
        accuracy.ess_bulk,
        accuracy.ess_tail,
        accuracy.rhat,
        mean_error=max(gaps[name] / exact.sd[name] for name in draws),
        sd_error=max(abs(spreads[name] / exact.sd[name] - 1.0) for name in draws),
        mean_error_mcse=max(gaps[name] / mcse[name] for name in draws),
    )


def failure(accuracy: Accuracy, divergences: int) -> str | None:
    """Say why draws are not to be trusted; None if they are."""
    found = []
    if not accuracy.rhat <= _FAILED_RHAT:
        found.append(f"R-hat {accuracy.rhat:.3f}")
    if divergences:
        found.append(f"{divergences} divergences")
    return " and ".join(found) or None


def integrate(posterior: Posterior, start: Floats) -> Moments:
    """Integrate over a box about the mode, widened until nothing is left at its faces.

    Parameters
    ----------
    posterior : Posterior
        Over ratios of standard deviations to sigma, correlations and sigma.
    start : ndarray
        Standard deviations, correlations and sigma near the mode.
    """
    bounds = [
        (-1.0, 1.0) if parameter.kind == "corr" else (0.0, np.inf)
        for parameter in posterior.parameters
    ]
    inside = [(low + _OFF_BOUND, high - _OFF_BOUND) for low, high in bounds]
    sds = [parameter.kind == "sd" for parameter in posterior.parameters]
    point = np.where(sds, start / start[-1], start)
    unit = np.maximum(np.abs(point), 0.1)

    def height(point: Floats) -> float:
        *ratios, sigma = np.clip(point, *np.transpose(inside))
        return float(posterior.at(np.array(ratios), np.array([sigma]))[0][0])

    climbed = minimize(
        lambda scaled: -height(scaled * unit),
        point / unit,
        bounds=[(low / u, high / u) for (low, high), u in zip(inside, unit, strict=True)],
    )
    mode, floor = climbed.x * unit, -float(climbed.fun) + _NEGLIGIBLE
    box = [list(interval) for interval in zip(mode, mode, strict=True)]
    step = 0.002 * unit
    # First along each axis, then wherever a face still holds something.
    for k, side in np.ndindex(len(box), 2):
        width = step[k]
        while box[k][side] != bounds[k][side]:
            _widen(box[k], side, width, bounds[k])
            point = mode.copy()
            point[k] = box[k][side]
            if height(point) < floor:
                break
            width *= _WIDER
    while full := _full_faces(height, box, bounds, floor):
        for k, side in full:
            _widen(box[k], side, (_WIDER - 1) * abs(box[k][side] - mode[k]), bounds[k])
    nodes, found = _NODES, posterior.moments(box, _NODES)
    while True:
        nodes = nodes * 4 // 3
        coarse, found = found, posterior.moments(box, nodes)
        if _distance(coarse, found) < _CLOSE:
            return found


def _distance(one: Moments, other: Moments) -> float:
    gaps = [abs(one.mean[name] - other.mean[name]) / other.sd[name] for name in other.mean]
    return max(gaps + [abs(one.sd[name] / other.sd[name] - 1.0) for name in other.mean])


def _widen(interval: list[float], side: int, by: float, bound: tuple[float, float]) -> None:
    moved = interval[side] + (by if side else -by)
    interval[side] = float(np.clip(moved, *bound))


def _full_faces(
    height: Callable[[Floats], float], box: Box, bounds: Box, floor: float
) -> list[tuple[int, int]]:
    """List the faces, not at a bound, where the density is not negligible somewhere."""
    found = []
    for k, side in np.ndindex(len(box), 2):
        if box[k][side] == bounds[k][side]:
            continue
        points, _ = product_rule([*box[:k], *box[k + 1 :]], _FACE_NODES)
        face = np.insert(points, k, box[k][side], axis=1)
        if max(map(height, face)) > floor:
            found.append((k, side))
    return found
