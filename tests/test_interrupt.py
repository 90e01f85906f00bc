"""Ctrl-C: everything ends, soon, and nothing half made stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.processes import Processes

pytestmark = pytest.mark.stan

SEED = "987654321"  # to be found among the processes of the machine


def running(mark: str) -> list[str]:
    """Command lines of running programs that carry a mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if mark in line and "hierstan analyze" not in line:
            found.append(line)
    return found


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
@pytest.mark.parametrize("phase", ["sampling", "compiling"])
def test_an_interrupt_ends_chains_and_compilers(
    phase: str, tmp_path: Path, engine: CmdStanEngine
) -> None:
    engine.compile(["centered", "noncentered"])
    environment = dict(os.environ)
    mark = f"seed={SEED}"
    if phase == "compiling":
        # A cache with the toolchain but without programs.
        mark = str(tmp_path / "cache")
        (tmp_path / "cache").mkdir()
        toolchain = Path(environment["HIERSTAN_CACHE"]) / "toolchain"
        (tmp_path / "cache" / "toolchain").symlink_to(toolchain)
        environment["HIERSTAN_CACHE"] = mark
    command = [
        sys.executable, "-m", "hierstan", "analyze", "radon",
        "log_radon ~ floor + (floor || county)", "--draws", "1000000", "--seed", SEED,
        "--out", "report", "--programs", "centered,noncentered",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        # A shell starts what runs in the background deaf to Ctrl-C, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert wait_for(lambda: running(mark), 90), "nothing was started"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert wait_for(lambda: not running(mark), 5), running(mark)
    assert not (tmp_path / "report").exists()
    if phase == "compiling":
        left = [p.name for p in (tmp_path / "cache" / "programs").iterdir() if p.is_dir()]
        assert left == []


def test_nothing_starts_after_stop() -> None:
    processes = Processes()
    lines: list[str] = []
    assert processes.run(["sh", "-c", "echo one; exit 3"], on_line=lines.append) == 3
    processes.stop()
    assert processes.run(["echo", "two"], on_line=lines.append) < 0
    assert lines == ["one\n"]
