"""The page in a real browser: it opens, sorts, fits a phone, prints, asks for nothing."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, complaints, prefer, requests, resize
from invented import grouped_data, invented_analysis
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from hierstan.report.html import page
from hierstan.report.tables import tables

pytestmark = pytest.mark.slow

LONG = "a_name_of_two_hundred_characters_" * 6 + "or"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of four programs and thirty groups, one of them with a long name."""
    levels = [f"g{k}" for k in range(29)] + [LONG[:90]]
    analysis = invented_analysis(
        "y ~ floor + (floor | group)",
        grouped_data(levels),
        ["pooled", "unpooled", "centered", "marginal"],
        left_out={"noncentered": "not asked for"},
        draws=120,
    )
    folder = tmp_path_factory.mktemp("a folder") / "the report"
    return analysis.write(folder).as_uri()


@pytest.fixture
def window(browser: Chrome, address: str) -> Chrome:
    """The report, freshly opened."""
    resize(browser, 1400)
    prefer(browser, "light")
    browser.get("about:blank")
    requests(browser)
    complaints(browser)
    browser.get(address)
    return browser


def column(window: Chrome, table: str, index: int) -> list[str]:
    cells = f"#{table} tbody tr > :nth-child({index})"
    script = "return [...document.querySelectorAll(arguments[0])].map(c => c.textContent)"
    found: list[str] = window.execute_script(script, cells)
    return found


def button(window: Chrome, table: str, heading: str) -> WebElement:
    for candidate in window.find_elements(By.CSS_SELECTOR, f"#{table} thead button"):
        if candidate.get_property("textContent") == heading:
            return candidate
    raise AssertionError(f"no heading {heading!r} in {table}")


def test_it_opens_without_the_network_and_without_complaint(
    window: Chrome, address: str
) -> None:
    assert window.title.startswith("y ~ floor + (floor | group)")
    sizes = window.execute_script(
        "return Promise.all([...document.images].map(i => i.decode().then(() => "
        "i.naturalWidth)))"
    )
    assert len(sizes) > 8
    assert min(sizes) > 300
    assert requests(window) == [address]
    assert not complaints(window)


def test_the_policy_stops_what_would_be_loaded(window: Chrome) -> None:
    window.execute_script(
        "const i = new Image(); i.src = 'https://example.org/x.png';document.body.append(i)"
    )
    window.execute_async_script("setTimeout(arguments[0], 100)")
    assert "Content Security Policy" in " ".join(complaints(window))


def numbers(cells: list[str]) -> list[float]:
    return [float(c.replace("−", "-").replace(",", "")) for c in cells if c != "–"]


def test_pressing_a_heading_sorts_numbers_as_numbers(window: Chrome) -> None:
    table, place = "groups-1-2", 3  # slopes; a quarter of the groups have none of their own
    heading = button(window, table, "own rows")
    before = column(window, table, place)
    assert before.count("–") >= 7
    heading.click()
    up = column(window, table, place)
    assert numbers(up) == sorted(numbers(before))
    assert min(numbers(up)) < 0 < max(numbers(up))
    heading.click()
    down = column(window, table, place)
    assert numbers(down) == numbers(up)[::-1]
    for order in (up, down):
        assert set(order[-before.count("–") :]) == {"–"}
    header = heading.find_element(By.XPATH, "..")
    assert header.get_attribute("aria-sort") == "descending"


def test_the_keyboard_sorts_too_and_text_by_its_numbers(window: Chrome) -> None:
    heading = button(window, "groups-1-1", "group")
    heading.send_keys(Keys.ENTER)
    names = column(window, "groups-1-1", 1)
    assert names[1:4] == ["g0", "g1", "g2"]
    assert names[-1] == "g28"
    heading.send_keys(Keys.SPACE)
    assert column(window, "groups-1-1", 1)[0] == "g28"
    other = button(window, "groups-1-1", "rows")
    other.click()
    sorts = window.execute_script(
        "return [...document.querySelectorAll('#groups-1-1 th[aria-sort]')].length"
    )
    assert sorts == 1


def test_the_filter_finds_a_group(window: Chrome) -> None:
    field = window.find_element(By.CSS_SELECTOR, "input[data-filter=groups-1-1]")
    field.send_keys("G1")
    rows = window.find_elements(By.CSS_SELECTOR, "#groups-1-1 tbody tr")
    assert sum(row.is_displayed() for row in rows) == 11  # g1 and g10 to g19
    status = field.find_element(By.XPATH, "../../span")
    assert status.text == "11 of 30 rows"


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_overflows(window: Chrome, width: int) -> None:
    resize(window, width)
    window.execute_script(
        "for (const d of document.querySelectorAll('details')) d.open = true"
    )
    measured = window.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert measured == [width, width]


def test_wide_tables_scroll_in_their_own_box_and_say_so(window: Chrome) -> None:
    resize(window, 400)
    window.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 50))")
    told = window.execute_script(
        "const t = document.getElementById('every-fit').parentNode;"
        "return [t.scrollWidth > t.clientWidth,"
        " getComputedStyle(t.nextElementSibling, '::before').content]"
    )
    assert told[0]
    assert "Scroll sideways" in told[1]


def test_long_names_do_not_widen_the_page(window: Chrome, tmp_path: Path) -> None:
    data = grouped_data([f"{LONG}{k}" for k in range(4)], predictor=LONG)
    analysis = invented_analysis(
        f"y ~ {LONG} + ({LONG} | group)", data, ["noncentered", "marginal"], draws=60
    )
    (tmp_path / "long.html").write_text(page(analysis, tables(analysis), []))
    resize(window, 400)
    window.get((tmp_path / "long.html").as_uri())
    assert window.execute_script("return document.documentElement.scrollWidth") == 400


def test_a_dark_page_is_dark_and_its_text_is_light(window: Chrome) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        prefer(window, scheme)
        shades[scheme] = [
            window.execute_script(
                "const c = getComputedStyle(document.documentElement)[arguments[0]];"
                "return c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3",
                name,
            )
            for name in ("backgroundColor", "color")
        ]
    assert shades["light"][0] > 240
    assert shades["light"][1] < 50
    assert shades["dark"][0] < 50
    assert shades["dark"][1] > 200


def test_it_prints(window: Chrome) -> None:
    paper = {"paperWidth": 8.27, "paperHeight": 11.7}
    printed = window.execute_cdp_cmd("Page.printToPDF", paper)
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 100_000
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not window.find_element(By.TAG_NAME, "nav").is_displayed()
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_scripts_everything_reads(window: Chrome, address: str) -> None:
    window.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        window.get(address)
        assert not window.find_elements(By.CSS_SELECTOR, "th button")
        assert window.find_element(By.ID, "beside").is_displayed()
        assert not window.find_element(By.CSS_SELECTOR, ".filter").is_displayed()
        assert "SHA-256" in window.find_element(By.TAG_NAME, "main").text
    finally:
        window.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
