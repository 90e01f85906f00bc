"""Write a report as a whole or not at all."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hierstan.analysis import Analysis
from hierstan.errors import OutputError
from hierstan.report.html import page
from hierstan.report.images import save
from hierstan.report.pictures import pictures
from hierstan.report.results import results, to_json
from hierstan.report.tables import tables

_OURS = {"index.html", "results.json", "tables", "figures", "fits"}


def check_target(directory: Path, *, force: bool) -> None:
    """Refuse an output directory that cannot be used, before any work is done.

    Raises
    ------
    OutputError
        When it exists and `force` is false, is a file, holds anything that a report does
        not have, or its parent cannot be written.
    """
    if directory.exists() and not directory.is_dir():
        raise OutputError(f"{directory} is not a directory; choose another name.")
    if directory.is_dir() and any(directory.iterdir()):
        if not force:
            raise OutputError(
                f"The directory {directory} exists and is not empty; choose another name, "
                "or allow it to be replaced with --force (force=True)."
            )
        foreign = sorted({path.name for path in directory.iterdir()} - _OURS)
        if foreign:
            raise OutputError(
                f"The directory {directory} holds {foreign[0]!r}, which no report has, so "
                "it will not be replaced; choose another name."
            )
    parent = directory.resolve().parent
    if not parent.is_dir():
        raise OutputError(f"There is no directory {parent} to write {directory.name} in.")
    if not os.access(parent, os.W_OK):
        raise OutputError(f"The directory {parent} cannot be written.")


def write_report(analysis: Analysis, directory: Path, *, force: bool = False) -> Path:
    """Write the report of an analysis.

    Everything is written to a temporary directory beside the target and moved there at
    the end, so an interrupted or failed run leaves no half report and an old report stays
    until the new one is complete.

    Parameters
    ----------
    analysis : Analysis
        What was run.
    directory : pathlib.Path
        Where to; its parent must exist.
    force : bool
        Replace an earlier report.

    Returns
    -------
    pathlib.Path
        The page, ``index.html``. Beside it: ``results.json``, ``tables/*.csv``,
        ``figures/*.png`` and ``*.svg``, ``fits/*.nc``.

    Raises
    ------
    OutputError
        When the directory cannot be used or written.
    """
    check_target(directory, force=force)
    target = directory.resolve()
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".report-") as work:
            made = Path(work) / target.name
            made.mkdir()
            _fill(analysis, made)
            if target.exists():
                target.rename(Path(work) / "replaced")
            made.rename(target)
    except OSError as error:
        raise OutputError(f"The report {directory} cannot be written: {error}.") from error
    return directory / "index.html"


def _fill(analysis: Analysis, made: Path) -> None:
    for name in ("tables", "figures", "fits"):
        (made / name).mkdir()
    (made / "results.json").write_text(to_json(results(analysis)), encoding="utf-8")
    found = tables(analysis)
    for name, table in found.items():
        table.to_csv(made / "tables" / f"{name}.csv", index=False)
    with ThreadPoolExecutor(1) as pool:
        saved = [(p, save(p, made / "figures", pool)) for p in pictures(analysis)]
    drawn = [(picture, png.result()) for picture, png in saved]
    (made / "index.html").write_text(page(analysis, found, drawn), encoding="utf-8")
    for name, fit in analysis.fits.items():
        fit.to_arviz().to_netcdf(str(made / "fits" / f"{name}.nc"))
