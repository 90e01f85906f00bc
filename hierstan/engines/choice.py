"""Which engine runs Stan, and why that one."""

from importlib.util import find_spec

from hierstan.engines.base import Engine, EngineChoice
from hierstan.errors import EngineError, InputError
from hierstan.toolchain.locate import obstacle

ENGINES = ("cmdstan", "stanli")


def choose_engine(choice: EngineChoice = None) -> Engine:
    """Return the engine that is meant.

    Parameters
    ----------
    choice : {"cmdstan", "stanli"}, Engine or None
        None is CmdStan where one is configured or can be built, else stanli where it is
        installed. Neither is looked for before it is needed; without both, CmdStan's first
        use says what is missing.

    Returns
    -------
    Engine

    Raises
    ------
    InputError
        When there is no engine of that name.
    EngineError
        When stanli is asked for and cannot be imported.

    Examples
    --------
    >>> from hierstan.engines import choose_engine
    >>> choose_engine("cmdstan").name
    'cmdstan'
    """
    if choice is None:
        why = obstacle()
        if why and find_spec("stanli") is not None:
            return _stanli(why)
        choice = "cmdstan"
    if not isinstance(choice, str):
        return choice
    if choice not in ENGINES:
        raise InputError(f"There is no engine {choice!r}; use {' or '.join(ENGINES)}.")
    if choice == "stanli":
        return _stanli("asked for")
    from hierstan.engines.cmdstan import CmdStanEngine

    return CmdStanEngine()


def _stanli(reason: str) -> Engine:
    try:
        from hierstan.engines.stanli import StanliEngine
    except (ImportError, OSError) as error:  # not installed, or its library does not load
        raise EngineError(
            f"stanli cannot be imported ({error}): `pip install 'hierstan[stanli]'`, or "
            'use engine="cmdstan".'
        ) from error
    return StanliEngine(reason)
