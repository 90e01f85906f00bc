"""Which engine runs, what is said of it, and what it refuses."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hierstan as hs
from hierstan.engines import choose_engine
from hierstan.errors import EngineError, InputError, ToolchainError

Run = Callable[..., tuple[int, str, str]]
FORMULA = "Yield ~ 1 + (1 | Batch)"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without compiler and make, in an empty directory of its own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HIERSTAN_CACHE", str(tmp_path / "empty cache"))
    for name in ("CXX", "MAKE", "CMDSTAN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def without_stanli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stanli", None)
    monkeypatch.delitem(sys.modules, "hierstan.engines.stanli", raising=False)


def test_an_engine_goes_by_its_name_or_itself() -> None:
    pytest.importorskip("stanli")
    chosen = choose_engine("stanli")
    assert chosen.name == "stanli"
    assert choose_engine(chosen) is chosen
    assert choose_engine("cmdstan").name == "cmdstan"
    model = hs.Model(FORMULA, hs.data.dyestuff(), engine="stanli")
    assert model.engine.name == model.with_priors("flat").engine.name == "stanli"


def test_an_unknown_engine_is_refused(hierstan_command: Run) -> None:
    with pytest.raises(InputError, match="no engine 'nuts'; use cmdstan or stanli"):
        hs.Model(FORMULA, hs.data.dyestuff(), engine="nuts")
    status, shown, told = hierstan_command(
        "crosscheck", "dyestuff", FORMULA, "--engine", "nuts", "--quiet"
    )
    assert (status, shown) == (2, "")
    assert "use cmdstan or stanli" in told


def test_stanli_that_is_not_installed_is_said(without_stanli: None) -> None:
    with pytest.raises(EngineError, match=r"pip install 'hierstan\[stanli\]'"):
        choose_engine("stanli")


def test_cmdstan_is_the_default_where_it_can_be(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("stanli")
    assert choose_engine().name == "stanli"
    # A CmdStan that is named is meant, even one that turns out not to work.
    monkeypatch.setenv("CMDSTAN", str(bare / "no such place"))
    assert choose_engine().name == "cmdstan"
    monkeypatch.delenv("CMDSTAN")
    for name in ("g++", "make"):
        (bare / name).write_text("#!/bin/sh\necho stand-in\n")
        (bare / name).chmod(0o755)
    assert choose_engine().name == "cmdstan"


def test_without_any_engine_the_error_names_the_ways_out(
    bare: Path, without_stanli: None
) -> None:
    model = hs.Model(FORMULA, hs.data.dyestuff())
    with pytest.raises(ToolchainError, match="No C\\+\\+ compiler") as error:
        model.sample("pooled")
    for way in ("g++", "CMDSTAN", "hierstan[stanli]"):
        assert way in str(error.value)


def test_without_a_compiler_stanli_runs_and_says_so(
    bare: Path, hierstan_command: Run
) -> None:
    pytest.importorskip("stanli")
    command = (
        "analyze", "dyestuff", FORMULA, "--programs", "marginal,pooled", "--out", "report",
    )  # fmt: skip
    status, shown, told = hierstan_command(*command, "--seed", "3")
    assert status == 0
    why = "No C++ compiler found"
    assert why in told
    assert f"Stan through stanli {sys.modules['stanli'].__version__} ({why}" in shown
    results = json.loads((bare / "report" / "results.json").read_text())
    assert results["engine"]["name"] == "stanli"
    assert why in results["engine"]["source"]
    page = (bare / "report" / "index.html").read_text()
    assert "Stan through stanli" in page
    assert "CmdStanPy" not in page


def test_the_doctor_names_the_default(bare: Path, hierstan_command: Run) -> None:
    """What CmdStan lacks is told, and no failure where models run without it."""
    pytest.importorskip("stanli")
    status, shown, _ = hierstan_command("doctor")
    assert status == 0
    assert "stanli unless another is asked for" in shown
    assert "problem: No C++ compiler" in shown
    assert "Without a CmdStan, models run on stanli." in shown
