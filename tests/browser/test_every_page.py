"""Every page for everybody who uses it: axe, the content policy, wide and narrow, light and dark, both languages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from river.program import Program

from .chromium import NARROW, WIDE, complaints, log_in, note_faults, visit
from .scene import VIEWS, View, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, str]]:
    """One for all."""
    with staged(tmp_path_factory.mktemp("every-page")) as found:
        yield found


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_can_be_used_by_everybody(browser: Browser, stage: tuple[Program, str], view: View) -> None:
    program, url = stage
    looks = ((WIDE, "light", "en"), (NARROW, "dark", "zh-CN"))
    for size, scheme, language in looks:
        with visit(browser, url, language, viewport=size, color_scheme=scheme) as context:
            page = context.new_page()
            if view.person:
                log_in(page, view.person)
            faults = note_faults(page)
            answer = page.goto(view.path(program))
            assert answer is not None and answer.status == 200, answer
            assert page.locator("h1").count() == 1
            assert not complaints(page), (scheme, complaints(page))
            assert not faults, faults
