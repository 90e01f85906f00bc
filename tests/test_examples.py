"""What the documentation shows, run."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import hierstan
from hierstan.programs import PROGRAMS

README = (Path(__file__).parent.parent / "README.md").read_text()


def modules() -> list[str]:
    found = pkgutil.walk_packages(hierstan.__path__, "hierstan.")
    return [module.name for module in found if not module.name.endswith("__main__")]


@pytest.mark.parametrize("name", ["hierstan", *modules()])
def test_examples_in_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIERSTAN_CACHE", "")  # the example of the cache sets it
    module = importlib.import_module(name)
    if 'engine="stanli"' in Path(str(module.__file__)).read_text():
        pytest.importorskip("stanli")  # it comes with the extra `dev`
    failed, _ = doctest.testmod(module)
    assert failed == 0


@pytest.mark.stan
def test_python_in_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # our own text
    assert "noncentered" in capsys.readouterr().out
    assert (tmp_path / "report" / "index.html").is_file()


def test_the_readme_names_commands_that_exist() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for program in PROGRAMS:
        assert f"`{program}`" in README
