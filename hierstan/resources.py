"""Where the files that travel with the package are: Stan programs and data sets."""

from pathlib import Path
from typing import Literal

from hierstan.errors import EngineError


def directory(name: Literal["stan", "data"]) -> Path:
    """Return the directory of the Stan programs or of the packaged data sets.

    A wheel carries both inside the package, as ``hierstan/_shipped/<name>``. In a checkout,
    which an editable install points to, they are top-level directories beside the package.

    Parameters
    ----------
    name : {"stan", "data"}
        Which of the two directories is wanted.

    Returns
    -------
    pathlib.Path
        An existing directory. Treat it as read-only: it may belong to another user.

    Raises
    ------
    EngineError
        When the directory is in neither place, so the installation is incomplete.

    Examples
    --------
    >>> (directory("data") / "radon.csv").is_file()
    True
    """
    package = Path(__file__).absolute().parent
    shipped = package / "_shipped" / name
    if shipped.is_dir():
        return shipped
    # Only a checkout has pyproject.toml there. Without this condition a directory "data"
    # that some other distribution left in site-packages would be taken for ours.
    beside = package.parent / name
    if beside.is_dir() and (package.parent / "pyproject.toml").is_file():
        return beside
    raise EngineError(
        f'the "{name}" directory of hierstan is missing: neither {shipped} nor a checkout '
        f"with {beside} exists. Install hierstan again."
    )
