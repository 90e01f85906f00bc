"""bin/stansummary and bin/diagnose beside ArviZ, which computes the same on its own."""

import csv
import os
import subprocess
from pathlib import Path

import arviz as az
import numpy as np
import pytest
from toolchain_support import Program, read_csv

pytestmark = pytest.mark.stan


def run(tool: Path, *arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool with nothing of a Python environment in sight."""
    return subprocess.run(
        [tool, *arguments],
        cwd=where, env={"PATH": os.defpath}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def fit(intercepts: Program, work: Path) -> Path:
    """Four chains with their warmup, thinned, and with odd lengths."""
    intercepts.done(
        "sample num_chains=4 num_samples=301 num_warmup=200 save_warmup=1 thin=2 "
        "data file=intercepts.json random seed=12 output file=o.csv sig_figs=12",
        work,
    )
    return work


FILES = [f"o_{chain}.csv" for chain in (1, 2, 3, 4)]


def summary(toolchain: Path, where: Path, *options: str) -> list[dict[str, str]]:
    done = run(toolchain / "bin" / "stansummary", *options,
               "--csv_filename=s.csv", *FILES, where=where)  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (where / "s.csv").open() as table:
        return list(csv.DictReader(table))


def test_summary_is_that_of_arviz(toolchain: Path, fit: Path) -> None:
    rows = summary(toolchain, fit, "--percentiles= 5,50,95", "--sig_figs=9")
    assert list(rows[0]) == ["name", "Mean", "MCSE", "StdDev", "5%", "50%", "95%",
                             "N_Eff", "N_Eff/s", "R_hat"]  # fmt: skip
    tables = [read_csv(fit / name) for name in FILES]
    assert [row["name"] for row in rows][7:11] == ["mu", "tau", "sigma", "a[1]"]
    for row, name in zip(rows, tables[0].names, strict=True):
        chains = np.array([table.column(name)[100:] for table in tables])
        assert chains.shape == (4, 151)
        assert float(row["Mean"]) == pytest.approx(chains.mean(), rel=1e-7)
        if np.ptp(chains) == 0:
            assert row["N_Eff"] in ("nan", "-nan")
            continue
        assert float(row["StdDev"]) == pytest.approx(chains.std(ddof=1), rel=1e-7)
        quantiles = np.quantile(chains, [0.05, 0.5, 0.95])
        found = [float(row[key]) for key in ("5%", "50%", "95%")]
        assert found == pytest.approx(list(quantiles), rel=1e-7)
        if len({tuple(chain) for chain in chains}) == 4 and name not in (
            "stepsize__", "divergent__"
        ):  # fmt: skip
            ess = float(az.ess(chains, method="mean"))
            assert float(row["N_Eff"]) == pytest.approx(ess, rel=1e-6)
            rhat = float(az.rhat(chains, method="split"))
            assert float(row["R_hat"]) == pytest.approx(rhat, rel=1e-6)


@pytest.mark.parametrize("draws", [50, 151, 1000])
@pytest.mark.parametrize("correlation", [-0.9, -0.5, 0.0, 0.7, 0.95, 0.99])
def test_summary_of_correlated_draws(
    correlation: float, draws: int, toolchain: Path, work: Path
) -> None:
    """From antithetic to far from converged: the ends of the lag sum matter there."""
    random = np.random.default_rng(8)
    chains = random.normal(size=(4, draws))
    for t in range(1, draws):
        chains[:, t] += correlation * chains[:, t - 1]
    for name, chain in zip(FILES, chains, strict=True):
        lines = "".join(f"{x:.15g}\n" for x in chain)
        (work / name).write_text("x\n" + lines)
    (row,) = summary(toolchain, work, "--sig_figs=12")
    assert float(row["N_Eff"]) == pytest.approx(float(az.ess(chains, method="mean")))
    assert float(row["R_hat"]) == pytest.approx(float(az.rhat(chains, method="split")))


def test_summary_takes_arrays_row_by_row_and_tuples(
    toolchain: Path, rolls: Program, work: Path
) -> None:
    (work / "dice.json").write_text('{"sides": 6}')
    rolls.done("sample num_chains=4 data file=dice.json output file=o.csv", work)
    names = [row["name"] for row in summary(toolchain, work)]
    assert names[2:] == [
        "roll", "table[1,1]", "table[1,2]", "table[1,3]", "table[2,1]", "table[2,2]",
        "table[2,3]", "pair.1", "pair.2[1]", "pair.2[2]",
    ]  # fmt: skip


def test_summary_does_not_overwrite(toolchain: Path, fit: Path) -> None:
    (fit / "s.csv").write_text("mine")
    tool = toolchain / "bin" / "stansummary"
    done = run(tool, "--csv_filename=s.csv", *FILES, where=fit)
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert (fit / "s.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("files", "message"),
    [([], "No CSV file"), (["none.csv"], "none.csv"), (["o_1.csv", "b.csv"], "b.csv")],
)
def test_tools_refuse_bad_files(
    files: list[str], message: str, toolchain: Path, fit: Path
) -> None:
    (fit / "b.csv").write_text("lp__,theta\n-1.5,0.5\n")
    for tool in ("stansummary", "diagnose"):
        done = run(toolchain / "bin" / tool, *files, where=fit)
        assert done.returncode == 1
        assert message in done.stderr


def test_diagnose_finds_nothing_in_a_good_fit(
    toolchain: Path, bernoulli: Program, work: Path
) -> None:
    bernoulli.done(
        "sample num_chains=4 data file=bernoulli.json random seed=3 output file=o.csv", work
    )
    done = run(toolchain / "bin" / "diagnose", *FILES, where=work)
    assert done.returncode == 0
    for phrase in (
        "Treedepth satisfactory for all transitions.",
        "No divergent transitions found.",
        "E-BFMI satisfactory",
        "Effective sample size satisfactory",
        "no problems detected",
    ):
        assert phrase in done.stdout


def table(
    divergent: list[int], depth: list[int], energy: list[float], x: list[float]
) -> str:
    """Return an output file with chosen sampler columns and one parameter."""
    header = "#         max_depth = 8\nlp__,treedepth__,divergent__,energy__,x.1\n"
    rows = zip(divergent, depth, energy, x, strict=True)
    return header + "".join(f"-1.5,{t},{d},{e},{v}\n" for d, t, e, v in rows)


def test_diagnose_finds_every_problem(toolchain: Path, work: Path) -> None:
    random = np.random.default_rng(4)
    walk = np.cumsum(random.normal(size=500))  # slow energy: E-BFMI far below 0.3
    for chain in (1, 2):
        text = table(
            [1 if i % 100 == 7 else 0 for i in range(500)],
            [8 if i < 212 else 5 for i in range(500)],
            list(walk),
            list(random.normal(loc=3 * chain, size=500)),
        )
        (work / f"o_{chain}.csv").write_text(text)
    done = run(toolchain / "bin" / "diagnose", *FILES[:2], where=work)
    assert done.returncode == 0
    assert "424 of 1000 (42.40%)" in done.stdout
    assert "treedepth limit of 8, or 2^8 leapfrog steps." in done.stdout
    assert "10 of 1000 (1.00%) transitions ended with a divergence." in done.stdout
    assert "below the nominal threshold of 0.3" in done.stdout
    assert "split R-hat greater than 1.05:\n  x[1]" in done.stdout
    assert "Processing complete.\n" in done.stdout
