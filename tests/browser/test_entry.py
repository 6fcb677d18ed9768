"""The first minutes: the printed link, the first administrator, the log-in; language and colours."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from river.program import Program, running
from river.test_console import LISTEN, link_of, url_of

from .chromium import PASSWORD, visit


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One in which nobody can log in yet."""
    with running(tmp_path_factory.mktemp("entry") / "data", **LISTEN) as program:
        yield program


def test_the_first_log_in_then_language_and_dark_mode(browser: Browser, program: Program) -> None:
    link = link_of(program)
    with visit(browser, link.partition("/setup/")[0], color_scheme="light") as context:
        page = context.new_page()
        page.goto(link)
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create").click()
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

        page.get_by_role("button", name="中文").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("概览")
        page.get_by_role("button", name="English").click()

        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ground)
        page.get_by_label("Colours").select_option("dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert page.evaluate(ground) != light

        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_by_keyboard_alone(browser: Browser, program: Program) -> None:
    program.api("POST", "/people", json={"name": "kay", "role": "operator", "password": PASSWORD})
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        page.goto("/login")
        expect(page.get_by_label("Name")).to_be_focused()  # as soon as it is painted
        page.keyboard.type("kay")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
