"""The second factor: set up, asked for, used once, recovered, turned off, and what a half session is good for."""

import hashlib
import hmac
import json
import re
import struct
import time
from base64 import b32decode
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from .program import Program, run_cli, running
from .test_console import LISTEN, PASSWORD, Browser, link_of, url_of


def code_of(secret: str, at_s: float | None = None) -> str:
    """What an app shows: RFC 6238 from the standard library alone."""
    counter = struct.pack(">Q", int((time.time() if at_s is None else at_s) // 30))
    digest = hmac.new(b32decode(secret), counter, hashlib.sha1).digest()
    (number,) = struct.unpack_from(">L", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def steps_on(steps: int) -> float:
    """A moment so many steps from now, with time enough that the step is the same at the gateway."""
    while time.time() % 30 > 27:
        time.sleep(0.1)
    return time.time() + 30 * steps


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for most tests of this file."""
    with running(tmp_path_factory.mktemp("second-factor") / "data", **LISTEN) as program:
        yield program


def new_person(program: Program, name: str, role: str = "operator") -> None:
    """Somebody who may log in."""
    program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD})


def secret_on(page: httpx.Response) -> str:
    """What the page of the set-up offers."""
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page.text)
    assert found, page.text
    return found[1]


def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Turn it on, by the code of the step before: the secret and the recovery codes."""
    secret = secret_on(browser.get("/second-factor"))
    code = code_of(secret, steps_on(-1))
    done = browser.post("/second-factor", data=fields(browser, secret=secret, password=PASSWORD, code=code))
    assert done.status_code == 200, done.text
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)


def fields(browser: Browser, **typed: str) -> dict[str, str]:
    """A form of a page that has a session."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/second-factor").text)
    assert found
    return {"csrf": found[1], **typed}


def test_from_the_set_up_to_the_end(program: Program) -> None:
    new_person(program, "ada", "admin")
    with Browser(url_of(program)) as here, Browser(url_of(program)) as there:
        here.log_in("ada")
        there.log_in("ada")
        page = here.get("/second-factor")
        secret = secret_on(page)
        assert f"otpauth://totp/Yizhan:ada?secret={secret}&issuer=Yizhan" in unescape(page.text)
        assert "<svg" in page.text and "<path" in page.text and "style=" not in page.text

        typed = fields(here, secret=secret, password=PASSWORD, code=code_of(secret, steps_on(-1)))
        for name, change, status in (
            ("no secret of the session", {"csrf": "wrong"}, 403),
            ("another password", {"password": "something else entirely"}, 403),
            ("another code", {"code": code_of(secret, time.time() + 3600)}, 422),
            ("no secret", {"secret": "A" * 31}, 422),
        ):
            refused = here.post("/second-factor", data={**typed, **change})
            assert refused.status_code == status, name
        assert secret_on(here.post("/second-factor", data={**typed, "code": "x"})) == secret, "it is offered again"
        done = here.post("/second-factor", data=typed)
        recovery = re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)
        assert done.status_code == 200 and len(set(recovery)) == 10

        assert here.get("/").status_code == 200, "this session goes on"
        assert there.get("/").status_code == 303, "all others have ended"
        kept = str(program.query("SELECT * FROM second_factors"))
        assert secret in kept and not any(one.replace("-", "") in kept for one in recovery)
        shown = here.get("/second-factor").text
        assert secret not in shown and "Recovery codes left: 10" in shown

        first = there.log_in("ada")
        assert first.headers["location"] == "/login/code"
        assert "yizhan_session" not in first.headers["set-cookie"]
        assert there.get("/").headers["location"] == "/login", "the first step alone gives nothing"
        assert there.get("/api/v1/accounts").status_code == 401
        wrong = there.post("/login/code", data={"code": "000000"})
        assert wrong.status_code == 403 and "The code is wrong" in wrong.text
        assert there.post("/login/code", data={"code": typed["code"]}).status_code == 403, "it was used to turn it on"
        code = code_of(secret, steps_on(0))
        assert there.post("/login/code", data={"code": f"{code[:3]} {code[3:]}"}).headers["location"] == "/"
        assert there.get("/").status_code == 200
        with Browser(url_of(program)) as third:
            third.log_in("ada")
            assert third.post("/login/code", data={"code": code}).status_code == 403, "each code is good once"
            assert third.post("/login/code", data={"code": recovery[3].upper()}).headers["location"] == "/"
            third.fill("/logout")
            third.log_in("ada")
            assert third.post("/login/code", data={"code": recovery[3]}).status_code == 403, "and each recovery code"
        assert "Recovery codes left: 9" in there.get("/second-factor").text

        off = fields(there, password=PASSWORD, code=recovery[0])
        assert there.post("/second-factor", data={**off, "password": "wrong"}).status_code == 403
        assert there.post("/second-factor", data={**off, "code": "wrong"}).status_code == 403
        assert there.post("/second-factor", data=off).headers["location"] == "/second-factor"
        assert "is off" in there.get("/second-factor").text
        assert here.get("/").status_code == 303
        assert here.log_in("ada").headers["location"] == "/"
    log = [(one["actor"], one["action"]) for one in program.api("GET", "/audit?limit=100")]
    for deed in ("second-factor on", "second-factor off", "recovery-code"):
        assert ("person ada", f"person {deed}") in log
    assert program.said().count(secret) == 0


def test_recovery_codes_are_renewed(program: Program) -> None:
    new_person(program, "ron")
    with Browser(url_of(program), "198.51.100.8") as ron:
        ron.log_in("ron")
        assert ron.post("/second-factor/recovery", data=fields(ron)).headers["location"] == "/second-factor"
        secret, old = enrol(ron)
        typed = fields(ron, password=PASSWORD, code=code_of(secret, steps_on(0)))
        for name, change in (
            ("no secret of the session", {"csrf": "wrong"}),
            ("another password", {"password": "something else entirely"}),
            ("another code", {"code": "000000"}),
        ):
            refused = ron.post("/second-factor/recovery", data={**typed, **change})
            assert refused.status_code == 403 and "Turn off" not in refused.text, name
        done = ron.post("/second-factor/recovery", data=typed)
        new = re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)
        assert len({*old, *new}) == 20
        assert "Recovery codes left: 10" in ron.get("/second-factor").text
        assert 'href="/second-factor/recovery"' in ron.get("/second-factor").text
        assert "The old ones are void" in ron.get("/second-factor/recovery").text
        ron.fill("/logout")
        ron.log_in("ron")
        assert ron.post("/login/code", data={"code": old[0]}).status_code == 403
        assert ron.post("/login/code", data={"code": new[0]}).headers["location"] == "/"
        again = ron.post("/second-factor/recovery", data=fields(ron, password=PASSWORD, code=new[1]))
        assert "Recovery codes" in again.text and new[2] not in again.text
    (entry, *_) = [one for one in program.api("GET", "/audit") if one["action"] == "person recovery-codes"]
    assert (entry["actor"], entry["before"], entry["after"]) == ("person ron", '{"codes": 8}', '{"codes": 10}')


def test_what_a_half_session_is_good_for(program: Program) -> None:
    new_person(program, "hal")
    with Browser(url_of(program)) as browser:
        browser.log_in("hal")
        secret, _ = enrol(browser)
        browser.fill("/logout")
        cookie = browser.log_in("hal").headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and "path=/login/code" in cookie
        half = re.search(r"yizhan_half=([\w-]+)", cookie)
        raw = browser.log_in("hal").headers["set-cookie"].partition("=")[2].partition(";")[0]
        assert half and raw not in str(program.query("SELECT * FROM half_sessions"))
        with Browser(url_of(program)) as thief:
            thief.cookies.set("yizhan_session", raw)
            assert thief.get("/").headers["location"] == "/login"
            assert thief.get("/api/v1/messages").status_code == 401
        with Browser(url_of(program), **{"sec-fetch-site": "cross-site"}) as elsewhere:
            elsewhere.cookies.set("yizhan_half", raw)
            assert elsewhere.post("/login/code", data={"code": code_of(secret)}).status_code == 403
        code = code_of(secret, steps_on(0))
        program.api("PUT", "/people/hal/password", json={"password": "quite another one"})
        late = browser.post("/login/code", data={"code": code})
        assert late.headers["location"] == "/login", "it ends when the person is changed"
    with Browser(url_of(program)) as stranger:
        assert stranger.get("/login/code").headers["location"] == "/login"
        stranger.cookies.set("yizhan_half", "guessed")
        assert stranger.post("/login/code", data={"code": "123456"}).headers["location"] == "/login"


def test_guessing_codes_is_slowed_down_wherever_from(program: Program) -> None:
    new_person(program, "gus")
    with Browser(url_of(program), "198.51.100.7") as browser:
        browser.log_in("gus")
        secret, recovery = enrol(browser)
    statuses = []
    for n in range(11):
        with Browser(url_of(program), f"203.0.113.{n + 100}") as guesser:
            guesser.log_in("gus")
            statuses.append(guesser.post("/login/code", data={"code": "1234567"}).status_code)
    assert statuses == [403] * 10 + [429]
    with Browser(url_of(program), "198.51.100.7") as browser:
        browser.log_in("gus")
        for code in (code_of(secret, steps_on(0)), recovery[0]):
            assert browser.post("/login/code", data={"code": code}).status_code == 429
    refused = [one for one in program.api("GET", "/audit?limit=100") if one["action"] == "person log-in refused"]
    assert '{"wrong": "code"}' in [one["after"] for one in refused if one["subject"] == "gus"]


def test_an_administrator_turns_it_off_and_never_on(program: Program) -> None:
    new_person(program, "lea")
    with Browser(url_of(program)) as browser:
        browser.log_in("lea")
        enrol(browser)
        assert [one["second_factor"] for one in program.api("GET", "/people") if one["name"] == "lea"] == [True]
        off = run_cli(program.data, "person", "second-factor-off", "lea", "--json")
        assert json.loads(off.stdout) == {"name": "lea", "second_factor": False}
        assert "no person lea with" in run_cli(program.data, "person", "second-factor-off", "lea").stderr
        assert browser.get("/").status_code == 303
        assert browser.log_in("lea").headers["location"] == "/"
        enrol(browser)
    new_person(program, "adi", "admin")
    with Browser(url_of(program)) as adi:
        adi.log_in("adi")
        assert "Turn the second factor off" in adi.get("/people/lea").text
        assert adi.post("/people/lea/second-factor-off", data=fields(adi)).headers["location"] == "/people/lea"
        assert "Turn the second factor off" not in adi.get("/people/lea").text
    (newest,) = [one for one in program.api("GET", "/audit") if one["action"] == "person second-factor off"][:1]
    assert (newest["subject"], newest["actor"]) == ("lea", "person adi")


def test_a_role_that_has_to_have_one(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN, YIZHAN_ADMIN__REQUIRE_TOTP="admin") as program:
        with Browser(url_of(program)) as ada:
            ada.post(link_of(program), data={"name": "ada", "password": PASSWORD})
            ada.log_in("ada")
            csrf = {"x-csrf-token": fields(ada)["csrf"]}
            for path in ("/", "/password", "/people"):
                assert ada.get(path).headers["location"] == "/second-factor", path
            assert ada.post("/password", data=fields(ada, old=PASSWORD)).headers["location"] == "/second-factor"
            assert ada.get("/api/v1/accounts", headers=csrf).status_code == 403
            assert ada.post("/language", data={"language": "zh", "back": "/second-factor"}).status_code == 303
            assert "必须" in ada.get("/second-factor").text
            enrol(ada)
            assert ada.get("/").status_code == 200
            assert ada.get("/api/v1/accounts").status_code == 200
        new_person(program, "olga")
        with Browser(url_of(program)) as olga:
            olga.log_in("olga")
            assert olga.get("/").status_code == 200
