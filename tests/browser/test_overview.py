"""The overview while somebody looks: it changes by itself, says so when it cannot, and does not disturb who reads."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from bench.stored import fill
from playwright.sync_api import Browser, Request, expect

from figures import tell
from postgres import free_port
from river.program import Program, eventually, running
from river.test_console import LISTEN, url_of

from .chromium import PASSWORD, complaints, log_in, note_faults, visit

_CHANNEL = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]'}
_STORED = int(os.environ.get("YIZHAN_TEST_STORED", "1000000"))
_MOST_BYTES = 300_000
_FIRST_PAINT_MS = 1_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with somebody who may look at it."""
    with running(tmp_path_factory.mktemp("overview") / "data", **LISTEN, **_CHANNEL) as program:
        furnish(program)
        yield program


def furnish(program: Program) -> None:
    """An operator, and an account that sends."""
    program.account("C1")
    program.api("POST", "/people", json={"name": "olga", "role": "operator", "password": PASSWORD})


def test_it_is_renewed_by_itself(browser: Browser, program: Program) -> None:
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "olga")
        faults = note_faults(page)
        row = page.get_by_role("row", name="simulator")
        expect(row).to_contain_text("up")
        expect(page.locator("#chart-rates canvas")).to_be_visible()
        row.get_by_role("link").focus()
        program.api("POST", "/channels/simulator/pause")
        program.api("POST", "/messages", json={"account": "C1", "to": ["13800000000"], "text": "你好【测试】"})
        expect(row).to_contain_text("paused")
        expect(row.get_by_role("link")).to_be_focused()
        queued = page.locator("#live-waiting div", has_text="queued").locator("dd")
        expect(queued).to_have_text("1")
        program.api("POST", "/channels/simulator/resume")
        expect(queued).to_have_text("0")
        expect(row).to_contain_text("100.0")
        expect(page.get_by_text("Nothing needs attention.")).to_be_visible()
        assert not complaints(page) and not faults, (complaints(page), faults)


def test_whoever_is_logged_out_elsewhere_is_led_to_the_log_in(browser: Browser, program: Program) -> None:
    program.api("POST", "/people", json={"name": "gone", "role": "auditor", "password": PASSWORD})
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "gone")
        expect(page.locator("#chart-rates canvas")).to_be_visible()
        program.api("POST", "/people/gone/disable")
        page.wait_for_url("**/login")


def test_whoever_was_logged_out_before_he_looks_on_is_led_there_too(browser: Browser, program: Program) -> None:
    program.api("POST", "/people", json={"name": "late", "role": "auditor", "password": PASSWORD})
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "late")
        page.goto("about:blank")
        page.route("**/live", lambda route: (program.api("POST", "/people/late/disable"), route.continue_()))
        page.goto("/")
        page.wait_for_url("**/login")


def test_without_a_script_it_shows_its_moment(browser: Browser, program: Program) -> None:
    with visit(browser, url_of(program), java_script_enabled=False) as context:
        page = context.new_page()
        log_in(page, "olga")
        expect(page.get_by_role("row", name="simulator")).to_contain_text("up")
        expect(page.locator("#chart-rates")).to_be_hidden()


def test_it_says_when_it_is_not_renewed_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    listen = {"YIZHAN_ADMIN__API_LISTEN": f"127.0.0.1:{free_port()}"}  # the same after a restart
    with running(tmp_path / "data", **_CHANNEL, **listen) as program:
        furnish(program)
        with visit(browser, url_of(program)) as context:
            page = context.new_page()
            log_in(page, "olga")
            stale = page.get_by_text("The figures are not renewed at the moment.")
            expect(page.locator("#chart-rates canvas")).to_be_visible()
            expect(stale).to_be_hidden()
            program.stop()
            expect(stale).to_be_visible()
            program.start()
            expect(stale).to_be_hidden(timeout=15_000)


# The browser may say so a moment after everything is loaded.
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_with_a_million_messages_it_is_light_and_there_at_once(browser: Browser, tmp_path: Path) -> None:
    """YIZHAN_TEST_STORED messages are stored (1,000,000), a tenth of them wait."""
    with running(tmp_path / "data") as program:
        furnish(program)
        program.account("bench")
    fill(tmp_path / "data" / "yizhan.db", _STORED)
    with running(tmp_path / "data", **LISTEN, **_CHANNEL) as program:
        with visit(browser, url_of(program)) as context:
            log_in(context.new_page(), "olga")
            session = context.storage_state()
        paints, sizes = [], dict[str, int]()
        for _ in range(5):
            with visit(browser, url_of(program), storage_state=session) as context:  # nothing is cached
                page = context.new_page()
                page.on("requestfinished", lambda request: sizes.update({request.url: _size(request)}))
                page.goto("/", wait_until="load")
                paints.append(eventually(partial(page.evaluate, _FIRST_PAINT)))
                scheduled = page.locator("#live-waiting div", has_text="scheduled").locator("dd")
                expect(scheduled).to_have_text(str(_STORED // 10))
        tell(f"first paint {sorted(map(round, paints))} ms, {sum(sizes.values())} bytes: {sizes}")
        assert sum(sizes.values()) < _MOST_BYTES and max(paints) < _FIRST_PAINT_MS


def _size(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]
