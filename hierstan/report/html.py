"""The page: everything in one file that opens anywhere."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hierstan.analysis import Analysis
from hierstan.report.names import factor_file
from hierstan.report.pictures import Picture
from hierstan.report.sections import checks, diagnostics, estimates, run, shrinkage
from hierstan.report.verdicts import headline, labels, lines

_SECTIONS = {
    "verdict": "What to trust",
    "estimates": "Estimates",
    "crosscheck": "Cross-check",
    "shrinkage": "Shrinkage",
    "diagnostics": "Diagnostics",
    "checks": "Checks of fit",
    "run": "What was run",
}

_PIXELS_PER_INCH = 100  # of a picture on the page; its PNG has more, for sharp screens


@dataclass(frozen=True)
class Drawn:
    """A picture with its PNG in base64, its size on the page and its number."""

    picture: Picture
    data: str
    width: int
    height: int
    number: int


def page(
    analysis: Analysis,
    tables: dict[str, pd.DataFrame],
    drawn: list[tuple[Picture, bytes]],
) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    analysis : Analysis
        What was run.
    tables : dict of str to pandas.DataFrame
        From `hierstan.report.tables.tables`.
    drawn : list of (Picture, bytes)
        Pictures with their PNG.

    Returns
    -------
    str
        A document that loads nothing: its policy allows its own style and script, by
        their hashes, and pictures that it carries.
    """
    environment = Environment(
        loader=PackageLoader("hierstan.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _own("report.css"), _own("report.js")
    pictures = [_measured(*pair, k) for k, pair in enumerate(drawn, start=1)]
    sections = dict(_SECTIONS)
    if analysis.check is None and analysis.joint is None:
        del sections["crosscheck"]
    factors = analysis.design.factors
    return environment.get_template("report.html").render(
        analysis=analysis,
        design=analysis.design,
        style=style,
        script=script,
        policy=(
            f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
            f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
        ),
        sections=sections,
        headline=headline(analysis, tables.get("predictive")),
        lines=list(lines(analysis)),
        beside=estimates.beside(analysis),
        every_fit=estimates.every_fit(analysis),
        ladder=estimates.ladder(analysis),
        pooling=shrinkage.pooling(
            tables.get("pooling"),
            labels(analysis)[analysis.best.program.name] if analysis.best else "",
        ),
        groups={
            f.name: shrinkage.groups(analysis, tables[f"shrinkage_{factor_file(f)}"], f)
            for f in factors
        },
        states=diagnostics.states(tables["diagnostics"]),
        causes=diagnostics.causes(analysis),
        failing=diagnostics.failing(analysis),
        deviations=checks.deviations(analysis, tables),
        left_out=checks.left_out(analysis, tables),
        predictive=checks.predictive(tables),
        not_computed=(
            tables["not_computed"].to_dict("records") if "not_computed" in tables else []
        ),
        priors=tables["priors"].to_dict("records"),
        facts=run.facts(analysis),
        pictures=pictures,
    )


def _own(name: str) -> Markup:
    """Return one of our own files; it goes into the page as it is."""
    text = files("hierstan.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  # no name from the data is in it


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _measured(picture: Picture, png: bytes, number: int) -> Drawn:
    """Give a picture its size in inches, so that labels are as large in all of them."""
    inches = picture.figure.get_size_inches()
    width, height = (round(_PIXELS_PER_INCH * float(side)) for side in inches)
    return Drawn(picture, b64encode(png).decode(), width, height, number)
