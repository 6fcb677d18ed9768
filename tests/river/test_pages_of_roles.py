"""Every page of the console for everybody: who sees it, who may send its form, and that no form counts without the
secret of its session.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.routing import Route

from yizhan.console.pages.send import Sending
from yizhan.console.pages.site import make_site
from yizhan.model.settings import Settings

from .program import Program, running
from .test_console import LISTEN, PASSWORD, Browser, url_of

ROLES = {"a": "admin", "o": "operator", "r": "auditor", "c": "customer"}
ALL, NOBODY = "aorc", "n"
# Every page with who sees it, and who may send its form; n: who has not logged in.
TABLE = {
    "/login": ("aorcn", "aorcn"),
    "/logout": ("", "aorc"),
    "/password": ("aorc", "aorc"),
    "/setup/{link}": ("aorcn", "aorcn"),
    "/language": ("", "aorcn"),
    "/theme": ("", "aorcn"),
    "/login/code": ("aorcn", "aorcn"),
    "/second-factor": ("aorc", "aorc"),
    "/second-factor/recovery": ("aorc", "aorc"),
    "/": ("aorc", ""),
    "/live": ("aor", ""),
    "/reports": ("aorc", ""),
    "/send": ("aoc", "aoc"),
    "/send/preview": ("", "aoc"),
    "/mailings": ("aoc", "aoc"),
    "/mailings/{id}": ("aoc", "aoc"),
    "/mailings/{id}/progress": ("aoc", ""),
    "/mailings/{id}/result.csv": ("aoc", ""),
    "/messages": ("aorc", ""),
    "/messages.csv": ("aorc", ""),
    "/messages/{id:key}": ("aorc", ""),
    "/messages/{id:key}/story": ("aorc", ""),
    "/messages/{id:key}/resend": ("", "ao"),
    "/messages/{id:key}/give-up": ("", "ao"),
    "/messages/{id:key}/release": ("ao", "ao"),
    "/messages/{id:key}/block": ("", "ao"),
    "/submissions/{id:key}": ("aorc", ""),
    "/submissions/{id:key}/cancel": ("", "ao"),
    "/scheduled": ("aorc", ""),
    "/refusals": ("aor", ""),
    "/replies": ("aorc", ""),
    "/account": ("c", ""),
    "/accounts": ("aor", ""),
    "/accounts/new": ("ao", "ao"),
    "/accounts/{account:path}/topup": ("", "ao"),
    "/accounts/{account:path}/settings": ("", "ao"),
    "/accounts/{account:path}/password": ("", "ao"),
    "/accounts/{account:path}/profile": ("", "ao"),
    "/accounts/{account:path}/enable": ("", "ao"),
    "/accounts/{account:path}/disable": ("", "ao"),
    "/accounts/{account:path}/webhook/remove": ("", "ao"),
    "/accounts/{account:path}/webhook/replay": ("", "ao"),
    "/accounts/{account:path}/webhook": ("", "ao"),
    "/accounts/{account:path}": ("aor", ""),
    "/keywords": ("aor", "ao"),
    "/keywords/remove": ("", "ao"),
    "/keywords/test": ("", "aor"),
    "/numbers": ("aor", "ao"),
    "/numbers/remove": ("", "ao"),
    "/addresses": ("aor", "ao"),
    "/addresses/remove": ("", "ao"),
    "/cards": ("aor", "ao"),
    "/channels": ("aor", ""),
    "/channels/new": ("ao", "ao"),
    "/channels/{name}": ("aor", ""),
    "/channels/{name}/settings": ("ao", "ao"),
    "/channels/{name}/pause": ("", "ao"),
    "/channels/{name}/resume": ("", "ao"),
    "/channels/{name}/test": ("", "ao"),
    "/channels/{name}/remove": ("", "ao"),
    "/channels/{name}/trace": ("aor", ""),
    "/channels/{name}/trace.pcap": ("aor", ""),
    "/routes": ("aor", ""),
    "/routes/new": ("ao", "ao"),
    "/routes/{id:key}/move": ("", "ao"),
    "/routes/{id:key}/remove": ("", "ao"),
    "/explain": ("aorc", "aorc"),
    "/nodes": ("aor", ""),
    "/health": ("aor", ""),
    "/health/checks": ("aor", ""),
    "/audit": ("aor", ""),
    "/settings": ("aor", ""),
    "/people": ("a", "a"),
    "/people/{name}/password": ("", "a"),
    "/people/{name}/disable": ("", "a"),
    "/people/{name}/enable": ("", "a"),
    "/people/{name}/second-factor-off": ("", "a"),
    "/people/{name}/remove": ("", "a"),
    "/people/{name}": ("a", ""),
    "/tokens": ("a", "a"),
    "/tokens/{name}/revoke": ("", "a"),
    "/phones": ("aor", ""),
    "/phones/news": ("aor", ""),
    "/phones/new": ("", "ao"),
    "/phones/reply": ("", "ao"),
    "/phones/fate": ("", "ao"),
}
VALUES = {"link": "nothing", "account": "C2", "name": "nothing"}


def pages() -> dict[str, set[str]]:
    """Every page as the console has it, with its methods."""
    nothing = cast(Any, None)
    sending = Sending(nothing, nothing, nothing, cast(Any, SimpleNamespace(limits=Settings().admin)))
    site = make_site(nothing, nothing, nothing, nothing, sending, about=nothing, source=nothing, play=nothing)
    routes = [route for route in site.routes if isinstance(route, Route)]
    return {route.path: set(route.methods or ()) for route in routes if not route.path.startswith("/static/")}


def address(path: str) -> str:
    """Of something that there is not; an account is another customer's."""
    return re.sub(r"{(\w+)(:\w+)?}", lambda part: VALUES.get(part[1], "1"), path)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    """Somebody of each role, logged in, and a stranger."""
    with running(tmp_path_factory.mktemp("roles") / "data", **LISTEN) as program, ExitStack() as stack:
        people = {letter: _enter(program, letter) for letter in (*ROLES, NOBODY)}
        for browser in people.values():
            stack.callback(browser.close)
        yield people


def _enter(program: Program, letter: str) -> Browser:
    if letter == NOBODY:
        return Browser(url_of(program))
    if letter == "a":
        for name in ("C1", "C2"):
            program.account(name)
    account = {"account": "C1"} if letter == "c" else {}
    name = f"of-{ROLES[letter]}"
    program.api("POST", "/people", json={"name": name, "role": ROLES[letter], "password": PASSWORD, **account})
    browser = Browser(url_of(program))
    assert browser.log_in(name).status_code == 303
    return browser


def test_the_table_knows_every_page() -> None:
    assert pages().keys() == TABLE.keys()
    for path, methods in pages().items():
        sees, changes = TABLE[path]
        assert ("GET" in methods, "POST" in methods) == (bool(sees), bool(changes)), path


@pytest.mark.parametrize("path", [path for path in TABLE if path != "/live"])
def test_who_sees_a_page(people: dict[str, Browser], path: str) -> None:
    sees, _ = TABLE[path]
    for letter, browser in people.items():
        answer = browser.get(address(path))
        if letter in sees:
            onward = 303 if path.startswith(("/login", "/second-factor/")) else 200
            assert answer.status_code in (200, onward, 404 if "{" in path else 200), letter
        elif letter == NOBODY:
            assert answer.headers["location"] == "/login", letter
        else:
            # An account's name may have a slash in it: behind "/accounts/" everything is looked for.
            assert answer.status_code == (404 if sees or path.startswith("/accounts/") else 405), letter


@pytest.mark.parametrize("path", [path for path, (_, changes) in TABLE.items() if changes])
@pytest.mark.parametrize("secret", [{}, {"csrf": ""}, {"csrf": "x" * 43}], ids=["none", "empty", "wrong"])
def test_no_form_counts_without_its_secret(people: dict[str, Browser], path: str, secret: dict[str, str]) -> None:
    _, changes = TABLE[path]
    for letter, browser in people.items():
        answer = browser.post(address(path), data={"x": "y", **secret})
        if NOBODY in changes:
            continue  # before the log-in there is no secret: ``test_console.test_forms_of_other_sites_are_refused``
        if letter == NOBODY:
            assert answer.headers["location"] == "/login"
        else:
            assert answer.status_code == (403 if letter in changes else 404), letter


@pytest.mark.parametrize("path", [path for path, (_, changes) in TABLE.items() if changes != ALL + NOBODY and changes])
def test_who_may_not_change_gets_nothing_by_his_secret(people: dict[str, Browser], path: str) -> None:
    for letter in ROLES:
        if letter not in TABLE[path][1]:
            assert people[letter].fill(address(path)).status_code == 404, letter
