"""What an interactive session shows of a result without being asked to print it."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from matplotlib.figure import Figure

import hierstan as hs
from hierstan.prediction.predictive import Predictive


def results() -> Iterator[type]:
    """Dataclasses that hold arrays (so have no ==) and say how they are printed."""
    for module in pkgutil.walk_packages(hs.__path__, "hierstan."):
        if module.name.endswith("__main__"):
            continue
        for _, found in inspect.getmembers(importlib.import_module(module.name)):
            if (
                dataclasses.is_dataclass(found)
                and found.__module__ == module.name
                and not found.__dataclass_params__.eq
                and "__str__" in vars(found)
            ):
                yield found


@pytest.mark.parametrize("result", list(results()), ids=lambda result: result.__name__)
def test_a_result_is_shown_as_it_is_printed(result: type) -> None:
    # A generated repr would fill the screen with all arrays.
    assert result.__repr__ in (result.__str__, Predictive.__repr__)


def test_a_fit_without_priors_is_shown_as_its_table() -> None:
    fit = hs.Model("log_radon ~ floor + (1 | county)", hs.data.radon()).mixedlm()
    assert repr(fit) == str(fit)
    assert "sd(Intercept | county)" in repr(fit)


def test_a_picture_brings_its_own_bytes() -> None:
    model = hs.Model("Reaction ~ Days + (1 | Subject)", hs.data.sleepstudy())
    picture = hs.plot.prior_predictive(model.prior_predictive(draws=20))
    assert isinstance(picture, Figure)
    data = picture._repr_png_()  # type: ignore[attr-defined]  # what notebooks call
    assert data[:4] == b"\x89PNG"
    assert b"Software" not in data
    assert picture._repr_png_() == data  # type: ignore[attr-defined]
