"""Debian's Chromium through Playwright, and what is asked of every page: axe, the policy, the width."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PASSWORD = "correct horse battery"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
_AXE = Path(__file__).parents[1] / "peers" / "node_modules" / "axe-core" / "axe.min.js"
_GRAVE = ("serious", "critical")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips where there is none. Close it before a test of asyncio: Playwright has a loop of its own."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=root)
        try:
            yield browser
        finally:
            browser.close()


def visit(browser: Browser, url: str, language: str = "en", **options: Any) -> BrowserContext:
    """Somebody new at the console. What breaks the page's policy, or fails in a script, fails the test (``faults``)."""
    context = browser.new_context(base_url=url, locale=language, **{"viewport": WIDE, **options})
    context.set_default_timeout(10_000)
    return context


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """By the form."""
    page.goto("/login")
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.locator("form.fields button").click()
    page.wait_for_url("**/")


def note_faults(page: Page) -> list[str]:
    """Filled with what the browser complains of while the page is used: scripts, the policy, what is not found."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    return faults


def complaints(page: Page) -> list[str]:
    """What axe finds serious or critical (WCAG 2.2 A and AA among it), and a page wider than the screen."""
    if not _AXE.exists():
        pytest.skip("npm ci --prefix tests/peers --ignore-scripts")
    page.evaluate(_AXE.read_text())  # through the debugger, which the page's policy does not bind
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    grave = [one for one in found["violations"] if one["impact"] in _GRAVE]
    said = [f"{one['id']}: {node['html'][:200]}" for one in grave for node in one["nodes"][:3]]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return said + ([f"{wide} px wider than the screen"] if wide > 0 else [])
