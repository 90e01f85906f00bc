"""log_prob, generate_quantities and diagnose: a model at given values."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from toolchain_support import REFERENCE, Program, read_csv

pytestmark = pytest.mark.stan

DATA = "data file=intercepts.json"


@dataclass(frozen=True)
class Point:
    """Parameters of intercepts.stan."""

    mu: float
    tau: float
    sigma: float
    a: list[float]


POINT = Point(2.25, 1.5, 0.75, [1.5, 2.0, 2.5, 1.0, 3.0, 2.2])


def log_posterior(point: Point, jacobian: bool) -> float:
    """Log density of intercepts.stan without constants, written from its model block."""
    data = json.loads((REFERENCE / "intercepts.json").read_text())
    mu, tau, sigma, a = point.mu, point.tau, point.sigma, point.a
    lp = -0.5 * (mu / 10) ** 2 - sigma - 2 * math.log1p((tau / 2.5) ** 2 / 3)
    lp += sum(-0.5 * ((x - mu) / tau) ** 2 - math.log(tau) for x in a)
    for y, g in zip(data["y"], data["g"], strict=True):
        lp += -0.5 * ((float(y) - a[g - 1]) / sigma) ** 2 - math.log(sigma)
    if jacobian:  # tau and sigma on the log scale; a = mu + tau * raw
        lp += math.log(tau) + math.log(sigma) + len(a) * math.log(tau)
    return lp


def test_log_density_is_that_of_the_model(intercepts: Program, work: Path) -> None:
    (work / "point.json").write_text(json.dumps(asdict(POINT)))
    for jacobian in (False, True):
        intercepts.done(
            f"log_prob constrained_params=point.json jacobian={int(jacobian)} {DATA} "
            "output file=o.csv sig_figs=14",
            work,
        )
        written = read_csv(work / "o.csv")
        assert written.names[:4] == ["lp__", "g_mu", "g_tau", "g_sigma"]
        expected = log_posterior(POINT, jacobian)
        assert written.column("lp__") == [pytest.approx(expected, rel=1e-12)]


def test_gradient_is_that_of_the_density(intercepts: Program, work: Path) -> None:
    """In the unconstrained tau, where a moves with tau."""
    step = 1e-5
    (work / "point.json").write_text(json.dumps(asdict(POINT)))
    intercepts.done(
        f"log_prob constrained_params=point.json {DATA} output file=o.csv sig_figs=14", work
    )
    values = []
    for sign in (-1, 1):
        stretch = math.exp(sign * step)
        a = [POINT.mu + (x - POINT.mu) * stretch for x in POINT.a]
        moved = replace(POINT, tau=POINT.tau * stretch, a=a)
        values.append(log_posterior(moved, jacobian=True))
    slope = (values[1] - values[0]) / (2 * step)
    assert read_csv(work / "o.csv").column("g_tau") == [pytest.approx(slope, rel=1e-6)]


def test_log_density_of_unconstrained_points(intercepts: Program, work: Path) -> None:
    raw = [(x - POINT.mu) / POINT.tau for x in POINT.a]
    point = [POINT.mu, math.log(POINT.tau), math.log(POINT.sigma), *raw]
    (work / "points.json").write_text(json.dumps({"params_r": [point, point[::-1], point]}))
    intercepts.done(
        f"log_prob unconstrained_params=points.json {DATA} output file=o.csv sig_figs=14",
        work,
    )
    values = read_csv(work / "o.csv").column("lp__")
    assert values[0] == pytest.approx(log_posterior(POINT, jacobian=True), rel=1e-12)
    assert values[2] == values[0] != values[1]


def test_log_density_of_fitted_draws(intercepts: Program, work: Path) -> None:
    """The draws' own lp__, with the Jacobian, up to the digits of the file."""
    fit = REFERENCE / "intercepts_nuts.csv"
    (work / "fit.csv").write_text(fit.read_text())
    intercepts.done(
        f"log_prob constrained_params=fit.csv {DATA} output file=o.csv sig_figs=14", work
    )
    assert read_csv(work / "o.csv").column("lp__") == pytest.approx(
        read_csv(fit).column("lp__"), rel=1e-9
    )


@pytest.mark.parametrize("given", ["", "constrained_params=a unconstrained_params=b"])
def test_log_density_needs_one_kind_of_point(
    given: str, intercepts: Program, work: Path
) -> None:
    said = intercepts.refused(f"log_prob {given} {DATA} output file=o.csv", work)
    assert "one of constrained_params and unconstrained_params" in said


def test_generated_quantities_of_several_files(intercepts: Program, work: Path) -> None:
    intercepts.done(
        f"sample num_chains=2 num_samples=25 num_warmup=60 {DATA} random seed=4 "
        "output file=fit.csv sig_figs=17",
        work,
    )
    intercepts.done(
        f"generate_quantities fitted_params=fit.csv num_chains=2 {DATA} random seed=9 "
        "output file=o.csv",
        work,
    )
    together = [read_csv(work / f"o_{chain}.csv") for chain in (1, 2)]
    assert [len(csv.rows) for csv in together] == [25, 25]
    assert together[0].names == [f"y_rep.{i}" for i in range(1, 31)]
    intercepts.done(
        f"id=7 generate_quantities fitted_params=fit_1.csv {DATA} random seed=9 "
        "output file=s.csv",
        work,
    )
    assert read_csv(work / "s.csv").rows == together[0].rows  # the id plays no part


@pytest.mark.parametrize("name", ["intercepts_lbfgs", "intercepts_meanfield"])
def test_generated_quantities_of_every_row(
    name: str, intercepts: Program, work: Path
) -> None:
    """Optimizer iterations and the variational mean count too."""
    (work / "fit.csv").write_text((REFERENCE / f"{name}.csv").read_text())
    intercepts.done(
        f"generate_quantities fitted_params=fit.csv {DATA} output file=o.csv", work
    )
    rows = len(read_csv(REFERENCE / f"{name}.csv").rows)
    assert len(read_csv(work / "o.csv").rows) == rows


def test_generated_quantities_of_another_model(bernoulli: Program, work: Path) -> None:
    (work / "fit.csv").write_text((REFERENCE / "intercepts_nuts.csv").read_text())
    said = bernoulli.refused(
        "generate_quantities fitted_params=fit.csv data file=bernoulli.json "
        "output file=o.csv",
        work,
    )
    assert said.startswith("Error")  # CmdStanPy looks for that
    assert "Mismatch between model and fitted_parameters csv file" in said
    assert not (work / "o.csv").exists()


def test_generated_quantities_need_a_block(bernoulli: Program, work: Path) -> None:
    (work / "fit.csv").write_text((REFERENCE / "bernoulli_nuts.csv").read_text())
    said = bernoulli.refused(
        "generate_quantities fitted_params=fit.csv data file=bernoulli.json "
        "output file=o.csv",
        work,
    )
    assert "Model doesn't generate any quantities of interest." in said


def test_diagnose(intercepts: Program, work: Path) -> None:
    common = f"{DATA} init=0 output file=o.csv"
    shown = intercepts.done(f"diagnose test=gradient epsilon=1e-6 {common}", work)
    assert "TEST GRADIENT MODE" in shown
    lines = (work / "o.csv").read_text().splitlines()
    header = next(i for i, line in enumerate(lines) if "param idx" in line)
    assert lines[header - 1].strip() == "#"
    assert len(lines) == header + 1 + 9  # nothing follows the table
    # An impossible tolerance fails, and so does a coarse difference: the last one wins.
    assert (
        intercepts.run(f"diagnose test=gradient error=1e-20 {common}", work).returncode == 1
    )
    coarse = f"diagnose test=gradient epsilon=1e-6 epsilon=0.3 {common}"
    assert intercepts.run(coarse, work).returncode == 1
