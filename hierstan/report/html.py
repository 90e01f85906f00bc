"""The page: everything in one file that opens anywhere."""

import math
from importlib.metadata import version

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from hierstan.analysis import Analysis
from hierstan.arviz_stats import VERSION as ARVIZ_VERSION
from hierstan.report.figures import Picture
from hierstan.version import __version__


def page(
    analysis: Analysis,
    tables: dict[str, pd.DataFrame],
    drawn: list[tuple[Picture, str]],
) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    analysis : Analysis
        What was run.
    tables : dict of str to pandas.DataFrame
        From `hierstan.report.tables.tables`.
    drawn : list of (Picture, str)
        Pictures with their PNG in base64.

    Returns
    -------
    str
        A document without any reference to the network.
    """
    environment = Environment(
        loader=PackageLoader("hierstan.report"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    design = analysis.design
    return environment.get_template("report.html").render(
        analysis=analysis,
        design=design,
        comparison=analysis.comparison(),
        ladder=[rung.to_dict() for rung in analysis.check.rungs] if analysis.check else [],
        diagnostics=tables["diagnostics"].to_dict("records"),
        shrinkage={f.name: _shrinkage_rows(tables, f.name) for f in design.factors},
        pooling=analysis.pooling(),
        priors=tables["priors"].to_dict("records"),
        pictures=drawn,
        versions={
            "hierstan": __version__,
            "ArviZ": ARVIZ_VERSION,
            **{name: version(name) for name in ("statsmodels", "numpy", "pandas")},
        },
    )


def number(value: object, digits: int = 3) -> str:
    """Format a number for reading: few digits, powers of ten where they would be zeros."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 10 ** (digits + 1):
        return f"{value:,.0f}"
    if 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}".replace("-", "−")
    decimals = digits if abs(value) < 10 else max(0, digits - int(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def _shrinkage_rows(
    tables: dict[str, pd.DataFrame], factor: str
) -> dict[str, list[dict[str, object]]]:
    """Rows of a factor's table by effect."""
    table = tables[f"shrinkage_{factor.replace(':', '_')}"]
    return {
        str(effect): [
            {str(k): v for k, v in row.items()} for row in rows.to_dict("records")
        ]
        for effect, rows in table.groupby("effect", sort=False)
    }
