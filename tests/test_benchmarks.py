"""The pieces of the benchmarks: judging draws, what fails, and the table; no peers."""

import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil
import pytest
from benchmarks import measure as measure_module
from benchmarks.accuracy import failure, integrate, judge
from benchmarks.cases import CASES, Case
from benchmarks.measure import Bench, Entry, Settings, measure_all
from benchmarks.processes import run
from benchmarks.registry import CONTENDERS, Contender, chosen
from benchmarks.table import render, state
from dense import covariance
from exact import Moments, Posterior
from scipy import stats

import hierstan as hs
from hierstan.design import Design, Floats
from hierstan.evaluate import build_design

EXACT = Moments({"a": 3.0, "sigma": 1.7}, {"a": 0.4, "sigma": 0.25})
# What a contender does once it has been asked: hand over draws that are off by 0.3 sd.
GOOD = """
import json, sys
import numpy as np
request = json.load(open(sys.argv[1]))
rng = np.random.default_rng(request["seed"])
shape = (request["chains"], request["draws"])
a, sigma = rng.normal(3.0 + 0.3 * 0.4, 0.4, shape), rng.normal(1.7, 0.25, shape)
np.savez(request["output"], a=a, sigma=sigma)
print(json.dumps({"built_after": 0.1, "sampling_seconds": 0.5, "divergences": %d,
                  "failure": None}))
"""


def test_draws_are_judged_by_the_exact_posterior() -> None:
    rng = np.random.default_rng(4)
    draws = {"a": rng.normal(3.2, 0.4, (4, 900)), "sigma": rng.normal(1.7, 0.3, (4, 900))}
    found = judge(draws, EXACT)
    assert found.mean_error == pytest.approx(abs(draws["a"].mean() - 3.0) / 0.4)
    assert found.sd_error == pytest.approx(draws["sigma"].std(ddof=1) / 0.25 - 1)
    # Independent draws: their number is their effective size, within its own error.
    assert 2900 < found.ess_bulk < 4400
    expected = abs(draws["a"].mean() - 3.0) / (0.4 / np.sqrt(3600))
    assert found.mean_error_mcse == pytest.approx(expected, rel=0.1)
    assert failure(found, 0) is None


def test_draws_of_other_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="draws of"):
        judge({"a": np.random.default_rng(1).normal(size=(4, 50))}, EXACT)


def test_chains_apart_and_divergences_are_failures() -> None:
    rng = np.random.default_rng(3)
    apart = rng.normal(3.0, 0.4, (4, 300)) + np.array([[0.0], [0.0], [0.0], [0.8]])
    found = judge({"a": apart}, None)
    assert found.mean_error is None
    told = failure(found, 7)
    assert told is not None
    assert told.startswith("R-hat 1.")
    assert told.endswith("and 7 divergences")


@pytest.fixture(scope="module")
def dyestuff() -> Design:
    return build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())


def posterior_of(design: Design) -> Posterior:
    """Half-normal standard deviations and a normal prior that pulls the intercept."""

    def log_priors(thetas: Floats) -> Floats:
        return np.asarray(stats.norm(0, [60.0, 45.0]).logpdf(thetas).sum(axis=1))

    return Posterior(design, log_priors, (np.array([1400.0]), np.array([70.0])))


def test_the_density_is_that_of_y_with_everything_integrated_out(dyestuff: Design) -> None:
    """Dense: y is normal with covariance V + X S X'; the ratio's Jacobian is sigma."""
    posterior = posterior_of(dyestuff)

    def by_hand(tau: float, sigma: float) -> float:
        V = covariance(dyestuff.factors, [np.array([[tau**2]])], sigma)
        V += dyestuff.X @ np.diag([70.0**2]) @ dyestuff.X.T
        log = stats.multivariate_normal(dyestuff.X @ [1400.0], V).logpdf(dyestuff.y)
        log += stats.norm(0, 60).logpdf(tau) + stats.norm(0, 45).logpdf(sigma)
        return float(log + np.log(sigma))

    points = [(0.9, np.array([38.0, 61.0])), (0.05, np.array([52.0]))]
    logs = np.concatenate([posterior.at(np.array([r]), s)[0] for r, s in points])
    dense = np.array([by_hand(r * s, s) for r, many in points for s in many])
    assert np.diff(logs) == pytest.approx(np.diff(dense), rel=1e-8)


def test_integration_finds_its_own_box(dyestuff: Design) -> None:
    posterior = posterior_of(dyestuff)
    found = integrate(posterior, np.array([42.0, 49.5]))
    wide = posterior.moments([(0.0, 7.0), (20.0, 130.0)], 90)
    for name, mean in wide.mean.items():
        assert found.mean[name] == pytest.approx(mean, abs=2e-3 * wide.sd[name])
        assert found.sd[name] == pytest.approx(wide.sd[name], rel=2e-3)


def test_a_process_is_stopped_at_its_limit_with_its_children() -> None:
    sleeper = "import subprocess, sys; subprocess.run([sys.executable, '-c', '{}'])"
    sleeper = sleeper.format("import time; time.sleep(60)")
    before = time.monotonic()
    outcome = run([sys.executable, "-c", sleeper], {}, 0.6)
    assert outcome.status is None
    assert time.monotonic() - before < 30
    assert not psutil.Process().children(recursive=True)


def test_memory_is_that_of_all_processes() -> None:
    held = "import time; x = b'1' * {}; time.sleep(1.0)"
    child = held.format(80_000_000)
    parent = (
        f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {child!r}]);"
    )
    parent += held.format(60_000_000) + "; c.wait()"
    outcome = run([sys.executable, "-c", parent], {}, 60)
    assert outcome.status == 0, outcome.errors
    assert outcome.cpu_seconds > 0
    assert 140 < outcome.peak_mb < 240


def bench(folder: Path) -> Bench:
    return Bench("small", folder, EXACT, Settings(draws=400, limit=20.0, repeats=3))


def contender(folder: Path, name: str, script: str) -> Contender:
    path = folder / f"{name}.py"
    path.write_text(script, encoding="utf-8")
    return Contender(name, str(path), "hierstan", {"as": name})


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what contenders keep, and one for scripts."""
    monkeypatch.setattr(measure_module, "home", lambda: tmp_path / "kept here")
    return tmp_path


def test_what_fails_is_reported_with_its_reason(kept: Path) -> None:
    contenders = [
        contender(kept, "good", GOOD % 0),
        contender(kept, "diverging", GOOD % 3),
        contender(kept, "broken", "import sys; sys.exit('no such backend')"),
        contender(kept, "absent", GOOD % 0),
    ]
    lacks = {"absent": "needs what is not here"}.get
    entries: dict[str, Entry] = {}
    for entry in measure_all(bench(kept), contenders, lambda c: lacks(c.name), cold=True):
        entries[entry.contender] = entry
    assert {name: state(entry) for name, entry in entries.items()} == {
        "good": "ok",
        "diverging": "3 of 3: 3 divergences",
        "broken": "exit status 1: no such backend",
        "absent": "needs what is not here",
    }
    good = entries["good"].runs[0]
    assert len(entries["good"].runs) == 3
    assert good["mean_error"] == pytest.approx(0.3, abs=0.15)
    assert good["bulk_per_sampling_second"] == pytest.approx(good["ess_bulk"] / 0.5)
    assert entries["good"].first_draw["cold"] > 0
    assert entries["broken"].first_draw["warm"] == "exit status 1: no such backend"


def test_a_contender_that_does_not_end_is_reported(kept: Path) -> None:
    short = Bench("small", kept, EXACT, Settings(limit=0.5))
    slow = contender(kept, "slow", "import time; time.sleep(60)")
    *_, entry = measure_all(short, [slow], lambda c: None, cold=False)
    assert entry.runs == [{"failure": "stopped after 0.5 s"}]
    assert state(entry) == "stopped after 0.5 s"


def test_the_table_says_what_was_measured() -> None:
    runs = [
        {"seconds": s, "sampling_seconds": s / 4, "bulk_per_sampling_second": 1200.0 / s,
         "mean_error": 0.02 * s, "sd_error": 0.015, "rhat": 1.002, "peak_mb": 214.0,
         "failure": None}
        for s in (2.5, 4.0, 3.25)
    ]  # fmt: skip
    slow = [run | {"bulk_per_sampling_second": 24.0} for run in runs]
    failed = [
        run | {"failure": "R-hat 1.3", "bulk_per_sampling_second": 1e6} for run in runs
    ]
    entries = [
        Entry(
            "radon", "hierstan marginal, cmdstan", None, {"cold": 31.4, "warm": 2.13}, runs
        ),
        Entry("radon", "PyMC", None, {}, slow),
        Entry("radon", "nutpie", None, {}, failed),
        Entry("radon", "brms", "R is not on this machine"),
        Entry(
            "radon", "NumPyro", None, {}, [{"seconds": 9.0, "failure": "stopped after 9 s"}]
        ),
        Entry("radon", "Bambi", None, {}, [{"seconds": 52.0, "failure": None}]),
        Entry(
            "radon",
            "hierstan analyze, cmdstan",
            None,
            {},
            [{"seconds": 13.5, "failure": None}],
        ),
    ]
    case = CASES["radon"]
    page = render({
        "machine": {"processor": "A processor", "cores": 2, "memory_gb": 25,
                    "system": "Linux x86_64", "python": "3.12.1", "date": "2026-01-31"},
        "settings": asdict(Settings()),
        "versions": {"pymc": {"pymc": "5.1"}},
        "cases": {"radon": {"title": case.title, "formula": case.formula,
                            "priors": case.priors(), "exact": asdict(EXACT)}},
        "entries": [asdict(entry) for entry in entries],
    })  # fmt: skip
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines()}
    ours = rows["hierstan marginal, cmdstan"]
    assert "| 31.4 / 2.13 | 3.25 (2.5–4) | 0.812 (0.625–1) |" in ours
    assert "| 369 (300–480) |" in ours
    assert "| 0.065 | 1.5% | 1.002 | ok |" in ours
    assert rows["nutpie"].endswith("| 3 of 3: R-hat 1.3 |")
    assert rows["brms"].endswith("| R is not on this machine |")
    assert rows["NumPyro"].endswith("| stopped after 9 s |")
    # 1200 / 3.25 over 24; what failed is no rival, however fast.
    assert "has 15.4 times the sampling rate of PyMC" in page
    assert "report takes 13.5 s, Bambi's one fit 52.0 s" in page
    assert "sd(floor | county) half-normal(2)" in page


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_cases_give_all_contenders_the_same_model(case: Case, tmp_path: Path) -> None:
    """The table, the matrices and this package's own priors say the same."""
    case.write(tmp_path)
    with np.load(tmp_path / "arrays.npz") as arrays:
        N = len(arrays["y"])
        assert len((tmp_path / "frame.csv").read_text().splitlines()) == N + 1
        assert arrays["group"].max(axis=1).tolist() == (arrays["J"] - 1).tolist()
    priors = hs.Model(case.formula, case.frame(), case.priors()).priors
    assert np.array_equal(priors.beta_scale, [s for _, s in case.normal.values()])
    assert np.array_equal(priors.beta_location, [m for m, _ in case.normal.values()])
    scales = list(case.half_normal.values())
    assert np.array_equal([*priors.tau_scale, priors.sigma_scale], scales)
    assert np.isinf([*priors.tau_df, priors.sigma_df]).all()
    assert not priors.x_center.any()


def test_contenders_are_chosen_by_words_of_their_names() -> None:
    assert {c.name for c in chosen("marginal, bambi")} == {
        "hierstan marginal, cmdstan", "hierstan marginal, stanli", "Bambi",
    }  # fmt: skip
    assert chosen("all") == CONTENDERS
    with pytest.raises(ValueError, match="'jags'"):
        chosen("pymc,jags")
    bambi = next(c for c in CONTENDERS if c.name == "Bambi")
    assert bambi.cannot(CASES["radon"]) is None
    assert bambi.cannot(CASES["sleepstudy"]) == "cannot express correlated effects"


def test_scripts_of_contenders_exist() -> None:
    for each in CONTENDERS:
        assert (measure_module.SCRIPTS / each.script).is_file()
