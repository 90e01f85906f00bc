"""`hierstan toolchain`, with a stand-in for what takes long."""

from collections.abc import Callable
from pathlib import Path

import pytest
from stand_in import calls, script_make

from hierstan.toolchain import build

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(machine: Path, hierstan_command: Run) -> Run:
    """Run ``hierstan toolchain`` on a machine with stand-ins."""
    return lambda *arguments: hierstan_command("toolchain", *arguments)


def test_build_prints_the_path_and_shows_the_costs(machine: Path, run: Run) -> None:
    script_make(machine, "sleep 0.3\n")
    status, shown, errors = run("build", "--jobs", "3")
    assert status == 0
    assert Path(shown.strip()) == build()
    assert calls(machine) == ["-j3 build"]
    costs = errors.splitlines()[-1]
    assert costs.startswith("Built in 0.")
    for step in ("headers linked", "tools compiled", "driver compiled"):
        assert f" {step} 0." in costs
    driver = float(costs.partition("driver compiled ")[2].split()[0])
    assert driver >= 0.3


def test_quiet_build_prints_the_path_only(run: Run) -> None:
    status, shown, errors = run("build", "--quiet")
    assert (status, errors) == (0, "")
    assert shown == f"{build()}\n"


def test_force_and_header(machine: Path, run: Run) -> None:
    assert "model header" not in run("build", "--no-pch")[2]
    assert "model header precompiled 0." in run("build", "--pch")[2]
    run("build", "--force")
    assert [call.split()[-1] for call in calls(machine)] == [
        "build", "precompiled-header", "build", "precompiled-header",
    ]  # fmt: skip


@pytest.mark.parametrize("jobs", ["0", "-2", "many"])
def test_bad_jobs(jobs: str, machine: Path, run: Run) -> None:
    status, _, errors = run("build", "--jobs", jobs)
    assert status == 2
    assert "--jobs" in errors
    assert calls(machine) == []


def test_path_builds_when_needed(machine: Path, run: Run) -> None:
    status, shown, _ = run("path")
    assert status == 0
    assert (Path(shown.strip()) / "bin" / "stanc").exists()
    assert run("path")[1] == shown
    assert len(calls(machine)) == 1


def test_path_is_that_of_the_users_own(
    machine: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "own" / "bin").mkdir(parents=True)
    (machine / "own" / "bin" / "stanc").touch()
    (machine / "own" / "makefile").write_text("CMDSTAN_VERSION := 2.33.1\n")
    monkeypatch.setenv("CMDSTAN", str(machine / "own"))
    assert run("path")[:2] == (0, f"{machine / 'own'}\n")
    assert calls(machine) == []


def test_info(machine: Path, run: Run) -> None:
    directory = build()
    (machine / "compiler").write_text("#!/bin/sh\necho compiler 9.5\n")
    newer = build(precompiled_header=True)
    (newer / "bin" / "ours").write_bytes(bytes(7_000_000))
    (newer / "bin" / "shared").write_bytes(bytes(5_000_000))
    (machine / "elsewhere").hardlink_to(newer / "bin" / "shared")
    status, shown, _ = run("info")
    assert status == 0
    lines = {}
    for line in shown.splitlines():
        name, _, value = line.partition("  ")
        lines[name] = value.strip()
    assert lines["path"] == str(newer)
    assert lines["Stan"].startswith("2.71.3 (httpstan ")
    assert lines["compiler"] == "compiler 9.5"
    assert lines["driver threads"] == "c++ -fast"
    assert lines["model header"] == "precompiled"
    assert lines["size"] == "12 MB, 5 of them shared with httpstan"
    assert lines["built in"].endswith(" s")
    assert lines["earlier"].startswith(str(directory))


@pytest.mark.parametrize("command", ["info"])
def test_nothing_is_built(command: str, run: Run) -> None:
    status, shown, errors = run(command)
    assert (status, shown) == (3, "")
    assert "hierstan toolchain build" in errors
    assert len(errors.splitlines()) == 1


def test_clean(run: Run) -> None:
    assert run("clean") == (0, "", "")
    directory = build()
    assert run("clean") == (0, f"deleted {directory}\n", "")
    assert not directory.exists()
    assert run("info")[0] == 3


def test_failure_is_one_message(machine: Path, run: Run) -> None:
    script_make(machine, "echo 'cc1plus: out of memory' >&2\nexit 2\n")
    status, shown, errors = run("build", "--quiet")
    assert (status, shown) == (3, "")
    assert errors.startswith("Error: Building the embedded CmdStan failed")
    assert "out of memory" in errors
    assert "Traceback" not in errors
