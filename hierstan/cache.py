"""Where everything that may be deleted and made again is kept."""

import os
from pathlib import Path

import platformdirs


def cache_directory() -> Path:
    """Return the root of the cache: toolchains and compiled programs.

    Returns
    -------
    pathlib.Path
        ``$HIERSTAN_CACHE`` when set and not empty, else the user's cache directory for
        this platform (``~/.cache/hierstan`` on Linux). It is not created here.

    Examples
    --------
    >>> import os
    >>> os.environ["HIERSTAN_CACHE"] = "/tmp/elsewhere"
    >>> cache_directory().as_posix()
    '/tmp/elsewhere'
    """
    chosen = os.environ.get("HIERSTAN_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_cache_path("hierstan")
