"""What an open overview is told each second, for whom, and for how long."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from postgres import Cluster

from .program import Program, eventually, running
from .test_console import LISTEN, PASSWORD, Browser, url_of

QUICK = {
    "YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]',
    "YIZHAN_ADMIN__MAX_STREAMS": "3",
    "YIZHAN_ADMIN__MAX_STREAMS_PERSON": "2",
}
PEOPLE = {"olga": "operator", "ulf": "auditor", "cui": "customer"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all tests of this file that do not end it."""
    with running(tmp_path_factory.mktemp("live") / "data", **LISTEN, **QUICK) as program:
        furnish(program)
        yield program


def furnish(program: Program) -> None:
    """Somebody of each kind."""
    program.account("C1")
    for name, role in PEOPLE.items():
        account = {"account": "C1"} if role == "customer" else {}
        program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD, **account})


@contextmanager
def seen(program: Program, name: str, language: str = "en", address: str = "192.0.2.1") -> Iterator[Browser]:
    """Somebody who has logged in."""
    with Browser(url_of(program), address, language) as browser:
        assert browser.log_in(name).status_code == 303
        yield browser


class Feed:
    """An open ``/live``: its events, one by one."""

    def __init__(self, response: httpx.Response) -> None:
        assert response.status_code == 200, response.status_code
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-security-policy" in response.headers
        self._lines = response.iter_lines()

    def next(self, wanted: str) -> str:
        """The data of the next event of that name."""
        name, data = "", list[str]()
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "event":
                name, data = value, []
            elif key == "data":
                data.append(value)
            elif not line and name == wanted:
                return "\n".join(data)
        raise EOFError(wanted)

    def figures(self) -> dict[str, list[Any]]:
        """The next second's."""
        found: dict[str, list[Any]] = json.loads(self.next("figures"))
        return found


@contextmanager
def looking(browser: Browser) -> Iterator[Feed]:
    """Look on."""
    with browser.stream("GET", "/live") as response:
        yield Feed(response)


def test_each_second_has_its_figures(program: Program) -> None:
    with seen(program, "olga") as olga, looking(olga) as feed:
        history = json.loads(feed.next("history"))
        assert set(history) == {"at_s", "accepted", "delivered", "failed", "queued"}
        assert history["at_s"] == sorted(history["at_s"])
        program.send(program.account("C7"), Mobile="13800000000,13800000010,13800000005,1")
        seconds = [feed.figures() for _ in range(3)]
        assert [len(one["at_s"]) for one in seconds] == [1, 1, 1]
        for name, parts in (("accepted", 3), ("delivered", 2), ("failed", 1)):  # an invalid number is no part
            # Where the machine is busy a second is longer, and what is told of it the less.
            assert 0.3 * parts <= sum(one[name][0] for one in seconds) <= 1.1 * parts, name
        overview = feed.next("overview")
        assert ">simulator</a>" in overview and "100.0\u00a0%" in overview
        assert "Nothing needs attention." in overview and "<html" not in overview


def test_what_changes_is_told(program: Program) -> None:
    with seen(program, "ulf", "zh-CN") as ulf, looking(ulf) as feed:
        assert "正常" in feed.next("overview")
        program.api("POST", "/channels/simulator/pause")
        try:
            program.send(program.account("C8"))
            assert eventually(lambda: "已暂停" in (told := feed.next("overview")) and "<dd>1</dd>" in told)
        finally:
            program.api("POST", "/channels/simulator/resume")


@pytest.mark.parametrize("name", [None, "cui"], ids=["a stranger", "a customer"])
def test_it_is_not_for(program: Program, name: str | None) -> None:
    with Browser(url_of(program)) as browser:
        if name is None:
            assert browser.get("/live").headers["location"] == "/login"
        else:
            browser.log_in(name)
            assert browser.get("/live").status_code == 404


def test_one_too_many_is_told_so_and_whoever_leaves_makes_room(program: Program) -> None:
    with seen(program, "olga") as olga, seen(program, "ulf") as ulf:
        with ExitStack() as stack:
            feeds = [stack.enter_context(looking(olga)) for _ in range(2)]
            for feed in feeds:
                feed.next("history")
            assert olga.get("/live").status_code == 503, "too many of hers"
            feeds.append(stack.enter_context(looking(ulf)))
            feeds[-1].next("history")
            assert ulf.get("/live").status_code == 503, "too many in all"
        eventually(lambda: _opens(olga))


def _opens(browser: Browser) -> bool:
    with browser.stream("GET", "/live") as response:
        return response.status_code == 200


@pytest.mark.parametrize("how", ["log-out", "another password", "disabled"])
def test_it_ends_with_the_session(program: Program, how: str) -> None:
    name = f"p{len(how)}"
    program.api("POST", "/people", json={"name": name, "role": "operator", "password": PASSWORD})
    with seen(program, name) as person, looking(person) as feed:
        feed.next("overview")
        if how == "log-out":
            with Browser(url_of(program)) as same:
                same.cookies = person.cookies
                assert same.fill("/logout").status_code == 303
        elif how == "disabled":
            program.api("POST", f"/people/{name}/disable")
        else:
            program.api("PUT", f"/people/{name}/password", json={"password": f"{PASSWORD}!"})
        begun = time.monotonic()
        feed.next("over")
        assert time.monotonic() - begun < 6
        with pytest.raises(EOFError):
            feed.next("overview")


def test_looking_on_is_no_use_of_a_session(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN, YIZHAN_ADMIN__SESSION_IDLE_S="2") as program:
        furnish(program)
        time.sleep(1.2)
        with seen(program, "olga") as olga, looking(olga) as feed:
            history = json.loads(feed.next("history"))
            assert history["accepted"] and set(history["queued"]) == {None}, "nobody has looked, so nobody has counted"
            assert feed.figures()["accepted"] == [0]
            feed.next("over")


def test_a_stop_does_not_wait_for_who_looks(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN, YIZHAN_SERVER__DRAIN_S="60") as program:
        furnish(program)
        with seen(program, "olga") as olga, looking(olga) as feed:
            feed.next("overview")
            ended: list[int] = []
            begun = time.monotonic()
            stop = threading.Thread(target=lambda: ended.append(program.stop(signal.SIGTERM)))
            stop.start()
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                while True:
                    feed.next("overview")
            stop.join()
            assert ended == [0] and time.monotonic() - begun < 5


def test_of_several_nodes_it_says_which_and_who_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    store = {"YIZHAN_STORE__URL": cluster.new_store(), "YIZHAN_NODE__LEASE_S": "1", **LISTEN, **QUICK}
    with (
        running(tmp_path / "one", **store, YIZHAN_NODE__NAME="one") as one,
        running(tmp_path / "two", **store, YIZHAN_NODE__NAME="two") as two,
    ):
        furnish(one)
        with seen(one, "olga") as olga, looking(olga) as feed:
            overview = feed.next("overview")
            assert "those of this node: one" in overview and "A node is lost" not in overview
            two.stop(signal.SIGKILL)
            assert eventually(lambda: "A node is lost: two" in feed.next("overview"))
