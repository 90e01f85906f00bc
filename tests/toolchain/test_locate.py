"""Which CmdStan is found, without building one."""

from pathlib import Path

import pytest

from hierstan.errors import ToolchainError
from hierstan.toolchain import locate


def make_cmdstan(directory: Path, version: str = "2.37.1") -> Path:
    """Lay out the least that passes for a built CmdStan."""
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "stanc").touch()
    makefile = f"# a makefile\nCMDSTAN_VERSION := {version}\nall:\n"
    (directory / "makefile").write_text(makefile)
    return directory


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let nobody name a CmdStan."""
    monkeypatch.delenv("CMDSTAN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HIERSTAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "home").mkdir()
    return tmp_path


def test_argument_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = make_cmdstan(tmp_path / "a directory", "2.38.0")
    monkeypatch.setenv("CMDSTAN", str(make_cmdstan(tmp_path / "other")))
    found = locate(named)
    assert found.path == named
    assert found.source == "argument"
    assert found.version == (2, 38, 0)
    assert found.built


def test_environment_comes_before_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cmdstan(tmp_path / "home/.cmdstan/cmdstan-2.36.0")
    monkeypatch.setenv("CMDSTAN", str(make_cmdstan(tmp_path / "own")))
    found = locate()
    assert (found.path, found.source) == (tmp_path / "own", "CMDSTAN")
    assert "CMDSTAN" in found.reason


def test_newest_at_home(tmp_path: Path) -> None:
    """By number, not by letter: 2.9 is older than 2.36."""
    for version in ("2.9.0", "2.36.0", "2.36.0-rc1"):
        make_cmdstan(tmp_path / f"home/.cmdstan/cmdstan-{version}", version)
    found = locate()
    assert found.path == tmp_path / "home/.cmdstan/cmdstan-2.36.0"
    assert found.source == "home"
    assert "~/.cmdstan" in found.reason


def test_looking_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CmdStanPy's own look-up would set CMDSTAN for the whole process."""
    make_cmdstan(tmp_path / "home/.cmdstan/cmdstan-2.36.0")
    locate()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate().source == "embedded"
    assert not (tmp_path / "cache").exists()


def test_embedded_is_the_last(tmp_path: Path) -> None:
    (tmp_path / "home/.cmdstan").mkdir()
    found = locate()
    assert found.source == "embedded"
    assert found.path.parent == tmp_path / "cache/toolchain"
    assert not found.built
    assert found.version is None
    assert locate() == found


def test_empty_variable_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMDSTAN", "")
    assert locate().source == "embedded"


@pytest.mark.parametrize("missing", ["", "makefile", "bin/stanc"])
@pytest.mark.parametrize("source", ["argument", "CMDSTAN", "home"])
def test_broken_directory_is_an_error(
    source: str, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "home/.cmdstan/cmdstan-2.36.0"
    make_cmdstan(path)
    if source == "CMDSTAN":
        monkeypatch.setenv("CMDSTAN", str(path))
    if missing:
        (path / missing).unlink()
    else:
        path = path.rename(path.with_name("moved"))
        if source == "home":
            return  # nothing is named there now
        path = path.with_name("cmdstan-2.36.0")
    with pytest.raises(ToolchainError, match=r"cmdstan-2\.36\.0") as caught:
        locate(path if source == "argument" else None)
    assert missing in str(caught.value)
    assert {"argument": "path given", "home": "~/.cmdstan"}.get(source, source) in str(
        caught.value
    )


@pytest.mark.parametrize("text", ["", "CMDSTAN_VERSION := ", "CMDSTAN_VERSION := 2.x.1"])
def test_makefile_that_tells_no_version(text: str, tmp_path: Path) -> None:
    directory = make_cmdstan(tmp_path / "own")
    (directory / "makefile").write_text(text + "\nall:\n")
    assert locate(directory).version is None


def test_release_candidate_is_a_version(tmp_path: Path) -> None:
    assert locate(make_cmdstan(tmp_path / "own", "2.38.0-rc2")).version == (2, 38, 0)


def test_names_that_cannot_be_ordered(tmp_path: Path) -> None:
    for version in ("develop", "mine"):
        make_cmdstan(tmp_path / f"home/.cmdstan/cmdstan-{version}")
    with pytest.raises(ToolchainError, match="let CMDSTAN name"):
        locate()


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolchainError, match=r"apt-get install g\+\+ make"):
        locate()


def test_compiler_variable_that_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler -O9")
    with pytest.raises(ToolchainError, match="CXX=no-such-compiler -O9"):
        locate()
