"""Stan programs as stanli's runtime takes them, and bound to data."""

import json
import re
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import stanli

from hierstan.engines.base import StanData
from hierstan.errors import EngineError
from hierstan.resources import directory

# A warning that changes no number and asks the user for nothing, unless it goes on so.
_SLOW_PARTS = "stanli: parts of this model have no compiled path"
_MISSING_PARTS = "The interpreter also failed"

# One thread at a time: stanc is an OCaml program within the library, and Python catches
# warnings for all threads at once.
_building = threading.Lock()
_translations: dict[tuple[Path, bool], str] = {}


@dataclass(frozen=True)
class Bound:
    """A program bound to data.

    Attributes
    ----------
    model : stanli.Model
        Evaluates densities in one thread at a time.
    program : str
        Its name.
    missing : str
        What stanli said about variables that it cannot compute; empty if it can.
    """

    model: stanli.Model
    program: str
    missing: str

    def complete(self) -> stanli.Model:
        """Return the model, or refuse when it would leave variables out.

        Raises
        ------
        EngineError
            When it would; names the engine that does not.
        """
        if self.missing:
            raise EngineError(
                f"stanli {stanli.__version__} cannot compute all variables of "
                f'{self.program} for this model; use engine="cmdstan". It said:\n'
                f"{self.missing}"
            )
        return self.model


def bind(program: str, data: str, *, jacobian: bool = False) -> Bound:
    """Bind a program, or what gives its Jacobian, to data in JSON."""
    translation, _ = translate(program, jacobian=jacobian)
    with _building, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # also one that was given before, to be read here
        model = stanli.Model(mir=translation, data=data)
    told = [str(warning.message) for warning in caught]
    for text in told:
        if not text.startswith(_SLOW_PARTS):
            warnings.warn(text, RuntimeWarning, stacklevel=2)
    return Bound(model, program, "\n".join(t for t in told if _MISSING_PARTS in t))


def to_json(data: StanData) -> str:
    """Write a data block as Stan reads it."""
    return json.dumps(dict(data), default=lambda value: value.tolist())


def translate(program: str, *, jacobian: bool = False) -> tuple[str, float]:
    """Return a program as stanli's runtime reads it, and the seconds it took to make.

    Raises
    ------
    EngineError
        When it does not compile.
    """
    source = directory("stan") / f"{program}.stan"
    with _building:
        known = _translations.get((source, jacobian))
        if known is not None:
            return known, 0.0
        start = time.perf_counter()
        text = source.read_text(encoding="utf-8")
        try:
            made: str = stanli.stan_to_mir(
                _emptied(text) if jacobian else text, include_paths=[source.parent]
            )
        except RuntimeError as error:
            raise EngineError(
                f"The Stan program {source.name} does not compile:\n{error}"
            ) from error
        _translations[source, jacobian] = made
        return made, time.perf_counter() - start


def _emptied(program: str) -> str:
    """Take the model block out, and generated quantities, which no density depends on."""
    blocks = r"^(model|generated quantities) \{.*?^\}"
    return re.sub(blocks, "", program, flags=re.MULTILINE | re.DOTALL) + "model {\n}\n"
