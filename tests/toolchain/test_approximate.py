"""optimize, laplace, pathfinder and variational."""

import json
import math
from pathlib import Path

import pytest
from toolchain_support import REFERENCE, Program, read_csv

from hierstan.toolchain.machine import Version

pytestmark = pytest.mark.stan

DATA = "data file=intercepts.json"


@pytest.mark.parametrize("jacobian", [0, 1])
@pytest.mark.parametrize("algorithm", ["bfgs", "lbfgs", "newton"])
def test_optimum_of_a_beta_density(
    algorithm: str, jacobian: int, bernoulli: Program, work: Path
) -> None:
    """Mode 2/10 as such, (2 + 1)/(10 + 2) on the logit scale."""
    bernoulli.done(
        f"optimize algorithm={algorithm} jacobian={jacobian} save_iterations=1 "
        "data file=bernoulli.json init=0.3 random seed=3 output file=o.csv sig_figs=9",
        work,
    )
    written = read_csv(work / "o.csv")
    if algorithm == "newton":  # its line search overshoots with one parameter
        assert len(written.rows) >= 1
        return
    assert len(written.rows) > 2
    # It stops when a step gains hardly any log density, a little short of the mode.
    assert written.rows[-1][-1] == pytest.approx([2 / 10, 3 / 12][jacobian], abs=1e-5)


def test_algorithms_find_the_same_optimum(intercepts: Program, work: Path) -> None:
    intercepts.done(
        "optimize jacobian=1 data file=intercepts.json random seed=4 output file=o.csv "
        "sig_figs=12",
        work,
    )
    intercepts.done(
        "optimize algorithm=bfgs jacobian=1 data file=intercepts.json random seed=5 "
        "output file=b.csv sig_figs=12",
        work,
    )
    optimum, again = read_csv(work / "o.csv"), read_csv(work / "b.csv")
    assert optimum.column("lp__")[-1] == pytest.approx(again.column("lp__")[-1], abs=1e-6)


def test_laplace_starts_from_the_last_row(bernoulli: Program, work: Path) -> None:
    """Saved iterations come first; the optimum is the last row."""
    common = "data file=bernoulli.json random seed=3 output"
    bernoulli.done(
        f"optimize jacobian=1 save_iterations=1 init=1.9 {common} file=mode.csv "
        "sig_figs=12",
        work,
    )
    rows = read_csv(work / "mode.csv").column("theta")
    assert abs(rows[0] - rows[-1]) > 0.1
    bernoulli.done(
        f"laplace mode=mode.csv draws=2000 {common} file=o.csv diagnostic_file=h.csv "
        "sig_figs=9",
        work,
    )
    written = read_csv(work / "o.csv")
    assert written.names == ["log_p__", "log_q__", "theta"]
    draws = [math.log(x / (1 - x)) for x in written.column("theta")]
    mode = math.log(rows[-1] / (1 - rows[-1]))
    # The curvature of Beta(3, 9) on the logit scale is 12 p (1 - p) = 2.25.
    assert sum(draws) / 2000 == pytest.approx(mode, abs=4 / math.sqrt(2.25 * 2000))
    hessian = json.loads((work / "h.json").read_text())
    assert hessian["Hessian"][0][0] == pytest.approx(-2.25, rel=1e-4)


def test_laplace_without_densities(bernoulli: Program, work: Path) -> None:
    (work / "mode.json").write_text('{"theta": 0.25}')
    bernoulli.done(
        "laplace mode=mode.json draws=5 calculate_lp=0 data file=bernoulli.json "
        "output file=o.csv",
        work,
    )
    assert all(math.isnan(x) for x in read_csv(work / "o.csv").column("log_p__"))


def test_laplace_wants_an_optimum(bernoulli: Program, work: Path) -> None:
    fit = REFERENCE / "bernoulli_nuts.csv"
    (work / "fit.csv").write_text(fit.read_text())
    said = bernoulli.refused(
        "laplace mode=fit.csv data file=bernoulli.json output file=o.csv", work
    )
    assert "was not written by method = optimize" in said


def test_one_path(intercepts: Program, work: Path) -> None:
    intercepts.done(
        f"pathfinder num_paths=1 num_draws=70 save_single_paths=1 {DATA} "
        "random seed=6 output file=o.csv",
        work,
    )
    written = read_csv(work / "o.csv")
    assert written.names[:2] == ["lp_approx__", "lp__"]
    assert len(written.rows) == 70
    assert json.loads((work / "o.json").read_text())["0"]["iter"] == 0


def test_many_paths(intercepts: Program, work: Path, stan_version: Version) -> None:
    common = f"{DATA} random seed=6 output file=o.csv"
    intercepts.done(f"pathfinder num_paths=3 num_psis_draws=40 num_draws=60 {common}", work)
    written = read_csv(work / "o.csv")
    assert len(written.rows) == 40
    assert ("path__" in written.names) is (stan_version > (2, 35, 99))
    intercepts.done(f"pathfinder num_paths=3 num_draws=60 psis_resample=0 {common}", work)
    assert len(read_csv(work / "o.csv").rows) == 180
    intercepts.done(f"pathfinder num_paths=3 num_draws=60 calculate_lp=0 {common}", work)
    assert any(math.isnan(x) for x in read_csv(work / "o.csv").column("lp__"))


def test_files_of_single_paths(intercepts: Program, work: Path) -> None:
    intercepts.done(
        f"id=5 pathfinder num_paths=2 num_draws=30 num_psis_draws=30 {DATA} random seed=6 "
        "output file=o.csv diagnostic_file=d.csv",
        work,
    )
    for path in (5, 6):
        assert len(read_csv(work / f"d_path_{path}.csv").rows) == 30
        assert "1" in json.loads((work / f"d_path_{path}.json").read_text())


def test_pathfinder_needs_parameters(rolls: Program, work: Path) -> None:
    (work / "dice.json").write_text('{"sides": 6}')
    said = rolls.refused("pathfinder data file=dice.json output file=o.csv", work)
    assert "no parameters" in said


@pytest.mark.parametrize("algorithm", ["meanfield", "fullrank"])
def test_variational(algorithm: str, bernoulli: Program, work: Path) -> None:
    bernoulli.done(
        f"variational algorithm={algorithm} output_samples=50 data file=bernoulli.json "
        "random seed=6 output file=o.csv diagnostic_file=d.csv",
        work,
    )
    written = read_csv(work / "o.csv")
    assert written.names == ["lp__", "log_p__", "log_g__", "theta"]
    assert len(written.rows) == 51
    block = written.comments.index("# Stepsize adaptation complete.")
    assert written.comments[block + 1].startswith("# eta = ")
    # The posterior's mean is 0.25 and its sd 0.12.
    assert written.rows[0][-1] == pytest.approx(0.25, abs=0.12)
    assert "# iter,time_in_seconds,ELBO" in (work / "d.csv").read_text()
