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

from hierstan.errors import ToolchainError
from hierstan.toolchain import build, clean, ensure, locate

MAKE = """#!/bin/sh
# Stands in for make: counts its calls and does what the test asks.
[ "$1" = --version ] && echo stand-in && exit
echo "$@" >> "$CALLS"
mkdir -p bin
touch bin/stansummary bin/diagnose
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a machine with a blank in each path, nobody's CmdStan and a make to script."""
    package = tmp_path / "site packages" / "httpstan"
    for name in (
        "stanc",
        "include/stan/model/x.hpp",
        "include/pybind11/y.hpp",
        "lib/libtbb.so",
    ):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (package / "__init__.py").touch()
    (package / "include/stan/version.hpp").write_text(
        "#define STAN_MAJOR 2\n#define STAN_MINOR 71\n#define STAN_PATCH 3\n"
    )
    monkeypatch.delitem(sys.modules, "httpstan", raising=False)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv("HIERSTAN_CACHE", str(tmp_path / "a cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CMDSTAN", raising=False)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    script_make(tmp_path, "")
    monkeypatch.setenv("MAKE", f"'{tmp_path / 'make it'}'")
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho compiler 7.5\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    return tmp_path


def script_make(machine: Path, more: str) -> None:
    """Let the stand-in do more than it does."""
    script = machine / "make it"
    script.write_text(MAKE + more)
    script.chmod(0o755)


def calls(machine: Path) -> list[str]:
    """Return the arguments of each call of make."""
    path = machine / "calls"
    return path.read_text().splitlines() if path.exists() else []


def left_over(machine: Path) -> list[str]:
    """Return what lies in the cache beside toolchains and their locks."""
    root = machine / "a cache" / "toolchain"
    return [path.name for path in root.glob(".*")]


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
    with pytest.raises(ToolchainError, match="make room for about 500 MB"):
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


def start_build() -> subprocess.Popen[str]:
    """Build in another process."""
    code = "from hierstan.toolchain import build; print(build())"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip


def wait_for(path: Path) -> None:
    """Wait until another process has made a file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def test_two_processes_build_once(machine: Path) -> None:
    script_make(machine, "sleep 1\n")
    started = [start_build(), start_build()]
    outputs = [process.communicate(timeout=60)[0] for process in started]
    assert outputs[0] == outputs[1] != ""
    assert len(calls(machine)) == 1
    assert left_over(machine) == []


def test_interrupt_leaves_nothing(machine: Path) -> None:
    beat = machine / "beat"
    script_make(machine, f"(while :; do echo >> '{beat}'; sleep 0.02; done) &\nwait\n")
    process = start_build()
    wait_for(beat)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
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
    process.communicate(timeout=30)
    assert len(left_over(machine)) == 1
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
    assert process.wait(timeout=30) == 0
