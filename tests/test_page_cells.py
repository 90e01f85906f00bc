"""The cells of a report's page, each held against the reading that it shows."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from invented import grouped_data, invented_analysis
from synthetic import synthetic_fit

from hierstan.analysis import Analysis
from hierstan.prediction.comparison import compare_loo
from hierstan.report.html import page
from hierstan.report.tables import tables

FORMULA = "y ~ size + floor + (floor | group)"
# Cells by row's name, each under its heading; a heading that stands twice counts on.
Table = dict[str, dict[str, str]]


class Tables(HTMLParser):
    """Tables of a page, by caption."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption, self._in = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell."""
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")
        if tag in ("caption", "th", "td"):
            self._in = tag

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        if tag == self._in:
            self._in = ""
        if tag == "table":
            self.found[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        """Add text to the cell or caption that is open."""
        if self._in == "caption":
            self._caption += data
        elif self._in:
            self._rows[-1][-1] += data

    def table(self, caption: str) -> Table:
        """Return the table whose caption starts so."""
        rows = next(rows for name, rows in self.found.items() if name.startswith(caption))
        width = len(rows[-1])
        head = next(row for row in rows if row[-1] and len(row) == width)
        names = [f"{h}{head[:k].count(h) or ''}" for k, h in enumerate(head)]
        body = rows[rows.index(head) + 1 :]
        return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in body}


def assert_shows(cell: str, *values: float) -> None:
    """Compare the numbers in a cell, to the digits that they have there."""
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?", cell.replace("−", "-"))
    assert len(found) == len(values), cell
    for text, value in zip(found, values, strict=True):
        digits = len(text.partition("e")[0].partition(".")[2])
        power = int(text.partition("e")[2] or 0)
        half = 0.5001 * 10.0 ** (power - digits)
        assert float(text.replace(",", "")) == pytest.approx(value, abs=half), cell


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Two fits of one posterior and one without groups; a flat posterior that differs."""
    data = grouped_data([f"g{k}" for k in range(8)])
    data["size"] = data["group"].str[1:].astype(float) ** 1.5 / 9
    whole = invented_analysis(
        FORMULA, data, ["pooled", "noncentered", "marginal"], failed=[], draws=300
    )
    assert whole.check is not None
    rungs = tuple(
        replace(rung, engine=0.013 + k / 71, mode_to_mean=0.21 + k / 7, prior=-0.4 - k / 3)
        for k, rung in enumerate(whole.check.rungs)
    )
    samples = replace(whole.fits["pooled"].samples, seconds=7.3, compile_seconds=31.0)
    pooled = synthetic_fit(FORMULA, data, "pooled", draws=300)
    fit = type(pooled).from_samples(pooled.program, pooled.design, pooled.priors, samples)
    return replace(
        whole, fits=whole.fits | {"pooled": fit}, check=replace(whole.check, rungs=rungs)
    )


@pytest.fixture(scope="module")
def found(analysis: Analysis) -> Tables:
    """The tables of its page."""
    return Tables(page(analysis, tables(analysis), []))


def test_posterior_beside_reml(analysis: Analysis, found: Tables) -> None:
    shown = found.table("Posterior with its 95 % interval")
    assert analysis.best is not None
    theirs = dict(analysis.mixed["REML"].estimates().rows())
    for name, value in analysis.best.estimates().rows():
        row, reml = shown[name], theirs[name]
        assert_shows(row["mean"], value.center)
        assert_shows(row["sd"], value.spread or 0.0)
        assert_shows(row["2.5 %"], value.low or 0.0)
        assert_shows(row["97.5 %"], value.high or 0.0)
        assert_shows(row["estimate"], reml.center)
        if reml.spread is not None:
            assert_shows(row["se"], reml.spread)


def test_every_fit_has_its_column(analysis: Analysis, found: Tables) -> None:
    shown = found.table("Every fit:")
    for name, estimates in analysis.estimates().items():
        for parameter, value in estimates.rows():
            spread = () if value.spread is None else (value.spread,)
            assert_shows(shown[parameter][name], value.center, *spread)


def test_parts_of_the_ladder_stand_under_their_names(
    analysis: Analysis, found: Tables
) -> None:
    shown = found.table("Mean − REML = ")
    assert analysis.check is not None
    for rung in analysis.check.rungs:
        row = shown[rung.name]
        for heading, part in (
            ("engine", rung.engine), ("mode to mean", rung.mode_to_mean),
            ("prior", rung.prior),
        ):  # fmt: skip
            share = rung.in_sd(part)
            assert part is not None
            assert share is not None
            assert_shows(row[heading], part, share)
        assert rung.mean is not None
        assert_shows(row["mean"], rung.mean)
        assert_shows(row["REML"], rung.estimate)


def test_deviations_in_sample_and_left_out(analysis: Analysis, found: Tables) -> None:
    shown = found.table("Root mean square deviations")
    for name in ("pooled", "marginal"):
        table = analysis.fits[name].rmsd().table
        row = next(row for label, row in shown.items() if label.startswith(name))
        for heading, column in (
            ("in sample", "in_sample"), ("replicated", "replicated"),
            ("left out", "left_out"),
        ):  # fmt: skip
            assert_shows(row[heading], float(table.loc["row", column]))


def test_elpd_and_its_difference_have_their_own_errors(
    analysis: Analysis, found: Tables
) -> None:
    shown = found.table("Each row predicted from all others")
    fits = {name: analysis.fits[name] for name in ("pooled", "marginal")}
    for name, row in compare_loo(fits).iterrows():
        cells = next(cells for label, cells in shown.items() if label.startswith(str(name)))
        assert_shows(cells["elpd"], row["elpd"], row["se"])
        assert_shows(cells["difference"], row["difference"], row["se_difference"])
        assert_shows(cells["p_loo"], row["p_loo"])
        assert_shows(cells["k-hat"], row["khat"])


def test_pooling_and_explained_variance(analysis: Analysis, found: Tables) -> None:
    shown = found.table("Pooling and explained variance")
    table = analysis.pooling_table()
    assert table is not None
    assert len(shown) == len(table) == 3
    for (_, row), cells in zip(table.iterrows(), shown.values(), strict=True):
        assert_shows(cells["pooling factor"], row["pooling_factor"])
        if row["level"] != "data":
            ends = (row["mean_pooling_low"], row["mean_pooling_high"])
            assert_shows(cells["mean pooling"], row["mean_pooling"], *ends)
        if row["r_squared"]:
            ends = (row["r_squared_low"], row["r_squared_high"])
            assert_shows(cells["R²"], row["r_squared"], *ends)


def test_how_each_program_sampled(analysis: Analysis, found: Tables) -> None:
    shown = found.table("How each program sampled")
    for name, fit in analysis.fits.items():
        row, state = shown[name], fit.diagnostics
        assert_shows(row["sampling, s"], fit.samples.seconds)
        assert_shows(row["compiling, s"], fit.samples.compile_seconds)
        assert_shows(row["R‑hat"], state.rhat_max)
        assert_shows(row["bulk ESS"], state.ess_bulk_min)
        assert_shows(row["tail ESS"], state.ess_tail_min)
        assert_shows(row["MCSE / sd"], state.mcse_over_sd_max)
        assert_shows(row["ESS / s"], state.ess_per_second)
        assert_shows(row["E‑BFMI"], state.ebfmi)
    assert shown["pooled"]["sampling, s"] == "7.3"


def test_group_coefficients(analysis: Analysis, found: Tables) -> None:
    shown = found.table("floor of each group")
    table = analysis.shrinkage("group").query("effect == 'floor'").set_index("level")
    assert set(shown) == set(table.index)
    for level, row in table.iterrows():
        cells = shown[str(level)]
        for heading, column in (
            ("partial pooling", "partial"), ("sd", "partial_sd"), ("BLUP", "blup"),
            ("moved", "moved"), ("weight", "weight"), ("kept", "observed"),
        ):  # fmt: skip
            if cells[heading] != "–":
                assert_shows(cells[heading], row[column])
    assert sum(cells["kept"] != "–" for cells in shown.values()) > 4
