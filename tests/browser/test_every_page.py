"""Every page for everybody who uses it: axe, the content policy, wide and narrow, light and dark, both languages."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from playwright.sync_api import Browser, Page

from river.program import Program

from .chromium import NARROW, WIDE, complaints, log_in, note_faults, visit
from .scene import VIEWS, View, staged

_LOOKS = {"wide": (WIDE, "light", "en"), "narrow": (NARROW, "dark", "zh-CN")}


class Visitors:
    """Everybody at the console, each logged in once for each look; ``program`` is what they look at."""

    def __init__(self, browser: Browser, program: Program, url: str) -> None:
        self.program = program
        self._browser = browser
        self._url = url
        self._open = ExitStack()
        self.page = cache(self._page)

    def _page(self, person: str | None, look: str) -> tuple[Page, list[str]]:
        """A page of his, and what the browser complains of."""
        size, scheme, language = _LOOKS[look]
        context = visit(self._browser, self._url, language, viewport=size, color_scheme=scheme)
        page = self._open.enter_context(context).new_page()
        if person:
            log_in(page, person)
        return page, note_faults(page)

    def leave(self) -> None:
        """Close everything."""
        self._open.close()


@pytest.fixture(scope="module")
def visitors(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    """At one gateway for all."""
    with staged(tmp_path_factory.mktemp("every-page")) as (program, url):
        visitors = Visitors(browser, program, url)
        yield visitors
        visitors.leave()


@pytest.mark.parametrize("look", _LOOKS)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_can_be_used_by_everybody(visitors: Visitors, view: View, look: str) -> None:
    page, faults = visitors.page(view.person, look)
    faults.clear()
    answer = page.goto(view.path(visitors.program))
    assert answer is not None and answer.status == 200, answer
    assert page.locator("h1").count() == 1
    assert not complaints(page)
    assert not faults, faults
