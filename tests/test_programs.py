"""What goes into the Stan programs and what comes out, without running them."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hierstan as hs
from hierstan.design import Design
from hierstan.draws import name_draws
from hierstan.errors import DataError, InputError
from hierstan.evaluate import build_design
from hierstan.priors import default_priors
from hierstan.programs import (
    PROGRAMS,
    get_program,
    initial_values,
    population_columns,
    source_sha256,
    stan_data,
)
from hierstan.resources import directory
from hierstan.toolchain.machine import find_stan_files

ALL = list(PROGRAMS)


def block(program: str, name: str) -> str:
    text = (directory("stan") / f"{program}.stan").read_text()
    found = re.search(rf"^{name} {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("program", [name for name in ALL if name != "marginal"])
def test_programs_share_one_data_block(program: str) -> None:
    assert block(program, "data") == block("noncentered", "data")


def test_marginal_shares_what_is_not_about_rows() -> None:
    """It reads sums in place of rows; what both declare is the same line."""
    lines = {
        name: {
            found[1]: line.strip()
            for line in block(name, "data").splitlines()
            if (found := re.match(r"  [^/;]*?(\w+);", line))
        }
        for name in ("marginal", "noncentered")
    }
    ours, theirs = lines["marginal"], lines["noncentered"]
    shared = [name for name in theirs if name in ours]
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}
    priors = {
        "beta_location",
        "beta_scale",
        "tau_df",
        "tau_scale",
        "sigma_df",
        "sigma_scale",
    }
    assert {"N", "P", "F", "J", "Q", "x_center", "eta", "prior_only"} | priors == set(
        shared
    )


@pytest.mark.parametrize("program", ALL)
def test_shared_names_mean_the_same(program: str) -> None:
    """A name declared by two programs has the same type and comment in both."""
    declarations = {}
    for name in ALL:
        for part in ("parameters", "transformed parameters", "generated quantities"):
            for line in block(name, part).splitlines():
                found = re.match(r"  ((?:real|vector|array|matrix)\S*) (\w+)", line)
                if found:
                    kind = re.sub("<multiplier=.*?>", "", found[1])
                    declarations.setdefault(found[2], set()).add(kind)
    assert {"beta", "tau", "u", "rho", "sigma", "lprior"} <= set(declarations)
    assert all(len(kinds) == 1 for kinds in declarations.values()), declarations
    own = "tau_raw" if program == "marginal" else "beta_centered"
    assert {own, "sigma"} <= set(
        re.findall(r"^  \S+ (\w+);", block(program, "parameters"), re.MULTILINE)
    )


@pytest.mark.parametrize("program", ALL)
def test_a_model_hands_out_the_data_block(program: str) -> None:
    declared = re.findall(r"^  [^/;]*?(\w+);", block(program, "data"), re.MULTILINE)
    model = hs.Model(
        "log_radon ~ floor + (floor || county)", hs.data.radon(),
        priors={"sigma": "half-student-t(4, 0.7)"},
    )  # fmt: skip
    data = model.stan_data(program)
    assert set(data) == set(declared)
    assert (data["sigma_df"], data["sigma_scale"]) == (4, 0.7)


def test_a_model_hands_out_no_data_for_a_program_there_is_not() -> None:
    model = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon())
    with pytest.raises(InputError, match="no program 'centred'"):
        model.stan_data("centred")


@pytest.mark.parametrize(
    "path", sorted(directory("stan").rglob("*.stan*")), ids=lambda path: path.name
)
def test_programs_are_formatted_and_clean(path: Path) -> None:
    """Formatted by stanc, without a warning even in pedantic mode.

    Allowed: pedantic mode takes priors whose scales are data for missing ones. The
    blank that stanc 2.35 puts between includes is not compared.
    """
    stan = find_stan_files()
    command = [str(stan.directory / "stanc"), f"--include-paths={directory('stan')}"]
    formatted = subprocess.run(
        [*command, "--auto-format", "--max-line-length=80", str(path)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = [line.rstrip() for line in formatted.splitlines() if line.strip()]
    own = [line.rstrip() for line in path.read_text().splitlines() if line.strip()]
    assert own == lines
    if path.suffix == ".stan":
        told = subprocess.run(
            [*command, "--warn-pedantic", "--o=/dev/null", str(path)],
            capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip
        warnings = re.split(r"^Warning", told, flags=re.MULTILINE)[1:]
        allowed = r"The parameter \w+\s+has\s+no\s+priors"
        assert [w for w in warnings if not re.search(allowed, w)] == []


def test_unpooled_columns(radon_design: Design) -> None:
    unpooled = get_program("unpooled")
    assert population_columns(unpooled, radon_design).tolist() == []
    assert population_columns(get_program("pooled"), radon_design).tolist() == [0, 1]
    uranium = build_design(
        "log_radon ~ floor + log_uranium + (1 | county)", hs.data.radon()
    )
    assert population_columns(unpooled, uranium).tolist() == [1]


def test_marginal_refuses_crossed_factors_by_name() -> None:
    crossed = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    design = build_design(crossed, hs.data.penicillin())
    told = "but plate and sample are crossed.*The noncentered program draws them"
    with pytest.raises(DataError, match=told):
        population_columns(get_program("marginal"), design)
    with pytest.raises(DataError, match=told):
        stan_data(get_program("marginal"), design, default_priors(design))


def test_an_unknown_program_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'halfpooled'; use pooled, unpooled"):
        get_program("halfpooled")


@pytest.mark.parametrize("program", ALL)
def test_starting_points_follow_units_and_seed(program: str) -> None:
    """Rescaling y and x rescales the starting points; a seed repeats them."""
    data = hs.data.sleepstudy()
    points = []
    for y, x in ((1.0, 1.0), (1e-4, 1e3)):
        scaled = data.assign(Reaction=data["Reaction"] * y, Days=data["Days"] * x)
        design = build_design("Reaction ~ Days + (Days | Subject)", scaled)
        chosen = get_program(program)
        block = stan_data(chosen, design, default_priors(design))
        points.append(initial_values(chosen, design, block, chains=3, seed=11))
        again = initial_values(chosen, design, block, chains=3, seed=11)
        other = initial_values(chosen, design, block, chains=3, seed=12)
        assert str(points[-1]) == str(again) != str(other)
    one, two = points
    assert len(one) == 3
    assert one[0]["sigma"] != one[1]["sigma"]
    np.testing.assert_allclose(two[0]["sigma"], one[0]["sigma"] * 1e-4, rtol=1e-6)
    if program == "marginal":
        np.testing.assert_allclose(two[0]["tau_raw"], one[0]["tau_raw"], rtol=1e-6)
    if "tau" in one[0]:
        np.testing.assert_allclose(two[0]["tau"], one[0]["tau"] * [1e-4, 1e-7], rtol=1e-6)


def test_every_draw_gets_its_own_name() -> None:
    """Values that encode their own position, through two factors and ragged sizes."""
    design = build_design(
        "strength ~ 1 + (1 | batch) + (lot | cask)",
        hs.data.pastes().assign(lot=np.arange(60) % 7),
    )
    batch, cask = design.factors
    assert (batch.J, batch.Q, cask.J, cask.Q) == (10, 1, 3, 2)
    chain, draw = np.meshgrid(np.arange(2), np.arange(5), indexing="ij")
    stamp = (1000.0 * chain + 100.0 * draw)[:, :, None]
    draws = name_draws(
        get_program("noncentered"),
        design,
        {
            "beta": stamp + 0.5,
            "sigma": stamp[:, :, 0],
            "lprior": stamp[:, :, 0],
            "tau": stamp + np.arange(3),
            "rho": stamp + 7.0,
            "u": stamp + np.arange(10 + 6) / 100,
        },
    )
    at = {"chain": 1, "draw": 4}
    assert draws["tau"].sel(at | {"effect": "lot | cask"}).item() == 1402.0
    assert draws["rho"].sel(at | {"pair": "Intercept, lot | cask"}).item() == 1407.0
    # u: ten batches, then the casks' intercepts, then their slopes
    u = draws["u[cask]"].sel(at)
    assert u.sel({"effect of cask": "Intercept", "level of cask": "b"}).item() == 1400.11
    assert u.sel({"effect of cask": "lot", "level of cask": "c"}).item() == 1400.15
    assert draws["u[batch]"].sel(at | {"level of batch": "D"}).item() == 1400.03
    coef = draws["coef[cask]"].sel(at)
    assert coef.sel(
        {"effect of cask": "Intercept", "level of cask": "b"}
    ).item() == pytest.approx(2800.61)
    assert coef.sel(
        {"effect of cask": "lot", "level of cask": "c"}
    ).item() == pytest.approx(1400.15)


def test_one_program_may_be_named_alone() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.5, 0.5, 3.0], "g": list("aabb")})
    with pytest.raises(InputError, match=r"no program 'margnal'"):
        hs.analyze("y ~ 1 + (1 | g)", frame, programs="margnal")


def test_a_hash_covers_what_a_program_includes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "stan"
    shutil.copytree(directory("stan"), copy)
    before = {name: source_sha256(name) for name in ALL}
    assert len(set(before.values())) == len(ALL)
    monkeypatch.setattr("hierstan.programs.directory", lambda _: copy)
    assert {name: source_sha256(name) for name in ALL} == before
    included = copy / "functions" / "recovery.stanfunctions"
    included.write_text(included.read_text().replace("return", "return 1 *", 1))
    after = {name: source_sha256(name) for name in ALL}
    assert [name for name in ALL if after[name] != before[name]] == ["marginal"]
