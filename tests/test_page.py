"""The page of a report, read as a browser or a screen reader does; nothing is sampled."""

import hashlib
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from invented import grouped_data, invented_analysis

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.report.html import page
from hierstan.report.numbers import number
from hierstan.report.pictures.estimates import crosscheck_pictures, estimate_pictures
from hierstan.report.sections.estimates import beside, ladder
from hierstan.report.shown import MOST_ROWS, Cell
from hierstan.report.tables import tables

LONG = "a_name_of_two_hundred_characters_" * 6 + "or"
HOSTILE = [
    "<script>alert('here')</script>", "Fish & Chips", '"quoted" onload="x', "{{ 7 * 7 }}",
    LONG, "Ærø",
]  # fmt: skip
FORMULA = "y ~ floor + (floor | group)"
VOID = {"meta", "img", "input", "br", "hr", "link"}


class Read(HTMLParser):
    """Tags with their attributes, the text of the whole, and whether tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.within: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.within.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the last one opened."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text, also by the tags around it."""
        self.text.append(data)
        for tag in set(self._open):
            self.within[tag][-1] += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


def read(analysis: Analysis) -> Read:
    """A page without its pictures, which take time to draw."""
    return Read(page(analysis, tables(analysis), []))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report on data with names that nobody should use."""
    data = grouped_data(HOSTILE, 5).rename(columns={"group": "a/<u>&c"})
    formula = FORMULA.replace("group", "`a/<u>&c`")
    analysis = invented_analysis(formula, data, ["noncentered"], draws=60)
    return analysis.write(tmp_path_factory.mktemp("names") / "report")


def test_names_from_the_data_are_text_and_nothing_else(hostile: Path) -> None:
    text = hostile.read_text()
    found = Read(text)
    assert len(found.all("script")) == len(found.all("style")) == 1
    assert not found.all("u")
    shown = "".join(found.text)
    for name in [*HOSTILE, "a/<u>&c"]:
        assert name in shown
    handlers = [
        (tag, name)
        for tag, attributes in found.tags
        for name in attributes
        if name.startswith("on") or name == "style"
    ]
    assert not handlers
    # A name with a slash makes no folder.
    files = sorted(p.name for p in (hostile.parent / "tables").iterdir())
    assert [f for f in files if f.startswith("shrinkage_a__u__c_")]


def test_the_page_loads_nothing_and_links_to_what_is_there(hostile: Path) -> None:
    found = Read(hostile.read_text())
    ids = Counter(a["id"] for _, a in found.tags if "id" in a)
    assert set(ids.values()) == {1}
    for _, attributes in found.tags:
        if "src" in attributes:
            assert (attributes["src"] or "").startswith("data:image/png;base64,")
        link = attributes.get("href")
        if link and link.startswith("#"):
            assert link[1:] in ids
        elif link:
            assert (hostile.parent / unquote(link)).is_file()
        for name in ("aria-labelledby", "data-filter"):
            assert attributes.get(name, "main") in ids
    assert len([link for link in found.all("a") if "svg" in (link["href"] or "")]) >= 4


def test_the_policy_allows_the_own_style_and_script_only(hostile: Path) -> None:
    found = Read(hostile.read_text())
    policies = [m for m in found.all("meta") if m.get("http-equiv")]
    assert [m["http-equiv"] for m in policies] == ["Content-Security-Policy"]
    policy = policies[0]["content"] or ""
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag in ("style", "script"):
        digest = hashlib.sha256(found.within[tag][0].encode()).digest()
        assert f"{tag}-src 'sha256-{b64encode(digest).decode()}'" in policy


def test_the_page_is_accessible(hostile: Path) -> None:
    found = Read(hostile.read_text())
    assert found.all("html") == [{"lang": "en"}]
    assert found.within["title"][0].startswith("y ~ floor + (floor | `a/<u>&c`)")
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == levels.count(1) == 1
    assert max(np.diff(levels)) == 1
    for tag in ("nav", "main"):
        assert len(found.all(tag)) == 1
    assert len(found.all("table")) == len(found.all("caption")) >= 5
    assert all(header.get("scope") for header in found.all("th"))
    assert all(text.strip() for text in found.within["caption"])
    assert found.all("img")
    for image in found.all("img"):
        assert len(image["alt"] or "") > 60
        assert int(image["width"] or 0) > 100
    alternatives = [image["alt"] for image in found.all("img")]
    assert len(set(alternatives)) == len(alternatives)


def test_a_thousand_groups_are_folded_and_filtered() -> None:
    J = MOST_ROWS + 30
    analysis = invented_analysis(
        "y ~ floor + (1 | group)",
        grouped_data([f"g{k:04}" for k in range(J)], 3),
        ["noncentered"],
        draws=20,
    )
    text = page(analysis, tables(analysis), [])
    found = Read(text)
    assert len(text) < 600_000
    rows = sum(a.get("scope") == "row" for a in found.all("th"))
    assert MOST_ROWS < rows < MOST_ROWS + 60
    words = " ".join("".join(found.text).split())
    assert f"The first {MOST_ROWS:,} of {J:,} rows." in words
    assert f"{J:,} rows" in " ".join(found.within["summary"])
    assert [a["data-filter"] for a in found.all("input")] == ["groups-1-1"]
    far = analysis.shrinkage(analysis.design.factors[0])
    first = far.loc[far["moved"].abs().idxmax(), "level"]
    body = text.split('id="groups-1-1"')[1].split("<tbody>")[1]
    assert body.lstrip().startswith(f'<tr><th scope="row">{first}</th>')


@pytest.mark.parametrize(
    ("programs", "mixed", "failed", "told"),
    [
        (["pooled"], True, [], "With care Nothing here has partial pooling; fitted are p"),
        (["pooled", "unpooled"], False, [], "There is no partial-pooling fit and REML fit"),
        (["noncentered"], True, [], "Trust Report noncentered"),
        (["noncentered"], False, [], "Trust Report noncentered"),
        (
            ["centered", "marginal"], True, ["centered", "marginal"],
            "Not yet No fit with partial pooling passed its checks",
        ),
    ],
)  # fmt: skip
def test_every_kind_of_analysis_has_a_page_and_a_verdict(
    programs: list[str], mixed: bool, failed: list[str], told: str
) -> None:
    data = grouped_data([f"g{k}" for k in range(8)])
    reason = {"marginal": "it was not asked for <here>"}
    analysis = invented_analysis(
        FORMULA, data, programs, failed=failed, mixed=mixed, left_out=reason
    )
    found = read(analysis)
    text = " ".join("".join(found.text).split())
    assert told in text
    assert "– Not fitted marginal It was not asked for <here>." in text
    for name in programs:
        state = "✗ Do not trust" if name in failed else "✓ Sound"
        assert f"{state} {name} " in text
    assert ("Cross-check" in found.within["a"]) == ("marginal" in programs and mixed)
    assert ("REML" in found.within["th"]) == mixed


def test_a_long_name_is_whole_on_the_page_and_may_break() -> None:
    data = grouped_data([f"{LONG}{k}" for k in range(4)], predictor=LONG)
    found = read(invented_analysis(f"y ~ {LONG} + ({LONG} | group)", data, ["noncentered"]))
    names = [a for a in found.all("th") if a.get("class") == "long"]
    assert len(names) > 8
    assert f"sd({LONG} | group)" in found.within["th"]


def test_crossed_factors_have_a_table_each() -> None:
    data = hs.data.penicillin()
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    analysis = invented_analysis(formula, data, ["noncentered"], draws=60)
    found = read(analysis)
    captions = " ".join(found.within["caption"])
    for factor in ("plate", "sample"):
        assert f"Intercept of each {factor}, in units of diameter" in captions
        assert f"Intercept, by {factor}" in found.within["h3"]
        assert f"Leave-one-{factor}-out" in found.within["dt"]
    assert "cannot be" in " ".join(found.within["dd"])


def test_every_fit_is_checked_in_sample_and_left_out() -> None:
    """Of the programs with one posterior, one stands for all."""
    data = grouped_data([f"g{k}" for k in range(8)])
    names = ["pooled", "unpooled", "centered", "noncentered"]
    found = read(invented_analysis(FORMULA, data, names))
    text = " ".join("".join(found.text).split())
    assert "no pooling always looks best" in text
    captions = found.within["caption"]
    of_rows = (
        "Root mean square deviations, in units of y; by a factor, each of its levels "
        "counts once."
    )
    assert of_rows in captions
    assert {"rows", "rows by group", "mean by group"} <= set(found.within["th"])
    assert found.within["th"].count("left out") == 2  # of rows, counted in two ways
    assert "Each row predicted from all others, the best first." in captions
    assert "Each group predicted from all others, the best first." in captions
    tables_shown = dict(zip(captions, found.within["tbody"], strict=True))
    told = {
        name: re.findall("noncentered|unpooled|pooled|centered", tables_shown[caption])
        for name, caption in (
            ("deviations", of_rows),
            ("by group", "Each group predicted from all others, the best first."),
        )
    }
    assert told["deviations"] == ["pooled", "unpooled", "noncentered"]
    assert set(told["by group"]) == {"pooled", "noncentered"}


def test_what_was_found_in_a_failed_fit_stands_with_its_evidence() -> None:
    data = grouped_data([f"g{k}" for k in range(8)])
    analysis = invented_analysis(FORMULA, data, ["noncentered"], draws=50)
    found = read(analysis)
    state = analysis.fits["noncentered"].diagnostics
    assert len(state.failing()) > 10
    tables_shown = dict(zip(found.within["caption"], found.within["tbody"], strict=True))
    failing = next(v for k, v in tables_shown.items() if k.startswith("Parameters that"))
    assert failing.count("noncentered") == 10
    assert str(state.failing().index[0]) in failing
    assert state.causes
    findings = tables_shown["What was found in each fit, with its evidence."]
    assert all(cause.text in findings for cause in state.causes)


def test_a_singular_fit_is_told_with_care() -> None:
    """Every group has the same values, so nothing is left for the groups to explain."""
    y = np.tile([1.3, 2.9, 0.4, 2.2, -1.7], 6)
    data = pd.DataFrame({"y": y, "group": np.repeat([f"g{k}" for k in range(6)], 5)})
    analysis = invented_analysis("y ~ 1 + (1 | group)", data, ["noncentered"])
    assert analysis.mixed["REML"].singular
    text = " ".join("".join(read(analysis).text).split())
    assert "! With care REML" in text
    assert "estimated as zero" in text


def test_a_part_of_no_size_is_shown_as_zero_and_kept_in_the_csv() -> None:
    """Two optimizers never agree to the last digit; nobody need read how closely."""
    data = grouped_data([f"g{k}" for k in range(8)])
    analysis = invented_analysis(FORMULA, data, ["marginal"], failed=[])
    assert analysis.check is not None
    first, *others = analysis.check.rungs
    assert first.unit is not None
    tiny, seen = -3.6e-8 * first.unit, 2.4e-4 * first.unit
    rungs = (replace(first, engine=tiny), replace(others[0], engine=seen), *others[1:])
    analysis = replace(analysis, check=replace(analysis.check, rungs=rungs))
    table = ladder(analysis)
    assert table is not None
    column = [c.heading for c in table.columns].index("engine")
    assert table.rows[0][column] == Cell("0")
    assert table.rows[1][column].text == number(seen)
    assert table.rows[1][column].aside
    assert tables(analysis)["crosscheck"]["engine"][0] == tiny
    assert "sds of the wider of the two posteriors (flat priors, yours)" in table.caption


def test_every_interval_of_a_likelihood_says_its_kind() -> None:
    """By Wald in the tables and the forest, profiled where the likelihood is drawn."""
    data = grouped_data([f"g{k}" for k in range(8)])
    analysis = invented_analysis(FORMULA, data, ["marginal"], failed=[])
    table = beside(analysis)
    assert table is not None
    assert "Wald interval" in table.caption
    (forest,) = estimate_pictures(analysis)
    assert "Wald intervals" in forest.caption
    (plain,) = crosscheck_pictures(analysis)
    assert "the REML estimate and its 95 % Wald interval. " in plain.caption
    assert analysis.check is not None
    profile = analysis.mixed["REML"].profile(parameters=["sigma"])
    analysis = replace(analysis, check=replace(analysis.check, profile=profile))
    (profiled,) = crosscheck_pictures(analysis)
    assert "correlations the profile-likelihood interval." in profiled.caption


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-3.63e-8, "−3.6e−08"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (0.00062, "0.001"),
        (-1.23456, "−1.235"),
        (123.456, "123.5"),
        (12345.6, "12,346"),
        (-12345.6, "−12,346"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (None, "–"),
    ],
)
def test_numbers_on_the_page(value: float | None, text: str) -> None:
    assert number(value) == text
