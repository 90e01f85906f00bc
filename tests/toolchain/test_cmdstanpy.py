"""CmdStanPy with the embedded toolchain, as a user drives it."""

import shutil
from pathlib import Path

import cmdstanpy
import numpy as np
import pytest
from toolchain_support import REFERENCE, Program

pytestmark = [pytest.mark.stan, pytest.mark.usefixtures("toolchain")]

DATA = str(REFERENCE / "intercepts.json")
QUIET = {"show_progress": False}


@pytest.fixture(scope="module")
def model(intercepts: Program) -> cmdstanpy.CmdStanModel:
    source = shutil.copy(REFERENCE / "intercepts.stan", intercepts.executable.parent)
    return cmdstanpy.CmdStanModel(stan_file=source, exe_file=intercepts.executable)


@pytest.fixture(scope="module")
def fit(model: cmdstanpy.CmdStanModel) -> cmdstanpy.CmdStanMCMC:
    return model.sample(DATA, chains=2, seed=5, iter_sampling=200, **QUIET)


def test_compiles_a_program_whose_name_has_a_blank(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With an include from a directory with a blank, and with what stanc remarks."""
    (tmp_path / "some parts").mkdir()
    (tmp_path / "some parts" / "density.stan").write_text("x ~ normal(0, 1);\n")
    source = tmp_path / "my model.stan"
    source.write_text(
        "data { real z; }\nparameters { real x; real y; }\n"
        "model {\nz ~ normal(x * y, 1);\n#include density.stan\n}\n"
    )
    options = {
        "O1": True,
        "warn-pedantic": True,
        "include-paths": [str(tmp_path / "some parts")],
    }
    model = cmdstanpy.CmdStanModel(stan_file=source, stanc_options=options)
    assert Path(model.exe_file).exists()
    assert model.exe_info()["STAN_THREADS"] == "false"
    assert "The parameter y has no priors" in caplog.text


def test_compile_error_carries_what_stanc_says(tmp_path: Path) -> None:
    source = tmp_path / "bad.stan"
    source.write_text("parameters { real x; } model { x ~ norml(0, 1); }\n")
    with pytest.raises(ValueError, match="norml"):
        cmdstanpy.CmdStanModel(stan_file=source)


# CmdStanPy 1.3.2 reads the summary with an argument that pandas 3 deprecates.
@pytest.mark.filterwarnings("ignore:The 'float_precision' argument")
def test_sample(fit: cmdstanpy.CmdStanMCMC) -> None:
    assert fit.draws().shape == (200, 2, 7 + 9 + 30)
    assert fit.stan_variable("a").shape == (400, 6)
    assert fit.metric_type == "diag_e"
    assert fit.inv_metric.shape == (2, 9)
    assert fit.step_size.shape == (2,)
    assert fit.summary().loc["mu", "R_hat"] < 1.1
    assert "No divergent transitions" in fit.diagnose()


def test_chains_in_one_process(
    model: cmdstanpy.CmdStanModel, fit: cmdstanpy.CmdStanMCMC
) -> None:
    together = model.sample(
        DATA, chains=2, seed=5, iter_sampling=200,
        force_one_process_per_chain=False, **QUIET,
    )  # fmt: skip
    assert np.array_equal(together.draws(), fit.draws())


def test_inits_of_each_chain(model: cmdstanpy.CmdStanModel) -> None:
    inits = [{"mu": mu, "tau": 1.5, "sigma": 0.5, "a": [mu] * 6} for mu in (1.25, 2.75)]
    started = model.sample(
        DATA, chains=2, inits=inits, fixed_param=True, iter_sampling=1,
        force_one_process_per_chain=True, **QUIET,
    )  # fmt: skip
    assert list(started.stan_variable("mu")) == [1.25, 2.75]


def test_every_other_method(
    model: cmdstanpy.CmdStanModel, fit: cmdstanpy.CmdStanMCMC
) -> None:
    mode = model.optimize(DATA, seed=3, jacobian=True)
    assert mode.converged
    assert mode.stan_variable("a").shape == (6,)
    laplace = model.laplace_sample(DATA, mode=mode, draws=60, seed=3)
    assert laplace.stan_variable("a").shape == (60, 6)
    pathfinder = model.pathfinder(DATA, seed=3, draws=70)
    assert pathfinder.stan_variable("a").shape == (70, 6)
    variational = model.variational(DATA, seed=3, draws=80, require_converged=False)
    assert variational.variational_sample.shape[0] == 80
    for previous in (fit, mode, variational):
        generated = model.generate_quantities(DATA, previous_fit=previous, seed=3)
        assert generated.stan_variable("y_rep").shape[-1] == 30
    point = {name: fit.stan_variable(name)[0] for name in ("mu", "tau", "sigma", "a")}
    density = model.log_prob({k: np.asarray(v).tolist() for k, v in point.items()}, DATA)
    assert density["lp__"][0] == pytest.approx(
        fit.method_variables()["lp__"][0, 0], rel=1e-4
    )
    # CmdStanPy's diagnose takes no seed: at a random point the finite differences may fail.
    inits = {"mu": 1.25, "tau": 0.75, "sigma": 0.5, "a": [1.5, 2.0, 0.5, 1.0, 2.5, 3.0]}
    assert len(model.diagnose(inits=inits, data=DATA)) == 9


def test_failure_carries_stans_words(model: cmdstanpy.CmdStanModel, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"N": 1, "J": 1, "g": [2], "y": [0.5]}')
    with pytest.raises(RuntimeError, match="g"):
        model.sample(str(bad), chains=1, **QUIET)
