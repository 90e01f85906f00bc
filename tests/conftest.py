"""Fixtures shared by all tests, and a machine that looks the same everywhere."""

import os
import signal
import sys
from collections.abc import Callable

import pytest
from hypothesis import settings

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.cache import cache_directory
from hierstan.cli import main
from hierstan.design import Design
from hierstan.engines import Engine, choose_engine
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.evaluate import build_design
from hierstan.toolchain.make import OUTER_MAKE

# The same examples every time: a test that passes by luck fails by luck.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

RADON = "log_radon ~ floor + (floor || county)"


@pytest.fixture(autouse=True, scope="session")
def _same_machine_everywhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the developer's own CmdStan; keep the cache, which only saves time."""
    os.environ["HIERSTAN_CACHE"] = str(cache_directory())
    # What `make test` tells its children is not meant for the makes that tests start.
    for name in ("CMDSTAN", *OUTER_MAKE):
        os.environ.pop(name, None)
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    # A suite in the background of a shell inherits that interrupts are ignored, and what it
    # starts would ignore them, too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hierstan_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The command line, run in this process: returns status, output and errors."""

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hierstan", *arguments])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return command


@pytest.fixture(scope="session")
def radon_design() -> Design:
    """The tutorials' model."""
    return build_design(RADON, hs.data.radon())


@pytest.fixture(scope="session")
def engine() -> CmdStanEngine:
    """One engine, so that every program is looked up once."""
    return CmdStanEngine()


@pytest.fixture(
    scope="session", params=[pytest.param("cmdstan", marks=pytest.mark.stan), "stanli"]
)
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn; stanli comes with the extra `dev` and needs no compiler."""
    if request.param == "stanli":
        pytest.importorskip("stanli")
    return choose_engine(request.param)


@pytest.fixture(scope="session")
def radon_analysis(engine: CmdStanEngine) -> Analysis:
    """All programs on radon with the tutorials' priors."""
    return hs.analyze(RADON, hs.data.radon(), priors="seeds", seed=7, engine=engine)
