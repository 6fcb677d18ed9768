"""Accounts, rules and people, as an administrator, an operator and whoever they make use them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from river.program import TEXT, Customer, Program, running
from river.test_console import LISTEN, url_of

from .chromium import PASSWORD, log_in, note_faults, visit


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all stories of this file."""
    with running(tmp_path_factory.mktemp("accounts") / "data", "--demo", **LISTEN) as program:
        for name, role in {"ada": "admin", "olga": "operator"}.items():
            program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD})
        yield program


@contextmanager
def console(browser: Browser, program: Program, name: str, password: str = PASSWORD, **more: Any) -> Iterator[Page]:
    """Somebody who has logged in; nothing that the browser complains of, but for forms that come back."""
    with visit(browser, url_of(program), **more) as context:
        page = context.new_page()
        log_in(page, name, password)
        faults = note_faults(page)
        yield page
        assert not [fault for fault in faults if "status of 4" not in fault]


def heading(page: Page, words: str) -> None:
    """Where we are."""
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def test_an_account_is_made_and_topped_up(browser: Browser, program: Program) -> None:
    with console(browser, program, "olga") as page:
        page.get_by_role("link", name="Accounts", exact=True).click()
        page.get_by_role("link", name="New account").click()
        page.get_by_label("Account (CorpID)").fill("门店/一")
        page.get_by_label("First credit").fill("20")
        page.get_by_label("Extension").fill("7")
        page.get_by_role("button", name="Create").click()
        heading(page, "Account 门店/一")
        password = page.locator(".secret code").inner_text()

        assert program.send(Customer("门店/一", password), Content=TEXT) > 0
        page.get_by_label("Credit (条)", exact=True).fill("5.5")
        page.get_by_label("Note (optional)").fill("合同 42")
        page.get_by_role("button", name="Top up").click()
        expect(page.get_by_role("status")).to_have_text("Booked.")
        expect(page.locator(".figures")).to_contain_text("24.5")
        ledger = page.get_by_role("region", name="Ledger").locator("tbody tr")
        expect(ledger.nth(0)).to_contain_text(re.compile(r"top-up\s*\+5\.5\s*合同 42"))
        expect(ledger.nth(1)).to_contain_text(re.compile(r"sent\s*-1"))
        expect(ledger.nth(2)).to_contain_text(re.compile(r"top-up\s*\+20"))

        page.get_by_label("Credit (条)", exact=True).fill("100")
        page.get_by_role("button", name="Take back").click()
        expect(page.get_by_role("alert")).to_have_text("The balance is lower than that.")
        expect(page.get_by_label("Credit (条)", exact=True)).to_have_value("100")


def test_who_stands_behind_an_account(browser: Browser, program: Program) -> None:
    program.account("W1")
    program.api("PATCH", "/accounts/W1/profile", json={"memo": "合同 42\n到期续签"})
    with console(browser, program, "olga") as page:
        page.goto("/accounts/W1")
        program.api("PATCH", "/accounts/W1/profile", json={"tel": "010"})  # meanwhile
        page.get_by_label("Company").fill("  门店 ")
        page.get_by_role("button", name="Set the profile").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        expect(page.get_by_label("Company")).to_have_value("门店")
        page.get_by_label("Company").evaluate("field => { field.maxLength = 501; field.value = 'x'.repeat(501) }")
        page.get_by_role("button", name="Set the profile").click()
        expect(page.get_by_role("alert")).to_have_text("A field of the profile has at most 500 characters.")
        expect(page.get_by_label("Memo")).to_have_value("合同 42\n到期续签")
        page.goto("/accounts/W1")
        page.get_by_role("button", name="Set the profile").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
    said = program.api("GET", "/accounts/W1/profile")
    assert [value for value in said.values() if value] == ["门店", "010", "合同 42\n到期续签"]
    changes = [one["after"] for one in program.api("GET", "/audit") if one["action"] == "account profile"]
    assert changes[0] == '{"corp_name": "门店"}' and len(changes) == 3, "what was not touched is not written"


def test_a_password_is_reset_and_sent_with(browser: Browser, program: Program) -> None:
    old = program.account("R1")
    assert program.send(old, charset="gb2312", Content=TEXT) > 0
    with console(browser, program, "olga") as page:
        page.goto("/accounts/R1")
        page.get_by_role("button", name="Set the password").click()
        made = page.locator(".secret code").inner_text()
        assert program.send(Customer("R1", made), charset="gb2312", Content=TEXT) > 0
        assert program.send(old, Content=TEXT) == -3

        page.get_by_label("New password").fill("typed by hand")
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        assert program.send(Customer("R1", "typed by hand"), Content=TEXT) > 0

        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Disable").click()
        expect(page.locator(".figures")).to_contain_text("disabled")
        assert program.send(Customer("R1", "typed by hand"), Content=TEXT) == -102


def test_settings_show_what_is_and_hold_for_the_next_call(browser: Browser, program: Program) -> None:
    customer = program.account("S1", extension="31")
    with console(browser, program, "olga") as page:
        page.goto("/accounts/S1")
        expect(page.get_by_label("Extension")).to_have_value("31")
        expect(page.get_by_label("Rule for signatures")).to_have_value("required")
        page.get_by_label("Rule for signatures").select_option("bound")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("alert")).to_have_text("This rule needs a signature.")
        expect(page.get_by_label("Rule for signatures")).to_have_value("bound")
        page.get_by_label("Signature", exact=True).fill("【门店】")
        page.get_by_label("Addresses that may call").fill("127.0.0.1\n192.0.2.0/24")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        expect(page.get_by_label("Addresses that may call")).to_have_value("127.0.0.1/32\n192.0.2.0/24")
        expect(page.get_by_label("A reply such as 退订 blocks its sender")).to_be_checked()
    assert program.send(customer, Content="没有签名") > 0
    assert program.messages(account="S1")[0]["text"] == "没有签名【门店】"


def test_a_text_is_tested_while_it_is_typed(browser: Browser, program: Program) -> None:
    with console(browser, program, "olga") as page:
        page.get_by_role("link", name="Keywords").click()
        page.get_by_label("Words, one a line").fill("免费贷款\n发票")
        page.get_by_role("button", name="Add these words").click()
        expect(page.locator(".chips li")).to_have_count(2)
        page.get_by_label("Text", exact=True).press_sequentially("代开发*票，免 费貸款", delay=5)
        expect(page.locator("#hits mark")).to_have_text(["发*票", "免 费貸款"])
        page.get_by_label("Text", exact=True).fill("你好")
        expect(page.locator("#hits")).to_contain_text("No keyword in it.")
        page.get_by_role("button", name="Remove 发票").click()
        expect(page.locator(".chips li")).to_have_count(1)
    with console(browser, program, "olga", java_script_enabled=False) as page:
        page.goto("/keywords")
        page.get_by_label("Text", exact=True).fill("免费贷款")
        page.get_by_role("button", name="Test").click()
        expect(page.locator("#hits mark")).to_have_text(["免费贷款"])


def test_a_number_and_an_address_are_blocked_and_freed(browser: Browser, program: Program) -> None:
    customer = program.account("B1")
    with console(browser, program, "olga") as page:
        page.get_by_role("link", name="Blocked numbers").click()
        page.get_by_label("Number", exact=True).fill("12")
        page.get_by_role("button", name="Block", exact=True).click()
        expect(page.get_by_role("alert")).to_have_text("This is no telephone number.")
        page.get_by_label("Number", exact=True).fill("13800000042")
        page.get_by_label("For the account").fill("B1")
        page.get_by_role("button", name="Block", exact=True).click()
        expect(page.get_by_role("region", name="Blocked")).to_contain_text("+8613800000042")
        program.send(customer, Mobile="13800000042,13800000043")
        assert [one["state"] for one in program.messages(account="B1", number="13800000042")] == ["blocked"]
        page.get_by_role("button", name="Remove +8613800000042").click()
        expect(page.get_by_text("None yet.")).to_be_visible()

        page.get_by_role("link", name="Blocked IP addresses").click()
        page.get_by_label("Address or block").first.fill("198.51.100.7")
        page.get_by_label("For minutes").fill("5")
        page.get_by_role("button", name="Block", exact=True).click()
        expect(page.get_by_role("region", name="Blocked")).to_contain_text("198.51.100.7/32")


def test_cards_are_told_once(browser: Browser, program: Program) -> None:
    with console(browser, program, "olga") as page:
        page.get_by_role("link", name="Recharge cards").click()
        page.get_by_label("How many").fill("2")
        page.get_by_label("Credit each").fill("50")
        page.get_by_role("button", name="Create").click()
        lines = page.get_by_label("New cards: number, password").input_value().splitlines()
        assert len(lines) == 2 and all(re.fullmatch(r"\d+,\d+", line) for line in lines)
        page.get_by_role("link", name="Recharge cards").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        assert not any(line.partition(",")[2] in page.content() for line in lines)


def test_a_person_gets_a_role_and_sees_what_it_may(browser: Browser, program: Program) -> None:
    program.account("P1")
    with console(browser, program, "ada") as page:
        page.get_by_role("link", name="People").click()
        page.get_by_label("Name", exact=True).fill("pia")
        page.get_by_label("Role").select_option("customer")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("alert")).to_have_text("A customer needs an account.")
        page.get_by_label("Account (customers only)").fill("P1")
        page.get_by_role("button", name="Create").click()
        heading(page, "Person pia")
        password = page.locator(".secret code").inner_text()
    with console(browser, program, "pia", password) as page:
        for gone in ("Accounts", "Recharge cards", "Keywords", "People", "Tokens"):
            expect(page.get_by_role("link", name=gone, exact=True)).to_have_count(0)
        page.get_by_role("link", name="My account").click()
        heading(page, "My account P1")
        expect(page.locator(".figures")).to_contain_text("1000")
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "pia", password)
        for path in ("/accounts", "/accounts/P1", "/accounts/demo", "/keywords", "/numbers", "/cards", "/people"):
            answer = page.goto(path)
            assert answer is not None and answer.status == 404, path


def test_a_token_is_made_copied_and_revoked(browser: Browser, program: Program) -> None:
    with console(browser, program, "ada", permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_role("link", name="Tokens").click()
        page.get_by_label("Name", exact=True).fill("erp")
        page.get_by_label("Role").select_option("auditor")
        page.get_by_role("button", name="Create").click()
        token = page.locator(".secret code").inner_text()
        page.get_by_role("button", name="Copy").click()
        assert page.evaluate("navigator.clipboard.readText()") == token and token.startswith("yz_")
        asked = page.request.get("/api/v1/health", headers={"Authorization": f"Bearer {token}"})
        assert asked.status == 200
        page.get_by_role("link", name="Tokens").click()
        assert token not in page.content()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Revoke erp").click()
        expect(page.get_by_text("There is none yet.")).to_be_visible()
        asked = page.request.get("/api/v1/health", headers={"Authorization": f"Bearer {token}"})
        assert asked.status == 401
