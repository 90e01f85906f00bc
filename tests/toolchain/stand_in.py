"""A small stand-in for httpstan, the compiler and make, to test the care of building."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

MAKE = """#!/bin/sh
# Stands in for make: makes empty files, counts its calls and does what the test asks.
[ "$1" = --version ] && echo stand-in && exit
case "$*" in
*bin/*) touch bin/stansummary bin/diagnose; exit;;
esac
echo "$@" >> "$CALLS"
mkdir -p build/threads-17
echo "c++ -fast" > build/threads-17/flags
case "$*" in
*header) touch build/threads-17/model_header.hpp.gch;;
*) touch build/threads-17/driver.o;;
esac
"""


def stand_in_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def script_make(machine: Path, more: str) -> None:
    """Let the stand-in do more than it does."""
    script = machine / "make it"
    script.write_text(MAKE + more)
    script.chmod(0o755)


def calls(machine: Path) -> list[str]:
    """Return the arguments of each call of make, but for the tools."""
    path = machine / "calls"
    return path.read_text().splitlines() if path.exists() else []


def left_over(machine: Path) -> list[str]:
    """Return what lies in the cache beside toolchains and their locks."""
    root = machine / "a cache" / "toolchain"
    return [path.name for path in root.glob(".*")]


def start_build(own_group: bool = False, force: bool = False) -> subprocess.Popen[str]:
    """Build in another process."""
    code = f"from hierstan.toolchain import build; print(build(force={force}))"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=own_group,
    )


def wait_for(path: Path) -> None:
    """Wait until another process has made a file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
