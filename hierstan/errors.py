"""Every error a user can meet, by whose fault it is.

The command line turns an `InputError` into exit status 2 and an `EngineError` into exit
status 3, so a script can tell "mend the data" from "mend the machine".
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class HierstanError(Exception):
    """Base of all errors raised on purpose by this package."""

    exit_code = 1


class InputError(HierstanError):
    """The input is at fault: a formula, a data file, a prior or an output path."""

    exit_code = 2


class FormulaError(InputError):
    """The formula cannot be read, or asks for something no program can fit."""


class DataError(InputError):
    """The data do not fit the formula: a column, a row or a group is at fault."""


class PriorError(InputError):
    """A prior is unknown, names an unknown parameter or has an illegal scale."""


class OutputError(InputError):
    """The output directory cannot be used as it is."""


class EngineError(HierstanError):
    """The engine or its toolchain is at fault, not the input."""

    exit_code = 3


class ToolchainError(EngineError):
    """No usable CmdStan, compiler or `make`, or building one of them failed."""


class SamplingError(EngineError):
    """Stan stopped without a result; the message carries Stan's own words."""


class ConvergenceWarning(UserWarning):
    """A fit came back, but its numbers are not to be trusted yet."""


@contextmanager
def unwarned() -> Iterator[None]:
    """Sample without a `ConvergenceWarning`, for callers who show the fit's verdict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def kind_of(given: object) -> str:
    """Say what something is, with its article: ``"a Fit"``, ``"an int"``, ``"None"``."""
    if given is None:
        return "None"
    name = type(given).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"
