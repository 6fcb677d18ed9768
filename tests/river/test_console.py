"""The console: the first administrator by the link, log-in and log-out, what each may see, what strangers may not."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from postgres import Cluster

from .program import TEXT, Program, eventually, running

PASSWORD = "correct horse battery"
PEOPLE = {"ada": "admin", "olga": "operator", "cui": "customer"}
LISTEN = {"YIZHAN_ADMIN__API_LISTEN": "127.0.0.1:0", "YIZHAN_SERVER__TRUSTED_PROXIES": '["127.0.0.0/8"]'}


def url_of(program: Program) -> str:
    """Where the console is."""
    line = [line for line in program.said().splitlines() if '"event": "admin api"' in line][-1]
    return str(json.loads(line)["at"])


def link_of(program: Program) -> str:
    """What it prints for the first administrator."""
    (link,) = eventually(lambda: re.findall(r"http://\S+/setup/\S+", program.printed()))
    return str(link)


class Browser(httpx.Client):
    """One person at the console; ``address`` is where he calls from, as a proxy says."""

    def __init__(self, url: str, address: str = "192.0.2.1", language: str = "en", **headers: str) -> None:
        headers = {"accept-language": language, "x-forwarded-for": address, **headers}
        super().__init__(base_url=url, headers=headers, timeout=20)

    def fill(self, path: str, **fields: str) -> httpx.Response:
        """Send a form with the session's secret."""
        return self.post(path, data={"csrf": self.secret(), **fields})

    def secret(self) -> str:
        """What the pages of this session carry; empty before there is one."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/password").text)
        return found[1] if found else ""

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """The form of the log-in."""
        return self.post("/login", data={"name": name, "password": password})


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for most tests of this file."""
    with running(tmp_path_factory.mktemp("console") / "data", **LISTEN) as program:
        for name in ("C1", "C2"):
            program.account(name)
            program.api("POST", "/messages", json={"account": name, "to": ["13800000000"], "text": f"{name}{TEXT}"})
        for name, role in PEOPLE.items():
            account = {"account": "C1"} if role == "customer" else {}
            program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD, **account})
        yield program


@pytest.fixture
def url(program: Program) -> str:
    """Where the console is."""
    return url_of(program)


@pytest.fixture
def ada(url: str) -> Iterator[Browser]:
    """The administrator, logged in."""
    with Browser(url) as browser:
        assert browser.log_in("ada").status_code == 303
        yield browser


def test_the_first_administrator(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN) as program:
        link = link_of(program)
        assert link.rpartition("/")[2] not in program.said()
        with Browser(url_of(program)) as browser:
            assert browser.get("/setup/wrong").status_code == 404
            assert browser.post("/setup/wrong", data={"name": "eve", "password": PASSWORD}).status_code == 404
            assert "first administrator" in browser.get(link).text
            short = browser.post(link, data={"name": "ada", "password": "x" * 14})
            assert short.status_code == 422 and "15 to 256" in short.text and 'value="ada"' in short.text
            made = browser.post(link, data={"name": "ada", "password": PASSWORD})
            assert (made.status_code, made.headers["location"]) == (303, "/login")
            assert browser.post(link, data={"name": "eve", "password": PASSWORD}).status_code == 404
            assert browser.get(link).status_code == 404
            assert browser.log_in("ada").headers["location"] == "/"
        (first, *_) = program.api("GET", "/people")
        assert (first["name"], first["role"]) == ("ada", "admin")
        actions = [(one["actor"], one["action"]) for one in program.api("GET", "/audit")]
        assert actions == [("person ada", "person log-in"), ("setup link", "person add")]
        assert program.stop() == 0
        program.start()
        assert "/setup/" not in program.printed()


def test_a_link_ends_and_a_new_start_makes_another(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN, YIZHAN_ADMIN__SETUP_LINK_S="2") as program:
        first = urlsplit(link_of(program)).path
        assert httpx.get(url_of(program) + first).status_code == 200
        time.sleep(2)
        assert httpx.get(url_of(program) + first).status_code == 404
        assert program.stop() == 0
        program.start()
        assert urlsplit(link_of(program)).path != first
        assert httpx.get(url_of(program) + first).status_code == 404


def test_every_page_is_strict(ada: Browser, url: str) -> None:
    with Browser(url) as stranger:
        found = {"stranger /login": stranger.get("/login"), "stranger /": stranger.get("/")}
        found |= {f"stranger {path}": stranger.get(path) for path in ("/setup/x", "/setup/x/y", "/static/console.css")}
    found |= {path: ada.get(path) for path in ("/", "/password", "/login")}
    found["refused"] = ada.post("/password", data={"csrf": "wrong"})
    for name, answer in found.items():
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, name
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "same-origin", name
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert not re.search(r"<script[^>]*>[^<]|<style|\sstyle=|\son\w+=|javascript:", answer.text), name
            assert "<main" in answer.text and answer.text.count("<h1>") == 1, name


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        pytest.param({"x-forwarded-proto": "https"}, True, id="by HTTPS through the proxy"),
        pytest.param({}, False, id="by HTTP"),
    ],
)
def test_the_cookie(url: str, headers: dict[str, str], secure: bool) -> None:
    with Browser(url, **headers) as browser:
        cookie = browser.log_in("ada").headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert ("; secure" in cookie) == secure


def test_a_log_in_gives_another_session(program: Program, url: str) -> None:
    with Browser(url) as browser:
        browser.cookies.set("yizhan_session", "chosen-by-somebody-else")
        browser.log_in("ada")
        session = browser.cookies.get("yizhan_session", domain="127.0.0.1")
    assert session and session != "chosen-by-somebody-else"
    assert session not in str(program.query("SELECT * FROM sessions"))


def test_a_log_out_ends_the_session(ada: Browser, url: str) -> None:
    session = ada.cookies["yizhan_session"]
    assert ada.post("/logout").status_code == 403
    assert ada.get("/").status_code == 200
    assert ada.fill("/logout").headers["location"] == "/login"
    with Browser(url) as thief:
        thief.cookies.set("yizhan_session", session)
        assert thief.get("/").headers["location"] == "/login"
        assert thief.get("/api/v1/accounts").status_code == 401


def test_a_change_by_a_session_needs_its_secret(ada: Browser) -> None:
    word = {"words": ["某个词"]}
    assert ada.get("/api/v1/keywords").status_code == 200
    wrong: list[dict[str, str]] = [{}, {"x-csrf-token": ""}, {"x-csrf-token": "wrong"}]
    for secret in wrong:
        assert ada.post("/api/v1/keywords", json=word, headers=secret).status_code == 403
    assert "某个词" not in ada.get("/api/v1/keywords").text
    assert ada.post("/api/v1/keywords", json=word, headers={"x-csrf-token": ada.secret()}).status_code == 200
    (newest, *_) = ada.get("/api/v1/audit").json()
    assert (newest["actor"], newest["action"]) == ("person ada", "keyword add")


@pytest.mark.parametrize(
    ("said", "is_ours"),
    [
        pytest.param({"sec-fetch-site": "cross-site"}, False, id="another site"),
        pytest.param({"sec-fetch-site": "same-site"}, False, id="another port of this machine"),
        pytest.param({"sec-fetch-site": "same-origin"}, True, id="ours"),
        pytest.param({"sec-fetch-site": "same-origin", "origin": "null"}, True, id="ours, before its origin is asked"),
        pytest.param({"origin": "http://evil.example"}, False, id="another site over plain HTTP"),
        pytest.param({"origin": "null"}, False, id="another site that hides its origin"),
        pytest.param({"origin": "http://[::1]:1", "host": "[::1]:2"}, True, id="ours by its IPv6 address"),
        pytest.param({"origin": "http://[::1]", "host": "[::2]"}, False, id="another one of IPv6"),
        pytest.param({"origin": "http://sms.example:8443", "host": "sms.example"}, True, id="a proxy drops the port"),
        pytest.param(
            {"origin": "https://sms.example", "x-forwarded-host": "sms.example"}, True, id="ours behind a proxy"
        ),
        pytest.param({}, True, id="no browser"),
    ],
)
def test_forms_of_other_sites_are_refused(url: str, said: dict[str, str], is_ours: bool) -> None:
    with Browser(url, **said) as victim:
        chosen = victim.post("/language", data={"language": "en"})
        assert (chosen.status_code == 303, "set-cookie" in chosen.headers) == (is_ours, is_ours)
        if not is_ours:
            assert victim.log_in("ada").status_code == 403


def test_a_name_that_is_bound_to_us_gets_nothing_of_a_session(ada: Browser, url: str) -> None:
    """DNS rebinding: what a browser says when a page at evil.example has had its name point to this machine."""
    assert "yizhan_session" in ada.cookies
    rebound = {"host": "evil.example:8081", "origin": "http://evil.example:8081", "sec-fetch-site": "same-origin"}
    with Browser(url, **rebound) as page:  # the cookie is 127.0.0.1's, and so is not sent
        assert page.get("/").headers["location"] == "/login"
        assert page.get("/api/v1/accounts").status_code == 401
        assert page.get("/metrics").status_code == 401
        assert page.get("/setup/guessed").status_code == 404
    with Browser(url) as browser:
        assert "domain=" not in browser.log_in("ada").headers["set-cookie"].lower()


def test_strangers_see_the_log_in_only(url: str) -> None:
    with Browser(url) as stranger:
        for path in ("/", "/password"):
            assert stranger.get(path).headers["location"] == "/login"
        assert stranger.post("/password", data={"new": PASSWORD}).headers["location"] == "/login"
        assert stranger.get("/nothing").headers["location"] == "/login"
        assert stranger.get("/login/../api/v1/accounts").status_code == 401


def test_a_piece_of_a_page_whose_session_is_over_leads_to_the_log_in(url: str) -> None:
    with Browser(url) as stranger:
        answer = stranger.get("/messages", headers={"hx-request": "true"})
        assert (answer.status_code, answer.headers["hx-redirect"], answer.content) == (204, "/login", b"")


def test_roles_hold_for_people(url: str) -> None:
    with Browser(url) as olga:
        olga.log_in("olga")
        assert olga.get("/api/v1/accounts").status_code == 200
        assert olga.get("/api/v1/people").status_code == 403
        page = olga.get("/")
        assert page.status_code == 200 and "simulator" in page.text and "Accepted since the start" in page.text


def test_a_customer_sees_only_its_own(url: str, program: Program) -> None:
    program.wait_for("delivered", 2)
    with Browser(url) as cui:
        cui.log_in("cui")
        page = cui.get("/").text
        assert f"C1{TEXT}" in page and "C2" not in page and "simulator" not in page
        assert cui.get("/api/v1/accounts/C1").status_code == 200
        assert cui.get("/api/v1/accounts/C2").status_code == 404
        assert {one["account"] for one in cui.get("/api/v1/messages").json()} == {"C1"}
        assert cui.get("/api/v1/channels").status_code == 403


def test_a_password_of_ones_own(program: Program, url: str) -> None:
    program.api("POST", "/people", json={"name": "pia", "role": "auditor", "password": PASSWORD})
    with Browser(url) as here, Browser(url) as there:
        here.log_in("pia")
        there.log_in("pia")
        wrong = here.fill("/password", old="something else entirely", new="another good password")
        assert wrong.status_code == 403 and "is wrong" in wrong.text
        assert here.fill("/password", old=PASSWORD, new="short").status_code == 422
        done = here.fill("/password", old=PASSWORD, new="another good password")
        assert done.headers["location"] == "/login"
        assert there.get("/").status_code == 303
        assert here.log_in("pia").status_code == 403
        assert here.log_in("pia", "another good password").status_code == 303


@pytest.mark.parametrize("way", ["disable", "password", "remove"])
def test_who_is_changed_is_logged_out(program: Program, url: str, way: str) -> None:
    name = f"x-{way}"
    program.api("POST", "/people", json={"name": name, "role": "admin", "password": PASSWORD})
    with Browser(url, "192.0.2.3") as browser:
        browser.log_in(name)
        assert browser.get("/").status_code == 200
        calls: dict[str, Any] = {
            "disable": ("POST", f"/people/{name}/disable", {}),
            "password": ("PUT", f"/people/{name}/password", {"json": {"password": "quite another one"}}),
            "remove": ("DELETE", f"/people/{name}", {}),
        }
        method, path, options = calls[way]
        program.api(method, path, **options)
        assert browser.get("/").status_code == 303
        assert browser.log_in(name).status_code == 403


def test_guessing_is_slowed_down(program: Program, url: str) -> None:
    def status(name: str, address: str, password: str = "wrong") -> int:
        with Browser(url, address) as browser:
            return browser.log_in(name, password).status_code

    program.api("POST", "/people", json={"name": "goal", "role": "admin", "password": PASSWORD})
    assert status("goal", "198.51.100.1", PASSWORD) == 303
    one_source = [status(f"nobody{n}", "203.0.113.9") for n in range(11)]
    assert one_source == [403] * 10 + [429]
    one_name = [status("goal", f"203.0.113.{n + 10}") for n in range(11)]
    assert one_name == [403] * 10 + [429]
    assert status("goal", "198.51.100.1", PASSWORD) == 303  # who has been here is not shut out
    refused = [one for one in program.api("GET", "/audit?limit=100") if one["action"] == "person log-in refused"]
    assert {"nobody", "goal"} <= {one["subject"] for one in refused} and "nobody1" not in str(refused)
    assert "from 203.0.113.9" in {one["actor"] for one in refused}


def test_the_time_does_not_tell_who_there_is(url: str) -> None:
    def took_s(name: str, address: str) -> float:
        best = float("inf")
        with Browser(url, address) as browser:
            for _ in range(8):
                begun = time.perf_counter()
                assert browser.log_in(name, "wrong").status_code == 403
                best = min(best, time.perf_counter() - begun)
        return best

    there, nobody = took_s("olga", "203.0.113.50"), took_s("no-such-person", "203.0.113.51")
    assert nobody > there / 2 and there > nobody / 2, (there, nobody)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("YIZHAN_ADMIN__SESSION_IDLE_S", "1", id="idle"),
        pytest.param("YIZHAN_ADMIN__SESSION_MAX_S", "1", id="at the latest"),
    ],
)
def test_a_session_ends_by_itself(tmp_path: Path, setting: str, value: str) -> None:
    with running(tmp_path / "data", **LISTEN, **{setting: value}) as program:
        program.api("POST", "/people", json={"name": "ada", "role": "admin", "password": PASSWORD})
        with Browser(url_of(program)) as ada:
            ada.log_in("ada")
            begun = time.monotonic()
            assert ada.get("/").status_code == 200
            while time.monotonic() - begun < 1.3 and "IDLE" in setting:
                assert ada.get("/").status_code == 200  # not idle
                time.sleep(0.1)
            time.sleep(1.1)
            assert ada.get("/").status_code == 303


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        pytest.param("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", id="Chinese first"),
        pytest.param("en-GB", "en", id="English"),
        pytest.param("zh;q=0.1,en;q=0.5", "en", id="by weight"),
        pytest.param("fr, en;q=0", "zh-CN", id="neither"),
        pytest.param("en;q=x,,;", "zh-CN", id="nonsense"),
    ],
)
def test_the_language(url: str, accepted: str, language: str) -> None:
    with Browser(url, language=accepted) as browser:
        assert f'<html lang="{language}"' in browser.get("/login").text
        other = "en" if language == "zh-CN" else "zh"
        chosen = browser.post("/language", data={"language": other, "back": "/login"})
        assert chosen.headers["location"] == "/login"
        assert f'<html lang="{language}"' not in browser.get("/login").text
        assert browser.post("/language", data={"language": "en", "back": "//evil.example/"}).headers["location"] == "/"


def test_what_is_typed_comes_back_as_text(url: str) -> None:
    with Browser(url, "203.0.113.77") as browser:
        assert "<b>" not in browser.log_in('"><b>').text
        odd = {b"\xff\xfe=1": 403, b"&".join(b"a%d=1" % n for n in range(50)): 403, b"name=" + b"x" * 20_000: 413}
        for body, status in odd.items():
            sent = browser.post("/login", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
            assert sent.status_code == status


def test_names_that_nobody_can_have(program: Program, url: str) -> None:
    with Browser(url, "203.0.113.78") as browser:
        for name in ("", "a\0b", "\U0001f600" * 300, "ada "):
            assert browser.log_in(name).status_code == 403


def test_a_session_holds_at_every_node(cluster: Cluster, tmp_path: Path) -> None:
    store = {"YIZHAN_STORE__URL": cluster.new_store(), **LISTEN}
    with running(tmp_path / "one", **store) as one, running(tmp_path / "two", **store) as two:
        first, second = link_of(one), link_of(two)
        with Browser(url_of(one)) as here, Browser(url_of(two)) as there:
            assert here.post(first, data={"name": "ada", "password": PASSWORD}).status_code == 303
            assert there.post(second, data={"name": "eve", "password": PASSWORD}).status_code == 404
            assert here.log_in("a\0b").status_code == 403
            assert here.log_in("ada").status_code == 303
            there.cookies.set("yizhan_session", here.cookies["yizhan_session"])
            assert "simulator" in there.get("/").text
            assert here.fill("/logout").status_code == 303
            assert there.get("/").headers["location"] == "/login"
        refused = httpx.Client(transport=httpx.HTTPTransport(uds=str(one.data / "admin.sock"), verify=False))
        with refused as owner:
            assert owner.post("http://admin/api/v1/people/a%00b/disable").status_code == 404
