"""What ArviZ computes and holds, the same on 0.23 and 1.x."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from hierstan.errors import InputError

with warnings.catch_warnings():
    # 0.23 announces the move to 1.x each time it is imported; both are supported here.
    warnings.simplefilter("ignore", FutureWarning)
    import arviz

VERSION = arviz.__version__
_TAILS = (0.05, 0.95)  # ArviZ 1.x would take the ends of its intervals instead


def convergence(draws: xr.Dataset) -> dict[str, xr.Dataset]:
    """Return R-hat, ESS and MCSE of every element of every variable.

    Parameters
    ----------
    draws : xarray.Dataset
        Variables over ``chain`` and ``draw`` first.

    Returns
    -------
    dict of str to xarray.Dataset
        ``rhat`` (rank-normalized, split), ``ess_bulk``, ``ess_tail`` (the smaller of those
        of the 5 % and 95 % quantiles) and ``mcse_mean`` (Vehtari et al. 2021,
        doi:10.1214/20-BA1221). R-hat of a constant is nan, because a constant cannot be
        told from chains that are stuck.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "rhat": arviz.rhat(_two_chains(draws)),
            "ess_bulk": arviz.ess(draws, method="bulk"),
            "ess_tail": arviz.ess(draws, method="tail", prob=_TAILS),
            "mcse_mean": arviz.mcse(draws, method="mean"),
        }


def _two_chains(draws: xr.Dataset) -> xr.Dataset:
    """Split a lone chain into halves: R-hat compares chains, and halves must agree too."""
    if draws.sizes["chain"] > 1:
        return draws
    half = draws.sizes["draw"] // 2
    halves = [
        draws.isel(draw=slice(k * half, (k + 1) * half)).assign_coords(
            draw=np.arange(half), chain=[k]
        )
        for k in range(2)
    ]
    return xr.concat(halves, dim="chain")


def ebfmi(energy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Energy Bayesian fraction of missing information of every chain.

    Parameters
    ----------
    energy : ndarray, shape (chains, draws)
        Hamiltonian at the start of each transition.

    Returns
    -------
    ndarray, shape (chains,)
        Mean squared step of the energy over its variance; below 0.3 the sampler cannot
        follow the tails (Betancourt 2016, arXiv:1604.00695). nan for constant energy.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.mean(np.diff(energy, axis=1) ** 2, axis=1)
        return np.asarray(steps / np.var(energy, axis=1))


def power_scaling(
    draws: xr.Dataset, log_density: xr.DataArray, component: str
) -> xr.Dataset:
    """Power-scaling sensitivity of every variable to one part of the log density.

    Parameters
    ----------
    draws : xarray.Dataset
        Variables over ``chain`` and ``draw``.
    log_density : xarray.DataArray
        The part's log density, over ``chain`` and ``draw``.
    component : {"prior", "likelihood"}
        Which part it is.

    Returns
    -------
    xarray.Dataset
        ArviZ's ``psens`` (0.23) or ``psense`` (1.x), from powers 1.01 and 1 / 1.01. All 0
        when the part is the same in every draw, as a flat prior is.

    Raises
    ------
    InputError
        When ArviZ 1.x finds too many equal draws to smooth weights; 0.23 goes on.
    """
    if float(np.ptp(log_density.to_numpy())) < 1e-10:
        return xr.zeros_like(draws.isel(chain=0, draw=0, drop=True))
    data = to_arviz(
        {"posterior": draws, f"log_{component}": log_density.to_dataset(name="total")}
    )
    try:
        found: xr.Dataset = (
            arviz.psens(data, component=component, delta=0.01)
            if VERSION.startswith("0.")
            else arviz.psense(data, group=component, alphas=(1 / 1.01, 1.01))
        )
    except ValueError as error:
        if "tail values are the same" not in str(error):
            raise
        raise InputError(
            f"The {component} cannot be power-scaled, because too many draws are the same "
            "one; a chain may be stuck, which the fit's diagnostics tell."
        ) from error
    return found


def smoothed_weights(
    log_density: npt.NDArray[np.float64], r_eff: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pareto smoothed importance weights 1 / density.

    Parameters
    ----------
    log_density : ndarray, shape (n, S)
        Of n parts of the data at S draws.
    r_eff : float
        Effective draws per draw.

    Returns
    -------
    logs : ndarray, shape (n, S)
        Logarithms of the weights.
    khat : ndarray, shape (n,)
        Shape of the Pareto distribution fitted to the largest.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if VERSION.startswith("0."):
            logs, khat = arviz.psislw(-log_density, reff=r_eff)
        else:
            array = xr.DataArray(log_density, dims=("part", "draw"))
            logs, khat = array.azstats.psislw(dim="draw", r_eff=r_eff)
    return np.asarray(logs), np.asarray(khat)


def to_arviz(groups: dict[str, xr.Dataset]) -> Any:
    """Return named groups as ArviZ's own container.

    Parameters
    ----------
    groups : dict of str to xarray.Dataset
        ``posterior``, ``sample_stats``, ``observed_data`` and the like.

    Returns
    -------
    arviz.InferenceData or xarray.DataTree
        The first with ArviZ 0.23, the second from 1.0 on. NetCDF has no ``/`` in names; a
        name from the data that has one gets ``∕``, which looks the same.
    """
    groups = {name: data.rename(_slashed(data)) for name, data in groups.items()}
    if VERSION.startswith("0."):
        return arviz.InferenceData(**groups)
    return xr.DataTree.from_dict({f"/{name}": data for name, data in groups.items()})


def _slashed(data: xr.Dataset) -> dict[str, str]:
    names = {str(name) for name in (*data.variables, *data.dims)}
    return {name: name.replace("/", "∕") for name in names if "/" in name}
