"""The shipped directories are found in a checkout and in an installed wheel."""

from pathlib import Path
from typing import Literal

import pytest

from hierstan import resources
from hierstan.errors import EngineError

Name = Literal["stan", "data"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that hierstan lives in an otherwise empty place with a blank in its name."""
    directory = tmp_path / "some place" / "hierstan"
    directory.mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(directory / "resources.py"))
    return directory


def make_checkout(package: Path) -> None:
    for name in ("stan", "data"):
        (package.parent / name).mkdir()
    (package.parent / "pyproject.toml").touch()


def test_here_the_data_have_their_readme() -> None:
    assert (resources.directory("data") / "README.md").is_file()


@pytest.mark.parametrize("name", ["stan", "data"])
def test_a_checkout_has_them_beside_the_package(name: Name, package: Path) -> None:
    make_checkout(package)
    assert resources.directory(name) == package.parent / name


@pytest.mark.parametrize("name", ["stan", "data"])
def test_a_wheel_has_them_inside_and_that_comes_first(name: Name, package: Path) -> None:
    make_checkout(package)
    shipped = package / "_shipped" / name
    shipped.mkdir(parents=True)
    assert resources.directory(name) == shipped


@pytest.mark.parametrize("name", ["stan", "data"])
def test_a_missing_directory_is_named(name: Name, package: Path) -> None:
    with pytest.raises(EngineError) as caught:
        resources.directory(name)
    message = str(caught.value)
    assert str(package / "_shipped" / name) in message
    assert "Install hierstan again" in message


def test_the_data_directory_of_another_distribution_is_not_ours(package: Path) -> None:
    (package.parent / "data").mkdir()
    with pytest.raises(EngineError, match='the "data" directory of hierstan is missing'):
        resources.directory("data")


def test_a_file_in_place_of_the_directory_does_not_do(package: Path) -> None:
    make_checkout(package)
    (package.parent / "stan").rmdir()
    (package.parent / "stan").touch()
    with pytest.raises(EngineError, match='"stan" directory'):
        resources.directory("stan")
