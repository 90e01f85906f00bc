"""CmdStanPy's own interface, method by method, on three programs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cmdstanpy
import numpy as np
import pytest
from toolchain_support import Program

pytestmark = [pytest.mark.stan, pytest.mark.usefixtures("toolchain")]

SIZE = 3  # draws of the program with tuples


@dataclass(frozen=True)
class Case:
    """A program with its data and what CmdStanPy must read of it."""

    model: cmdstanpy.CmdStanModel
    data: dict[str, Any]
    inits: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]  # of one draw of each variable
    generated: str | None

    def check(self, draws: dict[str, np.ndarray], count: int) -> None:
        """See that every variable has its shape and finite values."""
        assert list(draws) == list(self.shapes)
        for name, shape in self.shapes.items():
            assert draws[name].shape == (count, *shape)
            assert all(np.isfinite(number).all() for number in numbers(draws[name]))


def numbers(value: Any) -> list[Any]:
    """Return all numbers inside of arrays and tuples, one after the other."""
    if isinstance(value, tuple | list | np.ndarray):
        return [number for member in value for number in numbers(member)]
    return [value]


DATA: dict[str, dict[str, Any]] = {
    "bernoulli": {"N": 10, "y": [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]},
    "eight_schools": {
        "J": 8,
        "y": [28, 8, -3, 7, -1, 1, 18, 12],
        "sigma": [15, 10, 16, 11, 9, 11, 10, 18],
    },
    "tuples": {"setting": (SIZE, [0.75, 2.5]), "shift": 1.5 - 0.25j},
}
INITS: dict[str, dict[str, Any]] = {
    "bernoulli": {"theta": 0.375},
    "eight_schools": {"mu": 4.5, "tau": 3.25, "theta": [4.0 + i for i in range(8)]},
    "tuples": {"place": (0.625, [1.25, 2.75])},
}
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "bernoulli": {"theta": ()},
    "eight_schools": {"mu": (), "tau": (), "theta": (8,), "y_rep": (8,)},
    "tuples": {"place": (), "parts": (2,), "drawn": ()},
}
GENERATED = {"bernoulli": None, "eight_schools": "y_rep", "tuples": "drawn"}


@pytest.fixture(params=list(DATA))
def case(
    request: pytest.FixtureRequest, bernoulli: Program, schools: Program, tuples: Program
) -> Case:
    name = request.param
    program = {"bernoulli": bernoulli, "eight_schools": schools, "tuples": tuples}[name]
    source = program.executable.with_suffix(".stan")
    model = cmdstanpy.CmdStanModel(stan_file=source, exe_file=program.executable)
    return Case(model, DATA[name], INITS[name], SHAPES[name], GENERATED[name])


@pytest.fixture
def sample(case: Case) -> Callable[..., cmdstanpy.CmdStanMCMC]:
    def sampled(**options: Any) -> cmdstanpy.CmdStanMCMC:
        return case.model.sample(
            case.data, seed=11, show_progress=False,
            **{"chains": 2, "iter_warmup": 300, "iter_sampling": 200, **options},
        )  # fmt: skip

    return sampled


Sample = Callable[..., cmdstanpy.CmdStanMCMC]


def test_source_is_read(case: Case) -> None:
    described = case.model.src_info()
    assert list(described["inputs"]) == list(case.data)
    assert list(described["parameters"]) == list(case.inits)
    assert case.model.exe_info()["stan_version_major"] == "2"


def test_sample(case: Case, sample: Sample) -> None:
    fit = sample(save_warmup=True, thin=2)
    case.check(fit.stan_variables(), 2 * 100)
    assert fit.draws(inc_warmup=True).shape[:2] == (150 + 100, 2)
    assert fit.num_draws_warmup == 150
    assert fit.metric_type == "diag_e"
    assert np.isfinite(fit.inv_metric).all()
    assert fit.divergences is not None
    assert fit.draws_xr().sizes["chain"] == 2
    assert len(fit.draws_pd()) == 200


@pytest.mark.parametrize("metric", ["unit_e", "dense_e"])
def test_sample_in_one_process(metric: str, case: Case, sample: Sample) -> None:
    options = {"metric": metric, "adapt_delta": 0.9, "inits": case.inits}
    together = sample(force_one_process_per_chain=False, **options)
    assert np.array_equal(together.draws(), sample(**options).draws())
    assert together.runset.num_procs == 1
    assert together.metric_type == metric


def test_sample_from_a_metric(case: Case, sample: Sample) -> None:
    size = sample().inv_metric.shape[1]
    metric = [0.5 + i / 16 for i in range(size)]
    fit = sample(metric={"inv_metric": metric}, adapt_engaged=False, step_size=0.125)
    assert fit.inv_metric == pytest.approx(np.array([metric] * 2))
    assert fit.step_size == pytest.approx([0.125] * 2)


def test_fixed_param(case: Case, sample: Sample) -> None:
    fit = sample(fixed_param=True, inits=case.inits, iter_sampling=7)
    for name, given in case.inits.items():
        for draw in fit.stan_variable(name):
            assert numbers(draw) == pytest.approx(numbers(given))


def test_saved_files_are_read_again(case: Case, sample: Sample, tmp_path: Path) -> None:
    fit = sample(save_latent_dynamics=True, save_profile=True, sig_figs=17)
    assert len(fit.runset.diagnostic_files) == 2
    fit.save_csvfiles(tmp_path)
    again = cmdstanpy.from_csv(sorted(map(str, tmp_path.glob("*.csv"))))
    assert np.array_equal(again.draws(), fit.draws())


# CmdStanPy 1.3.2 reads the summary with an argument that pandas 3 deprecates.
@pytest.mark.filterwarnings("ignore:The 'float_precision' argument")
def test_summary_and_diagnose(case: Case, sample: Sample) -> None:
    fit = sample(iter_sampling=500)
    table = fit.summary(percentiles=(10, 90), sig_figs=5)
    columns = ["Mean", "MCSE", "StdDev", "10%", "90%", "N_Eff", "N_Eff/s", "R_hat"]
    assert list(table.columns) == columns
    assert len(table) == len([name for name in fit.column_names if "__" not in name]) + 1
    draws = fit.draws_pd()["lp__"]
    assert table.loc["lp__", "Mean"] == pytest.approx(draws.mean(), rel=1e-4)
    assert table.loc["lp__", "StdDev"] == pytest.approx(draws.std(), rel=1e-4)
    said = fit.diagnose()
    assert "Checking sampler transitions treedepth." in said
    assert "Effective sample size satisfactory" in said


@pytest.mark.parametrize("algorithm", ["LBFGS", "BFGS"])
def test_optimize(algorithm: str, case: Case) -> None:
    options = {"algorithm": algorithm, "jacobian": True, "seed": 4, "tol_grad": 1e-9}
    mode = case.model.optimize(case.data, save_iterations=True, iter=500, **options)
    assert mode.converged
    assert list(mode.stan_variables()) == list(case.shapes)
    iterations = mode.optimized_iterations_np
    assert iterations is not None
    assert len(iterations) > 2
    assert np.array_equal(iterations[-1], mode.optimized_params_np)
    assert iterations[-1][0] == max(row[0] for row in iterations)


def test_laplace(case: Case) -> None:
    mode = case.model.optimize(case.data, jacobian=True, seed=4)
    laplace = case.model.laplace_sample(case.data, mode=mode, draws=50, seed=4)
    case.check(laplace.stan_variables(), 50)
    assert set(laplace.method_variables()) == {"log_p__", "log_q__"}
    alone = case.model.laplace_sample(case.data, draws=50, seed=4,
                                      opt_args={"seed": 4})  # fmt: skip
    assert np.array_equal(alone.draws(), laplace.draws())


@pytest.mark.parametrize("paths", [1, 3])
def test_pathfinder(paths: int, case: Case) -> None:
    found = case.model.pathfinder(case.data, num_paths=paths, draws=60, seed=4)
    case.check(found.stan_variables(), 60)
    assert found.is_resampled is (paths > 1)
    inits = found.create_inits(chains=2, seed=5)
    started = case.model.sample(
        case.data, chains=2, inits=inits, iter_warmup=50, iter_sampling=10, seed=4,
        show_progress=False,
    )  # fmt: skip
    assert started.draws().shape[0] == 10


@pytest.mark.parametrize("algorithm", ["meanfield", "fullrank"])
def test_variational(algorithm: str, case: Case) -> None:
    found = case.model.variational(
        case.data, algorithm=algorithm, draws=70, seed=4, require_converged=False
    )
    case.check(found.stan_variables(mean=False), 70)
    assert found.eta > 0
    assert list(found.variational_params_dict) == list(found.column_names)


def test_generate_quantities(case: Case, sample: Sample) -> None:
    fit = sample(sig_figs=17)
    if case.generated is None:
        with pytest.raises(RuntimeError, match="doesn't generate any quantities"):
            case.model.generate_quantities(case.data, previous_fit=fit, seed=4)
        return
    mode = case.model.optimize(case.data, jacobian=True, seed=4)
    found = case.model.variational(case.data, seed=4, require_converged=False)
    for previous, count in ((fit, 400), (mode, 1), (found, 1000)):
        made = case.model.generate_quantities(case.data, previous_fit=previous, seed=4)
        assert made.stan_variable(case.generated).shape[0] == count
    repeated = case.model.generate_quantities(case.data, previous_fit=fit, seed=4)
    again = case.model.generate_quantities(case.data, previous_fit=fit, seed=4)
    assert np.array_equal(repeated.draws(), again.draws())


@pytest.mark.parametrize("jacobian", [True, False])
def test_log_prob(jacobian: bool, case: Case, sample: Sample) -> None:
    table = case.model.log_prob(case.inits, case.data, jacobian=jacobian, sig_figs=12)
    assert len(table) == 1
    assert table.columns[0] == "lp__"
    assert all(name.startswith("g_") for name in table.columns[1:])
    other = case.model.log_prob(case.inits, case.data, jacobian=not jacobian)
    assert table["lp__"][0] != pytest.approx(other["lp__"][0], rel=1e-4)


def test_diagnose(case: Case) -> None:
    table = case.model.diagnose(inits=case.inits, data=case.data, epsilon=1e-5)
    assert list(table.columns) == ["param_idx", "value", "model", "finite_diff", "error"]
    assert table["error"].abs().max() < 1e-6
    gradient = case.model.log_prob(case.inits, case.data).iloc[0, 1:]
    assert table["model"].to_numpy() == pytest.approx(gradient.to_numpy(), rel=1e-4)


def test_posterior_of_tuples_is_right(tuples: Program) -> None:
    """The first member is normal(0.75, 2.5), those of the second are exponential(1)."""
    model = cmdstanpy.CmdStanModel(exe_file=tuples.executable)
    fit = model.sample(DATA["tuples"], chains=4, seed=8, show_progress=False)
    place = fit.stan_variable("place")
    first = np.array([draw[0] for draw in place])
    second = np.array([draw[1] for draw in place])
    # At least 1000 of the 4000 draws are effective; four standard errors.
    assert first.mean() == pytest.approx(0.75, abs=4 * 2.5 / 1000**0.5)
    assert second.mean(axis=0) == pytest.approx(np.ones(2), abs=4 / 1000**0.5)
    for draw, (one, two) in zip(place, fit.stan_variable("parts"), strict=True):
        assert (one[0], two[0]) == pytest.approx((draw[0] + 1, draw[0] + 2), abs=1e-4)
        assert two[1] == pytest.approx(draw[1][1] + 2j + 1.5 - 0.25j, abs=1e-4)
    assert all(len(draw[0]) == SIZE for draw in fit.stan_variable("drawn"))
