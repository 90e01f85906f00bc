"""A headless Chromium that fetches nothing, driven by Debian's own chromedriver."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

# Chromium's own traffic is switched off, so that what is left is the page's.
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--disable-dev-shm-usage",
)  # fmt: skip


def programs() -> tuple[str, str]:
    """Return the paths of browser and driver.

    Where one is missing the test is skipped, and fails where CI promises them. They are
    looked up here because Selenium would download what it does not find.
    """
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if found[0] is None or found[1] is None:
        told = "needs chromium and chromedriver (Debian: chromium, chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    return found[0], found[1]


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """Start a browser with an empty profile; it ends with the block."""
    browser, driver = programs()
    options = ChromeOptions()
    options.binary_location = browser
    for argument in (*_QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = Chrome(options=options, service=ChromeService(driver))
    try:
        yield window
    finally:
        window.quit()


def resize(window: Chrome, width: int, height: int = 900) -> None:
    """Give the page a size; the window itself would not go below 500 pixels."""
    window.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def prefer(window: Chrome, scheme: str) -> None:
    """Ask for a light or a dark page."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def requests(window: Chrome) -> list[str]:
    """Return the addresses asked for since the last call, without data in the page."""
    entries = _log(window, "performance")
    messages = [json.loads(entry["message"])["message"] for entry in entries]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if not url.startswith("data:")]


def complaints(window: Chrome) -> list[str]:
    """Return what the console was told since the last call."""
    return [f"{entry['level']}: {entry['message']}" for entry in _log(window, "browser")]


def _log(window: Chrome, name: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = window.get_log(name)
    return entries
