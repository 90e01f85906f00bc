"""The state of the machine, as data."""

import platform
from pathlib import Path

import pytest

from hierstan.toolchain import diagnose


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use an empty cache and nobody's CmdStan."""
    monkeypatch.delenv("CMDSTAN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HIERSTAN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_sound_machine() -> None:
    report = diagnose()
    assert report.problems == ()
    assert report.python == platform.python_version()
    assert report.compiler
    assert report.make
    assert report.cmdstan is not None
    assert report.cmdstan.source == "embedded"
    assert report.stan is not None
    assert report.stan.startswith("2.")
    assert report.packages["cmdstanpy"]
    assert report.cache_bytes == 0


def test_size_counts_a_file_with_two_names_once(machine: Path) -> None:
    cache = machine / "cache"
    cache.mkdir()
    (cache / "a").write_bytes(bytes(12345))
    (cache / "b").hardlink_to(cache / "a")
    (cache / "c").write_bytes(bytes(17))
    assert diagnose().cache_bytes == 12345 + 17


def test_problems_are_sentences_with_a_remedy(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "cache").write_text("a file")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("MAKE", raising=False)
    report = diagnose()
    assert (report.compiler, report.make, report.cmdstan) == (None, None, None)
    assert len(report.problems) == 3
    for problem, remedy in zip(
        report.problems, ("apt-get", "apt-get", "HIERSTAN_CACHE"), strict=True
    ):
        assert remedy in problem
        assert problem.endswith(".")


def test_broken_cmdstan_is_a_problem(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMDSTAN", str(machine / "gone"))
    report = diagnose()
    assert report.cmdstan is None
    assert "gone" in report.problems[0]
