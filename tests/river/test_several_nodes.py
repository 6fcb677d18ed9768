"""Two programs on one PostgreSQL: what is changed at one holds at the other, and both outlive their server."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from postgres import Cluster, Pooler
from yizhan.kit.clock import BEIJING

from .program import TEXT, Customer, Program, eventually, form, md5, run_cli, running
from .smsc import smsc
from .strait import Strait
from .test_carrier import channels

PROMISED_S = 1.0  # a change of settings reaches every node
SLACK_S = 1.0  # of a machine that is busy with other tests


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A server that the test may stop."""
    with Cluster() as running_server:
        yield running_server


def start(stack: ExitStack, folder: Path, url: str, **environ: str) -> list[Program]:
    """Two of them."""
    own = {"YIZHAN_STORE__URL": url, "YIZHAN_STORE__WAIT_S": "1", "YIZHAN_NODE__LEASE_S": "2", **environ}
    return [stack.enter_context(running(folder / name, **own, YIZHAN_NODE__NAME=name)) for name in ("one", "two")]


def answer(program: Program, account: Customer, source: str = "", **values: str) -> str:
    """To IntlSend; from an address behind the proxy if ``source`` names one."""
    body = form(
        CorpID=account.corp_id, Pwd=md5(account.password), **{"Mobile": "13800000000", "Content": TEXT} | values
    )
    return program.post("IntlSend", body, **({"X-Forwarded-For": source} if source else {})).text


def in_time(look: Callable[[], bool]) -> None:
    """True as soon as promised."""
    begun_s = time.monotonic()
    eventually(look, PROMISED_S + SLACK_S)
    assert time.monotonic() - begun_s < PROMISED_S + SLACK_S


def test_settings_reach_every_node(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, two = start(stack, tmp_path, cluster.new_database())
        account = one.account("C1", credit=100)
        in_time(lambda: answer(two, account).isdigit())
        one.api("POST", "/keywords", json={"words": ["验证码"]})
        in_time(lambda: answer(two, account) == "-12")
        two.api("POST", "/keywords/remove", json={"words": ["验证码"]})
        in_time(lambda: answer(one, account).isdigit())
        one.api("PATCH", "/accounts/C1", json={"password": "another"})
        in_time(lambda: answer(two, account) == "-3")
        changed = Customer("C1", "another")
        in_time(lambda: answer(two, changed).isdigit())
        one.api("POST", "/numbers", json={"number": "13800000000"})
        in_time(lambda: answer(two, changed) == "-2")
        two.api("POST", "/accounts/C1/disable")
        in_time(lambda: answer(one, changed) == "-102")
        two.api("POST", "/channels/simulator/pause")
        in_time(lambda: all(program.api("GET", "/channels")[0]["paused"] for program in (one, two)))


def test_an_interval_holds_at_every_node(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, two = start(stack, tmp_path, cluster.new_database(), YIZHAN_POLICY__QUERY_INTERVAL_S="2")
        account = one.account("C1", credit=100)
        in_time(lambda: answer(two, account).isdigit())
        body = form(CorpID=account.corp_id, Pwd=md5(account.password))
        assert one.post("GetBalance", body).text != "-101"
        assert two.post("GetBalance", body).text == "-101"
        assert two.post("SelSum", body).text != "-101", "each operation has its own"
        time.sleep(2)
        assert two.post("GetBalance", body).text != "-101"
        assert one.post("GetBalance", body).text == "-101"


def guesses(program: Program, *sources: str) -> list[str]:
    """What wrong passwords for C1 are answered."""
    return [answer(program, Customer("C1", f"guess {n}"), source) for n, source in enumerate(sources)]


PROXY = {"YIZHAN_SERVER__TRUSTED_PROXIES": "127.0.0.1"}


def test_failures_at_all_nodes_block_an_address(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, two = start(stack, tmp_path, cluster.new_database(), **PROXY, YIZHAN_POLICY__FAILED_LOGINS="10")
        account = one.account("C1", credit=100)
        in_time(lambda: answer(two, account).isdigit())
        guesser = "192.0.2.1"
        assert guesses(one, *[guesser] * 6) == ["-3"] * 6
        time.sleep(PROMISED_S + SLACK_S)
        assert guesses(two, *[guesser] * 5) == ["-3"] * 4 + ["-100"], "the tenth was one too many"
        in_time(lambda: guesses(one, guesser) == ["-100"])
        assert answer(one, account, "192.0.2.2").isdigit()


def test_an_account_is_shut_to_strangers_at_all_nodes(cluster: Cluster, tmp_path: Path) -> None:
    limits = {"YIZHAN_POLICY__FAILED_LOGINS_PER_ACCOUNT": "6"}
    with ExitStack() as stack:
        one, two = start(stack, tmp_path, cluster.new_database(), **PROXY, **limits)
        account = one.account("C1", credit=100)
        in_time(lambda: answer(two, account).isdigit())
        assert answer(one, account, "198.51.100.1").isdigit()
        assert guesses(one, *[f"192.0.2.{n}" for n in range(6)]) == ["-3"] * 6
        strangers = (f"203.0.113.{n}" for n in range(250))
        in_time(lambda: answer(two, account, next(strangers)) == "-2")
        assert answer(two, account, "198.51.100.1").isdigit(), "the customer, who has only been at the other node"


def test_slow_checks_of_an_account_are_used_up_at_all_nodes(cluster: Cluster, tmp_path: Path) -> None:
    limits = {"YIZHAN_POLICY__SLOW_CHECKS_PER_ACCOUNT_MINUTE": "6"}
    with ExitStack() as stack:
        one, two = start(stack, tmp_path, cluster.new_database(), **PROXY, **limits)
        account, another = one.account("C1", credit=100), one.account("C2", credit=100)
        in_time(lambda: answer(two, another).isdigit())
        assert guesses(one, *[f"192.0.2.{n}" for n in range(6)]) == ["-3"] * 6
        time.sleep(PROMISED_S + SLACK_S)
        assert guesses(two, "192.0.2.99") == ["-2"]
        assert answer(two, account).isdigit(), "exempt callers have their own"


def test_messages_go_by_the_node_that_has_the_channel(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        programs = start(stack, tmp_path, cluster.new_database())
        account = programs[0].account("C1", credit=100)
        in_time(lambda: answer(programs[1], account).isdigit())
        holder, other = sides(programs)
        number = answer(other, account)
        eventually(lambda: other.messages(submission=number, state="delivered"))
        (view,) = other.api("GET", "/channels")
        assert view["node"] == holder.data.name
        said = run_cli(other.data, "doctor")
        assert said.returncode == 0 and f"at {holder.data.name}" in said.stdout, said.stdout + said.stderr
        assert holder.stop() == 0
        eventually(lambda: other.api("GET", "/channels")[0]["bound"], 5)


def sides(programs: list[Program]) -> list[Program]:
    """The one that has the channel, and the other."""
    return sorted(programs, key=lambda program: not any(one["bound"] for one in program.api("GET", "/channels")))


def test_what_one_node_stores_another_hears_of(cluster: Cluster, tmp_path: Path) -> None:
    """Long before it would look by itself: messages, those that were due later, and settings."""
    rare = {"YIZHAN_NODE__LOOK_S": "60", "YIZHAN_NODE__LEASE_S": "60"}
    with ExitStack() as stack:
        programs = start(stack, tmp_path, url := cluster.new_database(), **rare)
        account = programs[0].account("C1", credit=100)
        in_time(lambda: answer(programs[1], account).isdigit())
        _, other = sides(programs)
        with psycopg.connect(url, autocommit=True) as admin:
            for hint in ("", "x", "[1]", '[1, [[9, 1, ""]]]'):
                admin.execute("SELECT pg_notify('yizhan_queue', %s)", (hint,))
        for later_s in (None, 2):
            at = datetime.now(BEIJING) + timedelta(seconds=later_s or 0)
            number = answer(other, account, SendTime=f"{at:%Y%m%d%H%M%S}" if later_s else "")
            eventually(lambda number=number: other.messages(submission=number, state="delivered"), 10)  # type: ignore[misc]


@pytest.mark.slow
def test_nodes_that_hear_nothing_look_by_themselves(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = cluster.new_database()
        programs = start(stack, tmp_path, url)
        account = programs[0].account("C1", credit=100)
        in_time(lambda: answer(programs[1], account).isdigit())
        _, other = sides(programs)
        admin = stack.enter_context(psycopg.connect(url, autocommit=True))
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE '% listens'"
        cuts = sum(row[0] for row in admin.execute(cut))
        number = answer(other, account)

        def has_arrived() -> bool:
            nonlocal cuts
            cuts += sum(row[0] for row in admin.execute(cut))
            return bool(other.messages(submission=number, state="delivered"))

        eventually(has_arrived)
        assert cuts >= 2
        eventually(lambda: sum(row[0] for row in admin.execute(cut)) == 2)


def test_nothing_is_lost_while_a_pooler_restarts(cluster: Cluster, tmp_path: Path) -> None:
    with Pooler(cluster) as pooler, ExitStack() as stack, ThreadPoolExecutor(4) as clients:
        url = cluster.new_database()
        direct = {"YIZHAN_STORE__DIRECT_URL": url, "YIZHAN_STORE__WAIT_S": "20"}
        programs = start(stack, tmp_path, pooler.before(url), **direct)
        account = programs[0].account("C1", credit=1000)
        in_time(lambda: answer(programs[1], account).isdigit())
        answers = [clients.submit(answer, programs[call % 2], account) for call in range(100)]
        while not all(one.done() for one in answers):
            pooler.stop()
            pooler.start()
            time.sleep(0.2)
        assert [one.result() for one in answers if not one.result().isdigit()] == []
        eventually(lambda: len(programs[0].messages(state="delivered")) == 101)
        assert programs[1].balance(account) == 1000 - 101
        assert [program.stop() for program in programs] == [0, 0]


@pytest.mark.slow
def test_a_node_that_is_cut_off_stops_before_another_begins(cluster: Cluster, tmp_path: Path) -> None:
    """Its carrier still hears it, the database does not: nothing is sent by two nodes at a time."""
    lease_s, database, senders = 3.0, cluster.new_database(), {"one": "10690001", "two": "10690002"}
    strait = Strait(cluster.port)
    with ExitStack() as stack:
        stack.callback(strait.close)
        carrier = stack.enter_context(smsc(tmp_path / "smsc"))
        nodes = []
        for name, url in (("one", database.replace(str(cluster.port), str(strait.port))), ("two", database)):
            own = {"YIZHAN_STORE__URL": url, "YIZHAN_STORE__WAIT_S": "1", "YIZHAN_NODE__NAME": name}
            sender = channels(carrier.channel(rate_per_s=40, window=10, source=senders[name]))
            program = running(tmp_path / name, **own, **sender, YIZHAN_NODE__LEASE_S=f"{lease_s}")
            nodes.append(stack.enter_context(program))
        one, two = nodes
        account = one.account("C1", credit=2000)
        in_time(lambda: answer(two, account).isdigit())
        numbers = [f"138{number:08d}" for number in range(400)]
        for first in range(0, len(numbers), 100):
            assert answer(two, account, Mobile=",".join(numbers[first : first + 100])).isdigit()
        eventually(lambda: len(carrier.submits()) > 20)
        pulled_ms = time.time() * 1000
        strait.pull()
        eventually(lambda: any(line["sender"] == senders["two"] for line in carrier.submits()), 10 + lease_s)
        eventually(lambda: len({line["number"] for line in carrier.submits()}) == len(numbers), 60)
        strait.mend()
        submits = carrier.submits()
    by_one = [line["at_ms"] for line in submits if line["sender"] == senders["one"]]
    by_two = [line["at_ms"] for line in submits if line["sender"] == senders["two"]]
    assert by_one and max(by_one) < min(by_two), "two nodes were sending at a time"
    assert pulled_ms < min(by_two) < pulled_ms + (lease_s + 10) * 1000


def test_probes_and_calls_while_the_server_is_away(server: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, _ = start(stack, tmp_path, server.new_database())
        account = one.account("C1", credit=100)
        root = one.url.removesuffix("/sdk2/")
        assert answer(one, account).isdigit()
        assert probe(f"{root}/readyz?verbose") == (200, "+ store\nok")
        server.stop()
        assert eventually(lambda: probe(f"{root}/readyz?verbose") == (503, "- store\nnot ready"), 5)
        assert probe(f"{root}/livez") == (200, "ok")
        begun_s = time.monotonic()
        assert answer(one, account) == "-2"
        assert time.monotonic() - begun_s < 1 + 5
        server.start()
        eventually(lambda: probe(f"{root}/readyz") == (200, "ok"), 5)
        number = eventually(lambda: said if (said := answer(one, account)).isdigit() else None, 5)
        eventually(lambda: one.messages(submission=number, state="delivered"), 15)


@pytest.mark.slow
def test_operators_search_in_a_replica(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database()
    with ExitStack() as stack:
        standby = stack.enter_context(cluster.standby())
        replica = {"YIZHAN_STORE__REPLICA_URL": standby.url(url.rpartition("/")[2])}
        one, two = start(stack, tmp_path, url, **replica, YIZHAN_STORE__REPLICA_MAX_LAG_S="3")
        account = one.account("C1", credit=100)
        in_time(lambda: answer(two, account).isdigit())
        numbers = []

        def is_late() -> bool:
            """What the primary has and the replica does not know yet is not found, but shown by its number."""
            found = len(two.messages())
            numbers.append(one.send(account))
            late = len(two.messages()) == found
            assert run_cli(two.data, "message", "show", str(numbers[-1])).returncode == 0
            return late

        eventually(lambda: on_standby(standby, is_late))
        root = two.url.removesuffix("/sdk2/")
        eventually(lambda: probe(f"{root}/readyz?verbose") == (200, "+ store\n+ replica\nok"))
        assert (said := run_cli(two.data, "doctor")).returncode == 0, said.stdout + said.stderr
        with standby.paused():
            two.api("POST", f"/submissions/{numbers[0]}/cancel")
            assert two.api("GET", "/audit")[0]["subject"] == str(numbers[0]), "who has changed something sees it"
        standby.stop()
        eventually(lambda: probe(f"{root}/readyz?verbose") == (200, "+ store\n- replica\nok"))
        assert len(two.messages()) == 1 + len(numbers)
        said = run_cli(two.data, "doctor")
        assert said.returncode == 1 and "searches go to the server itself" in said.stderr, said.stdout + said.stderr


def on_standby(standby: Cluster, look: Callable[[], bool]) -> bool:
    """``look()`` while it replays nothing."""
    with standby.paused():
        return look()


def probe(url: str) -> tuple[int, str]:
    """Status and body."""
    response = httpx.get(url, timeout=5)
    return response.status_code, response.text.strip()
