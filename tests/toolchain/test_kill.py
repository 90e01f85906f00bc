"""Builds that are killed: the next one works, and nothing is left over.

The makefile and make are the real ones; only the compiler is a stand-in, which writes its
output slowly so that every moment of a build can be hit.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from stand_in import left_over, start_build, wait_for

from hierstan.errors import ToolchainError
from hierstan.toolchain import build, locate

COMPILER = """#!/bin/sh
# Writes the file after -o in two halves, and tells that it is alive.
[ "$1" = --version ] && echo compiler 7.5 && exit
while [ "$1" != -o ]; do shift; done
echo >> "$BEAT"
printf half > "$2"
for i in 1 2 3 4 5 6 7 8 9; do sleep 0.02; echo >> "$BEAT"; done
[ -z "$FAIL" ] || { echo "$2: $FAIL" >&2; exit 1; }
echo " and half" >> "$2"
"""


@pytest.fixture
def slow(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the real make, and a compiler that takes its time."""
    monkeypatch.delenv("MAKE")
    monkeypatch.setenv("BEAT", str(machine / "beat"))
    (machine / "compiler").write_text(COMPILER)
    return machine


def is_whole(directory: Path) -> bool:
    """Tell whether every file of the compiler was written to its end."""
    made = [*directory.glob("build/*/driver.o"), *directory.glob("bin/*")]
    made.remove(directory / "bin" / "stanc")
    return len(made) == 3 and all(p.read_text() == "half and half\n" for p in made)


def end(process: subprocess.Popen[str], how: str) -> None:
    """Kill a build in one of the ways in which builds are killed."""
    number = signal.SIGINT if how.startswith("interrupt") else signal.SIGKILL
    if how.endswith("group"):
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.communicate(timeout=120)


def assert_quiet(beat: Path) -> None:
    """See that no compiler works any more, a moment after the last one was told to end."""
    time.sleep(0.1)
    size = beat.stat().st_size if beat.exists() else 0
    time.sleep(0.1)
    assert (beat.stat().st_size if beat.exists() else 0) == size


def beats(beat: Path) -> int:
    """Return how often the compilers have told that they are alive."""
    return len(beat.read_text()) if beat.exists() else 0


# The compilers of one build beat thirty times; before them come imports and links.
WAYS = ["kill", "kill the group", "interrupt", "interrupt the group"]
chance = random.Random(2718)  # noqa: S311
MOMENTS = [(WAYS[i % 4], chance.randrange(30), chance.uniform(0, 0.3)) for i in range(20)]


@pytest.mark.parametrize(("how", "after", "share"), MOMENTS)
def test_killed_build_is_made_up_for(
    how: str, after: int, share: float, slow: Path
) -> None:
    process = start_build(own_group=True)
    while beats(slow / "beat") < after and process.poll() is None:
        time.sleep(0.001)
    time.sleep(share if after < 3 else share / 10)
    end(process, how)
    assert_quiet(slow / "beat")
    found = locate()
    assert not found.built or is_whole(found.path)
    assert is_whole(build())
    assert left_over(slow) == []


def test_killed_forced_build_leaves_the_old_one_or_a_new_one(slow: Path) -> None:
    directory = build()
    (slow / "beat").unlink()
    process = start_build(own_group=True, force=True)
    wait_for(slow / "beat")
    end(process, "kill")
    assert is_whole(directory)
    assert locate().built


def test_two_builds_one_killed(slow: Path) -> None:
    """The lock of a killed build is free at once, and the waiting one goes on."""
    first = start_build(own_group=True)
    wait_for(slow / "beat")
    second = start_build(own_group=True)
    time.sleep(0.3)
    end(first, "kill")
    path, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    assert is_whole(Path(path.strip()))
    build()
    assert left_over(slow) == []


@pytest.mark.parametrize(
    ("says", "advice"),
    [("error: no such thing", "no such thing"), ("No space left on device", "make room")],
)
def test_failing_compiler_through_the_real_makefile(
    says: str, advice: str, slow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", says)
    with pytest.raises(ToolchainError, match=advice):
        build()
    assert left_over(slow) == []
    assert not locate().built
    monkeypatch.delenv("FAIL")
    assert is_whole(build())
