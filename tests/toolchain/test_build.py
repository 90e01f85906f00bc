"""Building, with a small stand-in for httpstan, the compiler and make.

What is tested is the care taken: one build at a time, nothing half made, errors in words.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stand_in import calls, left_over, script_make, start_build, wait_for

from hierstan.errors import ToolchainError
from hierstan.toolchain import build, clean, ensure, info, locate


def test_directory_has_what_cmdstanpy_needs(machine: Path) -> None:
    directory = build(jobs=3)
    assert calls(machine) == ["-j3 build"]
    assert directory.name.startswith("stan-2.71.3-")
    assert (directory / "makefile").read_text().startswith("CMDSTAN_VERSION := 2.71.3\n")
    assert (directory / "bin/stanc").read_text() == "stanc"
    assert (directory / "lib/libtbb.so").exists()
    assert (directory / "examples/bernoulli/bernoulli.stan").exists()
    assert not (directory / "include/pybind11").exists()
    assert left_over(machine) == []
    found = locate()
    assert (found.path, found.built, found.version) == (directory, True, (2, 71, 3))


def test_files_outlive_the_environment(machine: Path) -> None:
    directory = build()
    header = machine / "site packages/httpstan/include/stan/model/x.hpp"
    ours = directory / "include/stan/model/x.hpp"
    assert ours.samefile(header)  # linked, not copied
    header.unlink()
    assert ours.read_text() == "include/stan/model/x.hpp"


def test_files_are_copied_where_links_are_impossible(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    ours = build() / "include/stan/model/x.hpp"
    assert not ours.samefile(machine / "site packages/httpstan/include/stan/model/x.hpp")
    assert ours.read_text() == "include/stan/model/x.hpp"


def test_built_once_unless_forced(machine: Path) -> None:
    first = build()
    assert build() == first
    assert len(calls(machine)) == 1
    (first / "mark").touch()
    assert build(force=True) == first
    assert len(calls(machine)) == 2
    assert not (first / "mark").exists()
    assert left_over(machine) == []


def test_precompiled_header_is_added_later(machine: Path) -> None:
    build()
    build(precompiled_header=True, jobs=1)
    assert calls(machine)[1:] == ["precompiled-header"]
    assert build(precompiled_header=True) == build()
    assert len(calls(machine)) == 2


def test_forced_build_keeps_the_precompiled_header(machine: Path) -> None:
    build(precompiled_header=True)
    first = calls(machine)
    build(force=True)
    assert calls(machine)[2:] == first
    assert info().precompiled_header


def test_killed_header_leaves_no_gigabyte(machine: Path) -> None:
    left = build() / "build/threads-17/model_header.hpp.gch.4711"
    left.touch()
    build(precompiled_header=True)
    assert not left.exists()


@pytest.mark.parametrize("lost", ["bin/diagnose", "bin/stansummary", "makefile"])
def test_damaged_one_is_built_again(lost: str, machine: Path) -> None:
    """`cmdstanpy.rebuild_cmdstan` deletes before it builds, and can be interrupted."""
    directory = build()
    (directory / lost).unlink()
    assert not locate().built
    assert build() == directory
    assert (directory / lost).exists()
    assert left_over(machine) == []


def test_another_compiler_is_another_toolchain(machine: Path) -> None:
    first = build()
    (machine / "compiler").write_text("#!/bin/sh\necho compiler 8.1\n")
    assert build() != first
    assert first.exists()


def test_outer_make_does_not_reach_ours(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", "-n --jobserver-auth=3,4")
    script_make(machine, '[ -z "$MAKEFLAGS" ] || exit 1\n')
    assert build().is_dir()


def test_failing_compiler(machine: Path) -> None:
    script_make(machine, "echo driver.cpp:7: error: no such thing >&2\nexit 2\n")
    with pytest.raises(ToolchainError, match="error: no such thing") as caught:
        build()
    assert "exit status 2" in str(caught.value)
    assert "CMDSTAN" in str(caught.value)
    assert left_over(machine) == []
    assert not locate().built
    script_make(machine, "")
    assert build().is_dir()


def test_disk_fills_up_while_compiling(machine: Path) -> None:
    script_make(machine, "echo 'x.o: No space left on device' >&2\nexit 1\n")
    with pytest.raises(ToolchainError, match="make room for 250 MB"):
        build()
    assert left_over(machine) == []


def test_disk_fills_up_while_linking(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(ToolchainError, match="HIERSTAN_CACHE"):
        build()
    assert left_over(machine) == []


def test_cache_that_cannot_be_written(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "file").touch()
    monkeypatch.setenv("HIERSTAN_CACHE", str(machine / "file" / "cache"))
    with pytest.raises(ToolchainError, match="make it writable"):
        build()


def test_a_built_one_needs_no_writing(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert build() == first
    assert ensure().path == first
    assert len(calls(machine)) == 1


def test_without_httpstan(machine: Path) -> None:
    package = machine / "site packages" / "httpstan"
    (package / "stanc").unlink()
    with pytest.raises(ToolchainError, match="reinstall"):
        build()


def test_without_make(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.exists()
    monkeypatch.delenv("MAKE")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolchainError, match="No make program found"):
        build()


def test_two_processes_build_once(machine: Path) -> None:
    script_make(machine, "sleep 1\n")
    started = [start_build(), start_build()]
    outputs = [process.communicate(timeout=120)[0] for process in started]
    assert outputs[0] == outputs[1] != ""
    assert len(calls(machine)) == 1
    assert left_over(machine) == []


def test_interrupt_leaves_nothing(machine: Path) -> None:
    beat = machine / "beat"
    script_make(machine, f"(while :; do echo >> '{beat}'; sleep 0.02; done) &\nwait\n")
    process = start_build()
    wait_for(beat)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert left_over(machine) == []
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size  # what make had started is ended too


def test_what_a_killed_build_left_is_removed(machine: Path) -> None:
    child = machine / "child"
    script_make(machine, f"touch '{child}'\nsleep 3\n")
    process = start_build()
    wait_for(child)
    process.kill()
    process.communicate(timeout=120)
    assert len(left_over(machine)) == 1
    assert not locate().built
    script_make(machine, "")
    assert build().is_dir()
    assert left_over(machine) == []


def test_ensure_builds_when_needed(machine: Path) -> None:
    found = ensure()
    assert found.built
    assert found.source == "embedded"
    assert ensure() == found
    assert len(calls(machine)) == 1


def test_clean_removes_all(machine: Path) -> None:
    assert clean() == []
    first = build()
    assert clean() == [first]
    assert not first.exists()
    assert left_over(machine) == []


def test_clean_waits_for_no_one(machine: Path) -> None:
    directory = build()
    child = machine / "child"
    script_make(machine, f"touch '{child}'\nsleep 3\n")
    code = "from hierstan.toolchain import build; build(force=True)"
    process = subprocess.Popen([sys.executable, "-c", code])
    wait_for(child)
    with pytest.raises(ToolchainError, match="Another process is building"):
        clean()
    assert directory.is_dir()
    assert process.wait(timeout=120) == 0
