"""Stan inside of this process: seeds, progress, complaints and Ctrl-C."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.engines import Engine, SamplerSettings, choose_engine
from hierstan.errors import EngineError, SamplingError
from hierstan.evaluate import build_design
from hierstan.priors import resolve_priors
from hierstan.programs import PROGRAMS, get_program, initial_values, stan_data

module = pytest.importorskip("hierstan.engines.stanli")
stanli_models = pytest.importorskip("hierstan.engines.stanli_models")

SETTINGS = SamplerSettings(chains=3, warmup=120, draws=30, seed=41, adapt_delta=0.9)


@pytest.fixture(scope="module")
def design() -> Design:
    return build_design("Yield ~ 1 + (1 | Batch)", hs.data.dyestuff())


@pytest.fixture
def engine() -> Engine:
    return choose_engine("stanli")


Problem = tuple[dict[str, Any], list[dict[str, Any]]]


def problem(design: Design, program: str = "noncentered") -> Problem:
    data = stan_data(get_program(program), design, resolve_priors("default", design))
    return data, initial_values(get_program(program), design, data, chains=3, seed=5)


@pytest.fixture
def program_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts a program called mine where the engine looks, in a directory with a blank."""
    place = tmp_path / "stan programs"
    place.mkdir()
    monkeypatch.setattr(stanli_models, "directory", lambda name: place)

    def write(text: str) -> None:
        (place / "mine.stan").write_text(text)

    return write


def test_the_same_seed_gives_the_same_draws(engine: Engine, design: Design) -> None:
    data, inits = problem(design)

    def draws(seed: int) -> np.ndarray:
        settings = SamplerSettings(3, 120, 30, seed)
        return np.asarray(
            engine.sample("noncentered", data, inits, settings).variables["u"]
        )

    first = draws(41)
    assert np.array_equal(first, draws(41))
    assert not np.array_equal(first, draws(42))
    assert not np.array_equal(first[0], first[1])


def test_sampler_columns_are_those_of_the_run(engine: Engine, design: Design) -> None:
    data, inits = problem(design)
    samples = engine.sample("noncentered", data, inits, SETTINGS)
    found = samples.sampler
    assert {values.shape for values in found.values()} == {(3, 30)}
    assert np.all((found["acceptance_rate"] > 0) & (found["acceptance_rate"] <= 1))
    # A tree of depth d has 2^d - 1 steps, and those of a last half that was turned down.
    assert np.all(found["n_steps"] >= 2 ** found["tree_depth"] - 1)
    assert np.all(found["n_steps"] < 2 ** (found["tree_depth"] + 1))
    assert set(np.unique(found["diverging"])) <= {0.0, 1.0}
    # The Hamiltonian is the negative log density, Jacobian included, plus p'p / 2.
    assert np.all(found["energy"] > -found["lp"])
    point = {
        name: samples.variables[name][1, 7].tolist() for name in inits[0] if name != "cpc"
    }
    value = engine.log_density("noncentered", data, [point | {"cpc": []}])[0][0]
    # Transforms: log of sigma and tau, and beta_centered in units of beta_unit.
    jacobian = np.log([point["sigma"], *point["tau"], *data["beta_unit"]]).sum()
    assert found["lp"][1, 7] == pytest.approx(value + jacobian, rel=1e-10)


def test_a_tree_is_no_deeper_than_allowed(engine: Engine, design: Design) -> None:
    data, inits = problem(design)
    samples = engine.sample(
        "noncentered", data, inits, SamplerSettings(3, 120, 30, 41, 0.9, max_treedepth=2)
    )
    assert samples.sampler["tree_depth"].max() == 2
    assert samples.sampler["n_steps"].max() == 3


class Heard:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, float | None]] = []
        self.done: list[float] = []

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Any]:
        """Note what begins, and how far it gets."""
        self.tasks.append((description, total))
        yield self.done.append


def test_progress_is_told_and_nothing_is_printed(
    design: Design, capfd: pytest.CaptureFixture[str]
) -> None:
    engine, heard, output = choose_engine("stanli"), Heard(), sys.stdout
    data, inits = problem(design)
    engine.sample("noncentered", data, inits, SETTINGS, heard)
    assert heard.tasks[0] == ("Running Stan in stanli (asked for)", None)
    assert heard.tasks[-1] == ("Sampling noncentered", 450)
    assert heard.done == sorted(heard.done)
    assert heard.done[-1] == 450
    assert len(heard.done) > 30
    assert sys.stdout is output
    assert capfd.readouterr() == ("", "")


def test_with_nobody_to_tell_the_output_is_left_alone(
    engine: Engine, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that redirected it would restore it in the wrong order."""
    monkeypatch.delattr(module, "redirect_stdout")
    data, inits = problem(design)
    assert engine.sample("noncentered", data, inits, SETTINGS).seconds > 0


def test_complaints_carry_stans_words(engine: Engine, design: Design) -> None:
    data, inits = problem(design)
    without = {name: value for name, value in data.items() if name != "sigma_df"}
    with pytest.raises(SamplingError, match=r"sampling noncentered.*\n.*sigma_df"):
        engine.sample("noncentered", without, inits, SETTINGS)
    with pytest.raises(SamplingError, match="prior_only is 7"):
        engine.sample("noncentered", data | {"prior_only": 7}, inits, SETTINGS)
    vast = SamplerSettings(chains=4096, draws=2**31 - 1)
    with pytest.raises(SamplingError, match="Unable to allocate"):
        engine.sample("noncentered", data, inits[:1] * 4096, vast)
    far = [init | {"sigma": 1e-320} for init in inits]
    with pytest.raises(SamplingError, match="chain 1: initialization failed"):
        engine.sample("noncentered", data, far, SETTINGS)
    with pytest.raises(SamplingError, match="optimizing noncentered"):
        engine.optimize("noncentered", data, far[0], seed=3)


def test_a_program_that_does_not_compile(
    engine: Engine, program_file: Callable[[str], None]
) -> None:
    program_file("parameters { real x } model { x ~ std_normal(); }")
    with pytest.raises(EngineError, match=r"mine\.stan does not compile") as error:
        engine.compile(["mine"])
    assert 'Expected ";"' in str(error.value)


def test_variables_that_stanli_cannot_compute_are_an_error(
    engine: Engine, program_file: Callable[[str], None]
) -> None:
    """It would leave them out with a warning; densities do not depend on them."""
    program_file(
        """
functions {
  int count(data vector x) {
    int n = 0;
    for (i in 1 : size(x)) {
      n += !is_inf(x[i]);
    }
    return n;
  }
  array[] int which(data vector x) {
    array[count(x)] int found = rep_array(0, count(x));
    return found;
  }
}
data {
  vector[3] s;
}
parameters {
  real<lower=2.5> x;
}
model {
  x ~ normal(4, 1.5);
}
generated quantities {
  real y = sum(which(s));
  vector[1] v = csr_matrix_times_vector(1, 1, [x]', {1}, {1, 2}, [x]');
}
"""
    )
    data, inits = {"s": [1.0, np.inf, 2.0]}, [{"x": 3.7}] * 3
    with pytest.raises(EngineError, match="cannot compute all variables of mine") as error:
        engine.sample("mine", data, inits, SETTINGS)
    assert 'engine="cmdstan"' in str(error.value)
    value, slope = engine.log_density("mine", data, inits[:1])
    # Stan drops constants of x ~ normal(4, 1.5); dx/dq = x - 2.5.
    assert value == pytest.approx([-0.5 * (0.3 / 1.5) ** 2], rel=1e-12)
    assert slope == pytest.approx(np.array([[0.3 / 1.5**2 * 1.2]]), rel=1e-12)


@pytest.mark.parametrize("priors", ["default", "flat"])
@pytest.mark.parametrize(
    ("formula", "programs"),
    [
        ("strength ~ 1 + (1 | batch / cask)", [*PROGRAMS]),
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", ["centered", "noncentered"]),
        ("Reaction ~ Days + (Days | Subject)", [*PROGRAMS]),
    ],
)
def test_no_part_of_our_programs_is_interpreted(
    monkeypatch: pytest.MonkeyPatch, formula: str, programs: list[str], priors: str
) -> None:
    """The interpreter takes up to a millisecond a draw, and cannot do all of marginal.

    With this name for slow parts, what stanli says of them is passed on, as an error here.
    """
    monkeypatch.setattr(stanli_models, "_SLOW_PARTS", "none are accepted")
    datasets = {"strength": "pastes", "diameter": "penicillin", "Reaction": "sleepstudy"}
    data = hs.data.load(datasets[formula.split()[0]])
    design = build_design(formula, data)
    for program in programs:
        block = stan_data(get_program(program), design, resolve_priors(priors, design))
        bound = stanli_models.bind(program, stanli_models.to_json(block))
        assert bound.complete().n_unconstrained > 0


def test_what_it_lacks_is_said(engine: Any) -> None:
    with pytest.raises(EngineError, match=r'pathfinder.*engine="cmdstan"'):
        engine.executable("marginal")


def test_programs_are_translated_once_per_process(design: Design) -> None:
    first, second = choose_engine("stanli"), choose_engine("stanli")
    first.compile(["pooled"])
    assert second.compile(["pooled"]) == {"pooled": 0.0}


def test_engines_may_run_in_threads(design: Design) -> None:
    """Threads of the user's own: each gets the draws that it would get alone."""
    data, inits = problem(design)

    def draws(seed: int) -> np.ndarray:
        settings = SamplerSettings(3, 20, 4, seed)
        samples = choose_engine("stanli").sample("noncentered", data, inits, settings)
        return np.asarray(samples.variables["sigma"])

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(draws, range(40)))
    for seed, found in enumerate(together):
        assert np.array_equal(found, draws(seed))


def test_an_interrupt_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "hierstan", "analyze", "radon",
        "log_radon ~ floor + (floor || county)", "--engine", "stanli", "--warmup",
        "1000000", "--programs", "noncentered", "--out", "report",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        # A shell starts what runs in the background deaf to Ctrl-C, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Sampling noncentered"):
            break
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())
